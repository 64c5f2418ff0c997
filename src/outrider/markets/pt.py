"""Portugal: language, zones, hours, holidays, words, senders, prices, habits, law."""

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
    PhoneRange,
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
    Holiday("Easter Sunday", after_easter=0),
    Holiday("Freedom Day", 4, 25),
    Holiday("Labor Day", 5, 1),
    Holiday("Corpus Christi", after_easter=60),
    Holiday("Portugal Day", 6, 10),
    Holiday("Assumption", 8, 15),
    Holiday("Republic Day", 10, 5),
    Holiday("All Saints", 11, 1),
    Holiday("Restoration of Independence", 12, 1),
    Holiday("Immaculate Conception", 12, 8),
    Holiday("Christmas", 12, 25),
)

#: Of the two autonomous regions; the days of towns and districts are left out.
REGIONAL = (
    Holiday("Azores Day", after_easter=50),
    Holiday("Madeira Day", 7, 1),
    Holiday("First Octave, Madeira", 12, 26),
)

NUMBERING = "National numbering plan (ANACOM): geographic numbers; mobile numbers tell no place."

MARKET = MarketRules(
    code="PT",
    name="Portugal",
    zone="Europe/Lisbon",
    other_zones=("Atlantic/Madeira", "Atlantic/Azores"),
    phone_ranges=(
        PhoneRange("351291", "Atlantic/Madeira", "Funchal", source=NUMBERING, confirmed=True),
        PhoneRange("351292", "Atlantic/Azores", "Horta", source=NUMBERING, confirmed=True),
        PhoneRange("351295", "Atlantic/Azores", "Angra do Heroismo", source=NUMBERING, confirmed=True),
        PhoneRange("351296", "Atlantic/Azores", "Ponta Delgada", source=NUMBERING, confirmed=True),
    ),
    locales=("pt",),
    phone_region="PT",
    quiet=(
        *HOUSE_RULES,
        QuietRule(
            windows=(hours(9, 20, MON_FRI),),
            purposes=(Purpose.COMMERCIAL,),
            not_on_holidays=True,
            source=(
                "Practice, unconfirmed: 09 to 20 on working days; no statutory hours were found (Law 41/2004 "
                "asks for consent)."
            ),
        ),
    ),
    holidays=HOLIDAYS,
    regional_holidays=REGIONAL,
    holidays_source=LegalRule("holidays", "Obligatory holidays.", source="Código do Trabalho, art. 234."),
    opt_out=(
        HOUSE_WORDS,
        OptOutWords("pt", ("PARAR", "SAIR"), source="Practice of senders; no list of an authority was found."),
    ),
    senders=(
        SenderRules(
            "sms",
            Allowed.YES,
            Allowed.NO,
            source="GOV.UK Notify's table: alphanumeric senders pass, numeric ones do not.",
        ),
    ),
    prices=(
        Price(
            "",
            "sms",
            0.045,
            "EUR",
            date(2025, 1, 1),
            "Middle of list prices seen in 2024-25 (0.03 to 0.06); an order of magnitude.",
        ),
    ),
    habits=(
        Habits(
            "pt",
            decimal=",",
            group="\u00a0",
            date="dd/MM/yyyy",
            address="formal",
            time="HH'h'mm",
            groups_from=5,
            source=(
                "Numbers and dates: Unicode CLDR (pt-PT). 14h30 and form of address: practice of timetables and of "
                "business letters."
            ),
        ),
    ),
    law=(
        LegalRule(
            "consent",
            "Commercial messages to natural persons need express consent given beforehand; existing customers: similar "
            "products; companies: opt-out list at the DGC.",
            source="Law 41/2004, art. 13-A and 13-B (text read).",
            confirmed=True,
        ),
        LegalRule("opt-out wording", "A free and easy way out in every message: PARAR or SAIR.", source="Law 41/2004."),
    ),
    retention=Retention(3, source="Practice: proof of consent for three years after the last contact."),
    reviewed_on="2026-11-22",
)
