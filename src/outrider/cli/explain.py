"""`outrider explain`: why a message was sent, held or dropped, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from outrider.contracts.reading_store import AttemptLine, DecisionLine, MessageLine, MessageView, ReceiptLine
    from outrider.orchestration.escalation import Rung
    from outrider.orchestration.record import Record

PREFIXES = ("msg", "dec")
STATES = {
    "intent": "begun, no answer yet",
    "accepted": "accepted",
    "refused": "refused",
    "unknown": "in doubt: the call broke off after it had begun",
    "absent": "proved not to have been taken",
    "unresolved": "in doubt for good: the time for proof is over",
}

#: What was not taken costs nothing.
FREE = ("refused", "absent")


@click.command(short_help="Say why a message was sent, held or dropped.")
@click.argument("identifier", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def explain(identifier: str, as_json: bool) -> None:
    """Explain ID, a message (msg_…) or a decision (dec_…), gate by gate, in plain words.

    A message and the decision it was born from share their digits, so either form finds both. For what was held or
    dropped it says what would have had to be different; for a fallback what it follows, and for a message that did not
    reach the person what followed.
    """
    from outrider.cli._running import run

    run(_explain(_read(identifier), as_json))


COMMAND = explain


def _read(text: str) -> bytes:
    """The id behind msg_…, dec_… or an attempt's name msg_….1; a friendly error for anything else."""
    from outrider.lib.ids import BadId, read_id

    prefix = text.partition("_")[0]
    if prefix not in PREFIXES:
        raise click.BadParameter(f"expected msg_… or dec_… and 26 digits, got {text[:40]!r}", param_hint="ID")
    try:
        return read_id(prefix, text.partition(".")[0])
    except BadId as error:
        raise click.BadParameter(str(error), param_hint="ID") from error


async def _explain(identifier: bytes, as_json: bool) -> None:
    from outrider.api.shown import escalation, masked
    from outrider.cli._listing import opened_reading
    from outrider.orchestration.record import BadRecord

    async with opened_reading() as (reading, _):
        view = await reading.message(identifier)
        decisions = view.decisions if view else tuple(await reading.decision(identifier))
        beside = await reading.beside(identifier, decisions[-1].stream) if decisions else []
    if not decisions:
        from outrider.lib.ids import write_id

        raise click.ClickException(f"there is no message or decision with the id {write_id('msg', identifier)[4:]}")
    try:
        story = Story(masked(view) if view else None, decisions, escalation(identifier, beside), _devices(view))
        click.echo(json.dumps(_document(story), indent=2) if as_json else "\n".join(sentences(story)))
    except BadRecord as error:
        raise click.ClickException(f"the record of this decision cannot be read: {error}") from error


@dataclass(frozen=True)
class Story:
    """All that is told about one candidate."""

    #: None while no message was made of it.
    view: MessageView | None
    #: First to last, at least one.
    decisions: Sequence[DecisionLine]
    #: Its whole escalation, first to last; empty when it stands alone.
    escalation: Sequence[Rung] = ()
    #: To how many addresses each attempt goes.
    devices: int = 1


def _devices(view: MessageView | None) -> int:
    content = view.message.content if view else None
    return 1 if content is None else 1 + len(content.others)


def sentences(story: Story) -> list[str]:
    """Earlier decisions in a line each, the last one gate by gate, attempts, receipts, and the rest of its escalation.

    Raises BadRecord.
    """
    from outrider.orchestration.escalation import tell
    from outrider.orchestration.explain import explain as explain_decision
    from outrider.orchestration.record import unpack

    records = [unpack(line.record) for line in story.decisions]
    zone = records[-1].decision.facts.zone
    return [
        *(_earlier(record) for record in records[:-1]),
        *explain_decision(records[-1], _row(story.view.message) if story.view else None),
        *((f"Each attempt goes to {story.devices} devices of the person at once.",) if story.devices > 1 else ()),
        *(_sent(story.view, zone) if story.view else ()),
        *tell(story.decisions[-1].id, story.escalation, zone),
    ]


