"""The market port: pure data. One file in `markets/{code}.py` holds ``MARKET = MarketRules(…)``.

The house rules below are what a pack adds after its own for commercial messages. They are courtesy, no law.
"""

from __future__ import annotations

from datetime import time

from outrider.domain.policy import (
    EVERY_DAY,
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
    Window,
)
from outrider.domain.purpose import Purpose

__all__ = [
    "ALL_DAY",
    "HOUSE_RULES",
    "HOUSE_WORDS",
    "MON_FRI",
    "MON_SAT",
    "Allowed",
    "Habits",
    "Holiday",
    "LegalRule",
    "MarketRules",
    "OptOutWords",
    "PhoneRange",
    "Price",
    "QuietRule",
    "Retention",
    "SenderRules",
    "Window",
    "hours",
]

MON_FRI = (0, 1, 2, 3, 4)
MON_SAT = (0, 1, 2, 3, 4, 5)


def hours(start: int, end: int, days: tuple[int, ...] = EVERY_DAY) -> Window:
    """A window between two full hours (0 to 23) of local time."""
    return Window(time(start), time(end), days)


ALL_DAY = (hours(0, 0),)

#: E-mail wakes nobody, so only commercial e-mail keeps hours. Service: 08 to 21. Transactional: a courtesy window of 07
#: to 22, which time-critical ones ignore (provider facts D.1). Legal notices keep service hours until their deadline.
HOUSE_RULES = (
    QuietRule(
        ALL_DAY,
        (Purpose.LEGAL, Purpose.TRANSACTIONAL, Purpose.SERVICE),
        ("email",),
        source="House rule: e-mail makes no sound; no statutory hours were found.",
    ),
    QuietRule(
        (hours(8, 21),),
        (Purpose.COMMERCIAL,),
        ("email",),
        source="House rule: courtesy; no statutory hours for e-mail were found.",
    ),
    QuietRule(
        (hours(8, 21),),
        (Purpose.LEGAL, Purpose.SERVICE),
        source="House rule: courtesy; no statutory hours were found.",
    ),
    QuietRule(
        (hours(7, 22),),
        (Purpose.TRANSACTIONAL,),
        source="Courtesy window of sending practice (provider facts D.1); time-critical messages ignore it.",
    ),
)

#: Words of every market. CANCEL, END and their like are left out on purpose, here and in every language: in a rental
#: they may mean the booking (provider facts D.2). A provider that opts a person out on them is believed all the same.
HOUSE_WORDS = OptOutWords(
    "",
    ("STOP", "STOPALL", "UNSUBSCRIBE", "OPT OUT"),
    ("START", "UNSTOP"),
    source="Keywords of Twilio, AWS and Telnyx, without those that may mean a booking.",
    confirmed=True,
)
