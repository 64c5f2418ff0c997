"""Rows of the tables to domain values and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from outrider.domain.attempt import AttemptState, Reason
from outrider.domain.decision import Recent
from outrider.domain.enrollment import Enrollment
from outrider.domain.message import Content, Message, Status
from outrider.domain.outbox import Past
from outrider.domain.profile import ConsentState, Identity, Object, Profile, Relation
from outrider.domain.purpose import PURPOSES, Purpose
from outrider.domain.work import Timer
from outrider.lib.seal import CannotOpen
from outrider.store.vault import Vault

T = TypeVar("T")

OBJECT = "object"
EVER = datetime(9999, 12, 31, tzinfo=UTC)
NEVER = datetime(1, 1, 1, tzinfo=UTC)

_json = msgspec.json.Encoder()
_consents = msgspec.json.Decoder(dict[str, ConsentState])
_traits = msgspec.json.Decoder(dict[str, Any])


class ObjectBody(msgspec.Struct, frozen=True):
    """The sealed part of an object."""

    key: str
    traits: dict[str, Any]


def opened(read: Callable[[Any, Vault], T], row: Any, vault: Vault) -> T | None:
    """What a row sealed for a person holds; None once that person was forgotten and the key is gone."""
    if not vault.knows(row["stream"]):
        return None
    try:
        return read(row, vault)
    except CannotOpen:
        return None


def columns(rows: list[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows to the column arrays that `unnest` takes."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def profile_row(profile: Profile, vault: Vault) -> tuple[Any, ...]:
    """The row of a profile; a new person gets a data key."""
    key_id, data_key = profile.key_id, profile.data_key
    if not data_key:
        key_id, data_key = vault.new_person(profile.stream)
    else:
        vault.learn(profile.stream, key_id, data_key)
    return (
        profile.stream,
        profile.kind,
        profile.market,
        profile.locale,
        profile.zone,
        _json.encode(profile.traits).decode(),
        _json.encode(profile.consents).decode(),
        data_key,
        key_id,
        vault.seal_for(profile.stream, profile.identity, profile.stream),
        profile.version,
    )


def read_profile(row: Any, vault: Vault) -> Profile:
    """A profile from its row; its data key is remembered."""
    stream = row["stream"]
    vault.learn(stream, row["key_id"], row["data_key"])
    return Profile(
        stream=stream,
        identity=vault.open_for(stream, Identity, row["sealed"], stream),
        kind=row["kind"],
        market=row["market"],
        locale=row["locale"],
        zone=row["zone"],
        traits=_traits.decode(row["traits"]),
        consents=_consents.decode(row["consents"]),
        version=row["version"],
        data_key=row["data_key"],
        key_id=row["key_id"],
        created_at=row["created_at"],
    )


def object_row(thing: Object, vault: Vault) -> tuple[Any, ...]:
    """The row of an object version."""
    key_id, sealed = vault.seal(ObjectBody(thing.key, thing.traits), OBJECT)
    return thing.stream, thing.kind, thing.version, key_id, sealed


def read_object(row: Any, vault: Vault) -> Object:
    """An object from its row."""
    body: ObjectBody = vault.open(ObjectBody, row["key_id"], row["sealed"], OBJECT)
    return Object(row["stream"], row["kind"], body.key, row["version"], body.traits)


def relation_row(from_stream: bytes, to_stream: bytes, relation: Relation) -> tuple[Any, ...]:
    """The row of a relation."""
    return (
        from_stream,
        to_stream,
        relation.from_kind,
        relation.to_kind,
        relation.role,
        relation.valid_from or NEVER,
        relation.valid_to or EVER,
    )


def enrollment_row(enrollment: Enrollment, vault: Vault) -> tuple[Any, ...]:
    """The row of an enrollment."""
    return (
        enrollment.id,
        enrollment.round,
        enrollment.stream,
        enrollment.journey,
        enrollment.config,
        enrollment.about,
        str(enrollment.position),
        enrollment.started_at,
        enrollment.ended_at,
        enrollment.end_reason or None,
        0,
        vault.seal_for(enrollment.stream, enrollment, enrollment.id),
    )


def read_enrollment(row: Any, vault: Vault) -> Enrollment:
    """An enrollment from its row; the data key of its stream must be known."""
    enrollment: Enrollment = vault.open_for(row["stream"], Enrollment, row["sealed"], row["id"])
    return enrollment


def message_row(message: Message, vault: Vault) -> tuple[Any, ...]:
    """The row of a new message, its lane last."""
    return (
        message.id,
        message.stream,
        message.journey,
        message.template,
        str(message.purpose),
        message.channel,
        message.market,
        str(message.status),
        message.status_at,
        message.not_before,
        message.not_after,
        message.awaited,
        message.config,
        message.root,
        message.address,
        vault.seal_for(message.stream, message.content, message.id),
        int(message.lane),
    )


def read_message(row: Any, vault: Vault) -> Message:
    """A message from its row; the data key of its stream must be known."""
    purpose = Purpose(row["purpose"])
    return Message(
        id=row["id"],
        stream=row["stream"],
        journey=row["journey"],
        template=row["template"],
        purpose=purpose,
        channel=row["channel"],
        market=row["market"],
        status=Status(row["status"]),
        status_at=row["status_at"],
        not_before=row["not_before"],
        not_after=row["not_after"],
        lane=PURPOSES[purpose].lane,
        awaited=row["awaited"],
        config=row["config"],
        address=row["address"],
        content=vault.open_for(row["stream"], Content, row["sealed"], row["id"]),
        root=row["root"],
    )


def read_past(row: Any) -> Past:
    """An earlier attempt from its row."""
    reason = row["reason"]
    return Past(
        number=row["number"],
        route=row["route"],
        state=AttemptState(row["state"]),
        at=row["at"],
        reason=Reason(reason) if reason else None,
        label=row["label"] or "",
    )


def read_timer(row: Any) -> Timer:
    """A timer from its row."""
    return Timer(row["owner"], row["kind"], row["due_at"], row["stream"], row["token"])


def read_recent(row: Any) -> Recent:
    """A message that holds a cap slot."""
    return Recent(row["channel"], Purpose(row["purpose"]), row["at"])


def told(text: str) -> str:
    """What a provider said, as a text column takes it: PostgreSQL's text cannot hold U+0000."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def counted(segments: int | None) -> int | None:
    """A provider's count of segments, as a smallint column takes it; None for what cannot be one."""
    return segments if segments is not None and 0 <= segments < 2**15 else None
