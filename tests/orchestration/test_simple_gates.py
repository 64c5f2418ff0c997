"""Validity, consent, suppression and reachability: tables of cases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from orchestration_cases import DAY, GRANTED, HOUR, NOON, PUSH, SMS, WITHDRAWN, ask, candidate, facts, market, policy

from outrider.domain.decision import GateVerdict, ReachFact
from outrider.domain.profile import ConsentState
from outrider.domain.purpose import Purpose
from outrider.orchestration.gates.consent import GATE as CONSENT
from outrider.orchestration.gates.reachability import GATE as REACHABILITY
from outrider.orchestration.gates.suppression import GATE as SUPPRESSION
from outrider.orchestration.gates.validity import GATE as VALIDITY

PASS, DROP, NOT_HERE = GateVerdict.PASS, GateVerdict.DROP, GateVerdict.NOT_HERE


@pytest.mark.parametrize(
    ("left", "verdict", "margin"),
    [
        pytest.param(4 * HOUR, PASS, "4 h left", id="in time"),
        pytest.param(timedelta(), PASS, "less than 1 min left", id="at the last instant"),
        pytest.param(timedelta(microseconds=-1), DROP, "less than 1 min late", id="just after it"),
        pytest.param(-DAY, DROP, "1 day late", id="a day late"),
    ],
)
def test_a_message_passes_up_to_the_last_instant_it_is_worth_sending(
    left: timedelta, verdict: GateVerdict, margin: str
) -> None:
    judgment = ask(VALIDITY, candidate(valid_until=NOON + left), facts())
    assert (judgment.verdict, judgment.margin) == (verdict, margin)


def test_validity_closes_the_window_at_its_end() -> None:
    assert ask(VALIDITY, candidate(), facts()).not_after == NOON + 3 * DAY


def test_a_late_message_says_until_when_it_was_worth_sending_on_the_persons_clock() -> None:
    judgment = ask(VALIDITY, candidate(valid_until=NOON - HOUR), facts())
    assert judgment.reason == "It was worth sending until Tue 5 Mar 2030 12:00 only."
    assert judgment.otherwise == "it had been asked 1 h earlier, or were valid for longer"


@pytest.mark.parametrize(
    ("purpose", "states", "verdict"),
    [
        (Purpose.COMMERCIAL, {}, NOT_HERE),
        (Purpose.COMMERCIAL, {"commercial": GRANTED}, PASS),
        (Purpose.COMMERCIAL, {"commercial/sms": GRANTED}, PASS),
        (Purpose.COMMERCIAL, {"commercial/email": GRANTED}, NOT_HERE),
        (Purpose.COMMERCIAL, {"commercial": GRANTED, "commercial/sms": WITHDRAWN}, NOT_HERE),
        (Purpose.COMMERCIAL, {"commercial": WITHDRAWN, "commercial/sms": GRANTED}, PASS),
        (Purpose.COMMERCIAL, {"commercial": WITHDRAWN}, NOT_HERE),
        (Purpose.COMMERCIAL, {"service": GRANTED}, NOT_HERE),
        (Purpose.SERVICE, {}, PASS),
        (Purpose.SERVICE, {"service": GRANTED}, PASS),
        (Purpose.SERVICE, {"service": WITHDRAWN}, NOT_HERE),
        (Purpose.SERVICE, {"service/sms": WITHDRAWN}, NOT_HERE),
        (Purpose.SERVICE, {"service/email": WITHDRAWN}, PASS),
        (Purpose.SERVICE, {"service": WITHDRAWN, "service/sms": GRANTED}, PASS),
        (Purpose.TRANSACTIONAL, {"transactional": WITHDRAWN}, PASS),
        (Purpose.LEGAL, {"legal": WITHDRAWN}, PASS),
        (Purpose.SECURITY, {"security": WITHDRAWN}, PASS),
        (Purpose.SAFETY, {"safety": WITHDRAWN}, PASS),
    ],
)
def test_consent_is_asked_for_where_needed_and_a_withdrawal_obeyed_where_one_may_object(
    purpose: Purpose, states: dict[str, ConsentState], verdict: GateVerdict
) -> None:
    assert ask(CONSENT, candidate(purpose), facts(consents=states)).verdict is verdict


@pytest.mark.parametrize(("states", "verdict"), [({}, NOT_HERE), ({"service": GRANTED}, PASS)])
def test_a_market_may_ask_consent_for_more_purposes(states: dict[str, ConsentState], verdict: GateVerdict) -> None:
    strict = policy(rules=market(consent_also_for=(Purpose.SERVICE,)))
    assert ask(CONSENT, candidate(), facts(consents=states), strict).verdict is verdict


def test_a_consent_never_given_and_one_withdrawn_are_told_apart() -> None:
    never = ask(CONSENT, candidate(Purpose.COMMERCIAL), facts())
    assert never.reason == "Consent to commercial messages by sms was never given, and France needs it."
    kingdom = policy(rules=market(name="United Kingdom", article="the"))
    abroad = ask(CONSENT, candidate(Purpose.COMMERCIAL), facts(), kingdom)
    assert abroad.reason == "Consent to commercial messages by sms was never given, and the United Kingdom needs it."
    assert never.otherwise == "the person had consented to commercial messages by sms"
    withdrawn = ask(CONSENT, candidate(), facts(consents={"service": WITHDRAWN}))
    assert withdrawn.reason == "The person withdrew consent to service messages by sms."
    assert withdrawn.otherwise == "the person had not withdrawn consent to service messages by sms"


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_suppressed_address_is_not_used_for_any_purpose(purpose: Purpose) -> None:
    blocked = facts(reach=(ReachFact("sms", "5e", "opted_out"),))
    judgment = ask(SUPPRESSION, candidate(purpose), blocked)
    assert judgment.verdict is NOT_HERE
    assert judgment.reason == "The sms address is suppressed: the person opted out with the carrier."
    assert judgment.otherwise == "the sms address were not suppressed"


@pytest.mark.parametrize(
    ("why", "words"), [("invalid_number", "invalid number"), ("", "no reason was given"), ("manual", "an operator")]
)
def test_the_reason_of_a_suppression_is_put_in_words(why: str, words: str) -> None:
    assert words in ask(SUPPRESSION, candidate(), facts(reach=(ReachFact("sms", "5e", why),))).reason


@pytest.mark.parametrize("reach", [(SMS,), (), (ReachFact("push", "a7", "opted_out"),)])
def test_suppression_speaks_only_of_a_suppressed_address_on_the_channel(reach: tuple[ReachFact, ...]) -> None:
    assert ask(SUPPRESSION, candidate(), facts(reach=reach)).verdict is PASS


def test_a_channel_without_a_living_address_is_not_used() -> None:
    assert ask(REACHABILITY, candidate(), facts(reach=(SMS,))).verdict is PASS
    judgment = ask(REACHABILITY, candidate(), facts(reach=(PUSH,)))
    assert (judgment.verdict, judgment.reason) == (NOT_HERE, "There is no living sms address.")
    assert judgment.otherwise == "there were a living sms address"
