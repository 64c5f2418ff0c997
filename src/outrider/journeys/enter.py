"""Whether an event starts a journey, and the enrollment it starts. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from outrider.contracts.reading import write_duration
from outrider.contracts.step import EventSeen, Touched
from outrider.domain.enrollment import Enrollment
from outrider.journeys.definition import Again, Program
from outrider.journeys.seen import typed_event


class Start(msgspec.Struct, frozen=True):
    """A new enrollment, to be walked with ``advance(…, Started(), …)``."""

    enrollment: Enrollment


class NotStarted(msgspec.Struct, frozen=True):
    """Why the event starts nothing, in plain words."""

    reason: str


def about_of(program: Program, seen: EventSeen) -> Touched | None:
    """The object an enrollment started by this event would be about: the first it touches of the journey's kind."""
    return next((touched for touched in seen.touched if touched.kind == program.about), None)


def enrollment_id(program: Program, stream: bytes, about: Touched | None) -> bytes:
    """16 bytes: the shard, then a hash of profile, journey and object. `stream` is the profile's.

    With ``again: once`` the object is left out, so that a person has one passage whatever it is about.
    """
    keyed_by = b"" if about is None or program.once else about.stream
    name = program.journey.encode()
    unique = stream + len(name).to_bytes(2, "big") + name + keyed_by
    return stream[:1] + hashlib.blake2b(unique, digest_size=15).digest()


def start(
    program: Program,
    seen: EventSeen,
    stream: bytes,
    view: Mapping[str, Any],
    past: Enrollment | None,
    now: datetime,
) -> Start | NotStarted:
    """The enrollment an event starts, or why it starts none.

    `stream` is the profile's. `past` is the newest round under ``enrollment_id(program, stream, about_of(program,
    seen))``, live or ended. `view` is the context of conditions; its ``event`` is replaced by the one seen.
    """
    if seen.event.type != program.start.on:
        return NotStarted(f"the journey starts on {program.start.on}")
    about = about_of(program, seen)
    if program.about and about is None:
        return NotStarted(f"the event touches no {program.about}")
    seen = typed_event(program, seen)
    refusal = _unfulfilled(program, {**view, "event": seen.facts()}) or _refused_again(program, past, now)
    return NotStarted(refusal) if refusal else Start(_enroll(program, seen, stream, about, past, now))


def _unfulfilled(program: Program, view: Mapping[str, Any]) -> str:
    where = program.start.where
    if where is None:
        return ""
    verdict = where.judge(view)
    return "" if verdict.value else f"not {where.text}" + (f" ({verdict.error})" if verdict.error else "")


def _refused_again(program: Program, past: Enrollment | None, now: datetime) -> str:
    again = program.start.again
    if past is None:
        return ""
    if again is Again.ONCE:
        return "the person has passed through it before"
    if again is Again.PER_KEY:
        return f"this {program.about} has passed through it before"
    if past.ended_at is None:
        return "the person is inside"
    if again is Again.COOLDOWN and now < past.started_at + program.start.cooldown:
        return f"the last start is less than {write_duration(program.start.cooldown)} ago"
    return ""


def _enroll(
    program: Program,
    seen: EventSeen,
    stream: bytes,
    about: Touched | None,
    past: Enrollment | None,
    now: datetime,
) -> Enrollment:
    return Enrollment(
        id=enrollment_id(program, stream, about),
        round=past.round + 1 if past else 0,
        stream=stream,
        journey=program.journey,
        config=program.config,
        started_at=now,
        about=about.stream if about else None,
        about_kind=about.kind if about else "",
        about_key=about.key if about else "",
        data=seen.event.data,
        waits=past.waits if past else 0,
    )
