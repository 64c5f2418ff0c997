"""Everything that can go wrong between delivery and a provider, on real sockets and a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from outrider.app import Outrider
from outrider.delivery import breaker
from outrider.domain.entry import ConsentEntry, Entry, Event
from outrider.domain.purpose import Purpose
from outrider.ingest.cloudevents import STRUCTURED, read
from outrider.ingest.mapping import PROFILE
from outrider.installation import Opened, apply_files, current_configuration, open_store
from outrider.sandbox.running import Sandbox, running_sandbox
from outrider.sandbox.side import Options
from outrider.settings import Settings
from outrider.testing.fault_proxy import FAULTS, UNSEEN, FaultProxy, Mode, fault_proxy
from outrider.testing.killing.company import company, event_of, person_of, purpose_of, zone_at
from outrider.testing.killing.evidence import Tail, at_rest, read_copies, read_messages
from outrider.testing.killing.installation import Times
from outrider.testing.killing.verdict import Verdict, judge

TIMES = Times()
#: Messages under each mode, and after it to see that all is well again.
UNDER, AFTER = 100, 8


class World:
    """All of Outrider in this process, a proxy before each provider."""

    def __init__(self, outrider: Outrider, opened: Opened, proxies: Sequence[FaultProxy], ledger: Path) -> None:
        self.outrider = outrider
        self.opened = opened
        self.proxies = proxies
        self.ledger = ledger
        self.tail = Tail(ledger)
        self.confirmed: set[int] = set()
        self.zone = zone_at(datetime.now(UTC))

    def treat(self, mode: Mode, share: float) -> None:
        for proxy in self.proxies:
            proxy.mode, proxy.share = mode, share

    async def feed(self, count: int) -> range:
        """Append the next events; their numbers."""
        numbers = range(len(self.confirmed) + 1, len(self.confirmed) + count + 1)
        now = datetime.now(UTC)
        entries = [entry for number in numbers for entry in self._entries(number, now)]
        await self.opened.store.append(entries)
        self.outrider.wakes.log.ring()
        self.confirmed.update(numbers)
        return numbers

    def _entries(self, number: int, now: datetime) -> list[Entry]:
        hasher = self.opened.hasher
        [event] = read(STRUCTURED, {}, msgspec.json.encode(event_of(number, now, self.zone)), now)
        assert isinstance(event, Event), event
        body, _ = self.outrider.library.current.mapper.map(event)
        entry = Entry(hasher.stream(body.entity.kind, body.entity.key), body, now, hasher.event(event.source, event.id))
        if purpose_of(number) is not Purpose.COMMERCIAL:
            return [entry]
        consent = ConsentEntry(person_of(number), "commercial", "granted", source="test", at=now)
        return [Entry(hasher.stream(PROFILE, person_of(number)), consent, now), entry]

    async def tried(self, count: int) -> None:
        """Return when so many calls have gone through the proxies since now."""
        wanted = self.calls() + count
        while self.calls() < wanted:
            await asyncio.sleep(0.01)

    def calls(self) -> int:
        return sum(proxy.treated.total() for proxy in self.proxies)

    async def reached(self, numbers: range) -> None:
        """Return when the providers took a copy of each."""
        while self.tail.look() < 0 or not self.tail.reached.issuperset(numbers):
            await asyncio.sleep(0.01)

    async def judgment(self) -> Verdict:
        await at_rest(self.opened.dsn, 60)
        numbers = range(1, len(self.confirmed) + 1)
        messages = await read_messages(self.opened.dsn, self.opened.settings.home, numbers)
        return judge(self.confirmed, messages, read_copies(self.ledger))


@asynccontextmanager
async def world(url: str, folder: Path) -> AsyncIterator[World]:
    settings = Settings(
        home=folder,
        database_url=url,
        port=0,
        lease_seconds=TIMES.lease,
        rescue_grace_seconds=TIMES.grace,
        unsafe_durability=True,
    )
    async with AsyncExitStack() as kept:
        ledger = folder / "ledger.ndjson"
        sandbox = await kept.enter_async_context(running_sandbox(ledger, options=Options(magic=False)))
        proxies = [await kept.enter_async_context(proxy) for proxy in before(sandbox)]
        opened = await kept.enter_async_context(open_store(settings, url))
        urls = {name: f"http://127.0.0.1:{proxy.port}" for name, proxy in zip(PROVIDERS, proxies, strict=True)}
        await apply_files(opened, company(urls, TIMES.deadline, TIMES.resolve_within))
        outrider = Outrider(opened, await current_configuration(opened))
        running = asyncio.create_task(outrider.run())
        try:
            yield World(outrider, opened, proxies, ledger)
        finally:
            outrider.stop()
            await running


PROVIDERS = ("smsmode", "twilio")


def before(sandbox: Sandbox) -> list[object]:
    """A proxy for each provider's own port."""
    return [fault_proxy(urlsplit(sandbox.urls[name]).port or 0, seed=place) for place, name in enumerate(PROVIDERS)]


def test_whatever_happens_on_the_way_nothing_is_lost_or_doubled_unlabelled(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve modes one after the other, each on four in ten calls; after each, messages get through again at once."""
    monkeypatch.setattr(breaker, "FIRST_REST", 0.3)

    async def play() -> tuple[World, Verdict]:
        async with world(database_url, tmp_path) as here:
            for mode in FAULTS:
                here.treat(mode, 0.4)
                await here.feed(UNDER)
                await here.tried(UNDER)
                here.treat(Mode.PASS, 1.0)
                async with asyncio.timeout(30):
                    await here.reached(await here.feed(AFTER))
            return here, await here.judgment()

    here, verdict = asyncio.run(play())
    assert verdict.holds, verdict
    assert verdict.events == len(FAULTS) * (UNDER + AFTER)
    for mode in FAULTS:
        assert sum(proxy.treated[mode] for proxy in here.proxies) >= UNDER // 5, mode


@pytest.mark.parametrize("mode", sorted(UNSEEN))
def test_a_provider_that_never_sees_anything_gets_everything_afterwards(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: Mode
) -> None:
    """Doubts of service and commercial messages stay doubts; the others get through, since their purposes resend."""
    monkeypatch.setattr(breaker, "FIRST_REST", 0.3)

    async def play() -> Verdict:
        async with world(database_url, tmp_path) as here:
            here.treat(mode, 1.0)
            await here.feed(20)
            await here.tried(10)
            here.treat(Mode.PASS, 1.0)
            return await here.judgment()

    verdict = asyncio.run(play())
    assert verdict.holds, verdict
    assert verdict.duplicates_labelled == 0
    assert set(verdict.without_copy) <= {"service unknown", "commercial unknown"}
