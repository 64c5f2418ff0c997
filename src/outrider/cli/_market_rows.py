"""A market pack as rows that people read: topic, rule, source, and whether it is confirmed and shared by all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec

from outrider.contracts.market import HOUSE_RULES, HOUSE_WORDS
from outrider.domain.policy import Habits, Holiday, MarketRules, OptOutWords, Price, QuietRule, SenderRules, Sourced
from outrider.domain.purpose import Purpose
from outrider.orchestration.wording import DAYS, MONTHS, hours

#: Digits from which most countries write groups.
USUAL_GROUPS = 4


class Row(msgspec.Struct, frozen=True):
    """One rule of a market."""

    topic: str
    rule: str
    source: str
    confirmed: bool
    reviewed_on: str
    #: The same in every market.
    common: bool = False


def rows_of(pack: MarketRules) -> list[Row]:
    """Every rule of a pack, by topic."""
    return [
        _row(pack, "locales", f"{', '.join(pack.locales)}; currency {pack.currency}"),
        _row(pack, "zones", ", ".join((pack.zone, *pack.other_zones))),
        *_ranges(pack),
        *(_row(pack, "hours", _hours(rule), rule, common=rule in HOUSE_RULES) for rule in pack.quiet),
        *(_row(pack, "consent", f"{purpose} messages need consent here") for purpose in pack.consent_also_for),
        *_holidays(pack),
        *(_row(pack, "opt-out words", _words(row), row, common=row == HOUSE_WORDS) for row in pack.opt_out),
        *(_row(pack, "senders", _sender(row), row) for row in pack.senders),
        *(_row(pack, "prices", _price(row), row) for row in pack.prices),
        *(_row(pack, "habits", _habits(row), row) for row in pack.habits),
        *(_row(pack, row.topic, row.text, row) for row in pack.law),
        *_retention(pack),
    ]


def purpose_rows(pack: MarketRules) -> list[Row]:
    """The purposes and what follows from each: the same everywhere unless the pack asks for consent."""
    return [
        Row("purposes", str(purpose), "", True, "", common=purpose not in pack.consent_also_for) for purpose in Purpose
    ]


def _row(pack: MarketRules, topic: str, rule: str, of: Sourced | Price | None = None, *, common: bool = False) -> Row:
    """A row; what comes without a source is a choice of ours and needs no confirmation."""
    if of is None:
        return Row(topic, rule, "", True, pack.reviewed_on, common)
    return Row(topic, rule, of.source, of.confirmed, of.reviewed_on or pack.reviewed_on, common)


def _ranges(pack: MarketRules) -> Iterator[Row]:
    if pack.phone_ranges:
        places = ", ".join(f"+{each.prefix} {each.name}: {each.zone}" for each in pack.phone_ranges)
        yield _row(pack, "zones by number", places, pack.phone_ranges[0])


def _holidays(pack: MarketRules) -> Iterator[Row]:
    law = pack.holidays_source
    if pack.holidays:
        yield _row(pack, "holidays", "; ".join(map(_holiday, pack.holidays)), law)
    if pack.regional_holidays:
        yield _row(pack, "regional holidays", "; ".join(map(_holiday, pack.regional_holidays)), law)


def _retention(pack: MarketRules) -> Iterator[Row]:
    if pack.retention is not None:
        yield _row(pack, "proof", f"consents are kept for {pack.retention.years} years", pack.retention)


def _hours(rule: QuietRule) -> str:
    channels = f" by {', '.join(rule.channels)}" if rule.channels else ""
    return f"{', '.join(rule.purposes) or 'every purpose'}{channels}: {hours(rule)}"


def _holiday(holiday: Holiday) -> str:
    if holiday.after_easter is not None:
        when = f"Easter {holiday.after_easter:+d}"
    else:
        when = f"{holiday.day} {MONTHS[holiday.month - 1]}"
        when = when if holiday.weekday is None else f"{DAYS[holiday.weekday]} from {when} on"
    moved = ", moves off weekends" if holiday.moves else ""
    since = f", since {holiday.since}" if holiday.since else ""
    return f"{holiday.name} ({when}{moved}{since})"


def _words(row: OptOutWords) -> str:
    start = f"; again: {', '.join(row.start)}" if row.start else ""
    return f"{row.language or 'every language'}: {', '.join(row.stop)}{start}"


def _sender(row: SenderRules) -> str:
    notes = [f"alphanumeric {row.alphanumeric}", f"numeric {row.numeric}", f"at most {row.longest} characters"]
    notes += [row.registry] if row.registry else []
    notes += ["case counts"] if row.case_sensitive else []
    notes += [] if row.may_start_with_digit else ["not starting with a digit"]
    notes += [f"no number that begins with {', '.join(row.numbers_forbidden)}"] if row.numbers_forbidden else []
    notes += [f"from {row.valid_from}"] if row.valid_from > date.min else []
    return f"{row.channel}: {', '.join(notes)}"


def _price(row: Price) -> str:
    return f"{row.channel} by {row.provider or 'any provider'}: {row.amount:g} {row.currency} from {row.valid_from}"


def _habits(row: Habits) -> str:
    group = {"\u00a0": "no-break space", "\u202f": "narrow no-break space"}.get(row.group, f"'{row.group}'")
    few = f" from {row.groups_from} digits on" if row.groups_from > USUAL_GROUPS else ""
    clock = f" {row.time}" if row.time else ""
    return (
        f"{row.locale}: decimal '{row.decimal}', groups {group}{few}, {row.date}{clock}, currency {row.currency}, "
        f"weeks start on {DAYS[row.week_starts]}, {row.address}"
    )
