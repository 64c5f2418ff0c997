"""One passage of a profile through one version of a journey."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class Wait(msgspec.Struct, frozen=True):
    """What an enrollment waits for. `token` names the occurrence: an old timer changes nothing."""

    token: int
    #: When the timer fires; None for a wait without one.
    due_at: datetime | None = None
    #: When the step was reached: a wait counts from here when its date moves.
    since: datetime | None = None


class Enrollment(msgspec.Struct, frozen=True):
    """Position and context. Identity: (profile, journey, about), round counts re-entries."""

    id: bytes
    round: int
    stream: bytes
    journey: str
    #: The configuration number whose version of the journey it follows.
    config: int
    started_at: datetime
    #: Index of the node in the journey's program.
    position: int = 0
    #: The object it is about, and its external key.
    about: bytes | None = None
    about_kind: str = ""
    about_key: str = ""
    wait: Wait | None = None
    #: Data of the event that started it, as ``event.data`` in conditions and templates.
    data: dict[str, Any] = {}
    #: Messages of this enrollment that may still be canceled: held or queued, as far as the engine knows.
    open_messages: tuple[bytes, ...] = ()
    #: How many candidates it has asked for: makes ids of repeated steps differ.
    asked: int = 0
    #: How many waits were planned, over all rounds: the token of the last one.
    waits: int = 0
    ended_at: datetime | None = None
    end_reason: str = ""
    goal_at: datetime | None = None
