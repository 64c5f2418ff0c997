"""Sender registrations: where a sender may be used through which provider, and what each country demands of senders."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import msgspec


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


class SenderDemand(msgspec.Struct, frozen=True, kw_only=True):
    """What one country demands of senders of text messages, since when, and who says so."""

    country: str
    #: Name of the registry that must know an alphanumeric sender for the provider that sends it; empty for none.
    registry: str = ""
    #: Whether letters are allowed at all.
    letters: bool = True
    #: Whether a sender of letters may begin with a digit.
    digit_first: bool = True
    #: Whether a registered sender holds only in its exact spelling.
    case_sensitive: bool = False
    #: Beginnings of phone numbers (E.164 without plus) that must not send for companies.
    numbers_forbidden: tuple[str, ...] = ()
    valid_from: date = date.min
    source: str = ""
    confirmed: bool = False


#: Channels whose senders the demands are about.
TEXT_CHANNELS = frozenset({"sms", "mms", "rcs"})

#: By country. Sources as read in 2026; a company whose lawyer finds otherwise writes a registration `not_needed`.
DEMANDS: dict[str, SenderDemand] = {
    demand.country: demand
    for demand in (
        SenderDemand(
            country="ES",
            registry="the CNMC alias registry",
            case_sensitive=True,
            valid_from=date(2026, 6, 7),
            source=(
                "Order TDF/149/2025 and CNMC Circular 1/2026: an alias that is not registered for the provider that "
                "sends it is blocked from 7 June 2026 (one guide plans the full deployment for 15 September 2026)."
            ),
            confirmed=True,
        ),
        SenderDemand(
            country="IT",
            registry="the AGCOM alias registry",
            digit_first=False,
            case_sensitive=True,
            source="AGCOM resolution 42/13/CIR: an alias that is not registered is replaced or blocked.",
            confirmed=True,
        ),
        SenderDemand(
            country="FR",
            numbers_forbidden=("336", "337"),
            valid_from=date(2023, 1, 1),
            source="ARCEP numbering plan: no mobile number (06, 07) sends application messages since January 2023.",
            confirmed=True,
        ),
        SenderDemand(
            country="US",
            letters=False,
            source="Carriers deliver no alphanumeric sender; numbers need their own registration (10DLC, toll-free).",
            confirmed=True,
        ),
    )
}
