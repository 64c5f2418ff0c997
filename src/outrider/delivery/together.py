"""One message to all devices of a person at once: what its one attempt came to. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from outrider.domain.attempt import Accepted, Outcome, Reason, Refused, Scope, Unknown

#: Of several refusals the one that leaves most to hope for decides what follows: the same route later, another route,
#: and only then that nothing helps.
HOPEFUL = (Scope.PASSING, Scope.ACCOUNT, Scope.ROUTE, Scope.MESSAGE, Scope.RECIPIENT)


def together(outcomes: Sequence[tuple[bytes, Outcome]]) -> Outcome:
    """The outcome of the attempt. outcomes: keyed hash of each address with its own outcome, the message's own first.

    Accepted where one was accepted: the person is being reached, and a repeat would reach that device twice. Unknown
    where none was and one is in doubt. Refused where all were. Addresses that exist no more are told beside it.
    """
    dead = tuple(address for address, one in outcomes if _is_dead(one))
    found = _first(outcomes)
    if isinstance(found, Refused):
        # Then all of them are dead, and the first, the message's own, is told by the reason itself.
        dead = dead[1:] if found.reason is Reason.DEAD_ADDRESS else dead
        waits = [one.retry_after for _, one in outcomes if isinstance(one, Refused) and one.scope is found.scope]
        return replace(found, dead=dead, retry_after=max((wait for wait in waits if wait is not None), default=None))
    return replace(found, dead=dead)


def _first(outcomes: Sequence[tuple[bytes, Outcome]]) -> Outcome:
    ranked = sorted((_rank(one), place) for place, (_, one) in enumerate(outcomes))
    return outcomes[ranked[0][1]][1]


def _rank(one: Outcome) -> tuple[int, int, bool]:
    if isinstance(one, Accepted):
        return 0, 0, False
    if isinstance(one, Unknown):
        return 1, 0, False
    return 2, HOPEFUL.index(one.scope), _is_dead(one)


def _is_dead(one: Outcome) -> bool:
    return isinstance(one, Refused) and one.reason is Reason.DEAD_ADDRESS
