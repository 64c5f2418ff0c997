"""Italy: language, zone, hours."""

from __future__ import annotations

from outrider.contracts.market import HOUSE_RULES, Holiday, MarketRules, QuietRule, hours
from outrider.domain.purpose import Purpose

#: National holidays, 4 October included (a holiday again from 2026); patron saints' days are left out.
HOLIDAYS = (
    Holiday("New Year", 1, 1),
    Holiday("Epiphany", 1, 6),
    Holiday("Easter Monday", after_easter=1),
    Holiday("Liberation Day", 4, 25),
    Holiday("Labor Day", 5, 1),
    Holiday("Republic Day", 6, 2),
    Holiday("Assumption", 8, 15),
    Holiday("Saint Francis", 10, 4),
    Holiday("All Saints", 11, 1),
    Holiday("Immaculate Conception", 12, 8),
    Holiday("Christmas", 12, 25),
    Holiday("Saint Stephen", 12, 26),
)

MARKET = MarketRules(
    code="IT",
    name="Italy",
    zone="Europe/Rome",
    locales=("it",),
    phone_region="IT",
    quiet=(
        *HOUSE_RULES,
        QuietRule(
            windows=(hours(8, 21, (0, 1, 2, 3, 4)), hours(10, 19, (5,))),
            purposes=(Purpose.COMMERCIAL,),
            not_on_holidays=True,
            source=(
                "Hours of the telemarketing code, unconfirmed, applied to messages: 08 to 21 Monday to Friday, "
                "10 to 19 on Saturday (Privacy Code art. 130 asks for consent)."
            ),
            confirmed=False,
        ),
    ),
    holidays=HOLIDAYS,
    reviewed_on="2026-11-22",
)
