"""What becomes of doubts."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from worker_stage import World

from outrider.contracts.http import Broken, NotSent, Request, Response
from outrider.contracts.provider import Abilities, Unreadable
from outrider.domain.attempt import AttemptState, Unknown
from outrider.domain.message import Status
from outrider.domain.purpose import Purpose
from outrider.testing.builders import changed
from outrider.workers.resolve import LONGEST_CALL, LONGEST_LOOK, Resolver


class Asked:
    """A provider that can be asked; `says` is what an answer shows: an id, None, or an error to raise."""

    def __init__(self, says=None, *, lag=5.0, lookup=True):
        self.says = says
        self.abilities = Abilities("url", True, lookup, lag)
        self.can = lookup

    def lookup(self, doubt):
        if isinstance(self.says, ArithmeticError):
            raise self.says
        return Request("GET", "http://x/", {}, b"") if self.can else None

    def found(self, doubt, response):
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


class Line:
    """A transport with one answer for everybody."""

    def __init__(self, answer=None):
        self.answer = answer or Response(200, {}, b"")

    async def send(self, request, deadline):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def in_doubt(provider, purpose=Purpose.TRANSACTIONAL, line=None, count=1):
    world = World()
    world.feed(*(world.booking(key=f"b{n}", customer=f"c{n}", phone=f"+336123456{n:02d}") for n in range(count)))
    for row in world.tables.messages.values():
        row.message = changed(row.message, purpose=purpose, not_after=row.message.not_after + timedelta(days=1))
    world.deliver(lambda intent: Unknown("reset"))
    for name, account in world.desk.accounts.items():
        world.desk.accounts[name] = changed(account, provider=provider)
    return world, Resolver(world.store, world.desk, line or Line(), world.clock)


def look(world, resolver):
    return asyncio.run(resolver.step())


def first_attempts(world):
    return [one.state for one in world.tables.attempts.values()]


def test_an_answer_that_shows_it_ends_the_doubt_as_accepted():
    world, resolver = in_doubt(Asked("theirs-1"))
    assert look(world, resolver) == 1
    assert world.one("confirm").status is Status.ACCEPTED
    assert world.tables.provider_messages.keys() == {("first", "theirs-1")}
    assert world.tables.doubts == {}


@pytest.mark.parametrize(
    ("purpose", "states", "status"),
    [
        (Purpose.SAFETY, (3, "unresolved"), Status.QUEUED),
        (Purpose.SECURITY, (3, "unresolved"), Status.QUEUED),
        (Purpose.TRANSACTIONAL, (120, "absent"), Status.QUEUED),
        (Purpose.LEGAL, (1800, "absent"), Status.QUEUED),
        (Purpose.SERVICE, (1800, "absent"), Status.QUEUED),
        (Purpose.COMMERCIAL, (1800, "absent"), Status.FAILED),
    ],
)
def test_absence_is_believed_after_the_time_of_the_purpose_and_three_lags(purpose, states, status):
    seconds, state = states
    world, resolver = in_doubt(Asked(None, lag=5.0), purpose)
    world.clock.at += timedelta(seconds=seconds - 0.1)
    look(world, resolver)
    assert first_attempts(world) == ["unknown"]
    world.clock.at += timedelta(seconds=0.1)
    look(world, resolver)
    assert first_attempts(world) == [state]
    assert world.one("confirm").status is status


@pytest.mark.parametrize(
    ("provider", "line"),
    [
        (Asked(Unreadable("a page of a gateway")), None),
        (Asked(KeyError("a defect")), None),
        (Asked(ZeroDivisionError("a defect")), None),
        (Asked(lookup=False), None),
        (Asked(), Line(Broken("reset"))),
        (Asked(), Line(NotSent("refused"))),
        (Asked(), Line(RuntimeError("unforeseen"))),
    ],
)
def test_no_answer_is_no_proof_of_absence(provider, line):
    world, resolver = in_doubt(provider, Purpose.SERVICE, line)
    world.clock.at += timedelta(hours=1)
    assert look(world, resolver) == 1
    assert first_attempts(world) == [AttemptState.UNRESOLVED]
    assert world.one("confirm").status is Status.UNKNOWN


def test_an_account_that_is_gone_leaves_its_doubts_unresolved():
    world, resolver = in_doubt(Asked("theirs"), Purpose.SAFETY)
    world.desk.accounts.clear()
    world.clock.at += timedelta(hours=1)
    look(world, resolver)
    assert first_attempts(world) == [AttemptState.UNRESOLVED]


def test_looks_come_further_and_further_apart_but_never_after_the_end():
    world, resolver = in_doubt(Asked(None), Purpose.SERVICE)
    gaps, last = [], world.clock.now()
    while world.tables.doubts:
        (doubt,) = world.tables.doubts.values()
        world.clock.at = doubt.check_at
        gaps.append((world.clock.now() - last).total_seconds())
        last = world.clock.now()
        look(world, resolver)
    assert gaps[:9] == [0, 0.5, 1, 2, 4, 8, 16, 32, 60]
    assert max(gaps) == LONGEST_LOOK.total_seconds()
    assert sum(gaps) == 1800


def test_a_provider_that_hangs_holds_up_no_other_doubt():
    _, resolver = in_doubt(Asked("theirs"), count=3)

    async def go():
        everybody, waiting = asyncio.Event(), 0

        async def send(request, deadline):
            nonlocal waiting
            waiting += 1
            if waiting == 3:
                everybody.set()
            await everybody.wait()
            return Response(200, {}, b"")

        resolver.http = type("Together", (), {"send": staticmethod(send)})()
        return await asyncio.wait_for(resolver.step(), 20)

    assert asyncio.run(go()) == 3


@pytest.mark.parametrize(("deadline", "most"), [(10.0, LONGEST_CALL), (0.5, 0.5)])
def test_a_look_up_is_given_less_time_than_a_send(deadline, most):
    """Those who may wait for three seconds only stand behind it."""
    world, resolver = in_doubt(Asked("theirs"))
    for name, account in world.desk.accounts.items():
        world.desk.accounts[name] = changed(account, deadline=deadline)
    given = []

    async def send(request, seconds):
        given.append(seconds)
        return Response(200, {}, b"")

    resolver.http = resolver._line._http = type("Timed", (), {"send": staticmethod(send)})()
    assert look(world, resolver) == 1
    assert given == [most]


def test_without_doubts_nothing_is_written():
    world = World()
    calls = []
    world.store.hook = lambda method, moment: calls.append(method)
    assert look(world, Resolver(world.store, world.desk, Line(), world.clock)) == 0
    assert "resolve" not in calls


class Listing(Asked):
    """A provider whose answer lists messages; the first that is not another attempt's is found."""

    def __init__(self, *ids):
        super().__init__()
        self.ids = ids

    def found(self, doubt, response):
        return next((one for one in self.ids if one not in doubt.taken), None)


