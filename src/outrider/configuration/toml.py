"""outrider.toml: environment, accounts, routes, caps, ceilings; secrets by reference."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from math import inf
from typing import Any

import msgspec

from outrider.configuration.retention import RetentionEntry, read_retention
from outrider.configuration.routing import (
    BouncesEntry,
    HealthEntry,
    RegistrationEntry,
    read_bounces,
    read_health,
    read_registrations,
    read_retries,
)
from outrider.contracts.reading import UNITS
from outrider.contracts.surroundings import suggest
from outrider.delivery.budget import RetryRules
from outrider.delivery.health import HealthRules
from outrider.delivery.legality import Legality
from outrider.domain.bounces import BounceRules
from outrider.domain.keeping import KeptFor
from outrider.domain.outbox import Ceiling
from outrider.domain.policy import Calendar, Cap, Gap, MarketRules
from outrider.domain.problem import Problem
from outrider.domain.purpose import PURPOSES, Purpose
from outrider.domain.registration import Registration, sender_rules
from outrider.domain.route import Route

FILE = "outrider.toml"
DURATION = re.compile(r"([0-9]{1,9})([smhdw])")
ACCOUNT_NAME = re.compile(r"[a-z][a-z0-9-]*")
#: Seconds of a call: it must be over well before a third of the delivery lease (45 s) has passed.
LONGEST_DEADLINE = 12


class AccountEntry(msgspec.Struct, frozen=True):
    """One account as written: its provider's own settings stay raw until the provider is known."""

    name: str
    provider: str
    settings: Mapping[str, Any]
    sandbox: bool = False
    deadline: float = 10.0


class _Ceilings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    per_hour: int = 20
    per_day: int = 60


class _Cap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    at_most: int
    within: str | None = None
    per: Calendar | None = None
    purposes: tuple[Purpose, ...] = ()
    channels: tuple[str, ...] = ()


class _Gap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    at_least: str
    purposes: tuple[Purpose, ...] = ()
    channels: tuple[str, ...] = ()


class _PurposeEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    resolve_within: str


class _RouteEntry(Route, frozen=True, forbid_unknown_fields=True):
    pass


class Toml(msgspec.Struct, frozen=True):
    """The content of outrider.toml."""

    environment: str = "production"
    home_market: str = "FR"
    public_url: str = ""
    #: Addresses (patterns with *) that an environment other than production may write to.
    allow: tuple[str, ...] = ()
    accounts: tuple[AccountEntry, ...] = ()
    routes: tuple[Route, ...] = ()
    caps: tuple[Cap, ...] = ()
    ceiling: Ceiling = Ceiling()
    #: How long to look for proof of a doubtful send, where it is shorter than the purpose's own time.
    resolve_within: Mapping[Purpose, timedelta] = {}
    gaps: tuple[Gap, ...] = ()
    registrations: tuple[Registration, ...] = ()
    health: HealthRules = HealthRules()
    retries: RetryRules = RetryRules()
    soft_bounces: BounceRules = BounceRules()
    kept_for: KeptFor = KeptFor()

    @property
    def providers(self) -> dict[str, str]:
        """Account → provider."""
        return {account.name: account.provider for account in self.accounts}

    def legality(self, markets: Iterable[MarketRules]) -> Legality:
        """Where each route's sender may be used, by the sender rules of the markets."""
        simulated = frozenset(account.name for account in self.accounts if account.sandbox)
        return Legality(self.registrations, self.providers, simulated, sender_rules(markets))


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    environment: str = "production"
    home_market: str = "FR"
    public_url: str = ""
    allow: tuple[str, ...] = ()
    accounts: dict[str, dict[str, Any]] = {}
    routes: tuple[_RouteEntry, ...] = ()
    caps: tuple[_Cap, ...] = ()
    gaps: tuple[_Gap, ...] = ()
    ceilings: _Ceilings = _Ceilings()
    purposes: dict[Purpose, _PurposeEntry] = {}
    registrations: tuple[RegistrationEntry, ...] = ()
    health: HealthEntry = HealthEntry()
    retries: RetryRules = RetryRules()
    soft_bounces: BouncesEntry = BouncesEntry()
    retention: RetentionEntry = RetentionEntry()


