"""The parts of outrider.toml about routing and routes' trouble: registrations, senders, health, retries, bounces."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, timedelta
from functools import partial

import msgspec

from outrider.contracts.surroundings import suggest
from outrider.delivery.budget import RetryRules
from outrider.delivery.health import HealthRules
from outrider.delivery.legality import MET, Flaw, Legality, country_flaw, form_flaw
from outrider.domain.bounces import BounceRules
from outrider.domain.problem import Problem
from outrider.domain.registration import TEXT_CHANNELS, Registration, SendersByChannel
from outrider.domain.route import Route

#: Says where a key stands: (path, key, message, hint) → problem.
At = Callable[[list[str], str, str, str], Problem]
#: Reads `24h`; None for what is no duration.
Duration = Callable[[str], timedelta | None]


class RegistrationEntry(Registration, frozen=True, forbid_unknown_fields=True):
    """`[[registrations]]`."""


class HealthEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[health]`: durations as written, shares as numbers."""

    half_life: str = "2m"
    least: int = 20
    refused_share: float = 0.25
    slow_after: str = "5s"
    slow_share: float = 0.15
    receipts_after: str = "5m"
    missing_share: float = 0.25
    step_down: float = 0.5
    step_up: float = 0.1
    floor: float = 0.05
    calm: str = "5m"


class BouncesEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[soft_bounces]`."""

    days: int = 5
    within: str = "30d"


#: The longest time soft bounces may be remembered: longer than anybody's habits last.
LONGEST_MEMORY = timedelta(days=365)
TIMES = ("half_life", "slow_after", "receipts_after", "calm")
SHARES = ("refused_share", "slow_share", "missing_share", "step_down", "step_up", "floor")


def read_health(entry: HealthEntry, duration: Duration, at: At, problems: list[Problem]) -> HealthRules:
    """The rules of health; what is out of range is a problem and keeps its default."""
    defaults = HealthRules()
    values: dict[str, float] = {}
    for name in TIMES:
        found = duration(getattr(entry, name))
        if found is None or not timedelta(seconds=1) <= found <= timedelta(days=1):
            words = f"expected a duration from 1 second to a day, found '{getattr(entry, name)}'"
            problems.append(at(["health"], name, words, "write 30s or 5m"))
            continue
        values[name] = found.total_seconds()
    for name in SHARES:
        if 0 < getattr(entry, name) < 1:
            values[name] = getattr(entry, name)
        else:
            problems.append(at(["health"], name, "expected a share between 0 and 1, both excluded", ""))
    if entry.least < 1:
        problems.append(at(["health"], "least", "expected at least 1", ""))
    return msgspec.structs.replace(defaults, least=entry.least if entry.least >= 1 else defaults.least, **values)


def read_retries(entry: RetryRules, at: At, problems: list[Problem]) -> RetryRules:
    """The retry budget; what is out of range is a problem and keeps its default."""
    defaults = RetryRules()
    if not 0 <= entry.share <= 1:
        problems.append(at(["retries"], "share", "expected a share of first attempts from 0 to 1", ""))
        entry = msgspec.structs.replace(entry, share=defaults.share)
    if not 1 <= entry.per_minute <= 100_000:
        problems.append(at(["retries"], "per_minute", "expected a number from 1 to 100000", ""))
        entry = msgspec.structs.replace(entry, per_minute=defaults.per_minute)
    return entry


def read_bounces(entry: BouncesEntry, duration: Duration, at: At, problems: list[Problem]) -> BounceRules:
    """When soft bounces end an address; what is out of range is a problem and keeps its default."""
    rules = BounceRules()
    within = duration(entry.within)
    if within is None or not timedelta(days=1) <= within <= LONGEST_MEMORY or within % timedelta(days=1):
        words = f"expected whole days, from 1d to {LONGEST_MEMORY.days}d, found '{entry.within}'"
        problems.append(at(["soft_bounces"], "within", words, "write 30d or 8w"))
        within = rules.within
    if not 0 <= entry.days <= within.days:
        words = f"expected a number of days from 0 (never) to {within.days}, the days within which they count"
        problems.append(at(["soft_bounces"], "days", words, ""))
        return BounceRules(min(rules.days, within.days), within)
    return BounceRules(entry.days, within)


def read_registrations(
    entries: Iterable[RegistrationEntry], routes: Collection[Route], providers: Mapping[str, str], at: At
) -> tuple[tuple[Registration, ...], list[Problem]]:
    """The registrations and what is wrong with them. `providers` are those of the accounts."""
    problems: list[Problem] = []
    rows: list[Registration] = []
    for index, entry in enumerate(entries):
        row = Registration(*msgspec.structs.astuple(entry))
        here = partial(at, ["registrations", f"[{index}]"])
        problems += _row_problems(row, here, routes, providers)
        if any(_key(row) == _key(known) for known in rows):
            problems.append(here("sender", f"'{row.sender}' is registered twice in {row.country}", "keep one row"))
        rows.append(row)
    return tuple(rows), problems


def _key(row: Registration) -> tuple[str, str, str]:
    return row.country, row.sender, row.provider


def _row_problems(
    row: Registration, at: Callable[[str, str, str], Problem], routes: Collection[Route], providers: Mapping[str, str]
) -> Iterable[Problem]:
    if not re.fullmatch("[A-Z]{2}", row.country):
        yield at("country", f"expected two capital letters (ISO 3166-1), found '{row.country}'", 'write "ES"')
    if row.provider not in providers.values():
        known = sorted(set(providers.values()))
        yield at("provider", f"no account is at the provider '{row.provider}'", suggest(row.provider, known))
    if row.status in MET and not row.evidence.strip():
        yield at("status", f"'{row.status}' needs evidence", 'add evidence = "…": where it can be proved')
    senders = {route.sender for route in routes if providers.get(route.account) == row.provider}
    if senders and row.sender not in senders and not _alike(row.sender, senders):
        warning = at("sender", f"no route at {row.provider} sends as '{row.sender}'", suggest(row.sender, senders))
        yield msgspec.structs.replace(warning, severity="warning")


def _alike(sender: str, others: Iterable[str]) -> list[str]:
    return [other for other in sorted(others) if other.casefold() == sender.casefold()]


def law_problems(
    routes: Collection[Route], home_market: str, legality: Legality, day: date | None, at: At
) -> list[Problem]:
    """Routes and registrations against the sender rules; with `day` also routes that may not be used on it."""
    return [
        *_sender_problems(routes, home_market, legality, day, at),
        *_spelling_problems(routes, legality, at),
        *(_demand_warnings(routes, legality, day, at) if day is not None else ()),
    ]


def _spelling_problems(routes: Collection[Route], legality: Legality, at: At) -> Iterable[Problem]:
    """Registrations that a route spells another way, where the country takes the exact spelling only."""
    for index, row in enumerate(legality.registrations):
        mine = [route for route in routes if legality.providers.get(route.account) == row.provider]
        exact = {route.sender for route in mine if _is_exact(legality.rules, route.channel, row.country)}
        if (alike := _alike(row.sender, exact)) and row.sender not in {route.sender for route in mine}:
            words = f"'{row.sender}' is registered, but a route sends as '{alike[0]}', and {row.country} is exact"
            yield at(["registrations", f"[{index}]"], "sender", words, "spell both as they are registered")


def _is_exact(rules: SendersByChannel, channel: str, country: str) -> bool:
    row = rules.get(channel, {}).get(country)
    return row is not None and row.case_sensitive


def _sender_problems(
    routes: Iterable[Route], home_market: str, legality: Legality, day: date | None, at: At
) -> Iterable[Problem]:
    """Senders that no operator takes, or that a market named by their route forbids.

    A warning where nobody confirmed the rule, and for simulated accounts; nothing of what does not hold yet on `day`.
    """
    for index, route in enumerate(routes):
        if route.channel not in TEXT_CHANNELS:
            continue
        mild = route.account in legality.simulated
        for flaw, certain in _flaws(route, route.markets or (home_market,), legality.rules, day):
            words = f"sender '{route.sender}': {flaw.what}{'' if certain else ' (unconfirmed)'}"
            problem = at(["routes", f"[{index}]"], "sender", words, flaw.fix)
            yield msgspec.structs.replace(problem, severity="warning") if mild or not certain else problem


def _flaws(
    route: Route, countries: Iterable[str], rules: SendersByChannel, day: date | None
) -> Iterable[tuple[Flaw, bool]]:
    """What is wrong with a sender, and whether that is certain."""
    if flaw := form_flaw(route.sender):
        yield flaw, True
        return
    for country in countries:
        row = rules[route.channel].get(country)
        if row is None or (day is not None and day < row.valid_from):
            continue
        if flaw := country_flaw(route.sender, country, row):
            yield flaw, row.confirmed


def _demand_warnings(routes: Iterable[Route], legality: Legality, day: date, at: At) -> Iterable[Problem]:
    """Routes that name a market in which they may not be used on a day."""
    for index, route in enumerate(routes):
        barred = legality.barred(route, day)
        for country in sorted(set(route.markets) & barred.keys()):
            words = f"in {country} this route is not used: {barred[country]}"
            hint = 'add a row [[registrations]] with status = "registered" once it is'
            problem = at(["routes", f"[{index}]"], "markets", words, hint)
            yield msgspec.structs.replace(problem, severity="warning")
