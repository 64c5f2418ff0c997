"""United Kingdom: language, zone, hours."""

from __future__ import annotations

from outrider.contracts.market import HOUSE_RULES, MarketRules, QuietRule, hours
from outrider.domain.purpose import Purpose

MARKET = MarketRules(
    code="GB",
    name="United Kingdom",
    zone="Europe/London",
    locales=("en-GB", "en"),
    phone_region="GB",
    quiet=(
        *HOUSE_RULES,
        QuietRule(
            windows=(hours(8, 21),),
            purposes=(Purpose.COMMERCIAL,),
            source=(
                "Practice, unconfirmed: 08 to 21; no statutory hours for text messages (PECR reg. 22 asks for "
                "consent or soft opt-in)."
            ),
            confirmed=False,
        ),
    ),
    reviewed_on="2026-11-22",
)
