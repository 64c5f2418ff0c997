"""Which routes a message may take, best first: legality, health, then weight by stable chance."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from math import inf, log

from outrider.domain.message import Message
from outrider.domain.route import Route


def fitting(routes: Sequence[Route], message: Message) -> tuple[Route, ...]:
    """The routes whose conditions a message meets, in configured order."""
    return tuple(route for route in routes if route.fits(message.channel, message.market, message.purpose))


def in_order(
    routes: Sequence[Route], message: bytes, is_open: Callable[[str], bool], weights: Mapping[str, float] | None = None
) -> tuple[Route, ...]:
    """Healthy routes in a weighted order that is always the same for one message under the same weights.

    Weighted shuffle by exponential keys: the route with the smallest -ln(u)/weight comes first, so a route is
    first with a probability of its share of the weights. `u` is a hash of message and route, not chance.
    `weights` are those that health leaves; a route without one there has its configured weight.
    """
    healthy = [route for route in routes if not is_open(route.name)]
    if len(healthy) < 2:
        return tuple(healthy)
    weights = weights or {}
    keyed = [(route, weights.get(route.name, route.weight)) for route in healthy]
    # Who is alone with a weight needs no chance.
    sole = sum(weight > 0 for _, weight in keyed) < 2
    ordered = sorted(
        (inf if weight <= 0 else 0.0 if sole else _key(route.name, message, weight), route.name, place)
        for place, (route, weight) in enumerate(keyed)
    )
    return tuple(healthy[place] for _, _, place in ordered)


def _key(name: str, message: bytes, weight: float) -> float:
    digest = hashlib.blake2b(message + name.encode(), digest_size=7).digest()
    return -log((int.from_bytes(digest, "big") + 1) / (1 << 56)) / weight
