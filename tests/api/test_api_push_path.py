"""The path of a push: engine's message, FCM of the sandbox, the app, and back; over a real network and both stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from api_stage import ACKNOWLEDGMENT_KEY, Stage, served

from conftest import Play
from outrider.contracts.provider import Secret
from outrider.domain.entry import DeadAddressEntry, OutcomeEntry, ReceiptEntry
from outrider.domain.message import Content, Further, Message, Rendition, Status
from outrider.domain.receipt import ReceiptStatus
from outrider.domain.route import Route
from outrider.lib.clock import SystemClock
from outrider.lib.http import open_http
from outrider.providers.push.fcm import Fcm, FcmSettings
from outrider.receipts.acknowledgment import Acknowledgments
from outrider.sandbox.ledger import read_ledger
from outrider.sandbox.push._google import service_account
from outrider.sandbox.running import Sandbox, running_sandbox
from outrider.sandbox.side import Options
from outrider.testing import builders
from outrider.workers.deliver import Delivery
from outrider.workers.desk import Account, Desk


async def ready(versions: Iterable[int]) -> None:
    """Every configuration is there."""


async def queued(stage: Stage, token: str, *others: str) -> Message:
    """A push that something awaits, to a person with these devices."""
    now = stage.deps.clock.now()
    who = builders.stream("anna", 3)
    lease = await stage.store.lease("past", 3600, 32)
    further = tuple(Further(other, builders.digest(other)) for other in others)
    content = Content(token, "fr", {}, further)
    made = builders.message(who, now, channel="push", awaited=True, content=content)
    rows = (builders.decided(made),)
    people = (builders.profile(who, now),)
    await stage.store.save(builders.batch(lease, now, profiles=people, messages=(made,), decisions=rows))
    await stage.store.release(lease)
    return made


class Said(msgspec.Struct, frozen=True):
    """A rendered push."""

    body: Rendition
    segments: int = 1


@asynccontextmanager
async def delivering(stage: Stage, folder: Path) -> AsyncIterator[tuple[Delivery, Sandbox]]:
    """A worker whose only account is the sandbox's FCM; the app finds the API at its real address."""
    http = open_http("pool")
    options = Options(receipt_delay=0.0, retry_scale=0.0)
    async with running_sandbox(folder / "ledger.ndjson", options=options) as sandbox, served(stage) as client:
        document = service_account(sandbox.account("fcm"), sandbox.url)
        provider = Fcm(FcmSettings(service_account=Secret(document), base_url=sandbox.url))
        desk = Desk(
            (Route("app", "push", "app", "app"),),
            {"app": Account("app", provider, "path", sandbox=True)},
            lambda message: Said(Rendition("Bay B-12", subject="Ready")),
            str(client.base_url),
            acknowledgments=Acknowledgments(ACKNOWLEDGMENT_KEY),
        )
        yield Delivery(stage.store, desk, http, SystemClock(), stage.wakes, "worker", ready), sandbox
        await sandbox.settled()
    await http.close()


async def sent(delivery: Delivery) -> None:
    """One batch, to its outcomes."""
    await delivery._open_lease()
    assert await delivery._step()
    await asyncio.gather(*delivery._calls)
    assert await delivery.outcomes.write()


async def left(stage: Stage, message: Message) -> tuple[Status, list[Any]]:
    """The message's status, and what the engine is told."""
    state = (await stage.store.messages([message.id]))[message.id]
    return state.status, [entry.body for entry in await stage.entries()]


async def through(stage: Stage, folder: Path, token: str, *others: str) -> tuple[Message, Status, list[Any]]:
    message = await queued(stage, token, *others)
    async with delivering(stage, folder) as (delivery, sandbox):
        await sent(delivery)
        await sandbox.settled()
        assert sandbox.summary().repeated_messages == {}
    return message, *await left(stage, message)


@pytest.mark.parametrize(
    ("token", "status", "receipts"),
    [
        ("token-of-anna", Status.DELIVERED, [ReceiptStatus.DELIVERED]),
        ("token-of-anna-seen", Status.DELIVERED, [ReceiptStatus.SEEN]),
        ("token-of-anna-silent", Status.ACCEPTED, []),
    ],
)
def test_a_push_is_reached_only_by_its_acknowledgment(
    on_postgres: Play, tmp_path: Path, token: str, status: Status, receipts: list[ReceiptStatus]
) -> None:
    async def act(stage: Stage) -> None:
        _, stands, told = await through(stage, tmp_path, token)
        assert stands is status
        assert [body.receipt.status for body in told if isinstance(body, ReceiptEntry)] == receipts

    on_postgres(act)


def test_a_dead_token_is_told_before_the_failure(on_postgres: Play, tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        message, stands, told = await through(stage, tmp_path, "token-of-anna-unregistered")
        assert stands is Status.FAILED
        assert told == [DeadAddressEntry("push", message.address), OutcomeEntry(message.id, "failed", "dead_address")]

    on_postgres(act)


def test_a_quota_makes_the_message_wait(in_memory: Play, tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        message, stands, told = await through(stage, tmp_path, "token-of-anna-quota")
        assert (stands, told) == (Status.QUEUED, [])
        due = await stage.store.next_due()
        assert (due - message.not_before).total_seconds() > 59

    in_memory(act)


@pytest.mark.parametrize(
    ("tokens", "status", "taken", "dead"),
    [
        pytest.param(("a-phone1", "a-tablet"), Status.DELIVERED, 2, [], id="all devices, one delivery"),
        pytest.param(("a-phone1-silent", "a-tablet"), Status.DELIVERED, 2, [], id="one of them acknowledged"),
        pytest.param(("a-unregistered", "a-tablet"), Status.DELIVERED, 1, [0], id="the first is gone"),
        pytest.param(("a-phone1", "b-unregistered", "c-mismatch"), Status.DELIVERED, 1, [1, 2], id="the others are"),
        pytest.param(("a-quota", "a-tablet"), Status.DELIVERED, 1, [], id="one was refused for now"),
        pytest.param(("a-quota", "b-unregistered"), Status.QUEUED, 0, [1], id="none was taken: again"),
        pytest.param(("a-unregistered", "b-unregistered"), Status.FAILED, 0, [0, 1], id="all are gone"),
    ],
)
def test_a_push_goes_to_every_device_and_a_dead_token_costs_only_that_one(
    on_postgres: Play, tmp_path: Path, tokens: tuple[str, ...], status: Status, taken: int, dead: list[int]
) -> None:
    async def act(stage: Stage) -> None:
        message, stands, told = await through(stage, tmp_path, *tokens)
        assert stands is status
        lines = list(read_ledger(tmp_path / "ledger.ndjson"))
        assert len({line.to for line in lines}) == len(lines) == taken
        hashes = [message.address, *map(builders.digest, tokens[1:])]
        found = [body.address for body in told if isinstance(body, DeadAddressEntry)]
        assert found == [hashes[number] for number in dead]
        receipts = [body for body in told if isinstance(body, ReceiptEntry)]
        assert len(receipts) == (status is Status.DELIVERED), "what a second device says is known already"
        assert await stage.store.pool.fetchval("select count(*) from attempts") == 1
        assert await stage.store.pool.fetchval("select in_day from ceilings") == 1

    on_postgres(act)
