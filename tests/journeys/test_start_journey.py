"""Who enters a journey, how often, and as which enrollment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from rental_world import BOOKING, NOON, OTHER_BOOKING, PERSON, event, facts, program

from outrider.domain.enrollment import Enrollment
from outrider.journeys import EventSeen, NotStarted, Program, Start, Touched, about_of, enrollment_id, start


def rental(again: str = "per_key", where: str = "true") -> Program:
    """A journey about a booking."""
    head = f"journey: rental\nabout: booking\nstart: {{on: booking.confirmed, where: '{where}', again: {again}}}\n"
    return program(f"{head}steps: [{{wait: 1h}}]\n")


def enter(journey: Program, seen: EventSeen | None = None, past: Enrollment | None = None) -> Start | NotStarted:
    """Try to enter at noon."""
    return start(journey, seen or event("booking.confirmed", {"code": "1"}), PERSON, facts(days=3), past, NOON)


def entered(journey: Program, seen: EventSeen | None = None, past: Enrollment | None = None) -> Enrollment:
    """The enrollment of somebody who does enter."""
    begun = enter(journey, seen, past)
    assert isinstance(begun, Start), begun
    return begun.enrollment


def test_an_enrollment_knows_whom_and_what_it_is_about() -> None:
    found = entered(rental())
    assert found == Enrollment(
        id=found.id,
        round=0,
        stream=PERSON,
        journey="rental",
        config=3,
        started_at=NOON,
        about=BOOKING,
        about_kind="booking",
        about_key="b-1",
        data={"code": "1"},
    )


def test_the_id_carries_the_shard_and_depends_on_person_journey_and_object() -> None:
    mine = entered(rental()).id
    assert (mine[0], len(mine)) == (PERSON[0], 16)
    other = program("journey: other\nabout: booking\nstart: {on: booking.confirmed}\nsteps: [{wait: 1h}]\n")
    ids = {
        mine,
        entered(other).id,
        entered(rental(), event("booking.confirmed", {}, OTHER_BOOKING)).id,
        enrollment_id(rental(), bytes(16), about_of(rental(), event("booking.confirmed"))),
        enrollment_id(rental(), PERSON, None),
    }
    assert len(ids) == 5
    assert entered(rental("after_exit")).id == mine


def test_once_means_once_whatever_booking_it_is_about() -> None:
    first = entered(rental("once"))
    second = event("booking.confirmed", {}, OTHER_BOOKING)
    assert enrollment_id(rental("once"), PERSON, about_of(rental("once"), second)) == first.id
    assert enter(rental("once"), second, first) == NotStarted("the person has passed through it before")


@pytest.mark.parametrize(
    ("again", "ended_after", "last_start", "refusal"),
    [
        ("once", 1, 30, "the person has passed through it before"),
        ("per_key", None, 30, "this booking has passed through it before"),
        ("per_key", 1, 30, "this booking has passed through it before"),
        ("after_exit", None, 30, "the person is inside"),
        ("after_exit", 1, 30, None),
        ("{cooldown: 7d}", None, 30, "the person is inside"),
        ("{cooldown: 7d}", 1, 6, "the last start is less than 1w ago"),
        ("{cooldown: 7d}", 1, 7, None),
    ],
)
def test_who_may_start_again(again: str, ended_after: int | None, last_start: int, refusal: str | None) -> None:
    journey = rental(again)
    began = NOON - timedelta(days=last_start)
    ended = None if ended_after is None else began + timedelta(days=ended_after)
    past = replace(entered(journey), started_at=began, ended_at=ended, round=4, waits=9)
    found = enter(journey, past=past)
    if refusal:
        assert found == NotStarted(refusal)
    else:
        assert isinstance(found, Start)
        assert (found.enrollment.round, found.enrollment.waits, found.enrollment.id) == (5, 9, past.id)


@pytest.mark.parametrize(
    ("where", "refusal"),
    [
        ('booking.days == 3 && event.data.code == "1"', None),
        ("event.time < now", "not event.time < now"),
        ('booking.plate == "X"', 'not booking.plate == "X" (booking.plate: '),
    ],
)
def test_a_condition_decides_and_its_errors_are_told(where: str, refusal: str | None) -> None:
    found = enter(rental(where=where))
    if refusal is None:
        assert isinstance(found, Start)
    else:
        assert isinstance(found, NotStarted)
        assert found.reason.startswith(refusal)


def test_another_event_starts_nothing() -> None:
    assert enter(rental(), event("booking.canceled")) == NotStarted("the journey starts on booking.confirmed")


def test_a_journey_about_a_booking_needs_one() -> None:
    stranger = EventSeen(event("booking.confirmed").event, (Touched("license", "l-1", bytes(16)),))
    assert enter(rental(), stranger) == NotStarted("the event touches no booking")


def test_a_journey_about_nobody_s_thing_starts_without_one() -> None:
    journey = program("journey: hello\nstart: {on: app.opened}\nsteps: [{wait: 1h}]\n")
    found = entered(journey, event("app.opened"))
    assert (found.about, found.about_kind) == (None, "")


def test_the_first_object_of_the_kind_is_the_one() -> None:
    touched = (
        Touched("license", "l", bytes(16)),
        Touched("booking", "b", BOOKING),
        Touched("booking", "c", OTHER_BOOKING),
    )
    found = entered(rental(), EventSeen(event("booking.confirmed").event, touched))
    assert (found.about, found.about_key) == (BOOKING, "b")


def test_declared_dates_in_an_event_are_kept_as_instants() -> None:
    found = entered(rental(), event("booking.confirmed", {"paid_at": "2030-01-01T13:00:00+01:00"}))
    assert found.data == {"paid_at": datetime(2030, 1, 1, 12, tzinfo=UTC)}
