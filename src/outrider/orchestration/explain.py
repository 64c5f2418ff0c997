"""Why a message was sent, held or dropped: plain sentences, one screen, made from nothing but the decision's record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from outrider.domain.decision import Blocked, Decision, GateResult, GateVerdict, Verdict
from outrider.domain.direct import is_direct
from outrider.orchestration.reasons import reason_words
from outrider.orchestration.record import Record
from outrider.orchestration.wording import instant

RUNGS = {
    "person": "the person's own zone",
    "device": "the zone of the person's device",
    "vehicle": "the zone of the country the vehicle was last in",
    "phone": "the zone of the phone number's country",
    "market": "the market's zone, since nothing closer is known",
}
STATUSES = {
    "held": "is held",
    "queued": "is waiting to be handed to a provider",
    "sending": "is being handed to a provider",
    "unknown": "may have been taken by a provider: the outcome is in doubt and being looked into",
    "accepted": "was accepted by a provider",
    "delivered": "was delivered",
    "undelivered": "was accepted but not delivered",
    "failed": "failed",
    "canceled": "was canceled",
    "expired": "was not sent in time",
}
BLOCKED = {
    Blocked.SKIP: "The step skips a message that may not go at once.",
    Blocked.EXIT: "The step leaves the journey when its message may not go at once.",
}
#: The gates after the one that stopped it were not asked.
LATER = " (and no later gate had stopped it)"
MICROSECOND = timedelta(microseconds=1)


def explain(record: Record, message: Mapping[str, Any] | None = None) -> list[str]:
    """The sentences, in reading order; times are wall times where the person is.

    record: from `unpack`. message: the row of the message born from the decision, if any: `status`, and where known
    `status_at` (aware), `reason`, `attempts`.
    """
    decision = record.decision
    return [
        _headline(decision),
        *_step(decision),
        _asked(decision),
        _where(decision),
        *_channels(decision),
        *_otherwise(decision),
        *(_message(decision, message) if message else ()),
        _versions(record),
    ]


def _headline(decision: Decision) -> str:
    zone = decision.facts.zone
    if decision.verdict is Verdict.SEND:
        until = f" until {instant(_last_minute(decision), zone)}" if decision.not_after else ""
        return f"Send by {decision.channel}: every gate let it pass; it may go from {_now(decision)}{until}."
    if decision.verdict is Verdict.HOLD:
        until = instant(decision.until, zone) if decision.until else "later"
        return f"Held by {decision.gate} until {until}, then decided again. {decision.reason}"
    return f"Dropped by {decision.gate}. {decision.reason}"


def _last_minute(decision: Decision) -> datetime:
    """The end of the window as people write it: 20:00, not the microsecond before it."""
    end = decision.not_after or decision.facts.now
    return end + MICROSECOND if (end + MICROSECOND).microsecond == 0 else end


def _step(decision: Decision) -> Iterator[str]:
    if decision.verdict is Verdict.DROP and decision.candidate.blocked in BLOCKED:
        yield BLOCKED[decision.candidate.blocked]


def _asked(decision: Decision) -> str:
    candidate, zone = decision.candidate, decision.facts.zone
    again = f" This is decision {decision.number + 1} on it." if decision.number else ""
    again = f" It is a fallback: {candidate.fallback}.{again}" if candidate.fallback else again
    who = "A request" if is_direct(candidate) else f"Step {candidate.node} of {candidate.journey}"
    return (
        f"{who} asked for {candidate.template} ({candidate.purpose}) at "
        f"{instant(candidate.asked_at, zone)}, worth sending until {instant(candidate.valid_until, zone)}.{again}"
    )


def _where(decision: Decision) -> str:
    facts = decision.facts
    rung = RUNGS.get(facts.zone_rung, facts.zone_rung)
    return f"Decided at {_now(decision)} in {facts.zone} ({rung}), market {facts.market}."


def _now(decision: Decision) -> str:
    return instant(decision.facts.now, decision.facts.zone)


def _channels(decision: Decision) -> Iterator[str]:
    """One sentence for what passed on each channel and one for what did not."""
    for channel, asked in groupby(decision.results, key=lambda result: result.channel):
        results = list(asked)
        passed = [_passed(result) for result in results if result.judgment.verdict is GateVerdict.PASS]
        if passed:
            yield f"{channel}: passed {', '.join(passed)}."
        yield from (_stopped(result) for result in results if result.judgment.verdict is not GateVerdict.PASS)


def _passed(result: GateResult) -> str:
    return f"{result.gate} ({result.judgment.margin})" if result.judgment.margin else result.gate


def _stopped(result: GateResult) -> str:
    judgment = result.judgment
    what = {GateVerdict.HOLD: "held", GateVerdict.DROP: "dropped"}.get(judgment.verdict, "not possible here")
    margin = f" ({judgment.margin})" if judgment.margin else ""
    reason = f": {judgment.reason}" if judgment.reason else ""
    return f"{result.channel}: {what} by {result.gate}{margin}{reason}"


def _otherwise(decision: Decision) -> Iterator[str]:
    """What would have had to be different, once for each gate and channel that stopped it."""
    if decision.verdict is not Verdict.SEND:
        for result in decision.results:
            if result.judgment.otherwise:
                yield f"It would have been sent by {result.channel} if {result.judgment.otherwise}{LATER}."


def _message(decision: Decision, message: Mapping[str, Any]) -> Iterator[str]:
    status, at = str(message.get("status", "")), message.get("status_at")
    reason, attempts = message.get("reason"), message.get("attempts")
    when = f", as of {instant(at, decision.facts.zone)}" if isinstance(at, datetime) else ""
    why = f": {reason_words(str(reason), decision.channel)}" if reason else ""
    tries = f" Attempts so far: {attempts}." if attempts else ""
    yield f"The message {STATUSES.get(status, f'has status {status}')}{when}{why}.{tries}"


def _versions(record: Record) -> str:
    return (
        f"Configuration {record.decision.candidate.config} ({record.config_digest[:12]}), code {record.code_version}, "
        f"time-zone data {record.zone_data_version}."
    )
