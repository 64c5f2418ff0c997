"""The policy: market packs, tightened by the company, and caps; refused with every mistake named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

import msgspec

from outrider.domain.policy import EVERY_DAY, Cap, Gap, Holiday, MarketOverride, MarketRules, Policy, QuietRule, Window
from outrider.domain.purpose import PURPOSES, Purpose
from outrider.orchestration.hours import day_minutes, rule_for, week_minutes
from outrider.orchestration.wording import hours
from outrider.orchestration.zones import RANGE_DIGITS, find_zone

#: Most messages that the caps of one purpose may look at together: the facts of a decision stay below 2 kB.
MOST_RECENT = 40
#: A channel no rule names: stands for all of those.
OTHER = "any other channel"


class PolicyError(ValueError):
    """The rules cannot be used. `problems` holds one sentence for each mistake, beginning with its place."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def build_policy(
    markets: Iterable[MarketRules],
    home_market: str,
    caps: Iterable[Cap] = (),
    overrides: Iterable[MarketOverride] = (),
    *,
    gaps: Iterable[Gap] = (),
    config: int = 0,
    on: date | None = None,
) -> Policy:
    """The policy that gates judge by.

    markets: the shipped packs. home_market: code of the market of people without one. caps, gaps: the company's.
    overrides: applied in order; each may tighten, never loosen. config: number of the applied configuration. on: the
    day it is for: overrides that do not hold then are left out; None takes all. Raises PolicyError with every mistake
    found.
    """
    packs, caps, gaps = tuple(markets), tuple(caps), tuple(gaps)
    known = {pack.code: pack for pack in packs}
    problems = [
        *_pack_problems(packs),
        *_home_problems(home_market, known),
        *_cap_problems(caps, gaps),
        *_gap_problems(gaps),
    ]
    for override in overrides:
        if _holds(override, on):
            problems += _override_problems(override, known)
            if override.market in known:
                known[override.market] = _tightened(known[override.market], override)
    if problems:
        raise PolicyError(problems)
    ranges = {each.prefix: each.zone for pack in known.values() for each in pack.phone_ranges}
    return Policy(known, home_market, caps, config=config, gaps=gaps, ranges=ranges)


def _holds(override: MarketOverride, on: date | None) -> bool:
    if on is None:
        return True
    return (override.valid_from or on) <= on <= (override.valid_to or on)


def _tightened(market: MarketRules, override: MarketOverride) -> MarketRules:
    regional = market.regional_holidays if override.regional_holidays else ()
    return msgspec.structs.replace(
        market,
        quiet=(*override.quiet, *market.quiet),
        consent_also_for=tuple(dict.fromkeys((*market.consent_also_for, *override.consent_also_for))),
        holidays=tuple(dict.fromkeys((*market.holidays, *regional, *override.holidays))),
    )


def _home_problems(home_market: str, known: dict[str, MarketRules]) -> Iterator[str]:
    if home_market not in known:
        yield f"home market: there is no market {home_market!r}; expected one of {_listed(known)}"


def _pack_problems(packs: tuple[MarketRules, ...]) -> Iterator[str]:
    codes = [pack.code for pack in packs]
    for pack in packs:
        place = f"market {pack.code}"
        if pack.code != pack.code.upper() or not pack.code:
            yield f"{place}: the code is written in upper case, for example FR"
        if codes.count(pack.code) > 1:
            yield f"{place}: two packs have this code; expected one"
        if find_zone(pack.zone) is None:
            yield f"{place}: {pack.zone!r} is no time zone; expected an IANA name such as Europe/Paris"
        if not pack.locales:
            yield f"{place}: no locale is named; expected at least the default, for example fr"
        yield from _zone_problems(place, pack)
        yield from _rule_problems(place, pack.quiet, (*pack.holidays, *pack.regional_holidays))


def _zone_problems(place: str, pack: MarketRules) -> Iterator[str]:
    for zone in (*pack.other_zones, *(each.zone for each in pack.phone_ranges)):
        if find_zone(zone) is None:
            yield f"{place}: {zone!r} is no time zone; expected an IANA name such as Europe/Paris"
    for each in pack.phone_ranges:
        if not each.prefix.isdigit() or len(each.prefix) not in RANGE_DIGITS:
            yield f"{place}, phone range {each.prefix}: expected 3 to 7 digits, the calling code first, such as 34928"


