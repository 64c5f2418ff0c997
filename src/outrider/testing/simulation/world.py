"""The simulated world: the installation's processes, the providers, the people, and what is watched of it all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import msgspec

from outrider.configuration.toml import AccountEntry
from outrider.contracts.http import Request
from outrider.domain.attempt import AttemptState
from outrider.domain.message import Message, Status
from outrider.domain.work import group_of
from outrider.ingest.mapping import PROFILE
from outrider.lib.ids import Hasher
from outrider.plugged import providers
from outrider.sandbox.counterpart import Counterpart, Taken
from outrider.testing.memory_rows import MessageRow
from outrider.testing.simulation.carriers import Carrier, Copy
from outrider.testing.simulation.company import Person, configuration, people
from outrider.testing.simulation.delivery_host import DeliveryHost
from outrider.testing.simulation.door import Door
from outrider.testing.simulation.faults import Planted
from outrider.testing.simulation.hosts import EngineHost, Host
from outrider.testing.simulation.invariants_end import EndChecks
from outrider.testing.simulation.invariants_intake import IntakeChecks
from outrider.testing.simulation.invariants_legality import LegalityChecks
from outrider.testing.simulation.invariants_merging import MergingChecks
from outrider.testing.simulation.invariants_people import PeopleChecks
from outrider.testing.simulation.invariants_rules import RuleChecks
from outrider.testing.simulation.invariants_sending import SendingChecks
from outrider.testing.simulation.invariants_time import TimeChecks
from outrider.testing.simulation.letters import Letters
from outrider.testing.simulation.load import Load
from outrider.testing.simulation.merges import doubles
from outrider.testing.simulation.pocket import Pocket
from outrider.testing.simulation.registry import COUNTRIES, Registry
from outrider.testing.simulation.store import DatabaseClock, WatchedStore
from outrider.testing.simulation.sweep_host import SweepHost
from outrider.testing.simulation.timeline import Process, Timeline
from outrider.testing.simulation.watch import Memory
from outrider.testing.simulation.wishes import Wishes
from outrider.workers.desk import Account

#: Transactions after which somebody may have something to do.
STIRRING = frozenset(
    {
        "append",
        "append_once",
        "save",
        "commit",
        "finish",
        "rescue",
        "resolve",
        "report",
        "match_orphans",
        "release",
        "close_lease",
    }
)

#: Transactions in which doubts come and go.
DOUBTFUL = frozenset({"finish", "rescue", "resolve", "report", "match_orphans"})


class Watch(
    IntakeChecks, SendingChecks, RuleChecks, PeopleChecks, MergingChecks, LegalityChecks, TimeChecks, EndChecks
):
    """Every invariant."""

    def committed(self, method: str) -> None:
        """Right after a commit: what must hold now."""
        store = self.world.store
        if method in DOUBTFUL:
            self.note_doubts(method)
        if method == "save":
            self.note_handled()
            self.i19_timers_fire_once()
            self.i19_each_step_asks_once()
            self.i19_waits_last_real_time()
            self.i3_only_poison_is_quarantined()
            self.note_merges()
        elif method == "commit":
            for attempt in self.intents():
                row = self.tables.messages[attempt.message]
                self.i11_local_days_hold(row, attempt)
                self.i42_gaps_hold(row, attempt)
                self.i43_a_stop_is_obeyed_at_once(row)
                self.i45_senders_are_registered(row.message, attempt.account, attempt.at)
                self.i46_no_mail_to_nobody(row, attempt)
        elif method == "finish":
            self.note_refusals()
            self.i14_a_route_rests_for_its_own_trouble()
        elif method == "append":
            self.memory.stops.update(stop.key for stop in store.stopped)
            self.note_answers()
        elif method == "lift":
            self.memory.stops.difference_update(store.lifted)

    def settled(self) -> None:
        """What must hold at the end, after seven quiet days."""
        self.i2_each_event_is_stored_once()
        self.i2_each_request_is_stored_once()
        self.i3_every_entry_is_handled_or_quarantined()
        self.i4_decisions_follow_from_their_records()
        self.i41_events_of_an_object_reach_their_person_in_order()
        self.i15_reasons_and_logs_hold_no_personal_data()
        self.i17_no_doubt_is_left()
        self.i17_no_doubt_without_a_fault()
        self.i18_nothing_urgent_is_lost()
        self.i19_no_timer_is_left_behind()
        self.i20_everything_ends()
        self.i24_the_end_follows_from_the_receipts()
        self.i25_orphans_are_strangers()
        self.i36_retries_stay_few()
        self.i43_the_last_word_counts()
        self.i44_nothing_said_is_lost()


class World:
    """Everything there is."""

    def __init__(
        self, seed: int, start: datetime, *, calm: bool = False, lively: bool = False, verbose: bool = False
    ) -> None:
        self.seed = seed
        #: Whether people do more than the events of the load: a day of its own kind, so that others keep their steps.
        self.lively = lively
        self.chance = Random(seed)
        self.timeline = Timeline(start, verbose=verbose)
        self.calm = calm
        self.faults_on = not calm
        self.logs: Sequence[Mapping[str, Any]] = ()
        self.sometimes: Counter[str] = Counter()
        self.current = configuration(3 if lively else 1)
        self.hasher = Hasher(b"simulated".ljust(32, b"\0"))
        self.database = DatabaseClock(self.timeline)
        self.store = WatchedStore(self.database, self.current.toml.ceiling, self.hook)
        self.store.tables.set_status = partial(self._set_status, self.store.tables.set_status)  # type: ignore[method-assign]
        self.people = people()
        #: First key → the same person under a second one.
        self.doubles = doubles(self.people) if lively else {}
        self.everybody = (*self.people, *self.doubles.values())
        self._streams = {self.hasher.stream(PROFILE, person.key): person for person in self.everybody}
        self.maybe_open: dict[tuple[bytes, int], None] = {}
        self.planted = Planted(self)
        self.load = Load(self)
        self.wishes = Wishes(self)
        self.registry = Registry(self)
        self.memory = Memory()
        self.watch = Watch(self, self.memory)
        self._skews: dict[str, float] = {}
        self.accounts = {entry.name: _account(entry) for entry in self.current.toml.accounts}
        self.carriers = {name: Carrier(name, self) for name in self.accounts}
        self.door = Door(self)
        self.engines = [EngineHost(self, "engine-a"), EngineHost(self, "engine-b")]
        self.workers = [DeliveryHost(self, "deliver-a"), DeliveryHost(self, "deliver-b")]
        self.sweepers = [SweepHost(self, "sweep")]

    # ── what the parts ask for ──

    def skew_of(self, name: str) -> float:
        """How many seconds the wall clock of a process is off: a fourth of them by up to two hours."""
        if name not in self._skews:
            off = self.faults_on and self.chance.random() < 0.25
            self._skews[name] = self.chance.uniform(-7200.0, 7200.0) if off else self.chance.uniform(-0.5, 0.5)
        return self._skews[name]

    def set_skew(self, name: str, seconds: float) -> None:
        """A wall clock jumps."""
        self._skews[name] = seconds
        for host in self.hosts():
            if host.name == name:
                host.process.skew = timedelta(seconds=seconds)

    def hosts(self) -> list[Host]:
        """Every process that works by itself."""
        return [*self.engines, *self.workers, *self.sweepers]

    def host_of(self, process: Process | None) -> Any:
        """The delivery worker that runs as a process."""
        return next(host for host in self.workers if host.process is process)

    def stream(self, person: Person) -> bytes:
        """The stream of a person."""
        return self.hasher.stream(PROFILE, person.key)

    def person_of(self, stream: bytes) -> Person:
        """The person of a stream."""
        return self._streams[stream]

    def accounts_of(self, message: Message) -> list[str]:
        """The accounts of the routes for a message, without those closed in its country at some time of the day."""
        country = COUNTRIES.get(message.content.address[:3], "")
        accounts = [route.account for route in self.current.toml.routes if route.channel == message.channel]
        return [account for account in accounts if (account, country) not in self.registry.ever_closed]

    def groups_with_work(self) -> list[int]:
        """The groups in which an engine could do something now."""
        tables = self.store.tables
        found = [number for number, group in tables.groups.items() if tables.positions[number][-1:] > [group.cursor]]
        due = tables.timers_due.due(self.database.now())
        found.extend(group_of(tables.timers[key].stream) for key in due)
        return found

    def open_intents(self) -> bool:
        """Whether an attempt is open."""
        attempts = self.store.tables.attempts
        for key in [key for key in self.maybe_open if attempts[key].state is not AttemptState.INTENT]:
            del self.maybe_open[key]
        return bool(self.maybe_open)

    def has_matching_orphan(self) -> bool:
        """Whether an orphan receipt has a message by now."""
        store = self.store
        return any(store._match(each) is not None for each in store.tables.orphans.values())

    def make_up_renewals(self) -> None:
        """Idle workers have renewed their leases meanwhile."""
        for host in self.workers:
            host.make_up_renewals()

    def gap(self, process: Process) -> float:
        """Seconds between the commit of an intent and its socket; a planted pause stands here."""
        return self.planted.gap(process)

    # ── what happens ──

    def hook(self, method: str, moment: str) -> None:
        """Around every transaction: what must hold, who has to do something now, and planted faults."""
        process = Process.running
        if moment == "after":
            self.watch.committed(method)
            if method in STIRRING:
                self.timeline.note(f"{process.name if process else 'nobody'} {method}")
                self.stir()
        self.planted.strike(method, moment, process)

    def stir(self) -> None:
        """There may be work for everybody."""
        groups = self.groups_with_work()
        for engine in self.engines:
            engine.stir(groups)
        for worker in self.workers:
            worker.wake_when_due()
        for sweeper in self.sweepers:
            sweeper.wake_when_due()

    def _set_status(
        self, write: Callable[..., None], row: MessageRow, status: Status, at: datetime, reason: str = ""
    ) -> None:
        self.timeline.note(f"message {row.message.id.hex()[-6:]} {row.status} to {status}: {reason}")
        self.watch.i24_statuses_never_go_back(row, status)
        write(row, status, at, reason)

    def accepted(self, copy: Copy) -> None:
        """See Truth."""
        self.timeline.note(f"{copy.account} accepted {copy.message.hex()[-6:]}.{copy.number}")
        self.watch.accepted(copy)

    def received(self, account: str, side: Counterpart, taken: Taken) -> None:
        """See Truth."""
        if self.lively and taken.to.startswith("+"):
            self.wishes.received(account, side, taken)

    def harmed(self, account: str, message: bytes, how: str) -> None:
        """See Truth."""
        self.timeline.note(f"{account} meets {message.hex()[-6:]} with {how}")
        self.memory.harms.setdefault((message, account), []).append(how)

    def post(self, account: str, request: Request, kind: str, tries: tuple[float, ...]) -> None:
        """See Truth."""
        self.door.callback(account, request, kind, tries)

    def met(self, what: str) -> None:
        """A rare thing was reached."""
        self.sometimes[what] += 1


def _account(entry: AccountEntry) -> Account:
    kind = {**providers(), Pocket.name: Pocket, Letters.name: Letters}[entry.provider]
    secrets = {"api_key", "auth_token", "key"}
    values = {name: {"value": value} if name in secrets else value for name, value in entry.settings.items()}
    return Account(
        entry.name, kind(msgspec.convert(values, kind.Settings)), f"token-{entry.name}", entry.deadline, True
    )
