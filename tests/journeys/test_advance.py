"""What stimuli do to an enrollment: one story per rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from rental_world import (
    BOOKING,
    NOON,
    OTHER_BOOKING,
    PERSON,
    Walker,
    booking_program,
    event,
    facts,
    program,
)

from outrider.contracts.step import END, Go, Leave, Move, Node, Parsed
from outrider.domain.decision import Blocked
from outrider.domain.enrollment import Enrollment
from outrider.domain.purpose import Purpose
from outrider.domain.strategy import Escalate, First
from outrider.journeys import (
    EventSeen,
    FactsChanged,
    Progress,
    Started,
    TimerFired,
    Touched,
    advance,
)
from outrider.journeys.advance import NotForward
from outrider.journeys.definition import CompiledExit
from outrider.lib.ids import shard_of_id, time_of_id

HOUR = timedelta(hours=1)
SEND = "  - {send: booking-confirmed}\n"
HELP = "{send: need-help, purpose: service, channels: {first: [sms]}}"
CANCEL = "exit:\n  - {on: booking.canceled, then: booking-canceled}"


def iso(after_noon: timedelta) -> str:
    """A time of day, as sources write it."""
    return (NOON + after_noon).isoformat()


# ── send ──


def test_a_send_becomes_a_candidate_with_everything_a_decision_needs() -> None:
    steps = """\
  - send: find-your-car
    purpose: safety
    channels: {escalate: [push, sms], after: 10m}
    valid_for: 4h
    time_critical: true
    blocked: other_channel
    id: car
  - wait: 1h
