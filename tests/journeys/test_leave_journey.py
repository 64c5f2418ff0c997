"""How enrollments end, what is canceled then, and when a goal counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from rental_world import (
    NOON,
    OTHER_BOOKING,
    Walker,
    booking_program,
    event,
    facts,
    program,
)

from outrider.journeys import (
    EventSeen,
    FactsChanged,
    Progress,
    Started,
    TimerFired,
    advance,
    leave,
    note_goal,
    with_open,
    without_open,
)

HOUR = timedelta(hours=1)
SEND = "  - {send: booking-confirmed}\n"
CANCEL = "exit:\n  - {on: booking.canceled, then: booking-canceled}"


def iso(after_noon: timedelta) -> str:
    """A time of day, as sources write it."""
    return (NOON + after_noon).isoformat()


# ── exit rules ──


def test_we_do_not_have_failure_13_an_exit_does_not_wait_for_the_end_of_the_step() -> None:
    walker = Walker(booking_program(SEND + "  - wait: 1w\n" + SEND, CANCEL))
    held = walker.asked[0].id
    progress = walker.send(event("booking.canceled"), HOUR)
    assert (progress.enrollment.ended_at, progress.enrollment.end_reason) == (NOON + HOUR, "booking.canceled")
    assert (progress.enrollment.wait, progress.enrollment.open_messages) == (None, ())
    assert progress.cancel == (held,)
    (farewell,) = progress.candidates
    assert (farewell.template, farewell.node, farewell.asked_at) == ("booking-canceled", "exit.0", NOON + HOUR)
    assert farewell.id != held
    assert progress.notes == ("booking.canceled ends the journey",)


@pytest.mark.parametrize("booking", [OTHER_BOOKING, None])
def test_an_exit_of_another_booking_is_not_ours(booking: bytes | None) -> None:
    walker = Walker(booking_program("  - wait: 1w\n", CANCEL))
    assert walker.send(event("booking.canceled", {}, booking)) == Progress(walker.enrollment)


def test_a_journey_about_nothing_is_left_by_any_such_event() -> None:
    text = "journey: a\nstart: {on: app.opened}\nexit: [{on: booking.canceled}]\nsteps: [{wait: 1h}]\n"
    walker = Walker(program(text))
    assert walker.send(event("booking.canceled")).enrollment.end_reason == "booking.canceled"


def test_the_first_fulfilled_exit_rule_counts() -> None:
    rules = """\
exit:
  - {on: booking.returned}
  - {on: booking.canceled, where: 'event.data.by == "us"', then: booking-canceled}
  - {on: booking.canceled, where: 'event.data.by == "you"'}
"""
    ends = {}
    for by in ("us", "you", "nobody"):
        walker = Walker(booking_program("  - wait: 1w\n", rules))
        walker.send(event("booking.canceled", {"by": by}))
        ends[by] = (walker.enrollment.end_reason, walker.templates)
    assert ends == {
        "us": ("booking.canceled", ["booking-canceled"]),
        "you": ("booking.canceled", []),
        "nobody": ("", []),
    }


def test_an_exit_comes_before_the_wait_for_the_same_event() -> None:
    steps = "  - wait: {on: booking.canceled, timeout: 1h}\n" + SEND
    walker = Walker(booking_program(steps, "exit: [{on: booking.canceled}]"))
    walker.send(event("booking.canceled"))
    assert (walker.templates, walker.enrollment.end_reason) == ([], "booking.canceled")


def test_declared_dates_of_the_seen_event_can_be_compared() -> None:
    rule = "exit: [{on: booking.confirmed, where: 'event.data.paid_at > booking.starts_at'}]"
    walker = Walker(booking_program("  - wait: 1w\n", rule), starts_at=iso(HOUR))
    assert not walker.send(event("booking.confirmed", {"paid_at": iso(HOUR / 2)})).changed
    assert walker.send(event("booking.confirmed", {"paid_at": iso(2 * HOUR)})).enrollment.ended_at == NOON


@pytest.mark.parametrize("stimulus", [Started(), FactsChanged(), TimerFired(1), event("booking.canceled")])
def test_an_ended_enrollment_never_does_anything(stimulus: Any) -> None:
    walker = Walker(booking_program("  - wait: 1h\n" + SEND, CANCEL))
    ended = leave(walker.enrollment, "stopped", NOON).enrollment
    assert advance(walker.program, ended, stimulus, facts(), NOON) == Progress(ended)
    assert leave(ended, "again", NOON) == Progress(ended)


def test_leaving_from_outside_cancels_what_is_open() -> None:
    walker = Walker(booking_program(SEND + "  - wait: 1h\n"))
    left = leave(walker.enrollment, "journey stopped", NOON + HOUR)
    assert (left.cancel, left.changed, left.candidates) == ((walker.asked[0].id,), True, ())
    assert left.enrollment.end_reason == "journey stopped"
    assert left.notes == ("left: journey stopped",)


# ── goal ──

GOAL = "goal: {on: booking.returned, within: 2h}"


def test_a_goal_is_noted_and_the_journey_goes_on() -> None:
    walker = Walker(booking_program("  - wait: 9h\n", GOAL))
    progress = walker.send(event("booking.returned"), 2 * HOUR)
    assert (progress.changed, walker.enrollment.goal_at, walker.enrollment.ended_at) == (True, NOON + 2 * HOUR, None)
    assert not walker.send(event("booking.returned"), HOUR).changed


@pytest.mark.parametrize(
    ("seen", "after"),
    [
        (event("booking.returned"), 3 * HOUR),
        (event("booking.returned", {}, OTHER_BOOKING), HOUR),
        (event("app.opened"), HOUR),
    ],
)
def test_another_event_or_a_late_one_is_no_goal(seen: EventSeen, after: timedelta) -> None:
    assert not Walker(booking_program("  - wait: 9h\n", GOAL)).send(seen, after).changed


def test_a_goal_is_reached_the_first_time() -> None:
    walker = Walker(booking_program("  - wait: 9h\n", GOAL))
    walker.send(event("booking.returned"), HOUR / 2)
    assert not walker.send(event("booking.returned"), HOUR / 2).changed
    assert walker.enrollment.goal_at == NOON + HOUR / 2


def test_a_goal_can_be_an_exit_too() -> None:
    walker = Walker(booking_program("  - wait: 9h\n", "goal: {on: booking.returned}\nexit: [{on: booking.returned}]"))
    walker.send(event("booking.returned"), HOUR)
    assert walker.enrollment.goal_at == walker.enrollment.ended_at == NOON + HOUR


def test_a_goal_after_the_last_step_is_noted_when_asked_for() -> None:
    walker = Walker(booking_program(SEND, GOAL))
    assert walker.enrollment.ended_at == NOON
    assert note_goal(walker.program, walker.enrollment, event("booking.returned"), NOON + HOUR).goal_at == NOON + HOUR


# ── messages that are open ──


def test_open_messages_are_added_and_removed() -> None:
    walker = Walker(booking_program(SEND + "  - wait: 1h\n"))
    first = walker.asked[0].id
    more = with_open(walker.enrollment, first, b"second")
    assert more.open_messages == (first, b"second")
    assert with_open(more, first) is more
    assert without_open(more, first).open_messages == (b"second",)
    assert without_open(more, b"stranger") is more
    ended = leave(more, "over", NOON).enrollment
    assert with_open(ended, b"third") is ended
