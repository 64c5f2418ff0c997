"""Spain: languages, zones, hours, holidays, words, senders, prices, habits, law."""

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
    Holiday("Epiphany", 1, 6),
    Holiday("Good Friday", after_easter=-2),
    Holiday("Labor Day", 5, 1),
    Holiday("Assumption", 8, 15),
    Holiday("National Day", 10, 12),
    Holiday("All Saints", 11, 1),
    Holiday("Constitution Day", 12, 6),
    Holiday("Immaculate Conception", 12, 8),
    Holiday("Christmas", 12, 25),
)

#: Of the autonomous communities and cities, all together. Left out: Eid al-Fitr and Eid al-Adha (Ceuta, Melilla), the
#: Mondays some regions keep instead of a Sunday, and the days of single towns.
REGIONAL = (
    Holiday("Andalusia Day", 2, 28),
    Holiday("Balearic Islands Day", 3, 1),
    Holiday("Saint Joseph", 3, 19),
    Holiday("Maundy Thursday", after_easter=-3),
    Holiday("Easter Monday", after_easter=1),
    Holiday("Castile and Leon Day, Saint George", 4, 23),
    Holiday("Madrid Day", 5, 2),
    Holiday("Whit Monday", after_easter=50),
    Holiday("Galician Literature Day", 5, 17),
    Holiday("Canary Islands Day", 5, 30),
    Holiday("Castile-La Mancha Day", 5, 31),
    Holiday("Corpus Christi", after_easter=60),
    Holiday("Murcia Day, La Rioja Day", 6, 9),
    Holiday("Saint Anthony", 6, 13),
    Holiday("Saint John", 6, 24),
    Holiday("Saint James", 7, 25),
    Holiday("Cantabria Institutions Day", 7, 28),
    Holiday("Our Lady of Africa", 8, 5),
    Holiday("Ceuta Day", 9, 2),
    Holiday("Asturias Day, Extremadura Day", 9, 8),
    Holiday("National Day of Catalonia", 9, 11),
    Holiday("Our Lady of Bien Aparecida", 9, 15),
    Holiday("Melilla Day", 9, 17),
    Holiday("Our Lady of Mercy", 9, 24),
    Holiday("Valencian Community Day", 10, 9),
    Holiday("Saint Francis Xavier", 12, 3),
    Holiday("Saint Stephen", 12, 26),
)

CANARY = "Atlantic/Canary"
NUMBERING = "National numbering plan (CNMC): geographic numbers of the province; mobile numbers tell no place."

MARKET = MarketRules(
    code="ES",
    name="Spain",
    zone="Europe/Madrid",
    other_zones=(CANARY, "Africa/Ceuta"),
    phone_ranges=(
        PhoneRange("34928", CANARY, "Las Palmas", source=NUMBERING, confirmed=True),
        PhoneRange("34828", CANARY, "Las Palmas", source=NUMBERING, confirmed=True),
        PhoneRange("34922", CANARY, "Santa Cruz de Tenerife", source=NUMBERING, confirmed=True),
        PhoneRange("34822", CANARY, "Santa Cruz de Tenerife", source=NUMBERING, confirmed=True),
    ),
    locales=("es",),
    phone_region="ES",
    quiet=(
        *HOUSE_RULES,
        QuietRule(
            windows=(hours(9, 21, MON_SAT),),
            purposes=(Purpose.COMMERCIAL,),
            not_on_holidays=True,
            source=(
                "Practice, unconfirmed: 09 to 21, not on Sundays and public holidays; no statutory hours for "
                "text messages (LSSI art. 21 asks for consent)."
            ),
        ),
    ),
    holidays=HOLIDAYS,
    regional_holidays=REGIONAL,
    holidays_source=LegalRule(
        "holidays",
        "Days kept in the whole country; a region may keep the Monday after one that falls on a Sunday.",
        source="Real Decreto 2001/1983, art. 45, and the yearly resolution in the BOE.",
    ),
    opt_out=(
        HOUSE_WORDS,
        OptOutWords(
            "es", ("BAJA", "PARAR"), ("ALTA",), source="Practice of senders; no list of an authority was found."
        ),
    ),
    senders=(
        SenderRules(
            "sms",
            Allowed.REGISTERED,
            Allowed.REPLACED,
            registry="CNMC alias registry",
            case_sensitive=True,
            valid_from=date(2026, 6, 7),
            source=(
                "Order TDF/149/2025 and CNMC Circular 1/2026: an alias that is not registered, or that comes through a "
                "provider not named there, is blocked from 7 June 2026 (one guide plans the full deployment for 15 "
                "September 2026). Numbers: GOV.UK Notify's table alone."
            ),
            confirmed=True,
        ),
    ),
    prices=(
        Price(
            "",
            "sms",
            0.065,
            "EUR",
            date(2025, 1, 1),
            "Middle of list prices seen in 2024-25 (0.04 to 0.09); an order of magnitude.",
        ),
    ),
    habits=(
        Habits(
            "es",
            decimal=",",
            group=".",
            date="dd/MM/yyyy",
            address="informal",
            groups_from=5,
            source="Numbers and dates: Unicode CLDR. Form of address: practice of consumer brands.",
        ),
    ),
    law=(
        LegalRule(
            "consent",
            "Commercial messages need consent given beforehand; existing customers: similar goods; Robinson list.",
            source="LSSI art. 21.",
        ),
        LegalRule("opt-out wording", "A free way out in every message: BAJA or a link.", source="LSSI art. 21."),
    ),
    retention=Retention(3, source="Practice: proof of consent for three years after the last contact."),
    reviewed_on="2026-11-22",
)