"""
    (candidate,) = Walker(booking_program(steps)).asked
    assert candidate == type(candidate)(
        id=candidate.id,
        stream=PERSON,
        journey="rental",
        node="car",
        template="find-your-car",
        purpose=Purpose.SAFETY,
        strategy=Escalate(("push", "sms"), timedelta(minutes=10)),
        asked_at=NOON,
        valid_until=NOON + 4 * HOUR,
        time_critical=True,
        blocked=Blocked.OTHER_CHANNEL,
        config=3,
        enrollment=candidate.enrollment,
        about=BOOKING,
    )
    assert (shard_of_id(candidate.id), time_of_id(candidate.id)) == (PERSON[0], NOON)


def test_what_a_send_leaves_out_comes_from_the_template_and_its_purpose() -> None:
    (candidate,) = Walker(booking_program(SEND)).asked
    assert candidate.purpose is Purpose.TRANSACTIONAL
    assert candidate.strategy == First(("push", "sms"))
    assert candidate.valid_until == NOON + timedelta(days=1)
    assert candidate.blocked is Blocked.HOLD


def test_the_same_template_twice_makes_two_candidates_with_ids_of_their_own() -> None:
    walker = Walker(booking_program(SEND + SEND + "  - wait: 1h\n"))
    assert walker.templates == ["booking-confirmed"] * 2
    assert walker.enrollment.open_messages == tuple(candidate.id for candidate in walker.asked)
    assert len({candidate.id for candidate in walker.asked}) == 2
    assert walker.enrollment.asked == 2


def test_a_second_round_gives_its_messages_other_ids() -> None:
    walker = Walker(booking_program(SEND + "  - wait: 1h\n"))
    second = replace(walker.enrollment, round=1, wait=None, position=0, asked=0, open_messages=())
    (again,) = advance(walker.program, second, Started(), facts(), NOON).candidates
    assert again.id != walker.asked[0].id


def test_an_enrollment_that_runs_through_is_completed_and_leaves_its_messages_alone() -> None:
    walker = Walker(booking_program(SEND))
    assert (walker.enrollment.ended_at, walker.enrollment.end_reason) == (NOON, "completed")
    assert (walker.progress.cancel, walker.enrollment.wait) == ((), None)
    assert walker.enrollment.open_messages == tuple(candidate.id for candidate in walker.asked)


def test_an_enrollment_starts_only_once() -> None:
    walker = Walker(booking_program(SEND + "  - wait: 1h\n"))
    assert walker.send(Started()) == Progress(walker.enrollment)


def test_nothing_but_the_start_moves_an_enrollment_that_did_not_begin() -> None:
    waiting = Walker(booking_program("  - wait: 1h\n"))
    fresh = replace(waiting.enrollment, wait=None, waits=0)
    for stimulus in (TimerFired(0), FactsChanged(), event("app.opened")):
        assert advance(waiting.program, fresh, stimulus, facts(), NOON) == Progress(fresh)


# ── wait for a time ──


def test_a_wait_ends_when_its_timer_fires() -> None:
    walker = Walker(booking_program("  - wait: 90m\n" + SEND))
    assert (walker.due_at, walker.token, walker.templates) == (NOON + 1.5 * HOUR, 1, [])
    walker.send(TimerFired(1), 1.5 * HOUR)
    assert walker.templates == ["booking-confirmed"]


@pytest.mark.parametrize("token", [0, 1, 3, 99])
def test_a_timer_with_another_token_changes_nothing(token: int) -> None:
    walker = Walker(booking_program("  - wait: 1h\n  - wait: 1h\n" + SEND))
    walker.send(TimerFired(1), HOUR)
    assert walker.token == 2
    assert walker.send(TimerFired(token), HOUR) == Progress(walker.enrollment)


@pytest.mark.parametrize("stimulus", [FactsChanged(), event("vehicle.unlocked"), event("booking.confirmed")])
def test_only_its_timer_ends_a_wait_for_a_time(stimulus: Any) -> None:
    walker = Walker(booking_program("  - wait: 1h\n"))
    assert not walker.send(stimulus, HOUR / 2, starts_at=iso(9 * HOUR)).changed


# ── wait until a date ──

UNTIL = "  - wait: {until: booking.starts_at, minus: 3h, if_past: IF_PAST}\n" + SEND + f"  - {HELP}\n  - wait: 1w\n"


def test_a_wait_until_counts_from_the_date_of_the_field() -> None:
    walker = Walker(booking_program(UNTIL.replace("IF_PAST", "continue")), starts_at=iso(10 * HOUR))
    assert walker.due_at == NOON + 7 * HOUR
    walker.send(TimerFired(1), 7 * HOUR)
    assert walker.templates == ["booking-confirmed", "need-help"]


def test_plus_counts_forward() -> None:
    walker = Walker(booking_program("  - wait: {until: booking.starts_at, plus: 1d}\n"), starts_at=iso(HOUR))
    assert walker.due_at == NOON + 25 * HOUR


def test_a_day_before_is_24_hours_of_real_time_also_when_the_clocks_change() -> None:
    steps = "  - wait: {until: booking.starts_at, minus: 1d}\n"
    walker = Walker(booking_program(steps), starts_at="2030-03-31T12:00:00+02:00")
    assert walker.due_at == datetime(2030, 3, 30, 10, tzinfo=UTC)  # 11:00 in Paris, not 12:00


@pytest.mark.parametrize(
    ("if_past", "templates", "reason"),
    [
        ("continue", ["booking-confirmed", "need-help"], ""),
        ("skip", ["need-help"], ""),
        ("exit", [], "booking.starts_at was in the past"),
    ],
)
def test_a_date_in_the_past_does_what_the_step_says(if_past: str, templates: list[str], reason: str) -> None:
    walker = Walker(booking_program(UNTIL.replace("IF_PAST", if_past)), starts_at=iso(2 * HOUR))
    assert (walker.templates, walker.enrollment.end_reason) == (templates, reason)
    assert any("2030-01-01T11:00:00+00:00 was over" in note or "in the past" in note for note in walker.progress.notes)


def test_we_do_not_have_failure_12_a_past_date_never_ejects_silently() -> None:
    steps = "  - wait: {until: booking.starts_at}\n" + SEND + "  - wait: 1h\n"
    walker = Walker(booking_program(steps), starts_at=iso(-HOUR))
    assert walker.templates == ["booking-confirmed"]
    assert walker.enrollment.ended_at is None
    assert walker.progress.notes == ("0: 2030-01-01T11:00:00+00:00 was over",)


def test_a_date_that_is_now_is_not_past() -> None:
    walker = Walker(booking_program(UNTIL.replace("IF_PAST", "exit")), starts_at=iso(3 * HOUR))
    assert walker.templates == ["booking-confirmed", "need-help"]


@pytest.mark.parametrize(
    "missing", [{}, {"starts_at": None}, {"starts_at": "soon"}, {"starts_at": "9999-12-31T23:00:00Z"}]
)
def test_without_a_usable_date_the_wait_stays_open_until_there_is_one(missing: dict[str, Any]) -> None:
    steps = "  - wait: {until: booking.starts_at, plus: 3h}\n" + SEND
    walker = Walker(booking_program(steps), **missing)
    assert (walker.due_at, walker.progress.notes) == (None, ("0: booking.starts_at has no date yet",))
    walker.send(FactsChanged(), starts_at=iso(2 * HOUR))
    assert (walker.due_at, walker.token) == (NOON + 5 * HOUR, 2)


def test_a_date_without_a_zone_is_no_date() -> None:
    walker = Walker(booking_program("  - wait: {until: booking.starts_at}\n"), starts_at=datetime(2030, 5, 1))
    assert walker.due_at is None


def test_an_object_that_is_not_known_yet_is_waited_for() -> None:
    journey = program("journey: a\nstart: {on: app.opened}\nsteps: [{wait: {until: license.expires_at, minus: 30d}}]\n")
    assert Walker(journey).due_at is None


@pytest.mark.parametrize("stimulus", [FactsChanged(), event("app.opened")])
def test_a_date_that_moves_moves_the_timer_and_the_old_one_is_void(stimulus: Any) -> None:
    walker = Walker(booking_program(UNTIL.replace("IF_PAST", "continue")), starts_at=iso(10 * HOUR))
    walker.send(stimulus, HOUR, starts_at=iso(20 * HOUR))
    assert (walker.due_at, walker.token) == (NOON + 17 * HOUR, 2)
    assert walker.enrollment.wait is not None
    assert walker.enrollment.wait.since == NOON
    assert not walker.send(TimerFired(1), 6 * HOUR).changed
    walker.send(TimerFired(2), 10 * HOUR)
    assert walker.templates == ["booking-confirmed", "need-help"]


def test_changed_facts_that_leave_the_date_change_nothing() -> None:
    walker = Walker(booking_program(UNTIL.replace("IF_PAST", "continue")), starts_at=iso(10 * HOUR))
    same_instant = (NOON + 10 * HOUR).astimezone().isoformat()
    assert not walker.send(FactsChanged(), HOUR, starts_at=same_instant, plate="other").changed


@pytest.mark.parametrize(
    ("if_past", "templates"), [("skip", ["need-help"]), ("continue", ["booking-confirmed", "need-help"])]
)
def test_a_date_that_moves_into_the_past_is_treated_as_past_at_once(if_past: str, templates: list[str]) -> None:
    walker = Walker(booking_program(UNTIL.replace("IF_PAST", if_past)), starts_at=iso(10 * HOUR))
    walker.send(FactsChanged(), HOUR, starts_at=iso(2 * HOUR))
    assert walker.templates == templates


def test_a_date_that_is_taken_away_stops_the_timer() -> None:
    walker = Walker(booking_program(UNTIL.replace("IF_PAST", "exit")), starts_at=iso(10 * HOUR))
    walker.send(FactsChanged(), starts_at=None)
    assert (walker.due_at, walker.token) == (None, 2)


def test_a_timer_that_fires_although_the_date_has_moved_later_waits_on() -> None:
    walker = Walker(booking_program(UNTIL.replace("IF_PAST", "continue")), starts_at=iso(10 * HOUR))
    walker.send(TimerFired(1), 7 * HOUR, starts_at=iso(20 * HOUR))
    assert (walker.due_at, walker.token, walker.templates) == (NOON + 17 * HOUR, 2, [])


def test_a_date_that_moves_after_the_wait_does_nothing() -> None:
    walker = Walker(booking_program(UNTIL.replace("IF_PAST", "continue")), starts_at=iso(4 * HOUR))
    walker.send(TimerFired(1), HOUR)
    assert walker.enrollment.position == 3
    assert not walker.send(FactsChanged(), HOUR, starts_at=iso(50 * HOUR)).changed


def test_a_late_timer_is_no_past_date() -> None:
    walker = Walker(booking_program(UNTIL.replace("IF_PAST", "exit")), starts_at=iso(10 * HOUR))
    walker.send(FactsChanged(), 9 * HOUR)
    walker.send(TimerFired(1))
    assert walker.templates == ["booking-confirmed", "need-help"]


# ── wait for an event ──

ON = f"  - wait: {{on: vehicle.unlocked, where: 'event.data.doors > 0', timeout: 30m, missed: [{HELP}]}}\n{SEND}"


def test_the_awaited_event_ends_the_wait() -> None:
    walker = Walker(booking_program(ON))
    assert walker.due_at == NOON + HOUR / 2
    walker.send(event("vehicle.unlocked", {"doors": 4}))
    assert walker.templates == ["booking-confirmed"]
    assert walker.progress.notes == ("0: vehicle.unlocked came",)


@pytest.mark.parametrize(
    "seen",
    [
        event("app.opened", {"doors": 4}),
        event("vehicle.unlocked", {"doors": 0}),
        event("vehicle.unlocked", {}),
        event("vehicle.unlocked", {"doors": 4}, OTHER_BOOKING),
    ],
)
def test_other_events_do_not(seen: EventSeen) -> None:
    assert not Walker(booking_program(ON)).send(seen).changed


def test_an_event_about_no_booking_may_be_the_awaited_one() -> None:
    walker = Walker(booking_program(ON))
    touched = (Touched("vehicle", "v-1", bytes(16)),)
    walker.send(EventSeen(event("vehicle.unlocked", {"doors": 1}).event, touched))
    assert walker.templates == ["booking-confirmed"]


def test_the_timeout_takes_the_missed_steps_and_then_goes_on() -> None:
    walker = Walker(booking_program(ON))
    walker.send(TimerFired(1), HOUR / 2)
    assert walker.templates == ["need-help", "booking-confirmed"]
    assert walker.progress.notes == ("0: vehicle.unlocked did not come within 30m",)


def test_a_timeout_without_missed_steps_just_goes_on() -> None:
    walker = Walker(booking_program("  - wait: {on: app.opened, timeout: 1h}\n" + SEND))
    walker.send(TimerFired(1), HOUR)
    assert walker.templates == ["booking-confirmed"]


def test_changed_facts_do_not_end_a_wait_for_an_event() -> None:
    assert not Walker(booking_program(ON)).send(FactsChanged(), plate="new").changed


# ── branch and exit ──

BRANCH = f"""\
  - branch:
      - {{when: 'booking.days > 7', steps: [{HELP}]}}
      - {{when: 'market == "FR" && event.data.code == "1"', steps: [{{exit: french}}]}}
