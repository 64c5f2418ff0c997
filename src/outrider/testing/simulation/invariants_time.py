"""Invariants of time and of receipts: I19, I24 to I26, I36."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from datetime import datetime, timedelta

from outrider.delivery.budget import UNBUDGETED
from outrider.domain import lattice
from outrider.domain.attempt import Reason
from outrider.domain.enrollment import Enrollment
from outrider.domain.message import CANCELABLE, Status
from outrider.domain.receipt import Receipt, ReceiptStatus, Reported
from outrider.journeys.steps.wait import For, Until
from outrider.testing.memory_rows import AttemptRow, MessageRow
from outrider.testing.simulation.company import configuration
from outrider.testing.simulation.watch import OPTED_OUT, Checks

FIVE_MINUTES = timedelta(minutes=5)


class TimeChecks(Checks):
    """What must hold of timers, statuses and receipts."""

    # ── after each batch ──

    def i19_timers_fire_once(self) -> None:
        """Each timer occurrence fires once, when it is due: not early, not again, not after it was replaced."""
        batch, before = self.world.store.batch, self.world.store.timers_before
        assert batch is not None
        for _, kind, owner in batch.handled:
            if kind == "entry":
                continue
            key = (owner, kind.removeprefix("timer."))
            timer = before.get(key)
            if timer is None or timer.due_at > batch.now:
                raise self.violated("I19", f"a {kind} fired that was not due", self.i19.__doc__)
            occurrence = (*key, timer.due_at, timer.token)
            self.memory.fired[occurrence] += 1
            if self.memory.fired[occurrence] > 1 or self.tables.timers.get(key) == timer:
                raise self.violated("I19", f"a {kind} fires again", self.i19.__doc__)

    i19 = i19_timers_fire_once

    def i19_each_step_asks_once(self) -> None:
        """A step that is reached once asks once: no timer, event or retry makes it ask again."""
        batch = self.world.store.batch
        assert batch is not None
        for decided in batch.decisions:
            candidate = decided.decision.candidate
            if decided.decision.number or candidate.enrollment is None:
                continue
            key = (candidate.enrollment, candidate.node, candidate.rung)
            self.memory.asked[key] += 1
            rounds = self.tables.rounds.get(candidate.enrollment, 0) + 1
            if self.memory.asked[key] > rounds:
                raise self.violated(
                    "I19",
                    f"step {candidate.node} of {candidate.journey} asked {self.memory.asked[key]} times",
                    self.i19_each_step_asks_once.__doc__,
                )

    def i19_waits_last_real_time(self) -> None:
        """A wait of a length lasts that long in real time, and one for a date ends at that instant plus its offset."""
        batch = self.world.store.batch
        assert batch is not None
        for enrollment in batch.enrollments:
            if enrollment.wait is not None and enrollment.wait.due_at is not None and enrollment.wait.since is not None:
                expected = self._expected(enrollment, enrollment.wait.since)
                if expected is not None and expected != enrollment.wait.due_at:
                    raise self.violated(
                        "I19",
                        f"a wait in {enrollment.journey} ends {enrollment.wait.due_at}, expected {expected}",
                        self.i19_waits_last_real_time.__doc__,
                    )

    def _expected(self, enrollment: Enrollment, since: datetime) -> datetime | None:
        node = configuration(enrollment.config).journeys[enrollment.journey].nodes[enrollment.position]
        if isinstance(node.settings, For):
            return since + node.settings.length
        thing = self.tables.objects.get(enrollment.about)
        if isinstance(node.settings, Until) and thing is not None:
            value = thing.traits.get(node.settings.field.partition(".")[2])
            return datetime.fromisoformat(value) + node.settings.offset if value else None
        return None

    def i19_no_timer_is_left_behind(self) -> None:
        """[end] No timer that is due is left: somebody who stands at a wait is woken."""
        for timer in self.tables.timers.values():
            if timer.stream not in self.tables.blocked and timer.due_at <= self.world.database.now():
                raise self.violated(
                    "I19", f"a {timer.kind} timer never fired", self.i19_no_timer_is_left_behind.__doc__
                )

    # ── statuses and receipts ──

    def i24_statuses_never_go_back(self, row: MessageRow, status: Status) -> None:
        """A message's status only rises in the lattice; of what still waits only that is canceled."""
        was = row.status
        self.memory.statuses.setdefault(row.message.id, [was]).append(status)
        falls = lattice.RANKS[status] < lattice.RANKS[was]
        late_cancel = status is Status.CANCELED and was not in CANCELABLE
        if falls or late_cancel:
            raise self.violated("I24", f"a message went from {was} to {status}", self.i24.__doc__)

    i24 = i24_statuses_never_go_back

    def i24_the_end_follows_from_the_receipts(self) -> None:
        """[end] The final status follows from which receipts came, whatever their order and number."""
        found: dict[bytes, set[ReceiptStatus]] = {}
        for (message, *_), stored in self.tables.receipts.items():
            latest = stored.attempt == self.tables.messages[message].attempts
            if latest or stored.receipt.status not in lattice.LATEST_ONLY:
                found.setdefault(message, set()).add(stored.receipt.status)
        for message, statuses in found.items():
            row = self.tables.messages[message]
            least = Status.DELIVERED if statuses & DELIVERED else Status.ACCEPTED
            if lattice.RANKS[row.status] < lattice.RANKS[least]:
                raise self.violated(
                    "I24",
                    f"a message is {row.status} after receipts {sorted(statuses)}",
                    self.i24_the_end_follows_from_the_receipts.__doc__,
                )

    def acknowledged(self, reported: Reported) -> None:
        """A provider has our 2xx for a receipt."""
        self.memory.receipts[_key(reported.account, reported.receipt)] = reported
        self.i25_confirmed_receipts_are_stored_once(reported)
        row = self.tables.messages.get(reported.attempt[0]) if reported.attempt is not None else None
        if row is not None:
            self.note_bounce(row, reported.receipt.reason)
            if reported.receipt.reason is OPTED_OUT:
                self.memory.opted_out.add(row.message.address)

    def i25_confirmed_receipts_are_stored_once(self, reported: Reported) -> None:
        """Every confirmed receipt is stored once: with its attempt, or as an orphan."""
        key = _key(reported.account, reported.receipt)
        message = (reported.attempt or self.tables.provider_messages.get(key[:2]) or (b"",))[0]
        if (message, *key) not in self.tables.receipts and key not in self.tables.orphans:
            raise self.violated("I25", "a confirmed receipt is not stored", self.i25.__doc__)

    i25 = i25_confirmed_receipts_are_stored_once

    def i25_orphans_are_strangers(self) -> None:
        """[end] Orphans are left only for messages that are not ours; every confirmed receipt is still there."""
        ours = {copy.provider_id for copies in self.memory.copies.values() for copy in copies}
        for account, provider_id, *_ in self.tables.orphans:
            if provider_id in ours:
                raise self.violated(
                    "I25", f"a receipt of {account} found no attempt", self.i25_orphans_are_strangers.__doc__
                )
        times = Counter(key[1:] for key in self.tables.receipts)
        if any(number > 1 for number in times.values()):
            raise self.violated("I25", "a receipt is stored twice", self.i25.__doc__)
        for reported in self.memory.receipts.values():
            self.i25_confirmed_receipts_are_stored_once(reported)

    def receipts_known(self) -> tuple[int, int, int]:
        """What a forged callback must not change."""
        statuses = sum(map(len, self.memory.statuses.values()))
        return len(self.tables.receipts), len(self.tables.orphans), statuses

    def i26_forged_callbacks_change_nothing(self, before: tuple[int, int, int]) -> None:
        """A callback that is not verified changes nothing."""
        if self.receipts_known() != before:
            raise self.violated("I26", "a forged callback left something behind", self.i26.__doc__)

    i26 = i26_forged_callbacks_change_nothing

    def i36_retries_stay_few(self) -> None:
        """[end] In any five minutes no worker makes more further attempts on a route than its retry budget allows."""
        rules, seconds = self.world.current.toml.retries, FIVE_MINUTES.total_seconds()
        attempts: dict[tuple[str, int], list[AttemptRow]] = defaultdict(list)
        for each in sorted(self.tables.attempts.values(), key=lambda each: each.at):
            attempts[each.route, each.fence].append(each)
        for (route, _), made in attempts.items():
            firsts = [each.at for each in made if not self._follows_a_call(each)]
            further = [each.at for each in made if self._follows_a_call(each) and self._is_budgeted(each)]
            for index, at in enumerate(further):
                count = bisect_left(further, at + FIVE_MINUTES) - index
                paid = bisect_left(firsts, at + FIVE_MINUTES) - bisect_left(firsts, at)
                if count > rules.most(paid, seconds):
                    words = f"{count} further attempts on {route}, {paid} first ones in five minutes"
                    raise self.violated("I36", words, self.i36.__doc__)

    def _follows_a_call(self, attempt: AttemptRow) -> bool:
        """Attempts that we did not begin called nobody."""
        earlier = (self.tables.attempts.get((attempt.message, number)) for number in range(1, attempt.number))
        return any(each is not None and each.reason is not Reason.NOT_BEGUN for each in earlier)

    def _is_budgeted(self, attempt: AttemptRow) -> bool:
        return self.tables.messages[attempt.message].message.purpose not in UNBUDGETED

    i36 = i36_retries_stay_few


DELIVERED = frozenset({ReceiptStatus.DELIVERED, ReceiptStatus.SEEN})


def _key(account: str, receipt: Receipt) -> tuple[str, str, str, str]:
    return account, receipt.provider_id, receipt.status.value, receipt.detail