def _rule_problems(place: str, quiet: tuple[QuietRule, ...], holidays: tuple[Holiday, ...]) -> Iterator[str]:
    for number, rule in enumerate(quiet, 1):
        where = f"{place}, quiet hours {number}"
        if not rule.windows:
            yield f"{where}: there is no window; expected at least one (to stop a purpose, pause it)"
        for window in rule.windows:
            yield from (f"{where}: {problem}" for problem in _window_problems(window))
    for holiday in holidays:
        if holiday.after_easter is None and not _is_date(holiday):
            yield f"{place}, holiday {holiday.name}: {holiday.month}/{holiday.day} is no date; expected month and day"
        if holiday.weekday is not None and holiday.weekday not in EVERY_DAY:
            yield f"{place}, holiday {holiday.name}: weekday {holiday.weekday}; expected 0 (Monday) to 6 (Sunday)"


def _window_problems(window: Window) -> Iterator[str]:
    if not window.days or not set(window.days) <= set(EVERY_DAY):
        yield f"days {list(window.days)} are not understood; expected some of 0 (Monday) to 6 (Sunday)"
    for at in (window.start, window.end):
        if at.second or at.microsecond or at.tzinfo is not None:
            yield f"{at} is not understood; expected a local time to the minute, for example 21:00"


def _is_date(holiday: Holiday) -> bool:
    try:
        return bool(date(2000, holiday.month, holiday.day))  # a leap year, so that 29 February counts
    except ValueError:
        return False


def _gap_problems(gaps: tuple[Gap, ...]) -> Iterator[str]:
    names = [gap.name for gap in gaps]
    for gap in gaps:
        if names.count(gap.name) > 1:
            yield f"gap {gap.name}: two gaps have this name; expected one"
        if gap.at_least <= timedelta():
            yield f"gap {gap.name}: the time between messages is not above zero; expected for example 4h"


def _cap_problems(caps: tuple[Cap, ...], gaps: tuple[Gap, ...]) -> Iterator[str]:
    names = [cap.name for cap in caps]
    for cap in caps:
        if names.count(cap.name) > 1:
            yield f"cap {cap.name}: two caps have this name; expected one"
        if cap.at_most < 1:
            yield f"cap {cap.name}: at most {cap.at_most} is not understood; expected 1 or more"
        if cap.looks_back <= timedelta():
            yield f"cap {cap.name}: the time it looks back is not above zero; expected for example 7d"
        if cap.per is not None and cap.within:
            yield f"cap {cap.name}: it is both rolling and by the calendar; expected `within` or `per`"
    for purpose in (purpose for purpose, rules in PURPOSES.items() if rules.obeys_caps):
        total = sum(cap.at_most for cap in caps if not cap.purposes or purpose in cap.purposes)
        total += sum(1 for gap in gaps if not gap.purposes or purpose in gap.purposes)
        if total > MOST_RECENT:
            yield (
                f"caps of {purpose} messages: together they allow {total} messages; expected at most {MOST_RECENT}, so "
                "that a decision can hold all that it was based on"
            )


def _override_problems(override: MarketOverride, known: dict[str, MarketRules]) -> Iterator[str]:
    place = override.place or f"override of market {override.market}"
    market = known.get(override.market)
    if market is None:
        yield f"{place}: there is no market {override.market!r}; expected one of {_listed(known)}"
        return
    flawed = list(_rule_problems(place, override.quiet, override.holidays))
    yield from flawed or _loosened(place, market, _tightened(market, override))


def _loosened(place: str, pack: MarketRules, tightened: MarketRules) -> Iterator[str]:
    """One sentence for each rule of the pack that would open an hour, with the purposes and channels concerned."""
    named = sorted({channel for rule in tightened.quiet for channel in rule.channels})
    found: dict[tuple[str, str], list[str]] = {}
    for purpose in Purpose:
        for channel in (*named, OTHER):
            before, after = rule_for(pack, purpose, channel), rule_for(tightened, purpose, channel)
            if before is not None and after is not None and not _within(after, before):
                found.setdefault((hours(after), hours(before)), []).append(f"{purpose} by {channel}")
    for (after_hours, before_hours), cases in found.items():
        yield (
            f"{place}: {after_hours} opens hours that the market pack closes for {', '.join(cases)}; expected no more "
            f"than {before_hours} (an override may tighten, never loosen)"
        )


def _within(after: QuietRule, before: QuietRule) -> bool:
    """Whether every instant that `after` allows is allowed by `before`, whatever days are holidays."""
    if not before.not_on_holidays:
        return not week_minutes(after) & ~week_minutes(before)
    if not after.not_on_holidays:
        return False
    # A holiday closes the windows that start on it, so each day's windows must lie within the same day's.
    return all(not day_minutes(after, day) & ~day_minutes(before, day) for day in EVERY_DAY)


def _listed(known: dict[str, MarketRules]) -> str:
    return ", ".join(sorted(known)) or "none at all"
