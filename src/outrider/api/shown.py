"""Messages, decisions, attempts and receipts as answers show them; personal data only for readers with `pii:read`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from outrider.api.masking import mask_address, mask_text
from outrider.contracts.reading_store import AttemptLine, DecisionLine, MessageLine, MessageView, ReceiptLine, RungLine
from outrider.domain.message import Rendition
from outrider.lib.ids import time_of_id, write_id
from outrider.orchestration.escalation import Rung, escalation_of
from outrider.orchestration.explain import explain
from outrider.orchestration.record import BadRecord, Record, unpack

#: Bits of `messages.engagement`, lowest first.
ENGAGEMENT = ("seen", "opened", "clicked", "replied", "acted", "complained")


class MessageOut(msgspec.Struct, frozen=True, kw_only=True):
    """One message. `profile` is null for readers without `pii:read` and after an erasure; `stream` is its pseudonym."""

    id: str
    created_at: datetime
    stream: str
    profile: str | None
    journey: str
    template: str
    purpose: str
    channel: str
    market: str
    status: str
    status_at: datetime
    not_before: datetime
    not_after: datetime
    intent_at: datetime | None
    attempts: int
    engagement: list[str]
    reason: str | None
    config: int
    #: The first message of an escalation.
    root: str | None
    #: Masked for readers without `pii:read`.
    address: str | None
    #: To how many addresses of the person each attempt goes: the devices of a push. Null after an erasure.
    addresses: int | None
    locale: str | None


class GateOut(msgspec.Struct, frozen=True):
    """One gate's answer about one channel."""

    gate: str
    channel: str
    verdict: str
    reason: str
    margin: str
    until: datetime | None
    otherwise: str


class DecisionOut(msgspec.Struct, frozen=True, kw_only=True):
    """One decision."""

    id: str
    #: 0 for the first decision on this candidate, then 1, 2, …
    number: int
    at: datetime
    stream: str
    profile: str | None
    verdict: str
    gate: str
    reason: str
    journey: str
    template: str
    purpose: str
    channel: str
    config: int


class DecisionDetail(DecisionOut, frozen=True, kw_only=True):
    """One decision, explained."""

    #: Plain sentences in reading order.
    explanation: list[str]
    gates: list[GateOut]


class AttemptOut(msgspec.Struct, frozen=True, kw_only=True):
    """One call to a provider. `estimate` is ours, `price` the provider's; `body` needs `pii:read`."""

    number: int
    route: str
    account: str
    state: str
    at: datetime
    ended_at: datetime | None
    reason: str | None
    detail: str | None
    #: The rule that allowed a possible duplicate.
    label: str | None
    provider_id: str | None
    segments: int | None
    estimate: float | None
    price: float | None
    currency: str | None
    body: Rendition | None


class ReceiptOut(msgspec.Struct, frozen=True):
    """One receipt."""

    attempt: int
    status: str
    reason: str | None
    detail: str | None
    at: datetime
    received_at: datetime


