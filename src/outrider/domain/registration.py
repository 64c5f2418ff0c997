"""Sender registrations, and the rules of every country that they stand against: those of the market packs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum

import msgspec

from outrider.domain.policy import Allowed, MarketRules, SenderRules


class RegistrationStatus(StrEnum):
    """Where the registration of a sender stands."""

    REGISTERED = "registered"
    PENDING = "pending"
    REFUSED = "refused"
    #: The company's own finding, with evidence, that the country's demand does not cover this sender.
    NOT_NEEDED = "not_needed"


class Registration(msgspec.Struct, frozen=True):
    """One sender in one country through one provider, as the company wrote it down."""

    #: ISO 3166-1 alpha-2.
    country: str
    sender: str
    provider: str
    status: RegistrationStatus
    #: Where it can be proved: the registry's number, a letter, a ticket.
    evidence: str = ""
    #: The last day it holds; None while no end is known.
    expires: date | None = None


#: Channels whose senders the rules are about.
TEXT_CHANNELS = frozenset({"sms", "mms", "rcs"})

#: Channel → country (ISO 3166-1 alpha-2) → its row.
SendersByChannel = Mapping[str, Mapping[str, SenderRules]]

#: Countries that no market pack is about and that are texted all the same: a phone may come from anywhere.
ELSEWHERE: Mapping[str, tuple[SenderRules, ...]] = {
    "US": (
        SenderRules(
            "sms",
            Allowed.NO,
            Allowed.REGISTERED,
            registry="carriers' registry of numbers (10DLC, toll-free)",
            source=(
                "Carriers' rules: no alphanumeric sender is delivered; a number that is not registered (10DLC brand "
                "and campaign, toll-free verification) is blocked."
            ),
            confirmed=True,
        ),
    ),
}


def sender_rules(markets: Iterable[MarketRules]) -> SendersByChannel:
    """The rules for each text channel and country, of the packs first; a country without a row is left out."""
    rows = {**ELSEWHERE, **{market.code: market.senders for market in markets}}
    found: dict[str, dict[str, SenderRules]] = {channel: {} for channel in TEXT_CHANNELS}
    for country, senders in rows.items():
        by_channel = {row.channel: row for row in senders}
        for channel, countries in found.items():
            if row := by_channel.get(channel, by_channel.get("sms")):
                countries[country] = row
    return found
