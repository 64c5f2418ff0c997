"""United Kingdom: language, zones, hours, holidays, words, senders, prices, habits, law."""

from __future__ import annotations

from datetime import date

from outrider.contracts.market import (
    HOUSE_RULES,
    HOUSE_WORDS,
    Allowed,
    Habits,
    Holiday,
    LegalRule,
    MarketRules,
    OptOutWords,
    Price,
    QuietRule,
    Retention,
    SenderRules,
    hours,
)
from outrider.domain.purpose import Purpose

HOLIDAYS = (
    Holiday("New Year", 1, 1, moves=True),
    Holiday("Good Friday", after_easter=-2),
    Holiday("Early May Bank Holiday", 5, 1, weekday=0),
    # The last Monday of May.
    Holiday("Spring Bank Holiday", 5, 25, weekday=0),
    Holiday("Christmas", 12, 25, moves=True),
    Holiday("Boxing Day", 12, 26, moves=True),
)

#: Of the four nations, all together; bank holidays proclaimed once are left out.
REGIONAL = (
    Holiday("2 January, Scotland", 1, 2, moves=True),
    Holiday("Saint Patrick", 3, 17, moves=True),
    Holiday("Easter Monday", after_easter=1),
    Holiday("Battle of the Boyne", 7, 12, moves=True),
    Holiday("Summer Bank Holiday, Scotland", 8, 1, weekday=0),
    # The last Monday of August.
    Holiday("Summer Bank Holiday", 8, 25, weekday=0),
    Holiday("Saint Andrew", 11, 30, moves=True),
)

MARKET = MarketRules(
    code="GB",
    name="United Kingdom",
    article="the",
    zone="Europe/London",
    other_zones=("Europe/Guernsey", "Europe/Isle_of_Man", "Europe/Jersey"),
    locales=("en-GB", "en"),
    phone_region="GB",
    quiet=(
        *HOUSE_RULES,
        QuietRule(
            windows=(hours(8, 21),),
            purposes=(Purpose.COMMERCIAL,),
            source=(
                "Practice, unconfirmed: 08 to 21; no statutory hours for text messages (PECR reg. 22 asks for "
                "consent or soft opt-in)."
            ),
        ),
    ),
    holidays=HOLIDAYS,
    regional_holidays=REGIONAL,
    holidays_source=LegalRule(
        "holidays",
        "Bank holidays of the whole kingdom; one on a weekend moves to the next working day.",
        source="Banking and Financial Dealings Act 1971, and proclamations.",
    ),
    opt_out=(
        HOUSE_WORDS,
        OptOutWords("en", ("QUIT",), source="Default keywords of Twilio and AWS.", confirmed=True),
    ),
    senders=(
        SenderRules(
            "sms",
            Allowed.YES,
            Allowed.YES,
            source="GOV.UK Notify's table; a voluntary registry of protected senders (MEF) exists.",
        ),
    ),
    prices=(
        Price(
            "",
            "sms",
            0.04,
            "EUR",
            date(2025, 1, 1),
            "Middle of list prices seen in 2024-25 (0.03 to 0.05 EUR); an order of magnitude.",
        ),
    ),
    habits=(
        Habits(
            "en-GB",
            decimal=".",
            group=",",
            date="dd/MM/yyyy",
            address="informal",
            currency="before",
            source="Numbers and dates: Unicode CLDR. English has one form of address.",
        ),
        Habits(
            "en",
            decimal=".",
            group=",",
            date="dd/MM/yyyy",
            address="informal",
            currency="before",
            source="As en-GB: the variant for texts that have no British one.",
        ),
    ),
    law=(
        LegalRule(
            "consent",
            "Commercial messages need consent or soft opt-in (a sale or its negotiation, similar products); sole "
            "traders count as individuals.",
            source="PECR reg. 22; Data (Use and Access) Act 2025 for the fines.",
        ),
        LegalRule(
            "opt-out wording", "A free way out in every message, and who the sender is.", source="PECR reg. 22 and 23."
        ),
    ),
    retention=Retention(3, source="Practice: proof of consent for three years after the last contact."),
    currency="GBP",
    reviewed_on="2026-11-22",
)
