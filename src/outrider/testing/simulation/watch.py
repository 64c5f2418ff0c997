"""What must hold: the registry of invariants, and what they remember of the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from outrider.domain.attempt import AttemptState, Reason
from outrider.domain.entry import Entry, Event
from outrider.domain.message import Status
from outrider.domain.receipt import Reported
from outrider.testing.memory_rows import AttemptRow, MessageRow
from outrider.testing.simulation.letters import FOR_GOOD

if TYPE_CHECKING:
    from outrider.testing.simulation.carriers import Copy
    from outrider.testing.simulation.world import World


class Violated(BaseException):
    """An invariant does not hold. `name` is its number in the reliability plan, I1 to I40.

    Not an Exception: code of ours that survives exceptions must not survive this.
    """

    def __init__(self, name: str, what: str, sentence: str) -> None:
        super().__init__(f"{name} violated: {what}\n  {name}: {sentence}")
        self.name = name


class Memory:
    """What the invariants remember: the oracle's side of the story, never read from our store."""

    def __init__(self) -> None:
        #: Event key → its answered entries.
        self.answered: dict[bytes, Entry] = {}
        #: Key of a request → its body's fingerprint and its answer, as the first caller got them.
        self.requests: dict[bytes, tuple[bytes, bytes]] = {}
        #: Message → copies that providers accepted.
        self.copies: dict[bytes, list[Copy]] = {}
        #: (message, account) → how its submissions were harmed.
        self.harms: dict[tuple[bytes, str], list[str]] = {}
        #: Keys of stops in force.
        self.stops: set[str] = set()
        #: Receipts we confirmed, by what makes them the same.
        self.receipts: dict[tuple[str, str, str, str], Reported] = {}
        #: Attempts that were already looked at.
        self.attempts = 0
        #: Timer occurrences that fired.
        self.fired: Counter[tuple[bytes, str, object, int]] = Counter()
        #: Event entries handled, by position.
        self.handled: Counter[int] = Counter()
        #: (enrollment, node, rung, asked at) → how many first decisions.
        self.asked: Counter[tuple[bytes, str, int]] = Counter()
        #: Statuses each message has had.
        self.statuses: dict[bytes, list[Status]] = {}
        #: Addresses (hash) whose person opted out at a provider, as a confirmed receipt or a refusal told us.
        self.opted_out: set[bytes] = set()
        #: Answers that were stored, by the provider's name, and addresses (hash) from which STOP was the last word.
        self.answers: set[str] = set()
        self.left_alone: set[bytes] = set()
        self.ever_alone: set[bytes] = set()
        #: Which second keys were merged after the batch before, as either profile had it.
        self.merged: frozenset[tuple[str, str]] = frozenset()
        #: Mailboxes (hash) of which a server said that there is no such one.
        self.no_mailbox: set[bytes] = set()
        #: What an event is told by → the first message of the escalation that told of it.
        self.tags: dict[str, bytes] = {}
        #: Attempts in doubt, and how doubts came and ended.
        self.in_doubt: set[tuple[bytes, int]] = set()
        self.doubts: Counter[str] = Counter()


class Checks:
    """What every group of invariants shares."""

    def __init__(self, world: World, memory: Memory) -> None:
        self.world = world
        self.memory = memory

    @property
    def tables(self):  # type: ignore[no-untyped-def]
        """The store's tables."""
        return self.world.store.tables

    def violated(self, name: str, what: str, doc: str | None) -> Violated:
        """The error for an invariant; `doc` is its sentence."""
        return Violated(name, what, " ".join((doc or "").split()))

    def note_doubts(self, method: str) -> None:
        """Count doubts that came and went in this transaction."""
        now = set(self.tables.doubts)
        self.memory.doubts["came"] += len(now - self.memory.in_doubt)
        for key in self.memory.in_doubt - now:
            state = self.tables.attempts[key].state
            how = {"resolve": "look-up", "report": "echo", "match_orphans": "echo"}.get(method, "late answer")
            name = how if state is AttemptState.ACCEPTED else str(state)
            self.memory.doubts[name] += 1
            self.world.met(f"a doubt ended by {name}")
        self.memory.in_doubt = now

    def note_bounce(self, row: MessageRow, reason: Reason | None) -> None:
        """A provider's word on a message was stored."""
        if row.message.channel == "email" and reason in FOR_GOOD and row.message.address not in self.memory.no_mailbox:
            self.memory.no_mailbox.add(row.message.address)
            self.world.met("mail came back for good")

    def new_attempts(self) -> list[AttemptRow]:
        """The attempts written since they were last looked at, oldest first."""
        attempts = self.tables.attempts
        found: list[AttemptRow] = []
        for row in reversed(attempts.values()):
            if len(found) == len(attempts) - self.memory.attempts:
                break
            found.append(row)
        self.memory.attempts = len(attempts)
        return found[::-1]


MAYBE_OUT = frozenset({AttemptState.INTENT, AttemptState.ACCEPTED, AttemptState.UNKNOWN, AttemptState.UNRESOLVED})
OPTED_OUT = Reason.OPTED_OUT

__all__ = ["MAYBE_OUT", "OPTED_OUT", "Checks", "Event", "Memory", "Sequence", "Violated"]
