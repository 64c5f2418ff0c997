"""A small rental company: what its configuration declares, its people, events and clocks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from outrider.domain.decision import Candidate
from outrider.domain.enrollment import Enrollment
from outrider.domain.entry import Event
from outrider.domain.profile import Identity, Object, Profile
from outrider.domain.purpose import Purpose
from outrider.expressions import declare_fields
from outrider.journeys import (
    EventSeen,
    Program,
    Progress,
    Start,
    Started,
    Surroundings,
    TemplateFacts,
    Touched,
    advance,
    check,
    compile_program,
    start,
    timed_kinds,
    view,
)

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
PERSON = bytes([7]) + bytes(range(15))
BOOKING = bytes([9]) * 16
OTHER_BOOKING = bytes([10]) * 16
TEXTS = {"sms": ("en", "fr"), "push": ("en", "fr"), "voice": ("en", "fr")}

WORLD = Surroundings(
    templates={
        "booking-confirmed": TemplateFacts(TEXTS, Purpose.TRANSACTIONAL, ("push", "sms"), ("booking.plate",)),
        "booking-canceled": TemplateFacts(TEXTS, Purpose.TRANSACTIONAL, ("sms",)),
        "find-your-car": TemplateFacts(TEXTS, variables=("booking.plate", "booking.place.bay", "profile.first_name")),
        "need-help": TemplateFacts(TEXTS),
        "only-sms": TemplateFacts({"sms": ("en",)}, None, (), ()),
        "price-change": TemplateFacts(TEXTS, Purpose.LEGAL),
        "odd": TemplateFacts(TEXTS, None, ("sms",), ("booking.color", "vehicle.plate", "event.data.pin", "market")),
    },
    objects={
        "booking": declare_fields(
            {
                "channel": "string",
                "plate": "string",
                "days": "int",
                "starts_at": "timestamp",
                "ends_at": "timestamp",
                "place": {"bay": "string", "free_from": "timestamp"},
                "stops": [{"at": "timestamp"}],
            }
        ),
        "license": declare_fields({"expires_at": "timestamp"}),
    },
    profile=declare_fields({"first_name": "string", "born_at": "timestamp"}),
    events={
        "booking.confirmed": declare_fields({"code": "string", "paid_at": "timestamp"}),
        "booking.canceled": declare_fields({"by": "string"}),
        "booking.returned": None,
        "vehicle.unlocked": None,
        "app.opened": None,
    },
    channels=("push", "sms", "voice"),
    languages=("en", "fr"),
)


def program(text: str, world: Surroundings = WORLD, config: int = 3) -> Program:
    """The program of a journey that must be free of errors."""
    checked = check(text, "journeys/test.yaml", world)
    assert checked.definition is not None, checked.problems
    return compile_program(checked.definition, config)


def booking_program(steps: str, head: str = "") -> Program:
    """A journey about a booking; `steps` is YAML indented by two spaces."""
    return program(f"journey: rental\nabout: booking\nstart: {{on: booking.confirmed}}\n{head}\nsteps:\n{steps}")


def event(kind: str, data: Mapping[str, Any] | None = None, booking: bytes | None = BOOKING) -> EventSeen:
    """An event that touches a booking, or nothing."""
    touched = (Touched("booking", "b-1", booking),) if booking else ()
    return EventSeen(Event("1", "shop", kind, NOON, data=dict(data or {})), touched)


def facts(now: datetime = NOON, market: str = "FR", **booking: Any) -> dict[str, Any]:
    """The view with one booking."""
    person = Profile(PERSON, Identity("p-1", {"first_name": "Ada"}), locale="fr-FR")
    things = {"booking": Object(BOOKING, "booking", "b-1", 1, booking)}
    return view(person, things, None, market, now, timed_kinds(WORLD))


class Walker:
    """Carries one enrollment from stimulus to stimulus, written out and read back in between."""

    def __init__(self, program: Program, now: datetime = NOON, **booking: Any) -> None:
        self.program = program
        self.now = now
        self.booking = booking
        self.progress: Progress
        self.asked: list[Candidate] = []
        begun = start(program, event(program.start.on, {"code": "1"}), PERSON, facts(now, **booking), None, now)
        assert isinstance(begun, Start), begun
        self.enrollment = begun.enrollment
        self.send(Started())

    def send(self, stimulus: Any, after: timedelta = timedelta(0), **booking: Any) -> Progress:
        """Apply a stimulus some time later, with changed facts of the booking."""
        self.now += after
        self.booking |= booking
        self.progress = advance(
            self.program, reread(self.enrollment), stimulus, facts(self.now, **self.booking), self.now
        )
        self.enrollment = self.progress.enrollment
        self.asked += self.progress.candidates
        return self.progress

    @property
    def templates(self) -> list[str]:
        """Everything asked for until now."""
        return [candidate.template for candidate in self.asked]

    @property
    def due_at(self) -> datetime | None:
        """When the timer fires."""
        assert self.enrollment.wait is not None
        return self.enrollment.wait.due_at

    @property
    def token(self) -> int:
        """The token of the timer."""
        assert self.enrollment.wait is not None
        return self.enrollment.wait.token


def reread(enrollment: Enrollment) -> Enrollment:
    """Written out and read back."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(enrollment), type=Enrollment)
