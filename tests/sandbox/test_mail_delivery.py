"""Mail through the whole delivery loop and a real connection: outcomes, doubts, reports, and nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from mail_stage import MailStage, play_mail

from outrider.contracts.provider import Outbound
from outrider.domain.attempt import AttemptState, Outcome
from outrider.domain.message import Content, Message, Rendition, Status
from outrider.domain.purpose import Purpose
from outrider.domain.route import Route
from outrider.domain.stops import HARD_BOUNCE
from outrider.domain.work import Reported
from outrider.lib.ids import write_id
from outrider.providers.email.smtp import Smtp
from outrider.sandbox.faults import Fault, Kind
from outrider.testing import builders
from outrider.testing.memory_store import MemoryStore
from outrider.testing.memory_subject import HandClock
from outrider.workers.deliver import Delivery
from outrider.workers.prepare import Account, Desk, echo, outbound
from outrider.workers.wake import Wakes

ROUTE = Route("mail", "email", "mail", "Drive <cars@example.com>")


class Text(msgspec.Struct):
    """A rendered mail."""

    body: Rendition
    segments: int = 1


class Post:
    """A store with mail to send, and a delivery worker over the sandbox's mail server."""

    def __init__(self, mail: MailStage, provider: Any = None) -> None:
        self.mail = mail
        self.clock = HandClock()
        self.store = MemoryStore(self.clock)
        self.desk = Desk(
            (ROUTE,),
            {"mail": Account("mail", provider or mail.provider, "k3JhX9")},
            lambda message: Text(Rendition("Bay B-12", "Your car")),
            "https://rental.example",
            link_key=b"link" * 8,
        )
        self.worker = Delivery(self.store, self.desk, None, self.clock, Wakes(), "w", self._ready)  # type: ignore[arg-type]

    async def _ready(self, _: Any) -> None:
        return None

    async def queue(self, to: str, name: str = "hello", purpose: Purpose = Purpose.COMMERCIAL) -> Message:
        who, now = builders.stream(name), self.clock.now()
        message = builders.message(who, now, name, channel="email", purpose=purpose, content=Content(to, "fr", {}))
        lease = await self.store.lease("past", 3600, 32)
        people, decisions = (builders.profile(who, now),), (builders.decided(message),)
        batch = builders.batch(lease, now, profiles=people, messages=(message,), decisions=decisions)
        await self.store.save(batch)
        return message

    async def settle(self, message: Message) -> Status:
        """Let the worker run until the message is neither queued nor under way."""
        task = asyncio.create_task(self.worker.run())
        try:
            while (await self.status(message)) in (Status.QUEUED, Status.SENDING):
                await asyncio.sleep(0)
        finally:
            self.worker.stop()
            await task
        return await self.status(message)

    async def status(self, message: Message) -> Status:
        return (await self.store.messages([message.id]))[message.id].status

    async def report(self) -> None:
        """Hand the reports that were posted to the store, as the API does."""
        await self.mail.sandbox.settled()
        for receipt in self.mail.told():
            row = next(row for row in self.store.tables.messages.values() if echo(row.message.id, 1) == receipt.attempt)
            await self.store.report([Reported("mail", receipt, self.clock.now(), (row.message.id, 1))])

    def reasons(self) -> list[str]:
        return [stop.reason for stop in self.store.tables.stops.values()]


def play(folder: Path, scene: Callable[[Post], Coroutine[Any, Any, None]]) -> None:
    async def act(stage: MailStage) -> None:
        await scene(Post(stage))

    play_mail(folder, act)


def test_mail_is_sent_once_and_known_by_its_attempt(tmp_path: Path) -> None:
    async def scene(post: Post) -> None:
        message = await post.queue("zoe@example.org")
        assert await post.settle(message) is Status.ACCEPTED
        name = echo(message.id, 1)
        assert post.mail.echoes() == [name]
        attempt = post.store.tables.attempts[message.id, 1]
        assert (attempt.state, attempt.provider_id) == (AttemptState.ACCEPTED, name)
        await post.report()
        assert await post.status(message) is Status.ACCEPTED, "no report of success, so accepted it stays"

    play(tmp_path, scene)


def test_an_unknown_mailbox_fails_and_is_not_written_to_again(tmp_path: Path) -> None:
    async def scene(post: Post) -> None:
        assert await post.settle(await post.queue("reject@example.org")) is Status.FAILED
        assert post.mail.echoes() == []
        assert post.reasons() == [HARD_BOUNCE]

    play(tmp_path, scene)


