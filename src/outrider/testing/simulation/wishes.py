"""People who answer: STOP, START after a while, and providers that tell an answer twice."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from outrider.domain.message import Status
from outrider.domain.stops import OPT_OUT_PURPOSES
from outrider.sandbox.counterpart import Counterpart, Taken
from outrider.testing.memory_rows import MessageRow
from outrider.testing.simulation.faults import Armed
from outrider.testing.simulation.letters import mailbox
from outrider.testing.simulation.merges import plan_merges

if TYPE_CHECKING:
    from outrider.testing.simulation.world import World

#: Market → how people there ask to be left alone: an account of its own of the market packs.
STOPS = {"FR": ("STOP", "stop pub", "Arrêt", "S T O P"), "GB": ("Stop!", "quit", "UNSUBSCRIBE", "opt-out")}
STARTS = ("START", "start.", "Unstop")
#: Shares: texts answered with STOP, STOPs followed by START, answers told twice.
STOPPING, COMING_BACK, TWICE = 0.08, 0.85, 0.35
#: Times a day at which a STOP comes while a worker has claimed the text, or while it waits, if one does.
UNDER_A_CLAIM, IN_THE_BACKLOG, DAY = 3, 12, 86_400.0
#: Bills a day, by mail first.
BILLS = 60
#: What goes wrong around the transaction that stores an answer, and how often.
TROUBLE, REPLY_FAULTS = (
    0.2,
    (
        ("C1 before the commit of a reply", "append", "before", "error"),
        ("C2 after the commit of a reply", "append", "after", "error"),
        ("C1 the API dies before a reply's commit", "append", "before", "die"),
        ("C2 the API dies after a reply's commit", "append", "after", "die"),
    ),
)


def plan_life(world: World) -> None:
    """What a day of the profile `people` has besides answers to texts: second keys, senders that become illegal, mail,
    and a STOP while a text waits."""
    plan_merges(world)
    world.registry.plan()
    for _ in range(BILLS):
        person = world.chance.choice(world.people)
        bill = partial(world.load.send, "bill.ready", person, {"mail": mailbox(person.key)})
        world.timeline.at(world.chance.uniform(60.0, DAY), bill)
    for _ in range(IN_THE_BACKLOG):
        world.timeline.at(world.wishes.chance.uniform(0.0, DAY), world.wishes.stop_in_the_backlog)
    for _ in range(UNDER_A_CLAIM):
        fault = Armed("a STOP between decision and intent", "claim", "after", "stop")
        world.timeline.at(world.wishes.chance.uniform(0.0, DAY), partial(world.planted.arm, fault))


class Wishes:
    """What people answer; a chance of its own, so that the rest of the day goes on as it would."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.chance = Random(world.seed * 104_729 + 3)
        self.latest: dict[str, tuple[str, Counterpart, Taken]] = {}
        self._answers = 0

    def received(self, account: str, side: Counterpart, taken: Taken) -> None:
        """Somebody has a text, and may want no more of them."""
        self.latest[taken.to] = (account, side, taken)
        if self.world.faults_on and self.chance.random() < STOPPING:
            self.world.timeline.after(self.chance.uniform(5.0, 1800.0), partial(self.stop, taken.to))

    def stop(self, phone: str) -> None:
        """STOP, and for most of them START after minutes or hours."""
        if phone not in self.latest or not self.world.faults_on:
            return
        person = next(one for one in self.world.everybody if one.phone == phone)
        self._write(phone, self.chance.choice(STOPS[person.market]))
        if self.chance.random() < COMING_BACK:
            start = partial(self._write, phone, self.chance.choice(STARTS))
            self.world.timeline.after(self.chance.uniform(600.0, 25_000.0), start)

    def claimed(self) -> list[str]:
        """The numbers for which a stoppable text is claimed, of people who can answer."""
        tables = self.world.store.tables
        return self._stoppable(tables.messages[each] for each in sorted(tables.claimed))

    def stop_in_the_backlog(self) -> None:
        """Somebody for whom a stoppable text waits writes STOP."""
        if found := self._stoppable(self.world.store.tables.messages.values()):
            self.stop(self.chance.choice(found))

    def _stoppable(self, rows: Iterable[MessageRow]) -> list[str]:
        return [
            row.message.content.address
            for row in rows
            if row.status is Status.QUEUED and row.message.channel == "sms" and row.message.purpose in OPT_OUT_PURPOSES
            if row.message.content.address in self.latest
        ]

    def note_waiting(self, address: bytes) -> None:
        """A STOP was stored: count what it keeps from being sent."""
        for row in self.world.store.tables.messages.values():
            message = row.message
            if row.status is Status.QUEUED and message.address == address and message.purpose in OPT_OUT_PURPOSES:
                self.world.met("a STOP met a message that waited")

    def _write(self, phone: str, text: str) -> None:
        account, side, taken = self.latest[phone]
        self._answers += 1
        request = side.reply(taken, text, f"{(9 << 120) + self._answers:032x}")
        tries = side.retries if side.retries_on_status else side.retries[:1]
        post = partial(self.world.door.callback, account, request, "reply", tries)
        if self.world.faults_on and self.chance.random() < TROUBLE:
            self.world.planted.arm(Armed(*self.chance.choice(REPLY_FAULTS)))
        self.world.timeline.note(f"{phone[-4:]} writes {text}")
        post()
        if self.chance.random() < TWICE:
            self.world.met("an answer was told twice")
            self.world.timeline.after(self.chance.uniform(5.0, 40_000.0), post)
