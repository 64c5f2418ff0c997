"""Promises that hold for every journey and every order of stimuli."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rental_world import NOON, OTHER_BOOKING, PERSON, booking_program, event, facts, reread

from outrider.domain.enrollment import Enrollment
from outrider.journeys import FactsChanged, Program, Progress, Start, Started, TimerFired, advance, leave, start

TEMPLATES = ("booking-confirmed", "booking-canceled")
LEAVES = st.sampled_from(
    [
        *(f"{{send: {name}}}" for name in TEMPLATES),
        "{wait: 10m}",
        "{wait: {until: booking.starts_at, minus: 3h}}",
        "{wait: {until: booking.starts_at, plus: 1h, if_past: exit}}",
        "{wait: {on: vehicle.unlocked, timeout: 30m}}",
    ]
)


def lists(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """A list of steps in flow style."""
    return st.lists(inner, min_size=1, max_size=4).map(lambda items: f"[{', '.join(items)}]")


def with_bodies(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Steps that hold lists of steps; some may leave at their end."""
    ending = st.sampled_from(["", ", {exit: early}"])
    body = st.builds(lambda steps, end: f"{steps[:-1]}{end}]", lists(inner), ending)
    return st.one_of(
        st.builds("{{wait: {{on: app.opened, timeout: 1h, missed: {}}}}}".format, body),
        st.builds(
            "{{branch: [{{when: 'booking.days > 3', steps: {}}}, {{when: 'market == \"FR\"', steps: {}}}]}}".format,
            body,
            body,
        ),
        st.builds("{{branch: [{{when: 'booking.plate == \"x\"', steps: []}}, {{else: {}}}]}}".format, body),
        st.just("{wait: {until: booking.ends_at, if_past: skip}}, {wait: 5m}"),
    )


STEPS = lists(st.recursive(LEAVES, with_bodies, max_leaves=8))


def build(steps: str) -> Program:
    """A journey around the steps, in which whoever comes out of them gets one message more."""
    around = f"  - {{branch: [{{when: 'true', steps: {steps}}}]}}\n  - {{send: booking-confirmed}}\n"
    return booking_program(around, "exit: [{on: booking.canceled, then: booking-canceled}]")


STIMULI = st.lists(
    st.tuples(
        st.sampled_from(
            [
                Started(),
                FactsChanged(),
                "timer",
                "timer",
                "timer",
                TimerFired(1),
                TimerFired(2),
                event("vehicle.unlocked"),
                event("app.opened"),
                event("app.opened", {}, OTHER_BOOKING),
                event("booking.returned", {}, None),
                event("booking.canceled", {}, OTHER_BOOKING),
            ]
        ),
        st.integers(0, 600),
        st.none() | st.integers(-500, 2000),
    ),
    max_size=12,
)
END = st.sampled_from([None, event("booking.canceled")])


def begin(program: Program, days: int = 1) -> Enrollment:
    """An enrollment that did not walk yet."""
    begun = start(program, event("booking.confirmed"), PERSON, facts(days=days), None, NOON)
    assert isinstance(begun, Start)
    return begun.enrollment


def run(program: Program, stimuli: list[tuple[Any, int, int | None]], *, rereading: bool) -> list[Progress]:
    """What comes of stimuli, each some minutes after the one before, with a booking whose start moves."""
    enrollment, now, starts_at = begin(program), NOON, NOON
    found = []
    for stimulus, minutes, moved in [(Started(), 0, None), *stimuli]:
        now += timedelta(minutes=minutes)
        starts_at = starts_at if moved is None else NOON + timedelta(minutes=moved)
        if stimulus == "timer":
            stimulus = TimerFired(enrollment.waits)
        view = facts(now, days=minutes % 7, starts_at=starts_at.isoformat(), ends_at=starts_at.isoformat())
        progress = advance(program, reread(enrollment) if rereading else enrollment, stimulus, view, now)
        enrollment = progress.enrollment
        found.append(progress)
    return found


@given(STEPS, STIMULI, END)
def test_every_journey_and_order_of_stimuli_keeps_the_promises(steps: str, stimuli: list[Any], end: Any) -> None:
    program = build(steps)
    walked = run(program, [*stimuli, *([(end, 1, None)] if end else [])], rereading=False)
    asked = [candidate.id for progress in walked for candidate in progress.candidates]
    assert len(asked) == len(set(asked))
    assert len(asked) <= len(program.nodes) + 1
    canceled = [message for progress in walked for message in progress.cancel]
    assert len(canceled) == len(set(canceled))
    assert set(canceled) <= set(asked)
    for before, after in itertools.pairwise(walked):
        assert after.enrollment.position >= before.enrollment.position
        assert after.enrollment.waits >= before.enrollment.waits
        assert after.changed == (after.enrollment != before.enrollment)
        if before.enrollment.ended_at is not None:
            assert after == Progress(before.enrollment)
        else:
            assert (after.enrollment.wait is None) == (after.enrollment.ended_at is not None)
    if end:
        assert walked[-1].enrollment.ended_at is not None


@given(STEPS, STIMULI)
def test_writing_out_and_reading_back_between_any_two_steps_changes_nothing(steps: str, stimuli: list[Any]) -> None:
    program = build(steps)
    assert run(program, stimuli, rereading=True) == run(program, stimuli, rereading=False)


@given(STEPS, STIMULI)
def test_a_program_compiled_twice_walks_the_same_way(steps: str, stimuli: list[Any]) -> None:
    assert run(build(steps), stimuli, rereading=False) == run(build(steps), stimuli, rereading=False)


@given(STEPS, STIMULI)
def test_repeated_starts_and_old_timers_in_between_change_nothing(steps: str, stimuli: list[Any]) -> None:
    program = build(steps)
    noise = [(Started(), 0, None), (TimerFired(0), 0, None)]
    noisy = [one for stimulus in stimuli for one in (*noise, stimulus, *noise)]
    quiet = run(program, stimuli, rereading=False)
    loud = run(program, noisy, rereading=False)
    assert loud[-1].enrollment == quiet[-1].enrollment
    assert [one.candidates for one in loud if one.candidates] == [one.candidates for one in quiet if one.candidates]
    assert [one.cancel for one in loud if one.cancel] == [one.cancel for one in quiet if one.cancel]


@given(STEPS, STIMULI, st.integers(0, 12))
def test_leaving_at_any_moment_cancels_exactly_what_was_asked_for_and_nothing_twice(
    steps: str, stimuli: list[Any], moment: int
) -> None:
    program = build(steps)
    walked = run(program, stimuli[:moment], rereading=False)
    enrollment = walked[-1].enrollment
    progress = leave(enrollment, "stopped", NOON + timedelta(days=30))
    asked = {candidate.id for one in walked for candidate in one.candidates}
    if enrollment.ended_at is None:
        assert set(progress.cancel) == asked
    else:
        assert progress.cancel == ()
    assert progress.enrollment.ended_at is not None


@given(STEPS)
def test_links_lead_forward_and_names_are_unique(steps: str) -> None:
    program = build(steps)
    assert len({node.name for node in program.nodes}) == len(program.nodes)
    for node in program.nodes:
        assert all(to == -1 or node.index < to < len(program.nodes) for to in (node.next, node.skip, *node.ways))