def read_toml(text: str) -> tuple[Toml, list[Problem]]:
    """The settings, or as much as could be read, and what is wrong."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Toml(), [_syntax(str(error))]
    try:
        document = msgspec.convert(raw, _Document)
    except msgspec.ValidationError as error:
        return Toml(), [_validation(str(error), text)]
    problems: list[Problem] = []
    caps = tuple(_cap(cap, index, text, problems) for index, cap in enumerate(document.caps))
    accounts = tuple(_account(name, entry, text, problems) for name, entry in document.accounts.items())
    routes = tuple(msgspec.convert(msgspec.to_builtins(route), Route) for route in document.routes)
    problems += _route_problems(routes, {account.name for account in accounts}, text)
    problems += [
        at(text, ["ceilings"], key, "expected at least 1: below that nothing is ever sent")
        for key in ("per_hour", "per_day")
        if getattr(document.ceilings, key) < 1
    ]
    ceiling = Ceiling(document.ceilings.per_hour, document.ceilings.per_day)
    fields = (document.environment, document.home_market.upper(), document.public_url.rstrip("/"), document.allow)
    within = {purpose: _within(purpose, entry, text, problems) for purpose, entry in document.purposes.items()}
    gaps = tuple(_gap(gap, index, text, problems) for index, gap in enumerate(document.gaps))
    toml = Toml(*fields, accounts, routes, caps, ceiling, within, gaps)
    return _with_routing(toml, document, text, problems), problems


def _with_routing(toml: Toml, document: _Document, text: str, problems: list[Problem]) -> Toml:
    here = partial(at, text)
    rows, wrong = read_registrations(document.registrations, toml.routes, toml.providers, here)
    problems += wrong
    health = read_health(document.health, read_duration, here, problems)
    retries = read_retries(document.retries, here, problems)
    bounces = read_bounces(document.soft_bounces, read_duration, here, problems)
    kept_for = read_retention(document.retention, read_duration, here, problems)
    return msgspec.structs.replace(
        toml, registrations=rows, health=health, retries=retries, soft_bounces=bounces, kept_for=kept_for
    )


def _syntax(message: str) -> Problem:
    found = re.search(r"\(at line (\d+), column (\d+)\)", message)
    line, column = (int(found[1]), int(found[2])) if found else (1, 1)
    return Problem(FILE, line, column, re.sub(r"\s*\(at .*\)$", "", message))


def _validation(message: str, text: str) -> Problem:
    """msgspec names the path: "Object contains unknown field `x` - at `$.routes[0]`"."""
    words, _, path = message.partition(" - at `")
    named = re.search(r"field `([^`]+)`", words)
    keys = re.findall(r"[A-Za-z_][\w-]*|\[\d+\]", path.rstrip("`").removeprefix("$"))
    line, column, length = place_of(text, keys, named[1] if named else None)
    known = _Document.__struct_fields__
    hint = suggest(named[1], known) if named and not keys else ""
    return Problem(FILE, line, column, words[:1].lower() + words[1:], hint, length)


def place_of(text: str, keys: list[str], named: str | None = None) -> tuple[int, int, int]:
    """Line, column and length of the last key of a path, found by its table's header; (1, 1, 1) when not found."""
    lines = text.splitlines()
    start = _header(lines, keys)
    wanted = [named] if named else [key for key in reversed(keys) if not key.startswith("[")]
    for key in wanted:
        for number in range(start, len(lines)):
            if number > start and lines[number].lstrip().startswith("["):
                break
            found = re.match(rf"\s*(\"?){re.escape(key)}\1\s*=", lines[number])
            if found:
                return number + 1, lines[number].index(key) + 1, len(key)
    return start + 1, 1, max(1, len(lines[start]) if lines else 1)


def _header(lines: list[str], keys: list[str]) -> int:
    """The line (from 0) of the table a path leads into."""
    if not keys:
        return 0
    table, index = keys[0], next((int(key[1:-1]) for key in keys if key.startswith("[")), None)
    if index is not None:
        headers = [n for n, line in enumerate(lines) if line.strip().startswith(f"[[{table}]]")]
        return headers[index] if index < len(headers) else 0
    names = {f"[{'.'.join(keys[:depth])}]" for depth in range(1, len(keys) + 1)}
    headers = [n for n, line in enumerate(lines) if line.strip() in names]
    return headers[-1] if headers else 0


