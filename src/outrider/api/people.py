"""Profiles as requests give them and as answers show them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from outrider.api.checks import wrong_value
from outrider.api.masking import mask_address, mask_traits
from outrider.api.problems import REJECTED, Problem, Wrong
from outrider.api.wording import CHANNEL
from outrider.configuration import Configuration
from outrider.domain.entry import ProfileChange
from outrider.domain.profile import Address, Profile
from outrider.orchestration.zones import find_zone

#: A language and what narrows it: fr, pt-BR, zh_Hant_TW (RFC 5646 in its common part).
LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")

Channel = Annotated[str, Meta(pattern=CHANNEL, description="A channel's name, such as sms.", examples=["sms"])]


class AddressIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An address as given."""

    channel: Channel
    value: Annotated[str, Meta(min_length=1, max_length=512, examples=["+33612345678", "06 12 34 56 78"])]
    #: A code or the person proved it.
    verified: bool = False


class ProfileIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What PUT sets and PATCH changes. In PATCH a trait set to null is removed."""

    kind: Literal["person", "organization"] | None = None
    market: Annotated[str, Meta(description="A market's code.", examples=["FR"])] | None = None
    locale: Annotated[str, Meta(examples=["fr"])] | None = None
    zone: Annotated[str, Meta(description="An IANA time zone.", examples=["Europe/Paris"])] | None = None
    traits: dict[str, Any] = {}
    #: Replaces the addresses of the channels it names; of all channels in PUT.
    addresses: Annotated[list[AddressIn], Meta(max_length=50)] | None = None


class AddressOut(msgspec.Struct, frozen=True):
    """An address as shown."""

    channel: str
    value: str
    verified: bool
    alive: bool


class MergeIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a profile goes."""

    #: Key of the profile that stays; it is made when nobody knows it yet.
    into: str


class ProfileOut(msgspec.Struct, frozen=True):
    """A profile. Without the scope `pii:read` addresses and sealed traits are masked."""

    key: str
    kind: str
    market: str | None
    locale: str | None
    zone: str | None
    traits: dict[str, Any]
    addresses: list[AddressOut]
    #: Purpose, or purpose/channel, to granted or withdrawn.
    consents: dict[str, str]
    version: int
    created_at: datetime | None
    #: Other keys of the same person: they were merged into this profile.
    merged: list[str] = []


def show_profile(profile: Profile, pii: bool) -> ProfileOut:
    """A profile for a reader."""
    identity = profile.identity
    sealed = identity.traits if pii else mask_traits(identity.traits)
    return ProfileOut(
        key=identity.key,
        kind=profile.kind,
        market=profile.market,
        locale=profile.locale,
        zone=profile.zone,
        traits={**sealed, **profile.traits},
        addresses=[
            AddressOut(each.channel, each.value if pii else mask_address(each.value), each.verified, each.alive)
            for each in identity.addresses
        ],
        consents={name: str(state) for name, state in profile.consents.items()},
        version=profile.version,
        created_at=profile.created_at,
        merged=sorted(identity.merged),
    )


def profile_change(
    key: str, given: ProfileIn, configuration: Configuration, known_market: str | None, *, replace: bool
) -> ProfileChange:
    """The change a request asks for, numbers in E.164. `known_market` reads numbers when the request names no market.

    Raises Problem (422) with every place that is wrong.
    """
    wrong = [*_wrong_fields(given, configuration), *wrong_traits(given.traits)]
    market = given.market.upper() if given.market else None
    addresses = None if given.addresses is None else _addresses(given.addresses, configuration, market or known_market)
    if addresses is not None:
        wrong += [each for each in addresses if isinstance(each, Wrong)]
    if wrong:
        raise Problem(REJECTED, errors=wrong)
    return ProfileChange(
        key=key,
        kind=given.kind,
        market=market,
        locale=given.locale,
        zone=given.zone,
        traits=given.traits,
        addresses=None if addresses is None else tuple(each for each in addresses if isinstance(each, Address)),
        replace=replace,
    )


def _wrong_fields(given: ProfileIn, configuration: Configuration) -> list[Wrong]:
    wrong = []
    markets = configuration.policy.markets
    if given.market and given.market.upper() not in markets:
        known = ", ".join(sorted(markets))
        wrong.append(Wrong("$.market", f"there is no market '{given.market[:20]}'; known: {known}"))
    if given.locale and not LOCALE.fullmatch(given.locale):
        wrong.append(Wrong("$.locale", "expected a locale such as fr or pt-BR"))
    if given.zone and find_zone(given.zone) is None:
        wrong.append(Wrong("$.zone", "expected an IANA time zone such as Europe/Paris"))
    return wrong


def wrong_traits(traits: dict[str, Any], path: str = "$.traits") -> list[Wrong]:
    """What keeps traits from being stored."""
    found = wrong_value(traits, path)
    return [found] if found else []


def _addresses(given: list[AddressIn], configuration: Configuration, market: str | None) -> list[Address | Wrong]:
    found: list[Address | Wrong] = []
    for place, each in enumerate(given):
        address = read_address(each.channel, each.value, configuration, market)
        if isinstance(address, str):
            found.append(Wrong(f"$.addresses[{place}].value", address))
        else:
            found.append(msgspec.structs.replace(address, verified=each.verified))
    return found


def read_address(channel: str, value: str, configuration: Configuration, market: str | None) -> Address | str:
    """An address in its stored form, or why it is none; the reason never holds the address."""
    if "\0" in value:
        return "the character U+0000 is not allowed"
    return configuration.mapper.address(channel, value, market)
