"""Candidates, facts and policies for the tests of this stage: sound by default, changed by keyword."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import msgspec

from outrider.contracts.gate import Case, Gate
from outrider.domain.decision import Candidate, Decision, Facts, Judgment, ReachFact
from outrider.domain.policy import Cap, MarketRules, Policy, QuietRule, Window
from outrider.domain.profile import ConsentState
from outrider.domain.purpose import Purpose
from outrider.domain.strategy import First
from outrider.lib.discover import plugins
from outrider.orchestration.decide import decide, market_of, reach_on
from outrider.orchestration.order import in_order

GATES = in_order(plugins("outrider.orchestration.gates", "GATE").values())
#: A Tuesday, 13:00 in Paris.
NOON = datetime(2030, 3, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
OFFICE = QuietRule((Window(time(8), time(20)),))
GRANTED, WITHDRAWN = ConsentState.GRANTED, ConsentState.WITHDRAWN
SMS, PUSH = ReachFact("sms", "5e" * 16), ReachFact("push", "a7" * 16)


def market(*quiet: QuietRule, **changes: Any) -> MarketRules:
    sound = MarketRules("FR", "France", "Europe/Paris", ("fr",), "FR", quiet or (OFFICE,))
    return msgspec.structs.replace(sound, **changes)


def policy(*caps: Cap, rules: MarketRules | None = None) -> Policy:
    return Policy({"FR": rules or market()}, "FR", caps)


def candidate(purpose: Purpose = Purpose.SERVICE, **changes: Any) -> Candidate:
    sound = Candidate(
        id=bytes(range(16)),
        stream=bytes(16),
        journey="rental-handover",
        node="find-your-car",
        template="find-your-car",
        purpose=purpose,
        strategy=First(("push", "sms")),
        asked_at=NOON,
        valid_until=NOON + 3 * DAY,
        config=7,
    )
    return msgspec.structs.replace(sound, **changes)


def facts(**changes: Any) -> Facts:
    sound = Facts(NOON, "FR", "Europe/Paris", "person", "fr", {}, (PUSH, SMS))
    return msgspec.structs.replace(sound, **changes)


def ask(gate: Gate, what: Candidate, known: Facts, by: Policy | None = None, channel: str = "sms") -> Judgment:
    """One gate's answer."""
    by = by or policy()
    return gate.judge(
        Case(what, channel, reach_on(known, channel), known, by.purposes[what.purpose], market_of(known, by), by)
    )


def settle(what: Candidate, known: Facts | None = None, by: Policy | None = None, number: int = 0) -> Decision:
    """The decision of the shipped gates."""
    return decide(what, known or facts(), by or policy(), GATES, number)
