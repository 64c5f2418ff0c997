"""What a direct send must be, checked at the door against the current configuration: all that is wrong at once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from outrider.api.checks import wrong_value
from outrider.api.people import LOCALE, Channel, read_address
from outrider.api.problems import REJECTED, Problem, Wrong
from outrider.api.wording import LENGTH
from outrider.api.writing import LONGEST_KEY
from outrider.configuration import Configuration
from outrider.content.declaration import RESERVED, Declaration, Variable
from outrider.content.moments import BadMoment, day_of, local
from outrider.contracts.reading import LONGEST, UNITS
from outrider.contracts.surroundings import suggest
from outrider.domain.profile import Address
from outrider.domain.purpose import Purpose
from outrider.domain.strategy import Escalate, First, Strategy
from outrider.orchestration.zones import find_zone

#: What the engine knows of everybody.
KNOWN = frozenset({"profile.market", "profile.locale", "profile.zone", "profile.language"})
#: How long a channel of an escalation gets unless the request says.
AFTER = timedelta(minutes=10)
Length = Annotated[str, Meta(pattern=LENGTH, examples=["10m"])]
DedupeKey = Annotated[str, Meta(min_length=1, max_length=200, examples=["license-77:2030-05-31:first"])]


class BareAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An address without a profile."""

    channel: Channel
    value: Annotated[str, Meta(min_length=1, max_length=512, examples=["+33612345678"])]


