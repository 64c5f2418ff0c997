"""France: language, zone, hours."""

from __future__ import annotations

from outrider.contracts.market import HOUSE_RULES, Holiday, MarketRules, QuietRule, hours
from outrider.domain.purpose import Purpose

#: Public holidays of the Code du travail, art. L3133-1; those of Alsace-Moselle and overseas are left out.
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

MARKET = MarketRules(
    code="FR",
    name="France",
    zone="Europe/Paris",
    locales=("fr",),
    phone_region="FR",
    quiet=(
        *HOUSE_RULES,
        QuietRule(
            windows=(hours(8, 20, (0, 1, 2, 3, 4, 5)),),
            purposes=(Purpose.COMMERCIAL,),
            not_on_holidays=True,
            source=(
                "Vendors citing the CNIL: Monday to Saturday 08 to 20, not on public holidays; operators block "
                "22 to 08. Not a rule of law (CPCE art. L34-5 asks for consent); sources disagree."
            ),
            confirmed=False,
        ),
    ),
    holidays=HOLIDAYS,
    reviewed_on="2026-11-22",
)