OTHER
{SEND}"""


@pytest.mark.parametrize(
    ("days", "other", "templates", "reason"),
    [
        (8, "", ["need-help", "booking-confirmed"], "completed"),
        (7, "", [], "french"),
        (None, "", [], "french"),
        (8, "      - else: [{exit: other}]", ["need-help", "booking-confirmed"], "completed"),
    ],
)
def test_the_first_way_that_is_open_is_taken(days: int | None, other: str, templates: list[str], reason: str) -> None:
    walker = Walker(booking_program(BRANCH.replace("OTHER", other)), days=days)
    assert (walker.templates, walker.enrollment.end_reason) == (templates, reason)


def test_without_an_open_way_else_is_taken_and_without_else_the_next_step() -> None:
    closed = BRANCH.replace("FR", "PT")
    assert Walker(booking_program(closed.replace("OTHER", "")), days=1).templates == ["booking-confirmed"]
    other = Walker(booking_program(closed.replace("OTHER", "      - else: [{exit: other}]")), days=1)
    assert (other.templates, other.enrollment.end_reason) == ([], "other")


def test_a_condition_without_a_value_counts_as_no_and_says_why() -> None:
    walker = Walker(booking_program(BRANCH.replace("OTHER", "")))
    assert walker.progress.notes[0].startswith("0: not booking.days > 7 (booking.days: ")
    assert walker.progress.notes[0].endswith('; took market == "FR" && event.data.code == "1"')
    assert walker.progress.notes[1] == "0.1.0: left: french"


def test_an_exit_step_cancels_what_is_open_from_before_but_not_its_own_farewell() -> None:
    walker = Walker(booking_program(SEND + f"  - wait: 1h\n  - {HELP}\n  - exit: over\n"))
    held = walker.asked[0].id
    progress = walker.send(TimerFired(1), HOUR)
    assert progress.cancel == (held,)
    assert walker.templates == ["booking-confirmed", "need-help"]
    assert (walker.enrollment.end_reason, walker.enrollment.ended_at) == ("over", NOON + HOUR)


def test_a_past_date_that_leaves_in_mid_wait_cancels_what_is_open() -> None:
    steps = SEND + "  - wait: {until: booking.starts_at, if_past: exit}\n"
    walker = Walker(booking_program(steps), starts_at=iso(5 * HOUR))
    assert walker.send(FactsChanged(), HOUR, starts_at=iso(-HOUR)).cancel == (walker.asked[0].id,)


# ── defective steps ──


class Odd:
    """A step that makes any move it is told to."""

    name = "odd"
    keys = ()

    def parse(self, reading: Any) -> Parsed:
        return Parsed(None)

    def enter(self, node: Node, scene: Any) -> Move:
        return node.settings

    def resume(self, node: Node, scene: Any, stimulus: Any) -> Move | None:
        return None


@pytest.mark.parametrize("to", [0, 1, 3, -2])
def test_a_step_that_does_not_lead_forward_is_refused(to: int) -> None:
    whole = booking_program("  - wait: 1h\n  - wait: 1h\n  - wait: 1h\n")
    nodes = tuple(replace(node, step=Odd(), settings=Go(1 if node.index == 0 else to)) for node in whole.nodes)
    begun = replace(Walker(whole).enrollment, wait=None)
    with pytest.raises(NotForward, match="step 1 of rental"):
        advance(replace(whole, nodes=nodes), begun, Started(), facts(), NOON)


def test_a_farewell_that_is_no_message_is_left_out() -> None:
    whole = booking_program("  - wait: 1h\n")
    rule = CompiledExit("booking.canceled", None, Node(END, "exit.0", Odd(), Leave("no"), END, END))
    enrollment: Enrollment = Walker(whole).enrollment
    progress = advance(replace(whole, exits=(rule,)), enrollment, event("booking.canceled"), facts(), NOON)
    assert (progress.candidates, progress.enrollment.end_reason) == ((), "booking.canceled")