class To(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A profile, or an address with what is known of whoever reads there."""

    profile: Annotated[str, Meta(min_length=1, max_length=LONGEST_KEY, examples=["c-1042"])] | None = None
    address: BareAddress | None = None
    market: Annotated[str, Meta(examples=["FR"])] | None = None
    locale: Annotated[str, Meta(examples=["fr"])] | None = None
    zone: Annotated[str, Meta(examples=["Europe/Paris"])] | None = None


class Channels(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`first`: the first channel on which the person can be reached. `escalate`: one after the other."""

    first: Annotated[list[Channel], Meta(min_length=1, max_length=20)] | None = None
    escalate: Annotated[list[Channel], Meta(min_length=2, max_length=20)] | None = None
    until: Literal["delivered"] | None = None
    #: How long each channel of an escalation gets; 10m unless given.
    after: Length | None = None


class SendIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A template to a profile or an address."""

    template: Annotated[str, Meta(min_length=1, max_length=200, examples=["sign-up-code"])]
    to: To
    #: Variables of the template, by dotted name or nested. What belongs to the profile is filled in.
    values: dict[str, Any] = {}
    #: May be left out where the template declares it.
    purpose: Purpose | None = None
    #: Unless given: every channel the template has a text for.
    channels: Channels | None = None
    #: How long it is worth sending; unless given, as long as its purpose allows.
    valid_for: Length | None = None
    time_critical: bool = False
    #: At most one message of its receiver is sent under it, whatever the Idempotency-Key, while they are known.
    dedupe_key: DedupeKey | None = None


class Checked(msgspec.Struct, frozen=True):
    """A request that may become an entry."""

    purpose: Purpose
    strategy: Strategy
    valid_for: timedelta
    values: dict[str, Any]
    address: Address | None
    market: str | None


def check(data: SendIn, configuration: Configuration) -> Checked:
    """The request as the engine needs it. Raises Problem (422) with every place that is wrong."""
    checker = _Checker(data, configuration)
    checked = checker.checked()
    if checked is None or checker.wrong:
        raise Problem(REJECTED, errors=checker.wrong)
    return checked


def check_storable(data: SendIn) -> None:
    """Raises Problem (422) for values that no log can keep, and for a dedupe key that nobody could read back."""
    if unstorable := wrong_value(data.values, "$.values"):
        raise Problem(REJECTED, errors=[unstorable])
    if any(unicodedata.category(each) == "Cc" for each in data.dedupe_key or ""):
        raise Problem(REJECTED, errors=[Wrong("$.dedupe_key", "expected a text without control characters")])


class _Checker:
    """Collects what is wrong."""

    def __init__(self, data: SendIn, configuration: Configuration) -> None:
        self.data = data
        self.configuration = configuration
        self.wrong: list[Wrong] = []

    def note(self, path: str, reason: str) -> None:
        self.wrong.append(Wrong(path, reason))

    def checked(self) -> Checked | None:
        """None when the template is unknown, since the rest cannot be judged without it."""
        address = self.receiver()
        templates, name = self.configuration.templates, self.data.template
        if name not in templates.names:
            hint = suggest(name, templates.names) or f"known: {', '.join(sorted(templates.names))[:300] or 'none'}"
            self.note("$.template", f"there is no template '{name[:60]}'; {hint}")
            return None
        declaration = templates.declaration(name)
        purpose = self.purpose(declaration)
        return Checked(
            purpose=purpose,
            strategy=self.strategy(),
            valid_for=self.length("$.valid_for", self.data.valid_for)
            or self.configuration.policy.purposes[purpose].valid_for,
            values=self.values(declaration),
            address=address,
            market=self.data.to.market.upper() if self.data.to.market else None,
        )

    def receiver(self) -> Address | None:
        to = self.data.to
        if (to.profile is None) == (to.address is None):
            self.note("$.to", "expected either profile or address")
            return None
        if to.address is None:
            self.profile(to)
            return None
        if to.market and to.market.upper() not in self.configuration.policy.markets:
            known = self.configuration.policy.markets
            self.note("$.to.market", f"there is no market '{to.market[:20]}'; known: {', '.join(sorted(known))}")
        if to.locale and not LOCALE.fullmatch(to.locale):
            self.note("$.to.locale", "expected a locale such as fr or pt-BR")
        if to.zone and find_zone(to.zone) is None:
            self.note("$.to.zone", "expected an IANA time zone such as Europe/Paris")
        address = read_address(to.address.channel, to.address.value, self.configuration, to.market)
        if isinstance(address, str):
            self.note("$.to.address.value", address)
            return None
        return address

    def profile(self, to: To) -> None:
        if to.profile and "\0" in to.profile:
            self.note("$.to.profile", "the character U+0000 is not allowed")
        for name in ("market", "locale", "zone"):
            if getattr(to, name) is not None:
                self.note(f"$.to.{name}", "belongs to an address; a profile has its own")

    def purpose(self, declaration: Declaration) -> Purpose:
        given, declared = self.data.purpose, declaration.purpose
        if given is None and declared is None:
            self.note("$.purpose", f"the template declares no purpose; expected one of {', '.join(Purpose)}")
        elif given and declared and given is not declared:
            self.note("$.purpose", f"the template is declared {declared}; it cannot also serve {given}")
        purpose = given or declared or Purpose.TRANSACTIONAL
        if self.data.time_critical and purpose is Purpose.COMMERCIAL:
            self.note("$.time_critical", "a commercial message is never time-critical")
        return purpose

    def strategy(self) -> Strategy:
        channels = self.data.channels
        if channels is None:
            return First(self.usual())
        if (channels.first is None) == (channels.escalate is None):
            self.note("$.channels", "expected either first or escalate")
            return First(())
        which = "first" if channels.escalate is None else "escalate"
        names = tuple(channels.first or channels.escalate or ())
        self.check_channels(f"$.channels.{which}", names)
        if which == "escalate":
            return Escalate(names, self.length("$.channels.after", channels.after) or AFTER)
        for key in ("until", "after"):
            if getattr(channels, key) is not None:
                self.note(f"$.channels.{key}", "belongs to an escalation: write escalate instead of first")
        return First(names)

    def usual(self) -> tuple[str, ...]:
        """The address's own channel, or every channel with a text."""
        bare = self.data.to.address
        if bare is None:
            return tuple(sorted(self.configuration.templates.channels(self.data.template)))
        self.check_channels("$.to.address.channel", (bare.channel,), indexed=False)
        return (bare.channel,)

    def check_channels(self, path: str, names: tuple[str, ...], *, indexed: bool = True) -> None:
        texts, bare = self.configuration.templates.channels(self.data.template), self.data.to.address
        for place, name in enumerate(names):
            where = f"{path}[{place}]" if indexed else path
            if name not in texts:
                hint = suggest(name, texts) or f"it has: {', '.join(sorted(texts)) or 'none'}"
                self.note(where, f"template '{self.data.template}' has no text for {name}; {hint}")
            elif name in names[:place]:
                self.note(where, f"channel '{name}' stands in the list twice")
            elif bare is not None and name != bare.channel:
                self.note(where, f"the address is one for {bare.channel} and cannot be reached by {name}")

    def length(self, path: str, given: str | None) -> timedelta | None:
        if given is None:
            return None
        length = timedelta(seconds=int(given[:-1]) * UNITS[given[-1]])
        if not timedelta(0) < length <= LONGEST:
            self.note(path, f"expected more than 0s and at most {LONGEST.days}d")
            return None
        return length

    def values(self, declaration: Declaration) -> dict[str, Any]:
        """The given values as a tree of names."""
        tree = _nested(self.data.values)
        given = dict(_leaves(tree, declaration.variables))
        for path, value in given.items():
            self.check_value(path, value, declaration)
        for path in sorted(self.configuration.templates.variables(declaration.name)):
            if path not in given and not self.is_filled(path):
                example = declaration.variables.get(path)
                such = f": {_kind(example.type)} such as {example.example!r}" if example else ""
                self.note(f"$.values.{path}", f"missing: template '{declaration.name}' needs it{such}")
        return tree

    def check_value(self, path: str, value: Any, declaration: Declaration) -> None:
        variable = declaration.variables.get(path)
        if variable is None:
            known = declaration.variables
            hint = suggest(path, known) or f"it has: {', '.join(sorted(known)) or 'none'}"
            self.note(f"$.values.{path}", f"template '{declaration.name}' has no such variable; {hint}")
        elif reason := _misfit(value, variable):
            self.note(f"$.values.{path}", reason)

    def is_filled(self, path: str) -> bool:
        """Whether the engine knows it: of a profile everything, of an address what the request tells of it."""
        root = path.partition(".")[0]
        return (
            root in RESERVED or root == "now" or path in KNOWN or (root == "profile" and self.data.to.address is None)
        )


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names as a tree; nested ones stay."""
    tree: dict[str, Any] = {}
    for name, value in values.items():
        *groups, last = name.split(".") if re.fullmatch(r"[\w.]+", name) else [name]
        branch = tree
        for group in groups:
            inner = branch.get(group)
            branch[group] = branch = dict(inner) if isinstance(inner, dict) else {}
        old = branch.get(last)
        branch[last] = {**old, **_nested(value)} if isinstance(old, dict) and isinstance(value, dict) else value
    return tree


def _leaves(tree: Mapping[str, Any], declared: Mapping[str, Variable], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names and values, as deep as the declared names go."""
    for name, value in tree.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict) and path not in declared and any(each.startswith(f"{path}.") for each in declared):
            yield from _leaves(value, declared, f"{path}.")
        else:
            yield path, value


def _misfit(value: Any, variable: Variable) -> str:
    """Why a value does not fit its declared type; empty when it does. Never repeats the value."""
    fits = isinstance(value, JSON_TYPES[variable.type]) and (variable.type == "boolean" or not isinstance(value, bool))
    if not fits:
        return f"expected {_kind(variable.type)}, got {NAMES.get(type(value), 'null')}"
    try:
        if variable.type in MOMENTS:
            MOMENTS[variable.type](value, "UTC")
    except BadMoment:
        return f"expected {_kind(variable.type)} such as {variable.example!r}"
    return ""


def _kind(name: str) -> str:
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


JSON_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "date": str,
    "datetime": str,
    "list": list,
}
NAMES = {str: "a string", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "an object"}
MOMENTS: Mapping[str, Callable[[Any, str], object]] = {"date": day_of, "datetime": local}
