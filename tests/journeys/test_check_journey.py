"""Whatever is wrong with a journey file is found at once, with its place and what to write instead."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rental_world import WORLD

from outrider.journeys import check
from outrider.journeys.definition import MAX_DEPTH, MAX_STEPS

GOOD = """\
journey: rental
about: booking
start: {on: booking.confirmed, where: 'booking.channel != "partner"', again: {cooldown: 7d}}
exit:
  - {on: booking.canceled, where: 'event.data.by == "us" && event.time < now', then: booking-canceled}
  - {on: booking.returned, then: {send: need-help, purpose: service, channels: {first: [sms]}, id: bye}}
goal: {on: booking.returned, within: 30d}
steps:
  - send: find-your-car
    purpose: safety
    channels: {escalate: [push, sms], until: delivered, after: 10m}
    valid_for: 1h
    time_critical: true
    blocked: other_channel
    id: car
  - wait: {until: booking.starts_at, plus: 3h, if_past: skip}
  - wait: {on: app.opened, where: 'event.time > now', timeout: 1w, missed: [{exit: bored}]}
  - branch:
      - {when: 'event.data.code == "x"', steps: [{wait: 30s}]}
      - else: []
"""


def problems(text: str) -> list[str]:
    """Every problem as line:column message [hint]."""
    found = check(text, "journeys/rental.yaml", WORLD).problems
    assert all(problem.file == "journeys/rental.yaml" for problem in found)
    return [f"{one.line}:{one.column} {one.severity} {one.message} [{one.hint}]" for one in found]


def one_problem(text: str) -> str:
    """The only problem of a file that has exactly one."""
    found = problems(text)
    assert len(found) == 1, found
    return found[0]


def with_steps(steps: str) -> str:
    """A journey whose steps start on line 5."""
    return f"journey: rental\nabout: booking\nstart: {{on: booking.confirmed}}\nsteps:\n{steps}\n"


def test_a_good_journey_has_no_problem_and_a_definition() -> None:
    checked = check(GOOD, "journeys/rental.yaml", WORLD)
    assert checked.problems == ()
    assert checked.definition is not None
    assert checked.definition.journey == "rental"


@pytest.mark.parametrize(
    ("was", "wrong", "severity", "pointed", "words"),
    [
        ("journey: rental", "journey: Rental", "error", "Rental", "not a name"),
        ("journey: rental", "journey: 12", "error", "12", "the number 12 [put it in quotes]"),
        ("journey: rental", "journey:", "error", "journey", "found nothing"),
        ("journey: rental\n", "", "error", "about: booking", "'journey' is missing [add journey: …]"),
        ("about: booking", "about: bookin", "error", "bookin", "no object kind 'bookin' [did you mean 'booking'?]"),
        ("about: booking", "about: zzz", "error", "zzz", "[create objects/zzz.yaml]"),
        ("about: booking", "about: []", "error", "[]", "found a list []"),
        ("start:", "strat:", "error", "strat", "unknown key 'strat' [did you mean 'start'?]"),
        ("start:", "xyz:", "error", "xyz", "[known here: journey, about, start, exit, goal, steps]"),
        ("again: {cooldown: 7d}", "agian: once", "error", "agian", "did you mean 'again'?"),
        ("again: {cooldown: 7d}", "again: cooldown", "error", "cooldown", "write again: {cooldown: 7d}"),
        (
            "again: {cooldown: 7d}",
            "again: twice",
            "error",
            "twice",
            "expected one of once, after_exit, per_key, cooldown",
        ),
        ("again: {cooldown: 7d}", "again: {cooldwon: 7d}", "error", "cooldwon", "did you mean 'cooldown'?"),
        (
            "on: booking.confirmed",
            "on: booking.confirmd",
            "warning",
            "booking.confirmd",
            "did you mean 'booking.confirmed'?",
        ),
        ("on: booking.confirmed", "on: zzz", "warning", "zzz", "[check the spelling, or add it to a source]"),
        ("on: booking.confirmed", "on: true", "error", "true", "found the boolean true [put it in quotes]"),
        (
            "{on: booking.confirmed, where",
            "{where",
            "error",
            "{where: 'booking.channel != \"partner\"', again: {cooldown: 7d}}",
            "'on' is missing",
        ),
        ('!= "partner"', '= "partner"', "error", "=", "write == to compare"),
        ("booking.channel", "booking.chanel", "error", "chanel", "did you mean booking.channel?"),
        ("where: 'booking.channel != \"partner\"'", "where: 4", "error", "4", "expected a condition"),
        ('booking.channel != "partner"', "booking.days", "error", "booking.days", "the result must be bool"),
        (
            "then: booking-canceled",
            "then: booking-cancelled",
            "error",
            "booking-cancelled",
            "did you mean 'booking-canceled'?",
        ),
        ("then: booking-canceled", "then: need-help", "error", "need-help", "its name alone is not enough"),
        ("then: booking-canceled", "then: price-change", "error", "price-change", "declares no channels"),
        ("then: booking-canceled", "then: 5", "error", "5", "expected the name of a template"),
        ("then: booking-canceled", "then: {purpose: legal}", "error", "{purpose: legal}", "'send' is missing"),
        ("id: bye", "idd: bye", "error", "idd", "unknown key 'idd'"),
        ("id: bye", "id: Bye", "error", "Bye", "not a name"),
        ("within: 30d", "within: 30", "error", "30", "write 30h or 30m"),
        (
            "goal: {on: booking.returned, within: 30d}",
            "goal: {within: 30d}",
            "error",
            "{within: 30d}",
            "'on' is missing",
        ),
        ("purpose: safety", "purpose: safty", "error", "safty", "did you mean 'safety'?"),
        ("purpose: safety", "purpose: [safety]", "error", "[safety]", "found a list"),
        ("purpose: safety", "purpose: commercial", "error", "true", "never time-critical"),
        ("purpose: safety\n", "id: x\n", "error", "i", "stands here a second time"),
        ("until: delivered", "until: seen", "error", "seen", "expected one of delivered"),
        ("after: 10m", "after: 0m", "error", "0m", "0m is out of range"),
        (
            "after: 10m",
            "after: 60m",
            "warning",
            "{escalate: [push, sms], until: delivered, after: 60m}",
            "before its turn on sms comes",
        ),
        ("valid_for: 1h", "valid_for: 4", "error", "4", "expected a duration, found the number 4 [write 4h or 4m]"),
        ("valid_for: 1h", "valid_for: true", "error", "true", "write a number and one of s m h d w, such as 10m"),
        ("valid_for: 1h", "valid_for: 99999d", "error", "99999d", "at most 3650d"),
        ("time_critical: true", "time_critical: yes", "error", "yes", "found 'yes' [write true]"),
        ("time_critical: true", "time_critical: Off", "error", "Off", "[write false]"),
        ("time_critical: true", "time_critical: 1", "error", "1", "found the number 1 []"),
        ("blocked: other_channel", "blocked: other", "error", "other", "other_channel, exit"),
        ("id: car", "id: bye", "error", "bye", "used on line 6 already"),
        (
            "until: booking.starts_at",
            "until: booking.start_at",
            "error",
            "booking.start_at",
            "did you mean 'starts_at'?",
        ),
        ("until: booking.starts_at", "until: booking.days", "error", "booking.days", "is declared as int"),
        (
            "until: booking.starts_at",
            "until: booking.plate.x",
            "error",
            "booking.plate.x",
            "'booking.plate' has no field 'x'",
        ),
        ("until: booking.starts_at", "until: zzz", "error", "zzz", "there is no field 'zzz'"),
        ("until: booking.starts_at", "until: now", "error", "now", "'now' is always over"),
        ("until: booking.starts_at", "until: event.time", "error", "event.time", "'event' has no field 'time'"),
        ("until: booking.starts_at", "until: 21:00", "error", "21:00", "there is no field '21:00'"),
        ("until: booking.starts_at", "until: ~", "error", "~", "expected a field with a date"),
        ("plus: 3h", "minus: 3h, plus: 1h", "error", "plus", "exclude each other"),
        ("plus: 3h", "plus: -3h", "error", "-3h", "expected a duration"),
        ("if_past: skip", "if_past: ignore", "error", "ignore", "continue, skip, exit"),
        (
            "timeout: 1w, ",
            "",
            "error",
            "{on: app.opened, where: 'event.time > now', missed: [{exit: bored}]}",
            "'timeout' is missing",
        ),
        ("timeout: 1w", "timeout: 1y", "error", "1y", "found '1y'"),
        ("event.time > now", "event.tme > now", "error", "tme", "there is no field event.tme"),
        ("when: 'event.data.code", "when: 'event.data.cod", "error", "cod", "did you mean event.data.code?"),
        ("when: 'event.data.code", "when: 'event.time", "error", "time", "event.time"),
        (
            "steps: [{wait: 30s}]",
            "stps: [{wait: 30s}]",
            "error",
            "{when: 'event.data.code == \"x\"', stps: [{wait: 30s}]}",
            "'steps' is missing",
        ),
        ("      - else: []", "      - []", "error", "[]", "expected a mapping with when or steps, found a list"),
        ("      - else: []", "      - else: [{wiat: 1h}]", "error", "wiat", "did you mean 'wait'?"),
        ("      - else: []", "      - {else: [], when: 'true'}", "error", "when", "unknown key 'when'"),
        ("      - else: []", "      - else: {wait: 1h}", "error", "{wait: 1h}", "expected a list, found a mapping"),
        ("{exit: bored}", "{exit: }", "error", "exit", "expected a reason, found nothing"),
    ],
)
def test_one_mistake_in_a_good_journey_is_found_where_it_is(
    was: str, wrong: str, severity: str, pointed: str, words: str
) -> None:
    assert was in GOOD
    text = GOOD.replace(was, wrong, 1)
    found = check(text, "a.yaml", WORLD).problems
    (problem,) = (one for one in found if words in f"{one.message} [{one.hint}]")
    line = text.split("\n")[problem.line - 1]
    assert (problem.severity, line[problem.column - 1 :][: problem.length]) == (severity, pointed)
    assert len(found) <= 2


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("  []", "5:3 error a journey needs one step or more [for example - send: the-name-of-a-template]"),
        ("  - exit", "5:5 error expected a step (branch, exit, send or wait), found 'exit' [for example - wait: 10m]"),
        ("  - {}", "5:5 error unknown step 'None' [steps: branch, exit, send, wait]"),
        ("  - {wait: 1h, exit: x}", "5:16 error two steps in one item: wait and exit [start a new item]"),
        (
            "  - wait: {for: 1h}",
            "5:11 error a wait needs 'until' (a date) or 'on' (an event) [for a plain time write wait: 10m]",
        ),
        ("  - branch: []", "5:13 error a branch needs one way or more [write - {when: '…', steps: […]}]"),
        ("  - branch: [{steps: []}]", "5:14 error 'when' is missing [add when: …]"),
        (
            "  - branch: [{else: []}, {when: 'true', steps: []}]",
            "5:14 error 'else' must be the last way: those after it are never taken []",
        ),
        (
            "  - wait: 1h\n  - wait: {until: booking.ends_at, if_past: skip}",
            "6:5 error there is no next step to skip [write if_past: continue or if_past: exit]",
        ),
        (
            "  - exit: x\n  - wait: 1h",
            "6:5 error this step is never reached: before it, every way leaves the journey [move it up or remove it]",
        ),
        (
            "  - branch: [{when: 'true', steps: [{exit: a}]}, {else: [{exit: b}]}]\n  - wait: 1h",
            "6:5 error this step is never reached: before it, every way leaves the journey [move it up or remove it]",
        ),
        (
            "  - {send: need-help, channels: {first: [sms]}}",
            "5:5 error 'purpose' is missing, and the template declares none "
            "[add purpose: safety, security, legal, transactional, service or commercial]",
        ),
        (
            "  - {send: only-sms, purpose: legal}",
            "5:5 error 'channels' is missing, and the template declares none [add channels: {first: [push, sms]}]",
        ),
        (
            "  - {send: price-change, purpose: service, channels: {first: [sms]}}",
            "5:35 error the template is declared legal; it cannot also serve service "
            "[write purpose: legal, or make a template of its own]",
        ),
        ("  - {send: price-change, channels: {}}", "5:36 error 'first' is missing [add first: …]"),
        (
            "  - {send: price-change, channels: {first: []}}",
            "5:44 error the list of channels is empty, so nothing could ever be sent [name one channel or more]",
        ),
        (
            "  - {send: price-change, channels: {first: sms}}",
            "5:44 error expected a list, found 'sms' [start each item with a dash]",
        ),
        (
            "  - {send: price-change, channels: {first: [smss]}}",
            "5:45 error there is no channel 'smss' [did you mean 'sms'?]",
        ),
        (
            "  - {send: price-change, channels: {first: [fax]}}",
            "5:45 error there is no channel 'fax' [channels: push, sms, voice]",
        ),
        (
            "  - {send: price-change, channels: {first: [sms, sms]}}",
            "5:50 error channel 'sms' stands in the list twice []",
        ),
        (
            "  - {send: price-change, channels: {first: [{}]}}",
            "5:45 error expected the name of a channel, found a mapping []",
        ),
        (
            "  - {send: price-change, channels: {first: [sms], after: 1h}}",
            "5:51 error 'after' belongs to an escalation [write escalate instead of first]",
        ),
        (
            "  - {send: price-change, channels: {escalate: [sms], after: 1h}}",
            "5:47 error an escalation needs two channels or more [write first: [sms]]",
        ),
        ("  - {send: price-change, channels: {escalate: [sms, push]}}", "5:36 error 'after' is missing [add after: …]"),
        (
            "  - {send: only-sms, purpose: legal, channels: {first: [push]}}",
            "5:48 error template 'only-sms' has no text for push []",
        ),
        (
            "  - {send: only-sms, purpose: legal, channels: {first: [sms]}}",
            "5:48 warning template 'only-sms' has no sms text in fr []",
        ),
        (
            "  - send: nothing-like-it\n    purpose: legal\n    channels: {first: [sms]}",
            "5:11 error there is no template 'nothing-like-it' [create templates/nothing-like-it/template.yaml]",
        ),
    ],
)
def test_a_step_that_cannot_work_is_refused(steps: str, expected: str) -> None:
    assert one_problem(with_steps(steps)) == expected


def test_variables_that_no_source_can_fill_are_named() -> None:
    found = problems(with_steps("  - {send: odd, purpose: service}"))
    assert [problem.split(" error ")[1] for problem in found] == [
        "template 'odd' needs booking.color, which no source can fill: 'booking' has no field 'color' []",
        "template 'odd' needs event.data.pin, which no source can fill: 'event.data' has no field 'pin' []",
        "template 'odd' needs vehicle.plate, which no source can fill: there is no field 'vehicle' []",
    ]


def test_what_an_event_without_declared_data_brings_is_not_doubted() -> None:
    text = "journey: a\nstart: {on: app.opened}\nsteps:\n  - branch: [{when: 'event.data.x.y == 1', steps: []}]\n"
    assert problems(text) == []


def test_profiles_without_declared_traits_may_have_any_but_no_undeclared_date() -> None:
    world = msgspec.structs.replace(WORLD, profile=None)
    steps = "  - branch: [{when: 'profile.shoe_size > 44', steps: []}]\n"
    assert check(with_steps(steps), "a.yaml", world).problems == ()
    (problem,) = check(with_steps("  - wait: {until: profile.born_at}"), "a.yaml", world).problems
    assert "profile.born_at is not declared, not as timestamp" in problem.message


def test_per_key_needs_an_object() -> None:
    found = one_problem("journey: a\nstart: {on: app.opened, again: per_key}\nsteps: [{wait: 1h}]\n")
    assert found == (
        "2:32 error per_key needs an object the journey is about [add about: booking, or write again: after_exit]"
    )


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "text", "12"])
def test_a_file_that_is_no_mapping_is_refused(text: str) -> None:
    assert "expected a mapping with journey, about, start, exit, goal or steps" in problems(text)[0]


@pytest.mark.parametrize(
    "parts", ["start: now", "start: {on: app.opened}\ngoal: now", "start: {on: app.opened}\nexit: [now]"]
)
def test_a_part_that_is_no_mapping_is_refused(parts: str) -> None:
    assert "expected a mapping" in one_problem(f"journey: a\n{parts}\nsteps: [{{wait: 1h}}]\n")


def test_a_syntax_error_is_one_problem_with_its_place() -> None:
    assert one_problem("journey: a\njourney: b\n").startswith("2:1 error the key 'journey' stands here a second time")


def test_an_exit_without_its_event_is_refused() -> None:
    assert one_problem(
        GOOD.replace("{on: booking.canceled, where: 'event.data.by == \"us\" && event.time < now', then", "{then")
    ) == ("5:5 error 'on' is missing [add on: …]")


def test_a_journey_has_an_end_of_length() -> None:
    full = "  - wait: 1h\n" * MAX_STEPS
    assert problems(with_steps(full)) == []
    assert one_problem(with_steps(full + "  - wait: 1h\n  - wait: 2h\n")).startswith(
        f"{5 + MAX_STEPS}:5 error a journey has at most {MAX_STEPS} steps"
    )


def test_a_journey_has_an_end_of_depth() -> None:
    def nested(depth: int) -> str:
        inner = "{wait: 1h}"
        for _ in range(depth - 1):
            inner = f"{{branch: [{{else: [{inner}]}}]}}"
        return with_steps(f"  - {inner}")

    assert problems(nested(MAX_DEPTH)) == []
    assert f"nested deeper than {MAX_DEPTH} levels" in one_problem(nested(MAX_DEPTH + 1))


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 12), st.text("{}[]:,- \n'\"abcx0", max_size=3))
def test_no_damage_to_a_file_makes_the_check_fail(start: int, length: int, put: str) -> None:
    text = GOOD[:start] + put + GOOD[start + length :]
    checked = check(text, "a.yaml", WORLD)
    assert (checked.definition is None) == any(problem.is_error for problem in checked.problems)
    lines = text.split("\n")
    assert all(1 <= problem.line <= len(lines) and problem.column >= 1 for problem in checked.problems)