@pytest.mark.parametrize(("kind", "taken"), [(Kind.RESET_AFTER, 1), (Kind.RESET_BEFORE, 0), (Kind.BARE_5XX_AFTER, 1)])
def test_a_break_after_the_dot_is_a_doubt_and_nothing_goes_out_twice(tmp_path: Path, kind: Kind, taken: int) -> None:
    async def scene(post: Post) -> None:
        post.mail.sandbox.fault(Fault(kind))
        message = await post.queue("zoe@example.org")
        assert await post.settle(message) is Status.UNKNOWN
        post.mail.sandbox.lift_faults()
        post.clock.at += timedelta(minutes=5)
        [doubt] = await post.store.doubts(10)
        assert doubt.message.id == message.id
        assert post.mail.echoes() == [echo(message.id, 1)] * taken
        assert post.mail.sandbox.summary().repeated_messages == {}

    play(tmp_path, scene)


def test_an_outage_is_waited_out_and_the_mail_goes_once(tmp_path: Path) -> None:
    async def scene(post: Post) -> None:
        post.mail.sandbox.fault(Fault(Kind.OUTAGE, provider="smtp"))
        message = await post.queue("zoe@example.org", purpose=Purpose.TRANSACTIONAL)
        task = asyncio.create_task(post.worker.run())
        while not post.store.tables.attempts or post.worker.counters.refused < 1:
            await asyncio.sleep(0)
        post.mail.sandbox.lift_faults()
        await post.mail.sandbox.doors_are_as_told()
        while await post.status(message) is not Status.ACCEPTED:
            post.clock.at += timedelta(seconds=1)
            await asyncio.sleep(0)
        post.worker.stop()
        await task
        assert len(post.mail.echoes()) == 1

    play(tmp_path, scene)


@pytest.mark.parametrize(
    ("to", "status", "reasons"),
    [
        ("bounce@example.org", Status.UNDELIVERED, [HARD_BOUNCE]),
        ("full@example.org", Status.UNDELIVERED, []),
        ("slow@example.org", Status.ACCEPTED, []),
        ("complain@example.org", Status.DELIVERED, ["the carrier or provider reports that the person opted out"]),
    ],
)
def test_reports_move_the_message_and_end_addresses(
    tmp_path: Path, to: str, status: Status, reasons: list[str]
) -> None:
    async def scene(post: Post) -> None:
        message = await post.queue(to)
        assert await post.settle(message) is Status.ACCEPTED
        await post.report()
        assert await post.status(message) is status
        assert post.reasons() == reasons

    play(tmp_path, scene)


class Careless:
    """A transport that breaks its promise never to raise."""

    abilities = Smtp.abilities

    async def send(self, message: Outbound, deadline: float) -> Outcome:
        raise LookupError(f"{message.attempt} within {deadline:g} s")

    async def close(self) -> None:
        return None


def test_a_transport_that_raises_leaves_a_doubt_and_not_a_stuck_message(tmp_path: Path) -> None:
    async def act(stage: MailStage) -> None:
        post = Post(stage, Careless())
        message = await post.queue("zoe@example.org")
        assert await post.settle(message) is Status.UNKNOWN

    play_mail(tmp_path, act)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_what_a_person_may_end_carries_a_link_to_end_it(tmp_path: Path, purpose: Purpose) -> None:
    async def scene(post: Post) -> None:
        message = await post.queue("zoe@example.org", purpose=purpose)
        intent = builders.intent(message, account="mail", route="mail")
        sent = outbound(intent, post.desk, post.clock.now())
        wanted = purpose in (Purpose.COMMERCIAL, Purpose.SERVICE)
        assert sent.unsubscribe_url.startswith("https://rental.example/v1/unsubscribe/") is wanted
        assert sent.at == post.clock.now()
        mail = post.mail.provider.request(sent).body
        assert (b"List-Unsubscribe=One-Click" in mail, b"Auto-Submitted" in mail) == (wanted, not wanted)
        assert f"<{write_id('msg', message.id)}@example.com>".encode() in mail
        text = msgspec.structs.replace(intent, message=builders.message(message.stream, message.status_at))
        assert outbound(text, post.desk, post.clock.now()).unsubscribe_url == ""

    play(tmp_path, scene)
