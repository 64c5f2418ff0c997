"""The keys of stops: what delivery must obey in the intent transaction."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from msgspec.structs import replace

from outrider.domain.attempt import Reason
from outrider.domain.entry import Entry, Stop
from outrider.domain.message import Further, Message
from outrider.domain.purpose import Purpose

#: A stop of these scopes ends a message; of the others (a pause) it only delays it.
ENDING_SCOPES = frozenset({"address", "consent", "opt_out", "profile"})
#: What a person who writes STOP hears no more of. A one-time code, a recall and the car they booked still reach them
#: (GDPR Art. 21(2) and ePrivacy Art. 13 are about marketing; provider facts D.2).
OPT_OUT_PURPOSES = frozenset({Purpose.COMMERCIAL, Purpose.SERVICE})
PAUSE_SCOPES = frozenset({"journey", "channel", "purpose", "account", "everything"})

CARRIER_OPT_OUT = "the carrier or provider reports that the person opted out"
HARD_BOUNCE = "mail to it bounced: there is no such mailbox"
#: A number may be another person's tomorrow; a mailbox that does not exist stays so (RFC 3463, class 5.1).
HARD_BOUNCES = frozenset({Reason.UNKNOWN_SUBSCRIBER, Reason.INVALID_ADDRESS})


def suppression(channel: str, reason: Reason | None) -> str | None:
    """Why an address is suppressed after a refusal or receipt with this reason; None when it is not."""
    if reason is Reason.OPTED_OUT:
        return CARRIER_OPT_OUT
    return HARD_BOUNCE if channel == "email" and reason in HARD_BOUNCES else None


def address_key(address: bytes) -> str:
    """The suppression of one address, by its keyed hash."""
    return f"address:{address.hex()}"


def opt_out_key(address: bytes) -> str:
    """The STOP of a person on one address, by its keyed hash: only START, or an operator, lifts it."""
    return f"opt_out:{address.hex()}"


def why_suppressed(suppressed: Mapping[str, str], address: bytes, purpose: Purpose) -> str | None:
    """Why an address is not written to for a purpose, by stop key → reason; None when it may be."""
    reason = suppressed.get(address_key(address))
    if reason is None and purpose in OPT_OUT_PURPOSES:
        return suppressed.get(opt_out_key(address))
    return reason


def consent_key(stream: bytes, purpose: str, channel: str = "") -> str:
    """A withdrawal of one person for a purpose, on one channel where it names one."""
    return f"consent:{stream.hex()}:{purpose}:{channel}"


def profile_key(stream: bytes) -> str:
    """Everything to one profile: it was deleted."""
    return f"profile:{stream.hex()}"


def pause_key(scope: str, name: str) -> str:
    """A pause of a journey, channel, purpose or account, or of everything."""
    return f"{scope}:{name}"


def in_effect(stops: Sequence[Stop], entries: Sequence[Entry], positions: Sequence[int | None]) -> dict[str, Stop]:
    """Key → the stop, or its end, that an append leaves; the last one counts.

    `positions` are those of the entries, None for one that was known already.
    """
    new = {entry.key for entry, position in zip(entries, positions, strict=True) if position is not None}
    return {stop.key: stop for stop in stops if not stop.told_by or not new.isdisjoint(stop.told_by)}


def keys_of_others(message: Message) -> tuple[str, ...]:
    """Every key that forbids a further address of this message."""
    return tuple(key for other in message.content.others for key in _address_keys(message, other))


def without_stopped(message: Message, stopped: Container[str]) -> Message:
    """The message without the further addresses that a stop forbids; `stopped` holds keys."""
    others = message.content.others
    kept = tuple(one for one in others if not any(key in stopped for key in _address_keys(message, one)))
    return message if len(kept) == len(others) else replace(message, content=replace(message.content, others=kept))


def _address_keys(message: Message, other: Further) -> tuple[str, ...]:
    opted_out = (opt_out_key(other.address),) if message.purpose in OPT_OUT_PURPOSES else ()
    return (address_key(other.address), *opted_out)


def stop_keys(message: Message, account: str) -> tuple[str, ...]:
    """Every key that forbids or delays this message on this account."""
    opted_out = (opt_out_key(message.address),) if message.purpose in OPT_OUT_PURPOSES else ()
    return (
        address_key(message.address),
        *opted_out,
        consent_key(message.stream, message.purpose),
        consent_key(message.stream, message.purpose, message.channel),
        profile_key(message.stream),
        pause_key("journey", message.journey),
        pause_key("channel", message.channel),
        pause_key("purpose", message.purpose),
        pause_key("account", account),
        pause_key("everything", ""),
    )
