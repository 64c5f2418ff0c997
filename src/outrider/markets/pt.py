"""Portugal: language, zone, hours."""

from __future__ import annotations

from outrider.contracts.market import HOUSE_RULES, Holiday, MarketRules, QuietRule, hours
from outrider.domain.purpose import Purpose

#: Public holidays of the Código do Trabalho, art. 234; municipal days are left out.
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

MARKET = MarketRules(
    code="PT",
    name="Portugal",
    zone="Europe/Lisbon",
    locales=("pt",),
    phone_region="PT",
    quiet=(
        *HOUSE_RULES,
        QuietRule(
            windows=(hours(9, 20, (0, 1, 2, 3, 4)),),
            purposes=(Purpose.COMMERCIAL,),
            not_on_holidays=True,
            source=(
                "Practice, unconfirmed: 09 to 20 on working days; no statutory hours were found (Law 41/2004 "
                "asks for consent)."
            ),
            confirmed=False,
        ),
    ),
    holidays=HOLIDAYS,
    reviewed_on="2026-11-22",
)
