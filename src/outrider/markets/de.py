"""Germany: language, zones, hours, holidays, words, senders, prices, habits, law."""

from __future__ import annotations

from datetime import date

from outrider.contracts.market import (
    HOUSE_RULES,
    HOUSE_WORDS,
    MON_SAT,
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
    Holiday("New Year", 1, 1),
    Holiday("Good Friday", after_easter=-2),
    Holiday("Easter Monday", after_easter=1),
    Holiday("Labor Day", 5, 1),
    Holiday("Ascension", after_easter=39),
    Holiday("Whit Monday", after_easter=50),
    Holiday("German Unity Day", 10, 3),
    Holiday("Christmas", 12, 25),
    Holiday("Second Day of Christmas", 12, 26),
)

#: Of the states, all together; Augsburg's own day (8 August) is left out.
REGIONAL = (
    Holiday("Epiphany", 1, 6),
    Holiday("Women's Day", 3, 8),
    Holiday("Easter Sunday", after_easter=0),
    Holiday("Whit Sunday", after_easter=49),
    Holiday("Corpus Christi", after_easter=60),
    Holiday("Assumption", 8, 15),
    Holiday("Children's Day", 9, 20),
    Holiday("Reformation Day", 10, 31),
    Holiday("All Saints", 11, 1),
    # The Wednesday before 23 November, in Saxony.
    Holiday("Repentance Day", 11, 16, weekday=2),
)

MARKET = MarketRules(
    code="DE",
    name="Germany",
    zone="Europe/Berlin",
    other_zones=("Europe/Busingen",),
    locales=("de",),
    phone_region="DE",
    quiet=(
        *HOUSE_RULES,
        QuietRule(
            windows=(hours(8, 20, MON_SAT),),
            purposes=(Purpose.COMMERCIAL,),
            not_on_holidays=True,
            source=(
                "Practice, unconfirmed: 08 to 20, not on Sundays and public holidays; no statutory hours for "
                "text messages (UWG s. 7 asks for consent)."
            ),
        ),
    ),
    holidays=HOLIDAYS,
    regional_holidays=REGIONAL,
    holidays_source=LegalRule(
        "holidays",
        "Nine days are kept in every state; the others belong to some states.",
        source="Unity Day: Unification Treaty, art. 2; the others: the states' own laws, as computed by `holidays`.",
    ),
    opt_out=(
        HOUSE_WORDS,
        OptOutWords("de", ("STOPP", "ABMELDEN"), source="Practice of senders; no list of an authority was found."),
    ),
    senders=(
        SenderRules(
            "sms",
            Allowed.YES,
            Allowed.YES,
            source="GOV.UK Notify's table of countries: alphanumeric and numeric senders pass.",
        ),
    ),
    prices=(
        Price(
            "",
            "sms",
            0.09,
            "EUR",
            date(2025, 1, 1),
            "Middle of list prices seen in 2024-25 (0.07 to 0.11); an order of magnitude.",
        ),
    ),
    habits=(
        Habits(
            "de",
            decimal=",",
            group=".",
            date="dd.MM.yyyy",
            address="formal",
            source="Numbers and dates: Unicode CLDR. Form of address: practice of business letters.",
        ),
    ),
    law=(
        LegalRule(
            "consent",
            "Commercial messages need express consent given beforehand; existing customers: similar goods.",
            source="UWG s. 7(2) and (3).",
        ),
        LegalRule(
            "double opt-in",
            "Standard practice, on the same channel: an e-mail proves no consent for a phone number.",
            source="BGH I ZR 164/09.",
        ),
        LegalRule("opt-out wording", "Say how to object in every message: STOPP.", source="UWG s. 7(3) no. 4."),
    ),
    retention=Retention(3, source="Practice: proof of consent for three years after the last contact."),
    reviewed_on="2026-11-22",
)
