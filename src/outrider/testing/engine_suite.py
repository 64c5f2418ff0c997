"""What an engine's store must hold to: leases, fences, stimuli. Inherit and supply `store_factory`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from outrider.domain.entry import ForgetEntry
from outrider.domain.message import Status
from outrider.domain.work import GROUPS, Batch, Fenced, Lease, Parked, Timer, Work
from outrider.testing.builders import batch, changed, digest, enrollment, entry, event, letter, message, stream, timer
from outrider.testing.log_suite import ANNA, BERT, StoreSuite
from outrider.testing.store_subject import Driver


def lost_to_another(driver: Driver, _: Lease) -> None:
    """The lease ran out while its engine was paused, and somebody else took the groups."""
    driver.advance(61)
    driver.group_lease("other", ANNA)


def given_back(driver: Driver, lease: Lease) -> None:
    """The engine itself released the groups."""
    driver.run(driver.store.release(lease))


def taken_again(driver: Driver, lease: Lease) -> None:
    """Released and taken again: a new fence of the same owner."""
    driver.run(driver.store.release(lease))
    driver.group_lease("paused", ANNA)


class LeaseSuite(StoreSuite):
    """One writer for each group, and none that came back from a pause."""

    def lease(self, driver: Driver, owner: str, most: int = GROUPS) -> Lease:
        """A lease of a minute."""
        return driver.run(driver.store.lease(owner, 60, most))

    def test_the_first_engine_gets_every_group_and_the_second_none(self, driver: Driver) -> None:
        first = self.lease(driver, "one")
        assert sorted(first.fences) == list(range(GROUPS))
        assert first.owner == "one"
        assert first.until == driver.now() + timedelta(seconds=60)
        assert self.lease(driver, "two").fences == {}

    def test_engines_that_are_there_are_counted_until_their_time_is_over(self, driver: Driver) -> None:
        def attend(owner: str) -> int:
            return driver.run(driver.store.attend(owner, 60))

        assert [attend("one"), attend("two"), attend("one")] == [1, 2, 2]
        driver.advance(40)
        assert attend("two") == 2
        driver.advance(20)
        assert attend("two") == 1

    def test_two_engines_share_the_groups_without_overlap(self, driver: Driver) -> None:
        first, second = self.lease(driver, "one", 16), self.lease(driver, "two", 16)
        assert len(first.fences) == len(second.fences) == 16
        assert not first.fences.keys() & second.fences.keys()

    def test_a_renewal_keeps_the_fences_and_moves_the_end(self, driver: Driver) -> None:
        first = self.lease(driver, "one", 5)
        driver.advance(30)
        again = self.lease(driver, "one", 5)
        assert again.fences == first.fences
        assert again.until == first.until + timedelta(seconds=30)
        driver.advance(45)
        assert not self.lease(driver, "two").fences.keys() & first.fences.keys()

    def test_a_lease_that_is_over_can_be_taken_with_a_higher_fence(self, driver: Driver) -> None:
        first = self.lease(driver, "one")
        driver.advance(59)
        assert self.lease(driver, "two").fences == {}
        driver.advance(1)
        second = self.lease(driver, "two")
        assert all(second.fences[group] > fence for group, fence in first.fences.items())

    def test_released_groups_can_be_taken_at_once_with_a_higher_fence(self, driver: Driver) -> None:
        first = self.lease(driver, "one", 3)
        driver.run(driver.store.release(first))
        second = self.lease(driver, "two")
        assert all(second.fences[group] > fence for group, fence in first.fences.items())

    def test_releasing_a_lease_that_was_lost_takes_nothing_from_its_new_owner(self, driver: Driver) -> None:
        first = self.lease(driver, "one")
        driver.advance(61)
        second = self.lease(driver, "two")
        driver.run(driver.store.release(first))
        assert self.lease(driver, "three").fences == {}
        driver.save(lease=second)

    @pytest.mark.parametrize("loss", [lost_to_another, given_back, taken_again])
    def test_a_paused_engine_cannot_commit_after_its_lease_is_gone(
        self, driver: Driver, loss: Callable[[Driver, Lease], None]
    ) -> None:
        driver.run(driver.store.append([event(ANNA, driver.now())]))
        lease = driver.group_lease("paused", ANNA)
        work = driver.run(driver.store.take(lease, 10))
        loss(driver, lease)
        made = timer(ANNA, driver.now())
        late = batch(lease, work.now, cursors=work.cursors, handled=((ANNA, "entry", b"1"),), timers=(made,))
        with pytest.raises(Fenced):
            driver.run(driver.store.save(late))
        driver.advance(120)
        work = driver.run(driver.store.take(driver.group_lease("next", ANNA), 10))
        assert len(work.entries) == 1
        assert work.timers == ()

    def test_one_lost_group_refuses_the_whole_batch(self, driver: Driver) -> None:
        lease = self.lease(driver, "one", 2)
        wrong = changed(lease, fences={**lease.fences, 1: lease.fences[1] - 1})
        with pytest.raises(Fenced):
            driver.save(lease=wrong, timers=(timer(stream("anna", 0), driver.now()),))
        assert driver.run(driver.store.take(self.lease(driver, "one", 2), 10)).timers == ()

    @pytest.mark.parametrize("touched", [{"cursors": {9: 1}}, {"handled": ((stream("x", 9), "entry", b"1"),)}])
    def test_a_group_outside_the_lease_is_not_ours(self, driver: Driver, touched: dict[str, Any]) -> None:
        lease = self.lease(driver, "one", 2)
        with pytest.raises(Fenced):
            driver.run(driver.store.save(Batch(**{"lease": lease, "now": driver.now(), "cursors": {}, **touched})))

    def test_a_lease_that_is_over_is_fenced_even_when_nobody_took_the_groups(self, driver: Driver) -> None:
        lease = self.lease(driver, "one")
        driver.advance(60)
        with pytest.raises(Fenced):
            driver.save(lease=lease, timers=(timer(ANNA, driver.now()),))
        again = self.lease(driver, "one")
        assert all(again.fences[group] > fence for group, fence in lease.fences.items())
        assert driver.run(driver.store.take(again, 10)).timers == ()


class StimulusSuite(StoreSuite):
    """Entries and timers: in order, once, with a `now` that never goes back."""

    def only(self, driver: Driver, group: int) -> Lease:
        """The driver's lease, narrowed to one group."""
        return changed(driver.lease, fences={group: driver.lease.fences[group]})

    def fill(self, driver: Driver, count: int) -> list[bytes | None]:
        """Append events of many groups; their keys."""
        entries = [event(stream(str(n), n * 7 % GROUPS), driver.now(), str(n)) for n in range(count)]
        for start in range(0, count, 5):
            driver.run(driver.store.append(entries[start : start + 5]))
        return [each.key for each in entries]

    @pytest.mark.parametrize("most", [1, 3, 20, 100])
    def test_entries_come_in_log_order_and_once_whatever_the_batch_size(self, driver: Driver, most: int) -> None:
        keys = self.fill(driver, 20)
        found: list[bytes | None] = []
        while entries := driver.handle(most):
            assert len(entries) <= most
            found += [each.key for each in entries]
        assert found == keys

    def test_more_says_whether_something_is_waiting(self, driver: Driver) -> None:
        self.fill(driver, 5)
        assert driver.take(4).more
        assert not driver.take(6).more
        driver.save(timers=tuple(timer(ANNA, driver.now(), str(n)) for n in range(6)))
        assert driver.take(5).more
        assert not driver.take(7).more

    def test_work_that_is_not_saved_is_found_again(self, driver: Driver) -> None:
        self.fill(driver, 5)
        assert driver.take() == driver.take()

    def test_only_leased_groups_give_work(self, driver: Driver) -> None:
        driver.run(driver.store.append([event(ANNA, driver.now(), "1"), event(BERT, driver.now(), "2")]))
        driver.save(timers=(timer(ANNA, driver.now()), timer(BERT, driver.now())))
        lease = self.only(driver, 30)
        work = driver.run(driver.store.take(lease, 10))
        assert [each.stream for each in work.entries] == [BERT]
        assert [each.stream for each in work.timers] == [BERT]
        assert work.cursors.keys() <= {30}
        driver.save(lease=lease, now=work.now, cursors=work.cursors)
        assert [each.stream for each in driver.handle()] == [ANNA]

    def test_a_cursor_never_goes_back(self, driver: Driver) -> None:
        driver.run(driver.store.append([event(ANNA, driver.now())]))
        driver.handle()
        applied = driver.run(driver.store.applied(ANNA))
        driver.save(cursors={1: applied - 1})
        assert driver.run(driver.store.applied(ANNA)) == applied

    def test_entries_of_a_batch_are_appended_in_its_transaction(self, driver: Driver) -> None:
        hops = [entry(who, ForgetEntry("b"), driver.now()) for who in (ANNA, BERT, ANNA)]
        driver.save(entries=tuple(hops))
        assert [(each.stream, each.body) for each in driver.handle()] == [(each.stream, each.body) for each in hops]

    def test_due_timers_come_in_order_of_time_owner_and_kind(self, driver: Driver) -> None:
        at = driver.now()
        late, soon = timer(ANNA, at + timedelta(seconds=2), "late"), timer(BERT, at + timedelta(seconds=1), "soon")
        twins = [timer(ANNA, at, name, kind=kind) for name in "ab" for kind in ("escalate", "wait")]
        future = timer(ANNA, at + timedelta(seconds=3), "future")
        driver.save(timers=(late, future, *twins, soon))
        driver.advance(2)
        expected = [*sorted(twins, key=lambda each: (each.owner, each.kind)), soon, late]
        assert list(driver.take().timers) == expected
        assert list(driver.take(3).timers) == expected[:3]

    def test_a_timer_set_again_replaces_the_old_one_and_one_that_is_gone_stays_silent(self, driver: Driver) -> None:
        at = driver.now()
        old, gone = timer(ANNA, at), timer(ANNA, at, "gone")
        driver.save(timers=(old, gone))
        new = changed(old, due_at=at + timedelta(seconds=10), token=2)
        driver.save(timers=(new,), timers_gone=((gone.owner, gone.kind), (old.owner, old.kind), (digest("?"), "wait")))
        assert driver.take().timers == ()
        driver.advance(10)
        assert driver.take().timers == (new,)

    def test_now_never_goes_back_when_the_clock_is_set_back(self, driver: Driver) -> None:
        work = driver.take()
        assert work.now == driver.now()
        driver.save(now=work.now, cursors=work.cursors)
        driver.advance(-3600)
        assert driver.take().now == work.now

    def test_now_never_goes_back_over_a_change_of_engines(self, driver: Driver) -> None:
        driver.run(driver.store.append([event(ANNA, driver.now())]))
        first = driver.group_lease("one", ANNA)
        work = driver.run(driver.store.take(first, 10))
        driver.save(lease=first, now=work.now, cursors=work.cursors, handled=((ANNA, "entry", b"1"),))
        driver.run(driver.store.release(first))
        driver.advance(-60)
        assert driver.run(driver.store.take(driver.group_lease("two", ANNA), 10)).now == work.now


