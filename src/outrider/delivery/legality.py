"""Where a route's sender may be used: the demands of countries against the company's registrations. Pure.

A demand is judged for one country, one sender and one provider on one day. Simulated providers reach no network, so no
demand is made of their routes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import msgspec

from outrider.domain.registration import DEMANDS, TEXT_CHANNELS, Registration, RegistrationStatus, SenderDemand
from outrider.domain.route import Route

#: Longest sender of letters: 11 characters of a TP-Originating-Address (3GPP TS 23.040, 9.1.2.5).
LONGEST_ALIAS = 11
#: Longest number (ITU-T E.164).
LONGEST_NUMBER = 15
#: Letters, digits and space arrive everywhere; other signs are replaced or refused by some operators.
ALIAS = re.compile(r"[A-Za-z0-9 ]+")
NUMBER = re.compile(r"\+?[0-9]+")

#: Statuses with which a demand is met.
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


def country_flaw(sender: str, demand: SenderDemand) -> Flaw | None:
    """What one country does not take of any sender of this form; None for nothing."""
    if NUMBER.fullmatch(sender):
        if _international(sender, demand.country).startswith(demand.numbers_forbidden or ("-",)):
            fix = "use a name of letters or a short code of the provider"
            return Flaw(f"in {demand.country} a mobile number must not send for a company", fix)
        return None
    if not demand.letters:
        return Flaw(f"in {demand.country} no sender of letters is delivered", "use a number registered there")
    if not demand.digit_first and sender[:1].isdigit():
        return Flaw(f"in {demand.country} a sender must not begin with a digit", "begin it with a letter")
    return None


def _international(number: str, country: str) -> str:
    """A number without plus; a French national one (06…) with its calling code."""
    digits = number.removeprefix("+").removeprefix("00")
    return f"33{digits[1:]}" if country == "FR" and digits.startswith("0") else digits


@dataclass(frozen=True, eq=False)
class Legality:
    """The company's registrations against the demands, asked per route and country."""

    registrations: Sequence[Registration] = ()
    #: Account → provider.
    providers: Mapping[str, str] = field(default_factory=dict)
    #: Accounts of simulated providers.
    simulated: frozenset[str] = frozenset()
    demands: Mapping[str, SenderDemand] = field(default_factory=lambda: DEMANDS)

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
        countries = {*self.demands, *(one.country for one in self.registrations)}
        for country in sorted(countries):
            if reason := self._reason(route, country, day):
                yield country, reason

    def _reason(self, route: Route, country: str, day: date) -> str:
        demand = self.demands.get(country, SenderDemand(country=country))
        row = self._row(route, country)
        if row is not None and row.status is RegistrationStatus.REFUSED:
            return f"{_words(route, row.provider)} was refused registration in {country}"
        if day < demand.valid_from or (row is not None and row.status in MET and not _is_over(row, day)):
            return ""
        if flaw := country_flaw(route.sender, demand):
            return f"sender {route.sender!r}: {flaw.what}"
        if not demand.registry or NUMBER.fullmatch(route.sender):
            return ""
        return self._unregistered(route, demand, row)

    def _unregistered(self, route: Route, demand: SenderDemand, row: Registration | None) -> str:
        words = _words(route, self.providers.get(route.account, route.account))
        if row is None:
            return f"{words} is not registered in {demand.country} ({demand.registry} demands it)"
        if row.status is RegistrationStatus.PENDING:
            return f"the registration of {words} in {demand.country} is pending ({demand.registry} demands it)"
        return f"the registration of {words} in {demand.country} ended on {row.expires}"

    def _row(self, route: Route, country: str) -> Registration | None:
        provider = self.providers.get(route.account)
        rows = [one for one in self.registrations if one.country == country and one.provider == provider]
        exact = self.demands.get(country, SenderDemand(country=country)).case_sensitive
        for row in rows:
            if row.sender == route.sender or (not exact and row.sender.casefold() == route.sender.casefold()):
                return row
        return None


def _words(route: Route, provider: str) -> str:
    return f"sender {route.sender!r} through {provider}"


def _is_over(row: Registration, day: date) -> bool:
    return row.expires is not None and row.expires < day
