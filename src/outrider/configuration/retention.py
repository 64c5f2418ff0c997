"""`[retention]` of outrider.toml: how long delivery keeps what it needs to know again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec

from outrider.domain.keeping import LONGEST, SHORTEST, KeptFor
from outrider.domain.problem import Problem


class RetentionEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[retention]`: durations as written."""

    provider_ids: str = "90d"
    orphan_receipts: str = "30d"
    dead_letters: str = "400d"
    replayed_letters: str = "30d"
    route_changes: str = "400d"


def read_retention(
    entry: RetentionEntry,
    duration: Callable[[str], timedelta | None],
    at: Callable[[list[str], str, str, str], Problem],
    problems: list[Problem],
) -> KeptFor:
    """How long what is kept; what is out of range is a problem and keeps its default."""
    found: dict[str, timedelta] = {}
    for name in RetentionEntry.__struct_fields__:
        written = getattr(entry, name)
        kept = duration(written)
        if kept is None or not SHORTEST <= kept <= LONGEST:
            words = f"expected a duration from a day to ten years, found '{written}'"
            problems.append(at(["retention"], name, words, "write 30d or 13w"))
        else:
            found[name] = kept
    return KeptFor(**found)