class QuarantineSuite(StoreSuite):
    """A poisonous stimulus blocks its stream, visibly, and nobody else."""

    def quarantine(self, driver: Driver) -> list[Parked]:
        """Quarantine a stimulus of Anna and park what came behind it."""
        behind: list[Timer | Any] = [changed(event(ANNA, driver.now(), str(n)), position=n) for n in (1, 2)]
        behind.append(timer(ANNA, driver.now()))
        waiting = [Parked(each) for each in behind]
        driver.save(dead_letters=(letter(ANNA, driver.now()),), parked=tuple(waiting[:2]))
        driver.save(parked=(waiting[2],))
        return waiting

    def test_the_stream_of_a_quarantined_stimulus_is_blocked_and_others_are_not(self, driver: Driver) -> None:
        self.quarantine(driver)
        work: Work = driver.take()
        assert ANNA in work.blocked
        assert BERT not in work.blocked

    def test_parked_stimuli_come_back_in_order(self, driver: Driver) -> None:
        waiting = self.quarantine(driver)
        found = driver.run(driver.store.parked(ANNA, 10))
        assert [each.stimulus for each in found] == [each.stimulus for each in waiting]
        assert [each.number for each in found] == sorted({each.number for each in found})
        assert found[0].number > 0
        assert driver.run(driver.store.parked(ANNA, 2)) == found[:2]
        assert driver.run(driver.store.parked(BERT, 10)) == []

    def test_nothing_is_parked_behind_a_stream_that_is_not_blocked(self, driver: Driver) -> None:
        self.quarantine(driver)
        with pytest.raises(Fenced):
            driver.save(parked=(Parked(timer(BERT, driver.now())),))
        assert driver.run(driver.store.parked(BERT, 10)) == []

    def test_a_batch_with_a_known_message_writes_nothing_at_all(self, driver: Driver) -> None:
        known = message(ANNA, driver.now())
        driver.queue(known)
        driver.run(driver.store.append([event(ANNA, driver.now())]))
        work = driver.take()
        fields = {
            "cursors": work.cursors,
            "timers": (timer(ANNA, driver.now()),),
            "enrollments": (enrollment(ANNA, driver.now()),),
            "messages": (message(ANNA, driver.now(), "new"), known),
            "entries": (entry(BERT, ForgetEntry("b"), driver.now()),),
            "closed": ((known.id, Status.CANCELED, "left"),),
            "decisions": (),
        }
        with pytest.raises(driver.subject.duplicate):
            driver.save(**fields)
        assert driver.take() == work
        assert driver.run(driver.store.enrollments([ANNA])) == {}
        assert list(driver.run(driver.store.messages([known.id, message(ANNA, driver.now(), "new").id]))) == [known.id]
        assert driver.status(known) is known.status
