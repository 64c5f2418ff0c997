"""Access tokens: one for an account, renewed once for everybody, dropped when refused; without one nothing is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import pytest

from outrider.contracts.bearer import Bearer
from outrider.contracts.http import Broken, NotSent, Request, Response
from outrider.contracts.provider import Provider
from outrider.domain.attempt import Reason, Refused
from outrider.workers.authorized import SETTLED_SECONDS, SPARE_SECONDS, AuthorizedHttp
from outrider.workers.desk import Account

TOKENS, SEND = "https://auth.test/token", "https://api.test/send"
MESSAGE = Request("POST", SEND, (("content-type", "application/json"),), b"{}")


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.ticks = 1000.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.ticks, UTC)

    def monotonic(self) -> float:
        return self.ticks


class Needs:
    """A provider that needs a token; its life is told by the answer's body."""

    def token_request(self, now: datetime) -> Request:
        return Request("POST", TOKENS, (), now.isoformat().encode())

    def token_of(self, response: Response) -> Bearer | Refused:
        if response.status != 200:
            return Refused(Reason.UNAUTHORIZED, "invalid_grant")
        return Bearer(response.body.decode(), 3600)


class Wire:
    """Answers token requests with token-1, token-2, …; sends as told."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.given = 0
        self.sent: list[tuple[str, float]] = []
        self.statuses: list[int] = []
        self.token_answer: Callable[[], Response] | None = None
        self.token_takes = 0.0
        self.hold: asyncio.Event | None = None

    async def send(self, request: Request, deadline: float) -> Response:
        if request.url == TOKENS:
            return await self._give()
        self.sent.append((dict(request.headers).get("authorization", ""), deadline))
        return Response(self.statuses.pop(0) if self.statuses else 200)

    async def _give(self) -> Response:
        self.given += 1
        if self.hold is not None:
            await self.hold.wait()
        self.clock.ticks += self.token_takes
        return self.token_answer() if self.token_answer else Response(200, {}, f"token-{self.given}".encode())

    async def close(self) -> None:
        """Nothing is open."""


class Stage:
    """One account on a line."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.wire = Wire(self.clock)
        self.line = AuthorizedHttp(self.wire, self.clock)
        self.account = account(Needs())

    async def send(self) -> Response | Refused:
        return await self.line.send(self.account, MESSAGE)

    @property
    def tokens(self) -> list[str]:
        return [header.removeprefix("Bearer ") for header, _ in self.wire.sent]


def account(provider: object, name: str = "app") -> Account:
    return Account(name, cast("Provider", provider), "path", deadline=10.0)


def play(scene: Callable[[Stage], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(Stage()), 30))


def test_a_provider_without_tokens_is_called_as_ever() -> None:
    async def scene(stage: Stage) -> None:
        assert await stage.line.send(account(object()), MESSAGE) == Response(200)
        assert stage.wire.sent == [("", 10.0)]
        assert stage.wire.given == 0

    play(scene)


def test_many_calls_at_once_ask_for_one_token() -> None:
    async def scene(stage: Stage) -> None:
        stage.wire.hold = asyncio.Event()
        calls = [asyncio.create_task(stage.send()) for _ in range(50)]
        await asyncio.sleep(0)
        stage.wire.hold.set()
        assert await asyncio.gather(*calls) == [Response(200)] * 50
        assert stage.wire.given == 1
        assert stage.tokens == ["token-1"] * 50

    play(scene)


def test_one_caller_that_gives_up_does_not_end_the_renewal_of_the_others() -> None:
    async def scene(stage: Stage) -> None:
        stage.wire.hold = asyncio.Event()
        leaving, staying = asyncio.create_task(stage.send()), asyncio.create_task(stage.send())
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        stage.wire.hold.set()
        assert await staying == Response(200)
        assert stage.wire.given == 1

    play(scene)


@pytest.mark.parametrize(("after", "given"), [(3599 - SPARE_SECONDS, 1), (3600 - SPARE_SECONDS, 2)])
def test_a_token_is_renewed_shortly_before_its_end(after: float, given: int) -> None:
    async def scene(stage: Stage) -> None:
        await stage.send()
        stage.clock.ticks += after
        await stage.send()
        assert stage.wire.given == given
        assert stage.tokens == ["token-1", f"token-{given}"]

    play(scene)


def test_a_short_life_is_used_to_its_half() -> None:
    async def scene(stage: Stage) -> None:
        provider = Needs()
        provider.token_of = lambda response: Bearer("brief", 30)  # type: ignore[method-assign]
        stage.account = account(provider)
        for seconds in (0, 14, 1):
            stage.clock.ticks += seconds
            await stage.send()
        assert stage.wire.given == 2

    play(scene)


def test_a_refused_token_is_dropped_and_an_old_one_is_worth_another_try() -> None:
    async def scene(stage: Stage) -> None:
        await stage.send()
        stage.clock.ticks += SETTLED_SECONDS
        stage.wire.statuses = [401]
        refused = await stage.send()
        assert isinstance(refused, Refused)
        assert refused.reason is Reason.UNAVAILABLE
        assert await stage.send() == Response(200)
        assert stage.tokens == ["token-1", "token-1", "token-2"]

    play(scene)


def test_a_fresh_token_that_is_refused_is_the_providers_last_word() -> None:
    async def scene(stage: Stage) -> None:
        stage.wire.statuses = [401, 403]
        assert await stage.send() == Response(401)
        assert await stage.send() == Response(403)
        await stage.send()
        assert stage.tokens == ["token-1", "token-2", "token-2"]

    play(scene)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NotSent("refused connection"), Reason.NOT_CONNECTED),
        (Broken("reset"), Reason.NOT_CONNECTED),
        (ValueError("a defect"), Reason.NOT_CONNECTED),
        (None, Reason.UNAUTHORIZED),
    ],
)
def test_without_a_token_nothing_is_sent_and_the_next_call_asks_again(error: Exception | None, reason: Reason) -> None:
    async def scene(stage: Stage) -> None:
        def answer() -> Response:
            if error is not None:
                raise error
            return Response(400)

        stage.wire.token_answer = answer
        for _ in range(2):
            refused = await stage.send()
            assert isinstance(refused, Refused)
            assert refused.reason is reason
        assert stage.wire.sent == []
        assert stage.wire.given == 2
        stage.wire.token_answer = None
        assert await stage.send() == Response(200)

    play(scene)


@pytest.mark.parametrize(("takes", "sent"), [(0.0, [10.0]), (4.0, [6.0]), (9.9, [])])
def test_token_and_call_together_stay_within_the_accounts_deadline(takes: float, sent: list[float]) -> None:
    async def scene(stage: Stage) -> None:
        stage.wire.token_takes = takes
        answer = await stage.send()
        assert [deadline for _, deadline in stage.wire.sent] == pytest.approx(sent)
        assert isinstance(answer, Response if sent else Refused)

    play(scene)


def test_every_account_has_its_own_token_and_new_credentials_ask_for_a_new_one() -> None:
    async def scene(stage: Stage) -> None:
        await stage.send()
        await stage.line.send(account(Needs(), "other"), MESSAGE)
        stage.account = msgspec.structs.replace(stage.account, provider=cast("Provider", Needs()))
        await stage.send()
        await stage.send()
        assert stage.tokens == ["token-1", "token-2", "token-3", "token-3"]

    play(scene)
