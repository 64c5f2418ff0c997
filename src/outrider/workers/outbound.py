"""From a written intent to what the provider gets: the attempt's name, and the links that lead back to us."""

from __future__ import annotations

from datetime import datetime

from outrider.contracts.provider import Outbound
from outrider.delivery.unsubscribe import ONE_CLICK_CHANNELS, ONE_CLICK_PURPOSES, leaving, write_token
from outrider.domain.message import Message
from outrider.domain.outbox import Intent
from outrider.lib.ids import write_id
from outrider.receipts.acknowledgment import ACKNOWLEDGE_PATH
from outrider.workers.desk import Desk


def echo(message: bytes, number: int) -> str:
    """The attempt's name that travels out and comes back."""
    return f"{write_id('msg', message)}.{number}"


def outbound(intent: Intent, desk: Desk, now: datetime) -> Outbound:
    """What the provider gets."""
    message = intent.message
    name = echo(message.id, intent.number)
    token = desk.accounts[intent.account].token
    acknowledgment = _acknowledgment(intent, desk)
    return Outbound(
        attempt=name,
        to=message.content.address,
        sender=desk.by_name[intent.route].sender,
        body=intent.body,
        callback_url=f"{desk.public_url}/v1/callbacks/{intent.account}/{token}?attempt={name}",
        validity=max(1, int((message.not_after - now).total_seconds())),
        expires_at=message.not_after,
        acknowledgment=acknowledgment,
        acknowledge_url=f"{desk.public_url}{ACKNOWLEDGE_PATH}" if acknowledgment else "",
        unsubscribe_url=_unsubscribe_url(message, desk),
        at=now,
    )


def _acknowledgment(intent: Intent, desk: Desk) -> str:
    """The token of an attempt whose provider brings no receipts."""
    receipts = desk.accounts[intent.account].provider.abilities.receipts
    if receipts or desk.acknowledgments is None:
        return ""
    return desk.acknowledgments.token(intent.message.id, intent.number, intent.message.not_after)


def _unsubscribe_url(message: Message, desk: Desk) -> str:
    """Where one click ends such mail; empty for channels and purposes without that way out."""
    if message.channel not in ONE_CLICK_CHANNELS or message.purpose not in ONE_CLICK_PURPOSES or not desk.link_key:
        return ""
    return f"{desk.public_url}/v1/unsubscribe/{write_token(desk.link_key, leaving(message))}"