def _sent(view: MessageView, zone: str) -> Iterator[str]:
    yield from (_attempt(attempt, zone, view.message.channel) for attempt in view.attempts)
    yield from (_receipt(receipt, zone, view.message.channel) for receipt in view.receipts)


def _earlier(record: Record) -> str:
    from outrider.orchestration.explain import explain as explain_decision

    return f"Before: {explain_decision(record)[0]}"


def _row(message: MessageLine) -> dict[str, Any]:
    names = ("status", "status_at", "reason", "attempts")
    return {name: getattr(message, name) for name in names}


def _attempt(attempt: AttemptLine, zone: str, channel: str) -> str:
    from outrider.orchestration.wording import instant

    words = [STATES.get(attempt.state, attempt.state), *_details(attempt, channel)]
    where = f"Attempt {attempt.number} on route {attempt.route} (account {attempt.account})"
    return f"{where} at {instant(attempt.at, zone)}: {', '.join(words)}."


def _details(attempt: AttemptLine, channel: str) -> Iterator[str]:
    from outrider.orchestration.reasons import reason_words

    if attempt.reason:
        yield reason_words(attempt.reason, channel) + (f" ({attempt.detail})" if attempt.detail else "")
    elif attempt.detail:
        yield attempt.detail
    if attempt.provider_id:
        yield f"as {attempt.provider_id}"
    if attempt.segments and channel == "sms":  # on the others it is always one and says nothing
        yield f"{attempt.segments} segment{'s' if attempt.segments > 1 else ''}"
    if attempt.price is not None:
        yield f"{attempt.price:.4g} {attempt.currency or ''}".rstrip()
    elif attempt.estimate is not None and attempt.state not in FREE:
        yield f"about {attempt.estimate:.4g} {attempt.currency or ''}".rstrip()
    if attempt.label:
        yield f"a possible duplicate, allowed by: {attempt.label.replace('_', ' ')}"


def _receipt(receipt: ReceiptLine, zone: str, channel: str) -> str:
    from outrider.orchestration.reasons import reason_words
    from outrider.orchestration.wording import instant

    why = f", {reason_words(receipt.reason, channel)}" if receipt.reason else ""
    told = f" ({receipt.detail})" if receipt.detail else ""
    return f"Receipt for attempt {receipt.attempt} at {instant(receipt.at, zone)}: {receipt.status}{why}{told}."


def _document(story: Story) -> dict[str, Any]:
    """For programs; without address and text, which belong to the person. Raises BadRecord."""
    import msgspec

    from outrider.api.shown import show_rung
    from outrider.lib.ids import write_id

    view, decisions = story.view, story.decisions
    identifier = decisions[-1].id
    document: dict[str, Any] = {
        "message": write_id("msg", identifier) if view else None,
        "decision": write_id("dec", identifier),
        "explanation": sentences(story),
        "decisions": [_plain(line, "number", "at", "verdict", "gate", "channel", "config") for line in decisions],
        "attempts": [_attempt_plain(line) for line in (view.attempts if view else ())],
        "receipts": [
            _plain(line, "attempt", "status", "reason", "detail", "at", "received_at")
            for line in (view.receipts if view else ())
        ],
        "escalation": [show_rung(rung) for rung in story.escalation],
    }
    if view:
        document["status"] = view.message.status
    return dict(msgspec.to_builtins(document))


def _attempt_plain(line: AttemptLine) -> dict[str, Any]:
    names = ("number", "route", "account", "state", "at", "ended_at", "reason", "detail", "label", "provider_id")
    return _plain(line, *names, "segments", "price", "currency", "estimate")


def _plain(line: object, *names: str) -> dict[str, Any]:
    return {name: getattr(line, name) for name in names}
