"""An exit event after the last step still cancels what waits for its hour."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace
from rental_world import BOOKING, OTHER_BOOKING, PERSON, Walker, booking_program, event, facts

from outrider.journeys import EventSeen, Progress, Touched, late_exit

SEND = "  - {send: booking-confirmed}\n"
CANCEL = "exit:\n  - {on: booking.canceled, where: 'event.data.by == \"customer\"', then: booking-canceled}"
HOUR = timedelta(hours=1)


def canceled(booking: bytes = BOOKING, by: str = "customer") -> EventSeen:
    return EventSeen(event("booking.canceled", {"by": by}).event, (Touched("booking", "b-1", booking),))


def completed() -> Walker:
    return Walker(booking_program(SEND, CANCEL))


def late(walker: Walker, seen: EventSeen) -> Progress:
    now = walker.now + HOUR
    return late_exit(walker.program, walker.enrollment, seen, facts(now), now)


def test_the_messages_of_a_completed_enrollment_are_canceled() -> None:
    walker = completed()
    progress = late(walker, canceled())
    assert progress.cancel == tuple(candidate.id for candidate in walker.asked)
    assert progress.changed
    assert progress.candidates == ()
    assert progress.enrollment.end_reason == "booking.canceled"
    assert progress.enrollment.stream == PERSON


def test_a_second_exit_has_nothing_left_to_cancel() -> None:
    walker = completed()
    walker.enrollment = late(walker, canceled()).enrollment
    assert late(walker, canceled()) == Progress(walker.enrollment)


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(canceled(OTHER_BOOKING), id="another booking"),
        pytest.param(canceled(by="us"), id="its condition does not hold"),
        pytest.param(EventSeen(event("booking.returned").event, canceled().touched), id="no exit event"),
    ],
)
def test_other_events_change_nothing(seen: EventSeen) -> None:
    walker = completed()
    assert late(walker, seen) == Progress(walker.enrollment)


def test_an_enrollment_that_was_left_has_canceled_its_messages_already() -> None:
    walker = completed()
    walker.enrollment = replace(walker.enrollment, end_reason="booking.canceled")
    assert late(walker, canceled()) == Progress(walker.enrollment)
