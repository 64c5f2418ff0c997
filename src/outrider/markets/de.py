"""Germany: language, zone, hours."""

from __future__ import annotations

from outrider.contracts.market import HOUSE_RULES, Holiday, MarketRules, QuietRule, hours
from outrider.domain.purpose import Purpose

#: Holidays of every state taken together, since the state is unknown; Saxony's Repentance Day (a moving Wednesday) is
#: left out.
HOLIDAYS = (
    Holiday("New Year", 1, 1),
    Holiday("Epiphany", 1, 6),
    Holiday("Women's Day", 3, 8),
    Holiday("Good Friday", after_easter=-2),
    Holiday("Easter Monday", after_easter=1),
    Holiday("Labor Day", 5, 1),
    Holiday("Ascension", after_easter=39),
    Holiday("Whit Monday", after_easter=50),
    Holiday("Corpus Christi", after_easter=60),
    Holiday("Assumption", 8, 15),
    Holiday("Children's Day", 9, 20),
    Holiday("German Unity Day", 10, 3),
    Holiday("Reformation Day", 10, 31),
    Holiday("All Saints", 11, 1),
    Holiday("Christmas", 12, 25),
    Holiday("Second Day of Christmas", 12, 26),
)

MARKET = MarketRules(
    code="DE",
    name="Germany",
    zone="Europe/Berlin",
    locales=("de",),
    phone_region="DE",
    quiet=(
        *HOUSE_RULES,
        QuietRule(
            windows=(hours(8, 20, (0, 1, 2, 3, 4, 5)),),
            purposes=(Purpose.COMMERCIAL,),
            not_on_holidays=True,
            source=(
                "Practice, unconfirmed: 08 to 20, not on Sundays and public holidays; no statutory hours for "
                "text messages (UWG s. 7 asks for consent)."
            ),
            confirmed=False,
        ),
    ),
    holidays=HOLIDAYS,
    reviewed_on="2026-11-22",
)
