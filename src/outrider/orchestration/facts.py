"""What the gates may know of a candidate: resolved, restricted and trimmed so that a decision carries it all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from itertools import islice

from outrider.domain.decision import Candidate, Facts, ReachFact, Recent
from outrider.domain.policy import MarketRules, Policy
from outrider.domain.profile import ConsentState, Profile
from outrider.orchestration.gates.consent import consent_key
from outrider.orchestration.slots import counts, limits_for, since, zone_of
from outrider.orchestration.zones import find_zone, zone_of_country, zone_of_phone

#: The unsealed trait in which an app or head unit reports the IANA zone of its clock.
DEVICE_ZONE = "device_zone"


def facts_for(
    candidate: Candidate,
    profile: Profile,
    reach: Iterable[ReachFact],
    recent: Sequence[Recent],
    policy: Policy,
    now: datetime,
    vehicle_country: str | None = None,
) -> Facts:
    """The facts of one candidate, at most 2 kB as MessagePack.

    profile: opened, its addresses readable. reach: one fact per living address, in the person's order. recent: every
    message that holds a cap slot, in any order, as far back as caps and gaps look. now: aware. vehicle_country: ISO
    3166-1 alpha-2 of the country the person's vehicle was last in, None when unknown.
    """
    market = _market(profile, policy)
    zone, rung = zone_for(profile, market, vehicle_country, policy.ranges)
    channels = tuple(dict.fromkeys(candidate.strategy.channels))
    return Facts(
        now=now,
        market=market.code,
        zone=zone,
        zone_rung=rung,
        locale=profile.locale or market.locales[0],
        consents=_consents(profile, candidate, channels),
        reach=_reach(reach, channels),
        recent=_recent(recent, candidate, channels, policy, (now, zone_of(zone, market))),
    )


def zone_for(
    profile: Profile, market: MarketRules, vehicle_country: str | None, ranges: Mapping[str, str]
) -> tuple[str, str]:
    """The IANA zone and the rung of the ladder that gave it: person, device, vehicle, phone, market.

    ranges: first digits of phone numbers → zone. A rung whose zone does not exist, or whose country has several zones,
    is passed over.
    """
    device = profile.traits.get(DEVICE_ZONE)
    if profile.zone and find_zone(profile.zone):
        return profile.zone, "person"
    if isinstance(device, str) and find_zone(device):
        return device, "device"
    if vehicle_country and (zone := zone_of_country(vehicle_country)):
        return zone, "vehicle"
    for address in profile.identity.addresses:
        if address.alive and (zone := zone_of_phone(address.value, ranges)):
            return zone, "phone"
    return market.zone, "market"


def _market(profile: Profile, policy: Policy) -> MarketRules:
    return policy.markets.get(profile.market or "") or policy.markets[policy.home_market]


def _consents(profile: Profile, candidate: Candidate, channels: tuple[str, ...]) -> dict[str, ConsentState]:
    states = profile.consents
    if not states:
        return {}
    keys = (str(candidate.purpose), *(consent_key(candidate.purpose, channel) for channel in channels))
    return {key: states[key] for key in keys if key in states}


def _reach(reach: Iterable[ReachFact], channels: tuple[str, ...]) -> tuple[ReachFact, ...]:
    """One address per channel: the first that may be written to, else the first."""
    chosen: dict[str, ReachFact] = {}
    for fact in reach:
        known = chosen.get(fact.channel)
        if known is None or (known.suppressed is not None and fact.suppressed is None):
            chosen[fact.channel] = fact
    return tuple(chosen[channel] for channel in channels if channel in chosen)


def _recent(
    recent: Sequence[Recent],
    candidate: Candidate,
    channels: tuple[str, ...],
    policy: Policy,
    moment: tuple[datetime, tzinfo],
) -> tuple[Recent, ...]:
    """Newest first, of purposes that count: the newest `at_most` of each cap that can apply, the newest of each gap.

    More change no answer.
    """
    if not recent or not policy.looks_back or not policy.purposes[candidate.purpose].obeys_caps:
        return ()
    counted = (one for one in recent if policy.purposes[one.purpose].counts_toward_caps)
    newest = sorted(counted, key=lambda one: (one.at, one.channel, one.purpose), reverse=True)
    kept: set[int] = set()
    for limit, most in dict.fromkeys(limits_for(policy, candidate.purpose, channels)):
        start = since(limit, *moment)
        kept.update(islice((place for place, one in enumerate(newest) if counts(limit, one, start)), most))
    return tuple(newest[place] for place in sorted(kept))
