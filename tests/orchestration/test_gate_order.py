"""Gates are found by folder and asked in the order of their phases."""

from __future__ import annotations

from pathlib import Path

import pytest
from orchestration_cases import GATES, candidate, facts, policy

from outrider.contracts.gate import Case
from outrider.domain.decision import GateVerdict, Judgment, Phase, Verdict
from outrider.lib.discover import plugins
from outrider.orchestration.decide import decide
from outrider.orchestration.order import GateOrderError, in_order

NEW_GATE = """
from outrider.domain.decision import GateVerdict, Judgment, Phase


class NoFriday:
    name = "no_thirteenth"
    phase = Phase.HOLDOUT
    order = 0

    def judge(self, case):
        return Judgment(GateVerdict.DROP, "Not on a thirteenth.", otherwise="it were another day")


GATE = NoFriday()
"""


class Named:
    """A gate at any place."""

    def __init__(self, name: str, phase: Phase, order: int = 0) -> None:
        self.name, self.phase, self.order = name, phase, order

    def judge(self, case: Case) -> Judgment:
        return Judgment(GateVerdict.PASS, "Fine.")


def test_the_shipped_gates_are_asked_in_the_documented_order() -> None:
    documented = ["validity", "dedupe_key", "consent", "suppression", "reachability", "quiet_hours", "frequency_cap"]
    assert [gate.name for gate in GATES if gate.name in documented] == documented


def test_gates_are_asked_by_phase_then_by_order_whatever_the_order_they_are_found_in() -> None:
    late, early, middle = Named("a", Phase.GAP), Named("z", Phase.CONSENT), Named("b", Phase.CONSENT, 1)
    assert in_order([late, middle, early]) == in_order([early, late, middle]) == (early, middle, late)


def test_two_gates_at_the_same_place_fail_the_start_and_are_named() -> None:
    with pytest.raises(GateOrderError, match="gates 'a' and 'b' both stand at phase GAP, order 2"):
        in_order([Named("b", Phase.GAP, 2), Named("a", Phase.GAP, 2)])


def test_two_gates_of_one_name_fail_the_start() -> None:
    with pytest.raises(GateOrderError, match="two gates are called 'a'"):
        in_order([Named("a", Phase.GAP), Named("a", Phase.CAP)])


def test_a_gate_is_one_new_file(tmp_path: Path) -> None:
    (tmp_path / "no_thirteenth.py").write_text(NEW_GATE)
    gates = in_order(plugins("outrider.orchestration.gates", "GATE", extra=[tmp_path]).values())
    assert [gate.name for gate in gates][5] == "no_thirteenth"
    decision = decide(candidate(), facts(), policy(), gates)
    assert (decision.verdict, decision.gate, decision.reason) == (Verdict.DROP, "no_thirteenth", "Not on a thirteenth.")
