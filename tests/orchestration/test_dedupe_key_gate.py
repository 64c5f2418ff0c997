"""The dedupe key: who passes, who is dropped, what is said of it, and that a record brings back all of it."""

from __future__ import annotations

from typing import Any

import pytest
from orchestration_cases import DAY, GATES, NOON, SMS, candidate, facts, policy, settle

from outrider.contracts.gate import Case
from outrider.domain.decision import DEDUPE, GateVerdict, Judgment, Verdict
from outrider.domain.message import Status
from outrider.domain.purpose import PURPOSES
from outrider.orchestration.explain import explain
from outrider.orchestration.gates.dedupe_key import GATE
from outrider.orchestration.record import pack, rederive, unpack

VERSIONS = ("0.1.0", "2030a", "5e" * 32)
FREE = {Status.UNDELIVERED, Status.FAILED, Status.CANCELED, Status.EXPIRED}


def judge(extra: dict[str, Any]) -> Judgment | None:
    by, what = policy(), candidate(dedupe=b"k" * 16)
    return GATE.judge(Case(what, "sms", SMS, facts(extra=extra), PURPOSES[what.purpose], by.markets["FR"], by))


def earlier(status: str) -> dict[str, Any]:
    return {DEDUPE: {"message": "msg_1", "at": NOON - DAY, "status": status}}


def test_the_gate_has_no_say_without_a_key() -> None:
    assert judge({}) is None
    assert "dedupe_key" not in [result.gate for result in settle(candidate(), facts(reach=(SMS,))).results]


def test_the_first_under_a_key_passes() -> None:
    judgment = judge({DEDUPE: {}})
    assert judgment is not None
    assert (judgment.verdict, judgment.margin) == (GateVerdict.PASS, "first under its key")


@pytest.mark.parametrize("status", [*Status, ""])
def test_only_what_certainly_did_not_arrive_lets_the_key_go(status: str) -> None:
    judgment = judge(earlier(status))
    assert judgment is not None
    assert judgment.verdict is (GateVerdict.PASS if status in FREE else GateVerdict.DROP)
    assert judgment.margin == (f"msg_1 {status}" if status in FREE else f"that one is {status}" if status else "")


def test_a_repeat_is_dropped_with_the_earlier_message_named_on_the_persons_clock() -> None:
    decision = settle(candidate(dedupe=b"k" * 16), facts(reach=(SMS,), extra=earlier("accepted")))
    assert (decision.verdict, decision.gate) == (Verdict.DROP, "dedupe_key")
    assert decision.reason == "It was already asked for on Mon 4 Mar 2030 13:00 as msg_1."
    told = explain(unpack(pack(decision, *VERSIONS)))
    assert told[0] == f"Dropped by dedupe_key. {decision.reason}"
    assert any("if msg_1 had not been sent or had not arrived" in line for line in told)


@pytest.mark.parametrize("extra", [{DEDUPE: {}}, earlier("delivered"), earlier("failed"), {}])
def test_a_record_brings_back_the_key_and_what_was_known_of_it(extra: dict[str, Any]) -> None:
    decision = settle(candidate(dedupe=b"k" * 16), facts(reach=(SMS,), extra=extra))
    packed = pack(decision, *VERSIONS)
    assert rederive(packed, policy(), GATES) == decision
    assert unpack(packed).decision.candidate.dedupe == b"k" * 16
