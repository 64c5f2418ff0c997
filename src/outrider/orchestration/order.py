"""The order in which gates are asked: by phase, then by their place within it, and never by chance."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from outrider.contracts.gate import Gate


class GateOrderError(ValueError):
    """Two gates stand at the same place or share a name; the message names both."""


def in_order(gates: Iterable[Gate]) -> tuple[Gate, ...]:
    """The gates by (phase, order). Raises GateOrderError when that leaves the order or a name open."""
    ordered = tuple(sorted(gates, key=lambda gate: (gate.phase, gate.order, gate.name)))
    for one, other in pairwise(ordered):
        if (one.phase, one.order) == (other.phase, other.order):
            place = f"phase {one.phase.name}, order {one.order}"
            raise GateOrderError(f"gates {one.name!r} and {other.name!r} both stand at {place}; give one another order")
    names = [gate.name for gate in ordered]
    for name in names:
        if names.count(name) > 1:
            raise GateOrderError(
                f"two gates are called {name!r}; a gate's name is kept in decisions and must be unique"
            )
    return ordered
