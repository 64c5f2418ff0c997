"""Every discovered gate keeps the contract."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from orchestration_cases import candidate, facts, policy

from outrider.contracts.gate import Case
from outrider.domain.decision import GateVerdict, Judgment, Phase
from outrider.domain.purpose import PURPOSES
from outrider.testing.gate_suite import GateSuite, ask_twice, complaints, subjects

NOW = datetime(2030, 3, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize("gate", subjects(), ids=lambda gate: gate.name)
class TestEveryGate(GateSuite):
    """The shipped suite, once per gate."""


def some_case() -> Case:
    """A service message to somebody without an address."""
    by, what = policy(), candidate()
    return Case(what, "sms", None, facts(now=NOW), PURPOSES[what.purpose], by.markets["FR"], by)


class Fickle:
    """Drops every second time."""

    name = "fickle"
    phase = Phase.GAP
    order = 0
    asked = 0

    def judge(self, case: Case) -> Judgment:
        self.asked += 1
        return Judgment(GateVerdict.DROP if self.asked % 2 else GateVerdict.PASS, "So.", otherwise="it were even")


def test_the_suite_catches_a_gate_that_changes_its_mind() -> None:
    with pytest.raises(AssertionError):
        ask_twice(Fickle(), some_case())


SOUND = Judgment(GateVerdict.HOLD, "Not now.", "1 h", NOW + timedelta(hours=1), otherwise="it were later")


@pytest.mark.parametrize(
    ("judgment", "words"),
    [
        (SOUND, []),
        (Judgment(GateVerdict.HOLD, "Not now.", otherwise="x"), ["a hold needs `until`", "a hold must end later"]),
        (Judgment(GateVerdict.HOLD, "Not now.", until=NOW, otherwise="x"), ["a hold must end later"]),
        (Judgment(GateVerdict.DROP, "No.", otherwise=""), ["what would have had to be different is missing"]),
        (Judgment(GateVerdict.PASS, "fine"), ["the reason is no sentence"]),
        (
            Judgment(GateVerdict.PASS, "Fine.", not_after=NOW - timedelta(hours=1)),
            ["a window must not be over"],
        ),
        (Judgment(GateVerdict.PASS, f"Fine for {'5e' * 16}."), ["an address is shown"]),
    ],
)
def test_an_incomplete_answer_is_named(judgment: Judgment, words: list[str]) -> None:
    assert complaints(some_case(), judgment) == words
