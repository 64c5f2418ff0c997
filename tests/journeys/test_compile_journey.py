"""Steps become a flat program: numbered in reading order, named by their place, linked forward only."""

from __future__ import annotations

from rental_world import NOON, booking_program

from outrider.contracts.step import END, Scene, TimerFired
from outrider.domain.enrollment import Enrollment
from outrider.journeys import Program

STEPS = """\
  - wait: 1m
  - wait:
      on: app.opened
      timeout: 1h
      missed:
        - {wait: 2m, id: patience}
        - branch:
            - {when: 'market == "FR"', steps: [{wait: 3m}, {wait: 4m}]}
            - {when: 'market == "ES"', steps: []}
            - else: [{exit: elsewhere}]
  - wait: 5m
  - wait: 6m
"""

EXITS = """\
exit:
  - {on: booking.canceled, then: booking-canceled}
  - {on: booking.returned, then: {send: price-change, channels: {first: [sms]}, id: bye}}
  - {on: app.opened}
"""


def links(program: Program) -> list[tuple[str, int, int, tuple[int, ...]]]:
    """Name, next, skip and ways of each node."""
    return [(node.name, node.next, node.skip, node.ways) for node in program.nodes]


def test_nodes_stand_in_reading_order_and_lead_forward() -> None:
    program = booking_program(STEPS)
    assert links(program) == [
        ("0", 1, 7, ()),
        ("1", 7, 8, (2,)),
        ("patience", 3, 7, ()),
        ("1.missed.1", 7, 7, (4, 7, 6)),
        ("1.missed.1.0.0", 5, 7, ()),
        ("1.missed.1.0.1", 7, 7, ()),
        ("1.missed.1.else.0", 7, 7, ()),
        ("2", 8, END, ()),
        ("3", END, END, ()),
    ]
    assert [node.index for node in program.nodes] == list(range(9))


def test_a_way_begins_behind_everything_inside_the_ways_before_it() -> None:
    inner = "{branch: [{else: [{wait: 1m}, {wait: 2m}]}]}"
    program = booking_program(f"  - branch: [{{when: 'true', steps: [{inner}]}}, {{else: [{{wait: 3m}}]}}]\n")
    assert program.nodes[0].ways == (1, 4)
    assert [node.name for node in program.nodes] == ["0", "0.0.0", "0.0.0.else.0", "0.0.0.else.1", "0.else.0"]


def test_farewells_are_nodes_outside_the_walk() -> None:
    program = booking_program(STEPS, EXITS)
    farewells = [rule.then and (rule.then.name, rule.then.settings.template) for rule in program.exits]
    assert farewells == [("exit.0", "booking-canceled"), ("bye", "price-change"), None]
    assert len(program.nodes) == 9


def test_a_program_carries_the_configuration_it_belongs_to() -> None:
    program = booking_program(STEPS, "goal: {on: booking.returned}")
    assert (program.config, program.journey, program.about) == (3, "rental", "booking")
    assert program.goal is not None
    assert program.goal.within is None


def test_unrelated_edits_leave_the_names_of_steps_with_an_id() -> None:
    names = [node.name for node in booking_program("  - exit: x\n    id: over").nodes]
    longer = [node.name for node in booking_program("  - wait: 1h\n  - exit: x\n    id: over").nodes]
    assert (names, longer) == (["over"], ["0", "over"])


def test_steps_at_which_nobody_stays_answer_no_stimulus() -> None:
    steps = f"{STEPS}  - {{send: booking-confirmed}}\n"
    passing = [node for node in booking_program(steps).nodes if node.step.name != "wait"]
    scene = Scene(Enrollment(bytes(16), 0, bytes(16), "rental", 3, NOON), {}, NOON)
    assert {node.step.name for node in passing} == {"branch", "exit", "send"}
    assert all(node.step.resume(node, scene, TimerFired(1)) is None for node in passing)
