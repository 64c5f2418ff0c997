"""Where a route's sender may be used: the rules of countries against the company's registrations. Pure.

A rule is judged for one country, one sender and one provider on one day. Simulated providers reach no network, so
nothing is demanded of their routes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import msgspec

from outrider.domain.policy import Allowed, SenderRules
from outrider.domain.registration import TEXT_CHANNELS, Registration, RegistrationStatus, SendersByChannel
from outrider.domain.route import Route

#: Longest sender of letters: 11 characters of a TP-Originating-Address (3GPP TS 23.040, 9.1.2.5).
LONGEST_ALIAS = 11
#: Longest number (ITU-T E.164).
LONGEST_NUMBER = 15
#: Letters, digits and space arrive everywhere; other signs are replaced or refused by some operators.
ALIAS = re.compile(r"[A-Za-z0-9 ]+")
NUMBER = re.compile(r"\+?[0-9]+")

#: Statuses with which a country's rules are met.
MET = frozenset({RegistrationStatus.REGISTERED, RegistrationStatus.NOT_NEEDED})


class Flaw(msgspec.Struct, frozen=True):
    """What is wrong with a sender, and what to do about it."""

    what: str
    fix: str


def form_flaw(sender: str) -> Flaw | None:
    """What no operator takes, in any country: a bad sign, too long, empty. None for a sound sender."""
    if NUMBER.fullmatch(sender):
        if len(sender.lstrip("+")) > LONGEST_NUMBER:
            return Flaw(f"a number has at most {LONGEST_NUMBER} digits", "write it in E.164 or as a short code")
        return None
    if not ALIAS.fullmatch(sender):
        bad = sorted({sign for sign in sender if not ALIAS.fullmatch(sign)})
        what = f"{', '.join(map(repr, bad))} in a sender arrives wrong or not at all" if bad else "it is empty"
        return Flaw(what, "write A to Z, a to z, digits and spaces only")
    if len(sender) > LONGEST_ALIAS:
        return Flaw(f"a sender of letters has at most {LONGEST_ALIAS} characters, this one {len(sender)}", "shorten it")
    return None


def country_flaw(sender: str, country: str, rules: SenderRules) -> Flaw | None:
    """What one country takes of no sender of this form, whoever is registered; None for nothing."""
    return _number_flaw(sender, country, rules) if NUMBER.fullmatch(sender) else _alias_flaw(sender, country, rules)


def _number_flaw(sender: str, country: str, rules: SenderRules) -> Flaw | None:
    if rules.numeric is Allowed.NO:
        return Flaw(f"in {country} no sender that is a number is delivered", "use a name of letters")
    digits = sender.removeprefix("+").removeprefix("00")
    if any(digits.startswith(beginning) for beginning in rules.numbers_forbidden):
        fix = "use a name of letters or a short code of the provider"
        return Flaw(f"in {country} a mobile number must not send for a company", fix)
    return None


def _alias_flaw(sender: str, country: str, rules: SenderRules) -> Flaw | None:
    if rules.alphanumeric is Allowed.NO:
        return Flaw(f"in {country} no sender of letters is delivered", "use a number registered there")
    if len(sender) > rules.longest:
        return Flaw(f"in {country} a sender of letters has at most {rules.longest} characters", "shorten it")
    if not rules.may_start_with_digit and sender[:1].isdigit():
        return Flaw(f"in {country} a sender must not begin with a digit", "begin it with a letter")
    return None


@dataclass(frozen=True, eq=False)
class Legality:
    """The company's registrations against the rules of countries, asked per route and country."""

    registrations: Sequence[Registration] = ()
    #: Account → provider.
    providers: Mapping[str, str] = field(default_factory=dict)
    #: Accounts of simulated providers.
    simulated: frozenset[str] = frozenset()
    #: What each country takes, from `sender_rules`.
    rules: SendersByChannel = field(default_factory=dict)

    def barred(self, route: Route, day: date) -> Mapping[str, str]:
        """Country → why this route may not be taken there on a day."""
        return dict(self._judge(route, day))

    def closed(self, routes: Iterable[Route], day: date) -> Mapping[str, frozenset[str]]:
        """Country → the names of the routes that may not be taken there on a day."""
        names: dict[str, set[str]] = {}
        for route in routes:
            for country in self.barred(route, day):
                names.setdefault(country, set()).add(route.name)
        return {country: frozenset(found) for country, found in names.items()}

    def _judge(self, route: Route, day: date) -> Iterable[tuple[str, str]]:
        if route.channel not in TEXT_CHANNELS or route.account in self.simulated:
            return
        rules = self.rules.get(route.channel, {})
        for country in sorted({*rules, *(one.country for one in self.registrations)}):
            if reason := self._reason(route, country, rules.get(country), day):
                yield country, reason

    def _reason(self, route: Route, country: str, rules: SenderRules | None, day: date) -> str:
        row = self._row(route, country, exact=rules is not None and rules.case_sensitive)
        if row is not None and row.status is RegistrationStatus.REFUSED:
            return f"{_words(route, row.provider)} was refused registration in {country}"
        if rules is None or day < rules.valid_from or (row is not None and _stands(row, day)):
            return ""
        if flaw := country_flaw(route.sender, country, rules):
            reason = f"sender {route.sender!r}: {flaw.what}"
        else:
            kind = rules.numeric if NUMBER.fullmatch(route.sender) else rules.alphanumeric
            reason = self._unregistered(route, country, rules, row) if kind is Allowed.REGISTERED else ""
        return f"{reason} (unconfirmed)" if reason and not rules.confirmed else reason

    def _unregistered(self, route: Route, country: str, rules: SenderRules, row: Registration | None) -> str:
        words = _words(route, self.providers.get(route.account, route.account))
        registry = rules.registry or "country's registry"
        if row is None:
            return f"{words} is not registered in {country} (the {registry} demands it)"
        if row.status is RegistrationStatus.PENDING:
            return f"the registration of {words} in {country} is pending (the {registry} demands it)"
        return f"the registration of {words} in {country} ended on {row.expires}"

    def _row(self, route: Route, country: str, *, exact: bool) -> Registration | None:
        provider = self.providers.get(route.account)
        rows = [one for one in self.registrations if one.country == country and one.provider == provider]
        for row in rows:
            if row.sender == route.sender or (not exact and row.sender.casefold() == route.sender.casefold()):
                return row
        return None


def _words(route: Route, provider: str) -> str:
    return f"sender {route.sender!r} through {provider}"


def _stands(row: Registration, day: date) -> bool:
    return row.status in MET and (row.expires is None or day <= row.expires)
