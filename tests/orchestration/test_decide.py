"""The decision: which channel, which window, and what happens when gates block."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orchestration_cases import DAY, GATES, GRANTED, HOUR, NOON, PUSH, SMS, WITHDRAWN, candidate, facts, policy, settle

from outrider.contracts.gate import Case
from outrider.domain.decision import Blocked, Decision, Facts, GateVerdict, Judgment, Phase, ReachFact, Recent, Verdict
from outrider.domain.policy import Cap
from outrider.domain.profile import ConsentState
from outrider.domain.purpose import Purpose
from outrider.domain.strategy import Escalate, First
from outrider.orchestration.decide import decide, reach_on

PASS, HOLD, DROP, NOT_HERE = GateVerdict.PASS, GateVerdict.HOLD, GateVerdict.DROP, GateVerdict.NOT_HERE
SEND = Verdict.SEND


class Scripted:
    """A gate that answers each channel from a script; a channel that is not in it passes."""

    name = "scripted"
    phase = Phase.GAP
    order = 0

    def __init__(self, **answers: Judgment) -> None:
        self.answers = answers

    def judge(self, case: Case) -> Judgment:
        return self.answers.get(case.channel, Judgment(PASS, "Fine."))


NO = Judgment(NOT_HERE, "Not here.")
LATER = Judgment(HOLD, "Later.", until=NOON + 2 * HOUR)
SOON = Judgment(HOLD, "Soon.", until=NOON + HOUR)
NEVER = Judgment(DROP, "Never.")
ESCALATE = Escalate(("push", "sms", "voice"), timedelta(minutes=10))


def scripted(
    blocked: Blocked = Blocked.HOLD, strategy: First | Escalate | None = None, **answers: Judgment
) -> Decision:
    what = candidate(blocked=blocked, strategy=strategy or First(("push", "sms")))
    return decide(what, facts(), policy(), [Scripted(**answers)])


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param({}, "push", id="the first"),
        pytest.param({"push": NO}, "sms", id="the second when the first is not possible"),
    ],
)
def test_the_first_reachable_channel_is_the_one(answers: dict[str, Judgment], expected: str) -> None:
    decision = scripted(**answers)
    assert (decision.verdict, decision.channel, decision.gate, decision.reason) == (SEND, expected, "", "")


@pytest.mark.parametrize(
    ("blocked", "answers", "expected"),
    [
        pytest.param(Blocked.HOLD, {"push": LATER}, ("hold", "push", "Later."), id="hold waits, jumps to no other"),
        pytest.param(Blocked.HOLD, {"push": NEVER}, ("drop", "push", "Never."), id="a drop there is the answer"),
        pytest.param(Blocked.HOLD, {"push": NO, "sms": SOON}, ("hold", "sms", "Soon."), id="hold on the second"),
        pytest.param(Blocked.OTHER_CHANNEL, {"push": LATER}, ("send", "sms", ""), id="another channel may go now"),
        pytest.param(Blocked.OTHER_CHANNEL, {"push": NEVER}, ("send", "sms", ""), id="also after a drop"),
        pytest.param(
            Blocked.OTHER_CHANNEL, {"push": LATER, "sms": SOON}, ("hold", "sms", "Soon."), id="none now: the earliest"
        ),
        pytest.param(
            Blocked.OTHER_CHANNEL, {"push": SOON, "sms": SOON}, ("hold", "push", "Soon."), id="a tie: the first named"
        ),
        pytest.param(
            Blocked.OTHER_CHANNEL, {"push": NEVER, "sms": LATER}, ("hold", "sms", "Later."), id="a hold beats a drop"
        ),
        pytest.param(
            Blocked.OTHER_CHANNEL, {"push": NO, "sms": NEVER}, ("drop", "sms", "Never."), id="a drop beats not here"
        ),
        pytest.param(Blocked.SKIP, {"push": LATER}, ("drop", "push", "Later."), id="skip does not wait"),
        pytest.param(Blocked.SKIP, {"push": NO}, ("send", "sms", ""), id="skip still takes the first reachable"),
        pytest.param(Blocked.EXIT, {"push": LATER}, ("drop", "push", "Later."), id="exit does not wait"),
        pytest.param(
            Blocked.HOLD, {"push": NO, "sms": NO}, ("drop", "", "Not here."), id="no channel is possible: said once"
        ),
    ],
)
def test_when_blocked_the_step_says_what_happens(
    blocked: Blocked, answers: dict[str, Judgment], expected: tuple[str, str, str]
) -> None:
    decision = scripted(blocked, **answers)
    assert (decision.verdict.value, decision.channel, decision.reason) == expected
    assert decision.leave is (blocked is Blocked.EXIT)
    assert decision.gate == ("" if decision.verdict is SEND else "scripted")


def test_a_hold_is_decided_again_when_its_gate_says() -> None:
    assert scripted(push=SOON).until == NOON + HOUR


def test_a_hold_without_an_instant_lasts_to_the_end_of_the_validity() -> None:
    assert scripted(push=Judgment(HOLD, "Some time.")).until == NOON + 3 * DAY


@pytest.mark.parametrize(
    ("rung", "answers", "expected"),
    [
        pytest.param(0, {}, (SEND, "push"), id="it begins with the first"),
        pytest.param(1, {}, (SEND, "sms"), id="then the one of its rung"),
        pytest.param(1, {"sms": NO}, (SEND, "voice"), id="then the next that is possible"),
        pytest.param(1, {"sms": SOON}, (Verdict.HOLD, "sms"), id="a held rung waits"),
        pytest.param(2, {"voice": NO}, (Verdict.DROP, "voice"), id="the last rung is the last chance"),
        pytest.param(3, {}, (Verdict.DROP, ""), id="past the last rung there is nothing"),
    ],
)
def test_an_escalation_goes_on_from_its_rung(
    rung: int, answers: dict[str, Judgment], expected: tuple[Verdict, str]
) -> None:
    decision = decide(candidate(strategy=ESCALATE, rung=rung), facts(), policy(), [Scripted(**answers)])
    assert (decision.verdict, decision.channel) == expected


def test_a_strategy_without_a_channel_drops_with_a_reason() -> None:
    decision = scripted(strategy=First(()))
    assert (decision.verdict, decision.gate, decision.results) == (Verdict.DROP, "strategy", ())
    assert decision.reason == "The step names no further channel."


def test_every_gate_asked_is_noted_in_order_and_none_after_the_one_that_blocked() -> None:
    decision = settle(candidate(), facts(reach=(SMS,)))
    assert [(result.channel, result.gate) for result in decision.results] == [
        ("push", "validity"),
        ("push", "consent"),
        ("push", "suppression"),
        ("push", "reachability"),
        ("sms", "validity"),
        ("sms", "consent"),
        ("sms", "suppression"),
        ("sms", "reachability"),
        ("sms", "quiet_hours"),
        ("sms", "frequency_cap"),
        ("sms", "minimum_gap"),
    ]


@pytest.mark.parametrize(
    ("valid_for", "expected"),
    [
        pytest.param(HOUR, NOON + HOUR, id="the validity ends first"),
        pytest.param(DAY, NOON + 7 * HOUR - timedelta(microseconds=1), id="quiet hours begin first"),
    ],
)
def test_the_window_ends_with_the_first_of_validity_and_opening(valid_for: timedelta, expected: datetime) -> None:
    decision = settle(candidate(valid_until=NOON + valid_for))
    assert (decision.not_before, decision.not_after) == (NOON, expected)


def test_a_market_the_policy_does_not_know_is_judged_by_the_home_market() -> None:
    decision = settle(candidate(), facts(market="XX", now=NOON + 9 * HOUR))
    assert (decision.verdict, decision.gate) == (Verdict.HOLD, "quiet_hours")


def test_the_number_of_the_decision_is_kept() -> None:
    assert settle(candidate(), number=4).number == 4
    assert settle(candidate(valid_until=NOON - HOUR), number=5).number == 5
    assert settle(candidate(), facts(now=NOON + 9 * HOUR), number=6).number == 6


BLOCKED_SMS, OTHER_SMS = ReachFact("sms", "b1", "opted_out"), ReachFact("sms", "b2", "manual")


@pytest.mark.parametrize(
    ("reach", "expected"),
    [
        ((), None),
        ((PUSH,), None),
        ((BLOCKED_SMS, SMS), SMS),
        ((SMS, BLOCKED_SMS), SMS),
        ((PUSH, BLOCKED_SMS, OTHER_SMS), BLOCKED_SMS),
    ],
)
def test_an_address_that_may_be_used_is_preferred(reach: tuple[ReachFact, ...], expected: ReachFact | None) -> None:
    assert reach_on(facts(reach=reach), "sms") == expected


CHANNELS = st.sampled_from(["push", "sms", "voice", "email"])
STRATEGIES = st.one_of(
    st.builds(First, st.lists(CHANNELS, max_size=4).map(tuple)),
    st.builds(Escalate, st.lists(CHANNELS, max_size=4).map(tuple), st.just(10 * HOUR)),
)
AROUND = st.integers(-5000, 20000).map(lambda minutes: NOON + timedelta(minutes=minutes))
STATES = st.dictionaries(
    st.sampled_from(["service", "commercial", "commercial/sms", "service/push"]), st.sampled_from(ConsentState)
)
CANDIDATES = st.builds(
    candidate,
    st.sampled_from(Purpose),
    strategy=STRATEGIES,
    rung=st.integers(0, 4),
    valid_until=AROUND,
    blocked=st.sampled_from(Blocked),
    time_critical=st.booleans(),
)
FACTS = st.builds(
    facts,
    now=AROUND,
    market=st.sampled_from(["FR", "DE", ""]),
    zone=st.sampled_from(["Europe/Paris", "Pacific/Apia", "America/St_Johns", "Asia/Kathmandu", "no zone"]),
    consents=STATES,
    reach=st.lists(
        st.builds(ReachFact, CHANNELS, st.just("ab" * 16), st.sampled_from([None, None, "opted_out"])), max_size=5
    ).map(tuple),
    recent=st.lists(st.builds(Recent, CHANNELS, st.sampled_from(Purpose), AROUND), max_size=6).map(tuple),
)
CAPS = policy(Cap("weekly", 3, 7 * DAY), Cap("daily", 1, DAY, (Purpose.COMMERCIAL,), ("sms", "push")))


@given(CANDIDATES, FACTS)
def test_the_decision_is_total_deterministic_and_sound(what: object, known: Facts) -> None:
    decision = decide(what, known, CAPS, GATES)  # type: ignore[arg-type]
    assert decide(what, known, CAPS, GATES) == decision  # type: ignore[arg-type]
    if decision.verdict is SEND:
        assert decision.not_before == known.now
        assert decision.not_after is not None
        assert known.now <= decision.not_after <= decision.candidate.valid_until
        assert reach_on(known, decision.channel) is not None
    else:
        assert decision.gate
        assert decision.reason
    if decision.verdict is Verdict.HOLD:
        assert decision.until is not None
        assert known.now < decision.until <= decision.candidate.valid_until
    assert decision.leave is (decision.verdict is not SEND and decision.candidate.blocked is Blocked.EXIT)


@given(CANDIDATES, FACTS)
def test_what_is_never_allowed_never_happens(what: object, known: Facts) -> None:
    decision = decide(what, known, CAPS, GATES)  # type: ignore[arg-type]
    if decision.verdict is SEND and decision.candidate.purpose is Purpose.COMMERCIAL:
        states = known.consents
        assert GRANTED in (states.get(f"commercial/{decision.channel}"), states.get("commercial"))
        assert states.get(f"commercial/{decision.channel}") is not WITHDRAWN
    if decision.verdict is SEND:
        reach = reach_on(known, decision.channel)
        assert reach is not None
        assert reach.suppressed is None


@given(CANDIDATES, FACTS)
def test_every_block_has_a_reason_as_a_sentence_and_says_what_would_have_had_to_be_different(
    what: object, known: Facts
) -> None:
    for result in decide(what, known, CAPS, GATES).results:  # type: ignore[arg-type]
        judgment = result.judgment
        assert judgment.reason.endswith(".")
        assert judgment.reason[0].isupper()
        assert bool(judgment.otherwise) is (judgment.verdict is not PASS)
        assert not judgment.otherwise.endswith(".")