@pytest.mark.parametrize(
    ("listed", "state"), [(("twin",), AttemptState.UNKNOWN), (("twin", "own"), AttemptState.ACCEPTED)]
)
def test_an_equal_text_that_belongs_to_another_attempt_proves_nothing(listed, state):
    world, resolver = in_doubt(Listing(*listed))
    (attempt,) = world.tables.attempts.values()
    world.tables.provider_messages[(attempt.account, "twin")] = (b"another message!", 1)
    asyncio.run(resolver.step())
    assert attempt.state is state
    assert attempt.provider_id == ("own" if state is AttemptState.ACCEPTED else None)


def test_one_message_at_the_provider_proves_one_of_two_doubts():
    world, resolver = in_doubt(Listing("one"), count=2)
    for row in world.tables.attempts.values():
        row.account = next(iter(world.desk.accounts))
    asyncio.run(resolver.step())
    states = sorted(row.state for row in world.tables.attempts.values())
    assert states == [AttemptState.ACCEPTED, AttemptState.UNKNOWN]


def test_a_provider_that_keeps_finding_what_is_taken_is_not_asked_for_ever():
    world, resolver = in_doubt(Asked("twin"))
    (attempt,) = world.tables.attempts.values()
    world.tables.provider_messages[(attempt.account, "twin")] = (b"another message!", 1)
    asyncio.run(resolver.step())
    assert attempt.state is AttemptState.UNKNOWN