def _cap(cap: _Cap, index: int, text: str, problems: list[Problem]) -> Cap:
    if cap.per is not None and cap.within is None:
        return Cap(cap.name, cap.at_most, timedelta(), cap.purposes, cap.channels, cap.per)
    if (cap.per is None) is (cap.within is None):
        message = f"the cap '{cap.name}' needs either `within`, a rolling time, or `per`, a local day, week or month"
        problems.append(at(text, ["caps", f"[{index}]"], "per", message, 'write within = "7d" or per = "week"'))
        return Cap(cap.name, cap.at_most, timedelta(days=1), cap.purposes, cap.channels)
    within = _length(cap.within or "", ["caps", f"[{index}]"], "within", text, problems)
    return Cap(cap.name, cap.at_most, within, cap.purposes, cap.channels)


def _gap(gap: _Gap, index: int, text: str, problems: list[Problem]) -> Gap:
    at_least = _length(gap.at_least, ["gaps", f"[{index}]"], "at_least", text, problems)
    return Gap(gap.name, at_least, gap.purposes, gap.channels)


def _length(written: str, keys: list[str], key: str, text: str, problems: list[Problem]) -> timedelta:
    length = read_duration(written)
    if length is None:
        problems.append(at(text, keys, key, f"expected a duration, found '{written}'", "write 24h or 7d"))
    return timedelta(days=1) if length is None else length


def read_duration(written: str) -> timedelta | None:
    """A duration such as 24h or 7d; None for anything else, and for one that no calendar can hold."""
    match = DURATION.fullmatch(written)
    try:
        return timedelta(seconds=int(match[1]) * UNITS[match[2]]) if match else None
    except OverflowError:
        return None


def _within(purpose: Purpose, entry: _PurposeEntry, text: str, problems: list[Problem]) -> timedelta:
    """A company may give up looking for proof sooner, never later: nobody is to wait longer than the purpose says."""
    longest = PURPOSES[purpose].resolve_within
    within = read_duration(entry.resolve_within)
    if within is not None and timedelta() < within <= longest:
        return within
    line, column, length = place_of(text, ["purposes", str(purpose)], "resolve_within")
    message = f"expected a duration of at most {longest.total_seconds():g} seconds, found '{entry.resolve_within}'"
    problems.append(Problem(FILE, line, column, message, "write 2s or 10m", length))
    return longest


def _account(name: str, entry: dict[str, Any], text: str, problems: list[Problem]) -> AccountEntry:
    settings = {key: value for key, value in entry.items() if key not in ("provider", "sandbox", "deadline")}
    provider, sandbox, deadline = entry.get("provider"), entry.get("sandbox", False), entry.get("deadline", 10.0)
    if not isinstance(sandbox, bool):
        _account_problem(problems, text, name, "expected sandbox = true or sandbox = false", "", "sandbox")
        sandbox = False
    if not isinstance(provider, str):
        _account_problem(problems, text, name, "the account names no provider", 'add provider = "…"')
    if not ACCOUNT_NAME.fullmatch(name):
        _account_problem(problems, text, name, f"'{name}' is not a name: lower-case letters, digits and -", "")
    if isinstance(deadline, bool) or not isinstance(deadline, int | float) or not 0 < deadline <= LONGEST_DEADLINE:
        _account_problem(problems, text, name, "deadline is out of range: expected seconds, at most 12", "", "deadline")
        deadline = 10.0
    return AccountEntry(name, str(provider), settings, sandbox, float(deadline))


def _account_problem(
    problems: list[Problem], text: str, name: str, message: str, hint: str, key: str | None = None
) -> None:
    line, column, length = place_of(text, ["accounts", name], key)
    problems.append(Problem(FILE, line, column, message, hint, length))


def _route_problems(routes: tuple[Route, ...], accounts: set[str], text: str) -> list[Problem]:
    problems = []
    seen: set[str] = set()
    for index, route in enumerate(routes):
        keys = ["routes", f"[{index}]"]
        if route.name in seen:
            problems.append(at(text, keys, "name", f"two routes are called '{route.name}'"))
        seen.add(route.name)
        if route.account not in accounts:
            hint = suggest(route.account, accounts)
            problems.append(at(text, keys, "account", f"there is no account '{route.account}'", hint))
        if route.weight < 0:
            problems.append(at(text, keys, "weight", "expected a weight of 0 or more"))
        if route.per_second is not None and not 0 < route.per_second < inf:
            hint = "leave it out for no limit"
            problems.append(at(text, keys, "per_second", "expected a number of messages above 0", hint))
    return problems


def at(text: str, keys: list[str], key: str, message: str, hint: str = "") -> Problem:
    """A problem at a key of a table, named by its path."""
    line, column, length = place_of(text, keys, key)
    return Problem(FILE, line, column, message, hint, length)
