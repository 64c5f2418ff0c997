"""The bug zoo: faults planted in our own code by replacing one function, which the simulator must catch by name.

The numbers are those of the reliability plan, section 6.3. ``python -m outrider.testing.simulation.zoo`` prints the
table: each fault, the invariant that caught it, and after how many simulated days.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from outrider.testing.simulation.day import run_day
from outrider.testing.simulation.watch import Violated
from outrider.testing.simulation.zoo_plants import PLANTS

Plant = Callable[["Patcher"], None]

#: Faults of the list that have nothing to be planted in, and why.
NOT_APPLICABLE = {
    14: "waits end at instants, not at wall-clock times of a day; quiet hours may open twice in the overlap by design",
    15: "there is no timer that fires for many people at once yet; spreading belongs to campaigns",
    16: "enrollments stay on their version; there are no migration maps yet",
    17: "one installation serves one company: there is no tenant to forget in a key",
    19: "one-time codes are not verified by Outrider yet",
    20: "nothing calls URLs given by customers yet",
    21: "nothing calls URLs given by customers yet; the transport follows no redirect",
    22: "the simulator erases nobody yet; the store suites cover what erasure removes",
    23: "there is no restore yet",
    24: "there is no audit trail yet",
    25: "there are no campaigns yet",
    29: "no counting query stands in the send path; ceilings are counters in the intent's transaction",
}


class Patcher:
    """Replaces attributes and dictionary items, and puts them back."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def set(self, owner: Any, name: str, value: Any) -> Any:
        """Replace an attribute; gives back what was there."""
        before = getattr(owner, name)
        setattr(owner, name, value)
        self._undo.append(lambda: setattr(owner, name, before))
        return before

    def item(self, owner: dict[Any, Any], key: Any, value: Any) -> None:
        """Replace an item."""
        before = owner[key]
        owner[key] = value
        self._undo.append(lambda: owner.__setitem__(key, before))

    def undo(self) -> None:
        """Put everything back, the last first."""
        while self._undo:
            self._undo.pop()()


@contextmanager
def planted(plant: Plant) -> Iterator[None]:
    """Our code with a fault in it, as long as the block."""
    patcher = Patcher()
    try:
        plant(patcher)
        yield
    finally:
        patcher.undo()


class Caught(msgspec.Struct, frozen=True):
    """What became of a planted fault."""

    number: int
    fault: str
    expected: tuple[str, ...]
    #: The invariant that caught it; empty when none did.
    by: str = ""
    days: int = 0
    seed: int = 0


def hunt(number: int, most_days: int = 60, first_seed: int = 0) -> Caught:
    """Simulate days with one fault planted until an invariant fails."""
    fault, expected, profile, plant = PLANTS[number]
    with planted(plant):
        for days in range(1, most_days + 1):
            seed = first_seed + days - 1
            try:
                run_day(seed, profile)
            except Violated as error:
                return Caught(number, fault, expected, error.name, days, seed)
    return Caught(number, fault, expected, days=most_days)


def main() -> None:
    """Print the table; exit code 1 when a fault got away."""
    escaped = 0
    for number in PLANTS:
        caught = hunt(number)
        escaped += caught.by not in caught.expected
        print(f"{number:>3}  {caught.fault:<58} {caught.by or 'NOT CAUGHT':<10} day {caught.days}")
    for number, reason in NOT_APPLICABLE.items():
        print(f"{number:>3}  not applicable: {reason}")
    sys.exit(1 if escaped else 0)


if __name__ == "__main__":
    main()
