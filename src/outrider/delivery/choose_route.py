"""Which routes a message may take, best first: legality, health, then weight by stable chance."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from math import inf, log

from outrider.domain.message import Message
from outrider.domain.route import Route


def fitting(routes: Sequence[Route], message: Message) -> tuple[Route, ...]:
    """The routes whose conditions a message meets, in configured order."""
    return tuple(route for route in routes if route.fits(message.channel, message.market, message.purpose))


def in_order(routes: Sequence[Route], message: bytes, is_open: Callable[[str], bool]) -> tuple[Route, ...]:
    """Healthy routes in a weighted order that is always the same for one message.

    Weighted shuffle by exponential keys: the route with the smallest -ln(u)/weight comes first, so a route is
    first with a probability of its share of the weights. `u` is a hash of message and route, not chance.
    """
    healthy = [route for route in routes if not is_open(route.name)]
    if len(healthy) < 2:
        return tuple(healthy)
    return tuple(sorted(healthy, key=lambda route: (_key(route, message), route.name)))


def _key(route: Route, message: bytes) -> float:
    if route.weight <= 0:
        return inf
    digest = hashlib.blake2b(message + route.name.encode(), digest_size=7).digest()
    return -log((int.from_bytes(digest, "big") + 1) / (1 << 56)) / route.weight
