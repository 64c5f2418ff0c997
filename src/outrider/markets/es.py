"""Spain: language, zone, hours."""

from __future__ import annotations

from outrider.contracts.market import HOUSE_RULES, Holiday, MarketRules, QuietRule, hours
from outrider.domain.purpose import Purpose

#: National holidays (Real Decreto 2001/1983, art. 45), Maundy Thursday and Easter Monday, which most regions keep;
#: regional days are left out.
HOLIDAYS = (
    Holiday("New Year", 1, 1),
    Holiday("Epiphany", 1, 6),
    Holiday("Maundy Thursday", after_easter=-3),
    Holiday("Good Friday", after_easter=-2),
    Holiday("Easter Monday", after_easter=1),
    Holiday("Labor Day", 5, 1),
    Holiday("Assumption", 8, 15),
    Holiday("National Day", 10, 12),
    Holiday("All Saints", 11, 1),
    Holiday("Constitution Day", 12, 6),
    Holiday("Immaculate Conception", 12, 8),
    Holiday("Christmas", 12, 25),
)

MARKET = MarketRules(
    code="ES",
    name="Spain",
    zone="Europe/Madrid",
    locales=("es",),
    phone_region="ES",
    quiet=(
        *HOUSE_RULES,
        QuietRule(
            windows=(hours(9, 21, (0, 1, 2, 3, 4, 5)),),
            purposes=(Purpose.COMMERCIAL,),
            not_on_holidays=True,
            source=(
                "Practice, unconfirmed: 09 to 21, not on Sundays and public holidays; no statutory hours for "
                "text messages (LSSI art. 21 asks for consent)."
            ),
            confirmed=False,
        ),
    ),
    holidays=HOLIDAYS,
    reviewed_on="2026-11-22",
)
