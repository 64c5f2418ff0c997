"""What a plan names, how it is told, and that it tells nothing where nothing differs."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.configuration import read_folder
from outrider.configuration.parts import SORTS, parts_of
from outrider.configuration.plan import Difference, How, Plan, Standing, differences, make_plan, show_plan
from outrider.demo.example import example_folder

RENTAL = read_folder(example_folder())
HANDOVER = "journeys/handover.yaml"


def changed(path: str, old: str, new: str) -> dict[str, str]:
    assert old in RENTAL[path]
    return {**RENTAL, path: RENTAL[path].replace(old, new, 1)}


def without(path: str) -> dict[str, str]:
    return {name: text for name, text in RENTAL.items() if name != path}


def told(plan: Plan) -> list[tuple[How, str, str]]:
    return [(change.how, change.sort, change.name) for change in plan.changes]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (changed("outrider.toml", "weight = 60", "weight = 50"), (How.CHANGED, "route", "smsmode-fr")),
        (changed("outrider.toml", 'name = "smsmode-fr"', 'name = "other"'), (How.ADDED, "route", "other")),
        (changed("outrider.toml", "at_most = 1", "at_most = 2"), (How.CHANGED, "cap", "one survey a month")),
        (changed("outrider.toml", "per_day = 60", "per_day = 61"), (How.CHANGED, "setting", "ceilings")),
        (changed("outrider.toml", "sandbox-twilio-token", "x"), (How.CHANGED, "account", "twilio-backup")),
        (changed("objects/vehicle.yaml", "model: string", "model: int"), (How.CHANGED, "kind", "vehicle")),
        (changed("sources/telematics.yaml", "data.booking.id", "data.id"), (How.CHANGED, "source", "/vehicles")),
        (changed(HANDOVER, "minus: 3h", "minus: 2h"), (How.CHANGED, "journey", "handover")),
        (without("journeys/moved.yaml"), (How.REMOVED, "journey", "moved")),
        (without("templates/need-help/sms.fr.j2"), (How.REMOVED, "text", "need-help, sms in fr")),
        (
            changed("templates/need-help/template.yaml", "longest: 20", "longest: 30"),
            (How.CHANGED, "template", "need-help"),
        ),
        (
            {**RENTAL, "templates/need-help/markets/gb/sms.en.j2": "Hi"},
            (How.ADDED, "text", "need-help, sms in en, market GB"),
        ),
        ({**RENTAL, "markets/fr.yaml": "market: FR\n"}, (How.ADDED, "market", "fr")),
        ({**RENTAL, "journeys/broken.yaml": "a: [\n"}, (How.ADDED, "journey", "broken")),
    ],
)
def test_every_sort_of_change_is_named(after: dict[str, str], expected: tuple[How, str, str]) -> None:
    assert expected in told(make_plan(RENTAL, after, applied=3))


def test_comments_and_layout_change_nothing() -> None:
    after = {
        **RENTAL,
        HANDOVER: "# so it is\n" + RENTAL[HANDOVER],
        "outrider.toml": RENTAL["outrider.toml"] + "\n# x\n",
    }
    plan = make_plan(RENTAL, after, applied=3)
    assert plan.changes == ()
    assert show_plan(plan) == "no changes against configuration 3, only comments, layout or order"
    assert show_plan(make_plan(RENTAL, RENTAL, applied=3)) == "no changes against configuration 3"


def test_sources_in_another_order_are_a_change_and_routes_are_not() -> None:
    """Of two sources that match an event the first reads it; a route is drawn by weight and name."""
    one, two = "source: /shop/*\nevents: {}\n", "source: /shop/web\nevents: {}\n"
    before = {"sources/a.yaml": one, "sources/b.yaml": two}
    plan = make_plan(before, {"sources/a.yaml": two, "sources/b.yaml": one}, applied=3)
    assert [(change.name, change.differences) for change in plan.changes] == [
        ("order of sources", (Difference("", '["/shop/*","/shop/web"]', '["/shop/web","/shop/*"]'),))
    ]
    assert make_plan(before, {"sources/a.yaml": one, "sources/c.yaml": two}).changes == ()
    routes = ['[[routes]]\nname = "a"\n', '[[routes]]\nname = "b"\n']
    texts = ["".join(routes), "".join(routes[::-1])]
    assert make_plan({"outrider.toml": texts[0]}, {"outrider.toml": texts[1]}).changes == ()


def test_a_first_plan_adds_everything_and_warns_of_nothing() -> None:
    plan = make_plan({}, RENTAL)
    assert {how for how, _, _ in told(plan)} == {How.ADDED}
    assert plan.warnings == ()
    lines = show_plan(plan).splitlines()
    assert "against nothing: none was applied yet" in lines[0]
    assert "+ 3 kinds: booking, profile, vehicle (added)" in lines
    count = Counter(change.sort for change in plan.changes)
    (journeys,) = [line for line in lines if line.startswith(f"+ {count['journey']} journeys: ")]
    assert "handover, invoice, " in journeys
    assert f"+ {count['text']} texts (added)" in lines
    (routes,) = [line for line in lines if line.startswith("+ 14 routes: app, mail, ")]
    assert routes.endswith(" and 6 more (added)")
    assert len(lines) < 16
    assert len(plan.changes) == len(parts_of(RENTAL))


def test_people_inside_are_told_with_their_version() -> None:
    standing = [Standing("handover", 1, 4), Standing("handover", 3, 38), Standing("satisfaction", 3, 9)]
    plan = make_plan(RENTAL, changed(HANDOVER, "minus: 3h", "minus: 2h"), applied=3, standing=standing)
    (change,) = plan.changes
    assert change.people == 42
    assert change.differences == (Difference("steps[2].wait.minus", '"3h"', '"2h"'),)
    text = show_plan(plan)
    assert "42 people inside (4 on version 1, 38 on version 3): finish on the version they entered with" in text
    assert '      - "3h"\n      + "2h"' in text
    assert plan.warnings == ()


def test_a_removed_journey_with_people_inside_is_a_warning() -> None:
    plan = make_plan(RENTAL, without("journeys/moved.yaml"), applied=3, standing=[Standing("moved", 2, 1)])
    (warning,) = plan.warnings
    assert warning.startswith("journey moved is removed with 1 person inside")
    assert "1 person inside (1 on version 2): finishes on the version it entered with" in show_plan(plan)
    assert make_plan(RENTAL, without("journeys/moved.yaml"), applied=3).warnings == ()


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ("model: string", "model: {type: string, sealed: false}", "vehicle.model becomes unsealed"),
        ("model: {type: string, sealed: false}", "model: string", "vehicle.model becomes sealed"),
        ("model: {type: string, sealed: false}", "model: {type: string, sealed: true}", "vehicle.model becomes sealed"),
        ("model: {type: string, sealed: false}", "", "vehicle.model becomes sealed"),
        ("model: {type: string, sealed: true}", "model: string", ""),
        ("model: string", "model: int", ""),
    ],
)
def test_a_trait_whose_sealing_changes_is_a_warning(before: str, after: str, word: str) -> None:
    files = [changed("objects/vehicle.yaml", "model: string", text) for text in (before, after)]
    warnings = make_plan(*files, applied=1).warnings
    assert [word in warning for warning in warnings] == ([True] if word else [])


@pytest.mark.parametrize(("new", "warned"), [('environment = "production"', 1), ("", 1), ('environment = "test"', 0)])
def test_going_to_production_is_a_warning(new: str, warned: int) -> None:
    assert len(make_plan(RENTAL, changed("outrider.toml", 'environment = "demo"', new), applied=1).warnings) == warned


def test_a_new_step_is_one_difference() -> None:
    after = changed(HANDOVER, "  # For a last-minute", "  - wait: 5m\n  # For a last-minute")
    (change,) = make_plan(RENTAL, after, applied=1).changes
    assert change.differences == (Difference("steps[2]", None, '{"wait":"5m"}'),)


def test_a_text_is_told_line_by_line() -> None:
    assert list(differences("a\nb\nc\n", "a\nB\nc\n")) == [Difference("line 2", "b", "B")]


def test_the_digest_is_that_of_the_version_and_both_folders() -> None:
    other = without("journeys/moved.yaml")
    plans = [
        make_plan(RENTAL, other, applied=1),
        make_plan(RENTAL, other, applied=2),
        make_plan(other, RENTAL, applied=1),
    ]
    assert len({plan.digest for plan in plans}) == 3
    again = make_plan(RENTAL, other, applied=1, standing=[Standing("moved", 1, 5)])
    assert again.digest == plans[0].digest


def test_two_files_that_claim_one_name_are_both_told() -> None:
    files = {"journeys/a.yaml": "journey: x\n", "journeys/b.yaml": "journey: x\n", "outrider.toml": "a = ["}
    assert sorted((part.sort, part.name) for part in parts_of(files)) == [
        ("file", "outrider.toml"),
        ("file", "x in journeys/b.yaml"),
        ("journey", "x"),
    ]


values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b", "a\nb"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


@given(values, values)
def test_values_differ_exactly_when_a_difference_is_told(before: Any, after: Any) -> None:
    same = msgspec.json.encode(before, order="sorted") == msgspec.json.encode(after, order="sorted")
    assert (list(differences(before, after)) == []) == same


@given(st.dictionaries(st.sampled_from(sorted(RENTAL)), st.sampled_from(["", "a: 1\n", "x", "[", "name = 1\n"])))
def test_any_folder_has_a_plan(changes: dict[str, str]) -> None:
    plan = make_plan(RENTAL, {**RENTAL, **changes}, applied=1)
    assert show_plan(plan)
    assert all(change.sort in SORTS for change in plan.changes)
    assert make_plan({**RENTAL, **changes}, {**RENTAL, **changes}).changes == ()
