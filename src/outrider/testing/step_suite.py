"""What every kind of step must keep: it stands alone, and whatever is written under its key is read or refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from outrider.contracts.step import Step
from outrider.contracts.surroundings import Surroundings, TemplateFacts
from outrider.domain.purpose import Purpose
from outrider.expressions import declare_fields
from outrider.journeys import check
from outrider.lib.discover import plugins
from outrider.testing.gate_suite import imports_of

ALLOWED = ("outrider.contracts", "outrider.domain", "outrider.expressions", "outrider.lib")
WORLD = Surroundings(
    templates={"hello": TemplateFacts({"sms": ("en",)}, Purpose.SERVICE, ("sms",))},
    objects={"booking": declare_fields({"starts_at": "timestamp", "days": "int"})},
    channels=("sms",),
    languages=("en",),
)
#: What people write: names, durations, dates, conditions, numbers, nothing, and these in lists and mappings.
WORDS = st.sampled_from(
    ("hello", "10m", "booking.starts_at", 'market == "GB"', "sms", "9d9d", "", "booking.gone", "on")
)
PLAIN = WORDS | st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text()


def subjects(extra: Sequence[Any] = ()) -> list[Step]:
    """Every discovered kind of step. extra: folders with further kinds."""
    return list(plugins("outrider.journeys.steps", "STEP", extra=extra).values())


def written(step: Step) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings with the step's key and some of its others."""
    inner = st.recursive(PLAIN, lambda within: st.lists(within, max_size=3) | _mapping(within, step), max_leaves=6)
    others = st.dictionaries(st.sampled_from((*step.keys, "id")), inner, max_size=4)
    return st.tuples(inner, others).map(lambda pair: {step.name: pair[0], **pair[1]})


def _mapping(within: st.SearchStrategy[Any], step: Step) -> st.SearchStrategy[Any]:
    keys = (step.name, *step.keys, "until", "minus", "on", "timeout", "missed", "first", "when", "steps", "else")
    return st.dictionaries(st.sampled_from(keys), within, max_size=3)


class StepSuite:
    """Parametrize with `step` over `subjects()`."""

    def test_it_has_a_name_and_says_which_keys_it_knows(self, step: Step) -> None:
        assert re.fullmatch(r"[a-z][a-z0-9_-]*", step.name)
        assert isinstance(step.keys, tuple)
        assert step.name not in step.keys
        assert "id" not in step.keys

    def test_it_knows_neither_the_stage_nor_another_step(self, step: Step) -> None:
        found = [name for name in imports_of(step) if name.startswith("outrider") and not name.startswith(ALLOWED)]
        assert found == []

    def test_whatever_is_written_is_read_or_refused_with_its_place(self, step: Step) -> None:
        @settings(max_examples=150, deadline=None)
        @given(written(step))
        def is_read(item: dict[str, Any]) -> None:
            text = msgspec.json.encode({"journey": "a", "start": {"on": "opened"}, "steps": [item]}).decode()
            checked = check(text, "a.yaml", WORLD)
            errors = [problem for problem in checked.problems if problem.is_error]
            assert (checked.definition is None) == bool(errors)
            for problem in checked.problems:
                assert (problem.file, problem.line) == ("a.yaml", 1)
                assert 1 <= problem.column <= len(text) + 1
                assert problem.message

        is_read()

    def test_a_key_it_does_not_know_is_refused(self, step: Step) -> None:
        text = f"journey: a\nstart: {{on: opened}}\nsteps:\n  - {step.name}: hello\n    unheard: 1\n"
        assert "unknown key 'unheard'" in [problem.message for problem in check(text, "a.yaml", WORLD).problems]
