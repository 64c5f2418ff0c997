"""The loops around the engine and the housekeeping, and how they wake each other."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from types import SimpleNamespace

import pytest
from worker_stage import World

from outrider.domain.attempt import Reason, Refused
from outrider.domain.bounces import BounceRules
from outrider.domain.message import Status
from outrider.domain.outbox import Next
from outrider.domain.work import Fenced
from outrider.testing import builders
from outrider.testing.memory_subject import drive
from outrider.workers import sweep as sweeping
from outrider.workers.sweep import Sweep, Watch
from outrider.workers.wake import Wake, Wakes

# ── the engine ──


class Disturbed:
    """A world whose engine runs for real, with faults by method."""

    def __init__(self, **faults):
        self.world = World()
        self.faults = Counter()
        self.errors = faults
        self.left = Counter(dict.fromkeys(faults, 2))
        self.moved = asyncio.Event()
        self.world.store.hook = self._hook

    def _hook(self, method, moment):
        self.moved.set()
        if moment == "before" and self.left[method] > 0:
            self.left[method] -= 1
            raise self.errors[method]

    def run(self, until):
        async def go():
            engine = self.world.engine
            await self.world.store.append([self.world.event("fleet.asked")])
            task = asyncio.create_task(engine.run())
            try:
                async with asyncio.timeout(20):
                    while not until() and not task.done():
                        self.moved.clear()
                        await self.moved.wait()
            finally:
                engine.stop()
                await asyncio.wait_for(task, 20)

        asyncio.run(go())


@pytest.mark.parametrize("method", ["lease", "take", "profiles", "save"])
@pytest.mark.parametrize("error", [ConnectionRefusedError("down"), Fenced("lost")])
def test_the_engine_outlives_a_store_that_does_not_answer_and_a_lost_lease(method, error):
    stage = Disturbed(**{method: error})
    stage.run(lambda: stage.world.messages() != [])
    assert stage.left[method] == 0
    assert [one.template for one in stage.world.messages()] == ["car"]
    assert stage.world.tables.dead_letters == {}
    assert all(group.owner is None for group in stage.world.tables.groups.values()), "the lease was given back"


def test_a_defect_of_the_store_ends_the_engine():
    stage = Disturbed(take=ZeroDivisionError("a defect"))
    with pytest.raises(ZeroDivisionError):
        stage.run(lambda: False)


def test_a_lease_that_cannot_be_given_back_ends_the_engine_all_the_same():
    stage = Disturbed(release=ConnectionResetError())
    stage.run(lambda: stage.world.messages() != [])
    assert stage.left["release"] == 1


# ── housekeeping ──


class Duties:
    """Counts duties; those at a planned turn raise."""

    def __init__(self, **faults):
        self.done = Counter()
        self.faults = faults
        self.moved = asyncio.Event()

    def duty(self, name, error=ConnectionResetError):
        async def act():
            self.done[name] += 1
            self.moved.set()
            if self.done[name] in self.faults.get(name, ()):
                raise error(name)
            return 1

        return act

    async def until(self, enough):
        async with asyncio.timeout(20):
            while not enough():
                self.moved.clear()
                await self.moved.wait()


def make_sweep(world, duties, **changes):
    resolver = SimpleNamespace(step=duties.duty("doubts", ZeroDivisionError), desk=world.desk)
    return Sweep(world.store, resolver, world.clock, Wakes(), duties.duty("partitions"), **changes)


def run_until(part, duties, enough):
    async def go():
        task = asyncio.create_task(part.run())
        await duties.until(enough)
        part.stop()
        await asyncio.wait_for(task, 20)

    asyncio.run(go())


@pytest.fixture
def quick(monkeypatch):
    for name in (
        "DOUBTS_EVERY",
        "RESCUE_EVERY",
        "ORPHANS_EVERY",
        "BOUNCES_EVERY",
        "CONFIGURATION_EVERY",
        "PARTITIONS_EVERY",
        "HEALTH_EVERY",
    ):
        monkeypatch.setattr(sweeping, name, 0.001)


@pytest.mark.usefixtures("quick")
def test_every_duty_is_done_again_and_again_also_after_a_failure():
    world, duties = World(), Duties(doubts=(1, 2), partitions=(1,))
    world.store.hook = lambda method, moment: duties.done.update([method])
    made = make_sweep(world, duties)
    names = ("doubts", "partitions", "rescue", "match_orphans", "end_bouncing")
    run_until(made, duties, lambda: min(duties.done[name] for name in names) >= 3)
    assert made.wakes.outbox._event.is_set(), "an ended doubt may have queued a message"


@pytest.mark.usefixtures("quick")
def test_the_health_of_the_routes_is_a_duty_too():
    world, duties = World(), Duties(health=(1,))
    made = make_sweep(world, duties)
    made.health = duties.duty("health")
    run_until(made, duties, lambda: duties.done["health"] >= 3)


@pytest.mark.usefixtures("quick")
def test_a_new_configuration_and_new_weights_are_looked_for_again_and_again():
    duties = Duties(refresh=(1, 2))
    names = ("refresh", "weigh")
    made = Watch(duties.duty("refresh"), duties.duty("weigh"))
    run_until(made, duties, lambda: min(duties.done[name] for name in names) >= 4)


def test_the_sweep_ends_addresses_by_the_rules_of_the_company():
    world = World()
    world.desk.soft_bounces = BounceRules(days=1)
    made = make_sweep(world, Duties())
    message = builders.message(builders.stream("anna"), world.clock.now(), channel="email")

    async def go():
        lease = await world.store.lease("past", 3600, 32)
        await world.store.save(builders.batch(lease, world.clock.now(), messages=(message,)))
        fence = await world.store.open_lease("worker", 3600)
        async with world.store.claim(10) as claim:
            await claim.commit(fence, [intent := builders.intent(message)], [])
        full = Refused(Reason.ABSENT_SUBSCRIBER)
        await world.store.finish(fence, [builders.done(intent, full, Next(Status.FAILED))])
        assert [await made.bounces(), await made.bounces()] == [1, 0]

    drive(go())
    [stop] = world.store.tables.stops.values()
    assert (stop.scope, stop.reason[:40]) == ("address", "mail to it bounced on 2026-03-02 and non")


def test_stopping_ends_the_sweep_in_the_middle_of_its_longest_pause():
    duties = Duties()
    run_until(make_sweep(World(), duties), duties, lambda: duties.done["partitions"] == 1)
    assert duties.done["partitions"] == 1


def test_the_intents_of_a_dead_worker_come_into_doubt_after_the_grace():
    world = World()
    world.feed(world.booking())
    made = make_sweep(world, Duties())
    intent = builders.intent(world.one("confirm"))

    async def go():
        fence = await world.store.open_lease("dead", 45.0)
        async with world.store.claim(10) as claim:
            await claim.commit(fence, [intent], [])

    drive(go())
    world.clock.at += timedelta(seconds=45 + sweeping.GRACE_SECONDS)
    assert drive(made.rescue()) == 0
    world.clock.at += timedelta(seconds=1)
    assert drive(made.rescue()) == 1
    assert world.one("confirm").status is Status.UNKNOWN


# ── signals ──


def test_a_ring_before_the_wait_is_remembered_and_wakes_one_wait():
    async def go():
        wake, passed = Wake(), []
        wake.pass_on = lambda: passed.append(1)
        wake.ring()
        await asyncio.wait_for(wake.wait(3600), 20)
        assert passed == [1]
        wake.hear()
        assert passed == [1], "what another process rang is not passed on again"
        await asyncio.wait_for(wake.wait(3600), 20)
        waiting = asyncio.create_task(wake.wait(3600))
        await asyncio.sleep(0)
        assert not waiting.done()
        wake.ring()
        await asyncio.wait_for(waiting, 20)

    asyncio.run(go())


@pytest.mark.parametrize("seconds", [0, -1, 0.001])
def test_a_wait_ends_by_itself(seconds):
    asyncio.run(asyncio.wait_for(Wake().wait(seconds), 20))


def test_everybody_who_waits_for_an_entry_hears_that_it_is_applied():
    async def go():
        wakes, heard = Wakes(), []

        async def listen(name):
            async with wakes.applied:
                await wakes.applied.wait()
                heard.append(name)

        tasks = [asyncio.create_task(listen(name)) for name in "ab"]
        await asyncio.sleep(0)
        await wakes.tell_applied()
        await asyncio.wait_for(asyncio.gather(*tasks), 20)
        assert sorted(heard) == ["a", "b"]
        assert wakes.topics() == {"log": wakes.log, "outbox": wakes.outbox}

    asyncio.run(go())
