"""Italy: language, zone, hours, holidays, words, senders, prices, habits, law."""

from __future__ import annotations

from datetime import date

from outrider.contracts.market import (
    HOUSE_RULES,
    HOUSE_WORDS,
    MON_FRI,
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

#: National Unity Day (the first Sunday of November), which closes nothing, is left out.
HOLIDAYS = (
    Holiday("New Year", 1, 1),
    Holiday("Epiphany", 1, 6),
    Holiday("Easter Sunday", after_easter=0),
    Holiday("Easter Monday", after_easter=1),
    Holiday("Liberation Day", 4, 25),
    Holiday("Labor Day", 5, 1),
    Holiday("Republic Day", 6, 2),
    Holiday("Assumption", 8, 15),
    Holiday("Saint Francis", 10, 4, since=2026),
    Holiday("All Saints", 11, 1),
    Holiday("Immaculate Conception", 12, 8),
    Holiday("Christmas", 12, 25),
    Holiday("Saint Stephen", 12, 26),
)

#: The patron saints' days of towns are left out.
REGIONAL = (Holiday("Whit Monday, South Tyrol", after_easter=50),)

MARKET = MarketRules(
    code="IT",
    name="Italy",
    zone="Europe/Rome",
    locales=("it",),
    phone_region="IT",
    quiet=(
        *HOUSE_RULES,
        QuietRule(
            windows=(hours(8, 21, MON_FRI), hours(10, 19, (5,))),
            purposes=(Purpose.COMMERCIAL,),
            not_on_holidays=True,
            source=(
                "Hours of the telemarketing code, unconfirmed, applied to messages: 08 to 21 Monday to Friday, "
                "10 to 19 on Saturday (Privacy Code art. 130 asks for consent)."
            ),
        ),
    ),
    holidays=HOLIDAYS,
    regional_holidays=REGIONAL,
    holidays_source=LegalRule(
        "holidays",
        "National holidays; 4 October is one again from 2026.",
        source="Law 260/1949 with its amendments, as computed by `holidays`.",
    ),
    opt_out=(
        HOUSE_WORDS,
        OptOutWords("it", ("BASTA",), source="Practice of senders; no list of an authority was found."),
    ),
    senders=(
        SenderRules(
            "sms",
            Allowed.REGISTERED,
            Allowed.YES,
            registry="AGCOM alias registry",
            case_sensitive=True,
            may_start_with_digit=False,
            source=(
                "AGCOM Resolution 42/13/CIR: an alias of at most 11 characters that names the company; others "
                "are replaced or blocked. Numbers: national ones only, by GOV.UK Notify's table alone."
            ),
            confirmed=True,
        ),
    ),
    prices=(
        Price(
            "",
            "sms",
            0.07,
            "EUR",
            date(2025, 1, 1),
            "Middle of list prices seen in 2024-25 (0.05 to 0.09); an order of magnitude.",
        ),
    ),
    habits=(
        Habits(
            "it",
            decimal=",",
            group=".",
            date="dd/MM/yyyy",
            address="formal",
            groups_from=5,
            source="Numbers and dates: Unicode CLDR. Form of address: practice of business letters.",
        ),
    ),
    law=(
        LegalRule(
            "consent",
            "Commercial messages need consent; the exception for existing customers is about e-mail, strictly read.",
            source="Privacy Code, art. 130.",
        ),
        LegalRule("opt-out wording", "STOP or a link in every message.", source="Practice of senders."),
    ),
    retention=Retention(3, source="Practice: proof of consent for three years after the last contact."),
    reviewed_on="2026-11-22",
)
