"""What the ledger and the store say about each other after a run: lost, doubled, in doubt. Pure over what was read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set

import msgspec

from outrider.domain.purpose import PURPOSES, Purpose, WhenUnknown

#: Statuses that say a provider has the message.
HANDED_OVER = frozenset({"accepted", "delivered", "undelivered"})
#: Statuses in which a message rests visibly without a copy: refused for good, or a doubt its purpose does not repeat.
ENDED = frozenset({"failed", "expired", "canceled"})
#: Purposes that are never sent twice.
SINGLE = frozenset(
    purpose
    for purpose, rules in PURPOSES.items()
    if rules.when_unknown in (WhenUnknown.NEVER, WhenUnknown.RESEND_IF_ABSENT)
)


class Attempt(msgspec.Struct, frozen=True):
    """One attempt of the store."""

    number: int
    state: str
    label: str = ""
    #: It was in doubt at some time.
    doubted: bool = False
    #: A receipt came back for it.
    echoed: bool = False


class Kept(msgspec.Struct, frozen=True):
    """One message of the store."""

    #: As its echo writes it.
    name: str
    event: int
    purpose: Purpose
    status: str
    attempts: tuple[Attempt, ...] = ()


class Verdict(msgspec.Struct, frozen=True):
    """Counts over a run; the lists name what may never happen, at most twenty of each."""

    events: int
    accepted: int
    unknown_created: int
    resolved_by: dict[str, int]
    duplicates_labelled: int
    duplicates_unlabelled: int
    #: Messages without a copy that rest visibly: by purpose and status.
    without_copy: dict[str, int]
    lost: int
    faults: dict[str, list[str]]

    @property
    def holds(self) -> bool:
        """Nothing lost, nothing doubled without a label, the store and the ledger agree."""
        return not self.lost and not self.duplicates_unlabelled and not any(self.faults.values())


def judge(confirmed: Set[int], messages: Sequence[Kept], copies: Iterable[tuple[str, int]]) -> Verdict:
    """Compare what was confirmed, the store's messages, and the ledger's copies as (message name, attempt number)."""
    taken: dict[str, Counter[int]] = defaultdict(Counter)
    for name, number in copies:
        taken[name][number] += 1
    faults = _Faults(confirmed, messages, taken)
    doubts = [attempt for message in messages for attempt in message.attempts if attempt.doubted]
    doubled = [message for message in messages if taken[message.name].total() > 1]
    unlabelled = [message for message in doubled if not _is_allowed(message, taken[message.name])]
    resting = [message for message in messages if not taken[message.name] and not _is_lost(message)]
    lost = faults.never_decided + [message.name for message in messages if _lacks(message, taken)]
    return Verdict(
        events=len(confirmed),
        accepted=sum(each.total() for each in taken.values()),
        unknown_created=len(doubts),
        resolved_by=dict(Counter(map(_resolution, doubts))),
        duplicates_labelled=len(doubled) - len(unlabelled),
        duplicates_unlabelled=len(unlabelled),
        without_copy=dict(Counter(f"{message.purpose} {message.status}" for message in resting)),
        lost=len(lost),
        faults=faults.found | {"lost": lost[:20], "unlabelled": [message.name for message in unlabelled][:20]},
    )


def _lacks(message: Kept, taken: Mapping[str, Counter[int]]) -> bool:
    return not taken[message.name] and _is_lost(message)


def _is_lost(message: Kept) -> bool:
    """A message without a copy that is neither refused for good nor shown as a doubt."""
    if message.status in ENDED:
        return False
    return message.status != "unknown" or not any(a.state in ("unresolved", "absent") for a in message.attempts)


def _is_allowed(message: Kept, taken: Counter[int]) -> bool:
    """Each copy beyond the first was allowed by its purpose and is labelled; one attempt is never taken twice."""
    labelled = {attempt.number for attempt in message.attempts if attempt.label}
    once = all(times == 1 for times in taken.values())
    more = len(taken.keys() - labelled) <= 1 and len(taken) <= PURPOSES[message.purpose].most_copies
    return once and more and message.purpose not in SINGLE


def _resolution(attempt: Attempt) -> str:
    match attempt.state:
        case "accepted":
            return "echo" if attempt.echoed else "lookup or late answer"
        case "absent":
            return "lookup or late answer"
        case "unresolved":
            return "purpose"
        case "unknown":
            return "open"
    return "refused"


class _Faults:
    """What may never happen, found once and named."""

    def __init__(self, confirmed: Set[int], messages: Sequence[Kept], taken: Mapping[str, Counter[int]]) -> None:
        decided = Counter(message.event for message in messages)
        known = {message.name: {attempt.number: attempt for attempt in message.attempts} for message in messages}
        self.never_decided = [f"event {number}" for number in sorted(confirmed - decided.keys())]
        self.found = {
            "decided twice": [f"event {number}" for number, times in decided.items() if times > 1][:20],
            "sent without intent": [
                f"{name}.{number}"
                for name, numbers in taken.items()
                for number in numbers
                if number not in known.get(name, {})
            ][:20],
            "accepted only in the store": [
                f"{message.name}.{attempt.number}"
                for message in messages
                for attempt in message.attempts
                if attempt.state == "accepted" and not taken[message.name][attempt.number]
            ][:20],
            "refused but taken": [
                f"{message.name}.{attempt.number}"
                for message in messages
                for attempt in message.attempts
                if attempt.state == "refused" and taken[message.name][attempt.number]
            ][:20],
            "not at rest": [
                f"{message.name} {message.status}"
                for message in messages
                if message.status not in HANDED_OVER | ENDED | {"unknown"}
            ][:20],
        }
