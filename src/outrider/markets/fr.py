"""France: language, zones, hours, holidays, words, senders, prices, habits, law."""

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
    Holiday("Easter Monday", after_easter=1),
    Holiday("Labor Day", 5, 1),
    Holiday("Victory Day", 5, 8),
    Holiday("Ascension", after_easter=39),
    Holiday("Whit Monday", after_easter=50),
    Holiday("National Day", 7, 14),
    Holiday("Assumption", 8, 15),
    Holiday("All Saints", 11, 1),
    Holiday("Armistice", 11, 11),
    Holiday("Christmas", 12, 25),
)

#: Of Alsace and Moselle, and the overseas departments' abolition days. Mi-Careme and the days of the
#: Pacific territories are left out.
REGIONAL = (
    Holiday("Good Friday", after_easter=-2),
    Holiday("Abolition of Slavery, Mayotte", 4, 27),
    Holiday("Abolition of Slavery, Martinique", 5, 22),
    Holiday("Abolition of Slavery, Guadeloupe", 5, 27),
    Holiday("Abolition of Slavery, Saint Martin", 5, 28),
    Holiday("Abolition of Slavery, Guiana", 6, 10),
    Holiday("Victor Schoelcher Day", 7, 21),
    Holiday("Abolition of Slavery, Saint Barthelemy", 10, 9),
    Holiday("Abolition of Slavery, Reunion", 12, 20),
    Holiday("Saint Stephen", 12, 26),
)

NUMBERING = "Calling codes of ITU-T E.164; ranges of Mayotte: ARCEP numbering plan."

#: Digits → zone and place.
OVERSEAS = (
    ("262", "Indian/Reunion", "Reunion"),
    ("262269", "Indian/Mayotte", "Mayotte"),
    ("262639", "Indian/Mayotte", "Mayotte"),
    ("508", "America/Miquelon", "Saint Pierre and Miquelon"),
    ("590", "America/Guadeloupe", "Guadeloupe"),
    ("594", "America/Cayenne", "French Guiana"),
    ("596", "America/Martinique", "Martinique"),
    ("681", "Pacific/Wallis", "Wallis and Futuna"),
    ("687", "Pacific/Noumea", "New Caledonia"),
    ("689", "Pacific/Tahiti", "French Polynesia"),
)

MARKET = MarketRules(
    code="FR",
    name="France",
    zone="Europe/Paris",
    other_zones=tuple(dict.fromkeys(zone for _, zone, _ in OVERSEAS)),
    phone_ranges=tuple(PhoneRange(*row, source=NUMBERING, confirmed=True) for row in OVERSEAS),
    locales=("fr",),
    phone_region="FR",
    quiet=(
        *HOUSE_RULES,
        QuietRule(
            windows=(hours(8, 20, MON_SAT),),
            purposes=(Purpose.COMMERCIAL,),
            not_on_holidays=True,
            source=(
                "Vendors citing the CNIL: Monday to Saturday 08 to 20, not on public holidays; operators block "
                "22 to 08. Not a rule of law (CPCE art. L34-5 asks for consent); sources disagree."
            ),
        ),
    ),
    holidays=HOLIDAYS,
    regional_holidays=REGIONAL,
    holidays_source=LegalRule(
        "holidays", "Public holidays of the whole country.", source="Code du travail, art. L3133-1."
    ),
    opt_out=(
        HOUSE_WORDS,
        OptOutWords(
            "fr",
            ("ARRÊT", "STOPPER", "DÉSINSCRIRE"),
            source="Practice of senders; AWS asks for ARRET. No list of an authority was found.",
        ),
    ),
    senders=(
        SenderRules(
            "sms",
            Allowed.YES,
            Allowed.REPLACED,
            # Mobile numbers, internationally and nationally written.
            numbers_forbidden=("336", "337", "06", "07"),
            valid_from=date(2023, 1, 1),
            source=(
                "ARCEP numbering plan: no mobile number (06, 07) sends automated messages since January 2023. "
                "Operators put short codes (36xxx, 38xxx) in the place of other numbers: practice."
            ),
            confirmed=True,
        ),
    ),
    prices=(
        Price(
            "",
            "sms",
            0.06,
            "EUR",
            date(2025, 1, 1),
            "Middle of list prices seen in 2024-25 (0.04 to 0.08); an order of magnitude.",
        ),
    ),
    habits=(
        Habits(
            "fr",
            decimal=",",
            group="\u202f",
            date="dd/MM/yyyy",
            address="formal",
            time="HH'h'mm",
            source=(
                "Numbers and dates: Unicode CLDR. 14h30 and form of address: practice of timetables and of business "
                "letters."
            ),
        ),
    ),
    law=(
        LegalRule(
            "consent",
            "Commercial messages need consent given beforehand; existing customers: similar products.",
            source="CPCE art. L34-5.",
        ),
        LegalRule(
            "calls",
            "Commercial calls only Monday to Friday 10 to 13 and 14 to 20, not on public holidays: set this for voice.",
            source="Code de la consommation, art. D223-9 (decree 2022-1313); text not checked.",
        ),
        LegalRule(
            "opt-out wording",
            "Commercial texts end with STOP and a free short code, such as STOP 36xxx; such a text is marketing.",
            source="Operators' rules, as told by several vendors.",
        ),
    ),
    retention=Retention(3, source="CNIL practice: prospects for three years after the last contact."),
    reviewed_on="2026-11-22",
)
