"""Setting and ending relations, in the draft of a batch and for its later stimuli."""

from __future__ import annotations

from msgspec.structs import replace

from outrider.domain.entry import RelationEntry
from outrider.lib.ids import Hasher
from outrider.workers.engine.draft import Draft
from outrider.workers.engine.facts import Facts


def relate(working: Facts, draft: Draft, hasher: Hasher, stream: bytes, body: RelationEntry) -> None:
    """Draft a relation that begins at `stream`; one that is the only one of its role ends the others first."""
    relation = body.relation
    other = hasher.stream(relation.to_kind, relation.to_key)
    rivals = working.rivals(stream, other, relation) if relation.only and not body.delete else []
    ended = [(stream, rival, replace(relation, to_key=""), True) for rival in rivals]
    for change in (*ended, (stream, other, relation, body.delete)):
        draft.relations.append(change)
        working.relate(*change[:3], delete=change[3])