class RungOut(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate of an escalation: its last decision, and the status of the message made of it."""

    #: The message's id; the decision's where it was dropped.
    id: str
    at: datetime
    verdict: str
    gate: str
    channel: str
    #: Why it was asked for, such as "push failed"; empty for the first.
    fallback: str
    #: Null where it was dropped.
    status: str | None


class MessageDetail(MessageOut, frozen=True, kw_only=True):
    """One message with everything that led to it and came of it."""

    #: What its template was given; null for readers without `pii:read`.
    values: dict[str, Any] | None
    decisions: list[DecisionDetail]
    attempt_list: list[AttemptOut]
    receipts: list[ReceiptOut]
    #: The escalation it belongs to, first to last, itself included; empty when it stands alone.
    escalation: list[RungOut]


def show_message(line: MessageLine, pii: bool) -> MessageOut:
    """A message for a list."""
    return MessageOut(**_message_fields(line, pii))


def show_view(view: MessageView, beside: Sequence[RungLine], pii: bool) -> MessageDetail:
    """A message on a page of its own; `beside` are the candidates among which its escalation is."""
    line = view.message
    facts = {"status": line.status, "status_at": line.status_at, "attempts": line.attempts}
    last = len(view.decisions) - 1
    return MessageDetail(
        **_message_fields(line, pii),
        values=line.content.values if pii and line.content else None,
        decisions=[
            explain_decision(each, pii, {**facts, "reason": _words(line.reason, pii)} if place == last else None)
            for place, each in enumerate(view.decisions)
        ],
        attempt_list=[show_attempt(each, pii) for each in view.attempts],
        receipts=[show_receipt(each, pii) for each in view.receipts],
        escalation=[show_rung(each) for each in escalation(line.id, beside)],
    )


def escalation(identifier: bytes, beside: Sequence[RungLine]) -> list[Rung]:
    """The escalation a candidate belongs to, first to last; empty for one that stands alone."""
    return escalation_of(identifier, _rungs(beside))


def _rungs(beside: Sequence[RungLine]) -> Iterator[Rung]:
    for line in beside:
        record, message = _record(line.decision), line.message
        if record and message:
            name = write_id("msg", message.id)
            yield Rung(name, record.decision, message.status, message.status_at, mask_text(message.reason))
        elif record:
            yield Rung(write_id("dec", line.decision.id), record.decision)


def show_rung(rung: Rung) -> RungOut:
    """A candidate of an escalation."""
    decision = rung.decision
    return RungOut(
        id=rung.name,
        at=decision.facts.now,
        verdict=str(decision.verdict),
        gate=decision.gate,
        channel=decision.channel,
        fallback=rung.candidate.fallback,
        status=rung.status,
    )


def masked(view: MessageView) -> MessageView:
    """A message as readers without `pii:read` may see it: no content, and no address in the words of a provider."""
    return MessageView(
        replace(view.message, profile=None, content=None, reason=mask_text(view.message.reason)),
        view.decisions,
        tuple(replace(line, body=None, detail=mask_text(line.detail)) for line in view.attempts),
        tuple(replace(line, detail=mask_text(line.detail) or "") for line in view.receipts),
    )


def _message_fields(line: MessageLine, pii: bool) -> dict[str, Any]:
    content = line.content
    names = (
        *("journey", "template", "purpose", "channel", "market", "status", "status_at", "not_before", "not_after"),
        *("intent_at", "attempts", "config"),
    )
    return {
        **{name: getattr(line, name) for name in names},
        "id": write_id("msg", line.id),
        "created_at": time_of_id(line.id),
        "stream": write_id("str", line.stream),
        "profile": line.profile if pii else None,
        "engagement": [word for bit, word in enumerate(ENGAGEMENT) if line.engagement >> bit & 1],
        "reason": _words(line.reason, pii),
        "root": write_id("msg", line.root) if line.root else None,
        "address": None if content is None else content.address if pii else mask_address(content.address),
        "addresses": None if content is None else 1 + len(content.others),
        "locale": content.locale if content else None,
    }


def show_decision(line: DecisionLine, pii: bool) -> DecisionOut:
    """A decision for a list."""
    return DecisionOut(**_decision_fields(line, _record(line), pii))


def explain_decision(line: DecisionLine, pii: bool, message: Mapping[str, Any] | None = None) -> DecisionDetail:
    """A decision with every gate's answer; `message` is the row born from it, for the sentence about its status."""
    record = _record(line)
    return DecisionDetail(
        **_decision_fields(line, record, pii),
        explanation=explain(record, message) if record else ["The record of this decision cannot be read."],
        gates=_gates(record) if record else [],
    )


def _record(line: DecisionLine) -> Record | None:
    try:
        return unpack(line.record)
    except BadRecord:
        return None


def _gates(record: Record) -> list[GateOut]:
    found = []
    for result in record.decision.results:
        judgment = result.judgment
        found.append(
            GateOut(
                result.gate,
                result.channel,
                str(judgment.verdict),
                judgment.reason,
                judgment.margin,
                judgment.until,
                judgment.otherwise,
            )
        )
    return found


def _decision_fields(line: DecisionLine, record: Record | None, pii: bool) -> dict[str, Any]:
    names = ("number", "at", "verdict", "gate", "journey", "template", "purpose", "channel", "config")
    return {
        **{name: getattr(line, name) for name in names},
        "id": write_id("dec", line.id),
        "stream": write_id("str", line.stream),
        "profile": line.profile if pii else None,
        "reason": record.decision.reason if record else "",
    }


def show_attempt(line: AttemptLine, pii: bool) -> AttemptOut:
    """An attempt."""
    fields = msgspec.structs.asdict(line)
    del fields["message"]
    return AttemptOut(**{**fields, "detail": _words(line.detail, pii), "body": line.body if pii else None})


def show_receipt(line: ReceiptLine, pii: bool) -> ReceiptOut:
    """A receipt."""
    return ReceiptOut(line.attempt, line.status, line.reason, _words(line.detail, pii), line.at, line.received_at)


def _words(text: str | None, pii: bool) -> str | None:
    """Words of a provider may quote the address."""
    return text if pii else mask_text(text)
