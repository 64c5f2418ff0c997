"""Does the store say the same as the provider's own ledger? Pure: rows and lines in, differences out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from outrider.domain.attempt import AttemptState
from outrider.lib.ids import BadId, read_id
from outrider.sandbox.ledger import Line

#: The provider's own word is needed to say whether it took these: a line in the ledger contradicts none of them.
IN_DOUBT = frozenset({AttemptState.INTENT, AttemptState.UNKNOWN, AttemptState.UNRESOLVED})

Place = tuple[bytes, int]


class Attempted(msgspec.Struct, frozen=True):
    """One attempt as the store has it."""

    state: AttemptState
    #: The rule that allowed a possible duplicate; empty for an ordinary attempt.
    label: str = ""
    market: str = ""
    #: Estimated, in EUR.
    cost: float = 0.0
    #: Whether its message came after one on another channel that did not reach the person.
    is_fallback: bool = False


class Sums(msgspec.Struct, frozen=True):
    """What one side counts."""

    #: Market → EUR, to the cent.
    cost: dict[str, float] = {}
    #: Messages on another channel after the first one did not reach the person.
    fallbacks: int = 0


class Audit(msgspec.Struct, frozen=True):
    """What the comparison found."""

    #: Messages the ledger holds for this run.
    taken: int
    #: Attempts the store calls accepted.
    accepted: int
    #: Accepted by one side only.
    lost: int
    #: Copies beyond the first that no rule allowed.
    duplicates: int
    #: In the ledger and still in doubt in the store.
    in_doubt: int
    #: Over what the store calls accepted, and over what the ledger holds.
    by_store: Sums = Sums()
    by_ledger: Sums = Sums()


def audit(attempts: Mapping[Place, Attempted], lines: Iterable[Line], foreign: frozenset[bytes]) -> Audit:
    """Compare. `attempts`: every attempt of this run; `foreign`: messages that belong to other runs."""
    copies = [(place, line.to) for line in lines if (place := place_of(line)) is None or place[0] not in foreign]
    taken = [place for place, _ in copies]
    known = set(taken)
    accepted = {place for place, attempt in attempts.items() if attempt.state is AttemptState.ACCEPTED}
    in_doubt = sum(attempts[place].state in IN_DOUBT for place in taken if place and place in attempts)
    unknown_here = sum(not _agrees(place, attempts) for place in taken)
    return Audit(
        taken=len(taken),
        accepted=len(accepted),
        lost=len(accepted - known) + unknown_here,
        duplicates=_duplicates(copies, attempts),
        in_doubt=in_doubt,
        by_store=_sums(accepted, attempts),
        by_ledger=_sums((place for place in known if place is not None), attempts),
    )


def place_of(line: Line) -> Place | None:
    """Message and number of the attempt a line names; None when it names none."""
    name, _, number = line.echo.rpartition(".")
    try:
        return read_id("msg", name), int(number)
    except (BadId, ValueError):
        return None


def _sums(places: Iterable[Place], attempts: Mapping[Place, Attempted]) -> Sums:
    found = {place: attempts[place] for place in places if place in attempts}
    costs: dict[str, float] = {}
    for attempt in found.values():
        if attempt.market:
            costs[attempt.market] = costs.get(attempt.market, 0.0) + attempt.cost
    fallbacks = {place[0] for place, attempt in found.items() if attempt.is_fallback}
    return Sums({market: round(cost, 2) for market, cost in sorted(costs.items())}, len(fallbacks))


def _agrees(place: Place | None, attempts: Mapping[Place, Attempted]) -> bool:
    """Whether the store has the attempt as taken, or at least as possibly taken."""
    found = attempts.get(place) if place else None
    return found is not None and (found.state is AttemptState.ACCEPTED or found.state in IN_DOUBT)


def _duplicates(taken: Iterable[tuple[Place | None, str]], attempts: Mapping[Place, Attempted]) -> int:
    """Each device of a person gets a copy of its own; a second one at the same address is a duplicate."""
    copies = Counter((place[0], to) for place, to in taken if place)
    allowed = Counter(place[0] for place, attempt in attempts.items() if attempt.label)
    return sum(max(0, count - 1 - allowed[message]) for (message, _), count in copies.items())
