"""Posts callbacks: after a delay, with each provider's own schedule of further tries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec

from outrider.contracts.http import Broken, Http, NotSent, Request, Response

#: Seconds a receiver may take; Twilio's read time-out is 15 s in total with its retry (provider facts 1.7).
DEADLINE = 10.0
#: Callbacks under way at once.
POSTERS = 64


class Schedule(msgspec.Struct, frozen=True):
    """When a provider tries a callback again."""

    #: Seconds before each further try.
    waits: tuple[float, ...]
    #: Also after an answer that is not 2xx, not only after a failed connection.
    on_status: bool


class Letter(msgspec.Struct):
    """One callback on its way; written only when it is due, since its message may have moved on."""

    #: Gives None when there turns out to be nothing to post.
    write: Callable[[], Request | None]
    schedule: Schedule
    epoch: int
    tries: int = 0


class Post:
    """Delivers letters through an HTTP client. Belongs to the event loop it is created in."""

    def __init__(self, http: Http, retry_scale: float = 1.0) -> None:
        """retry_scale multiplies every wait before a further try; tests shorten a day to nothing with 0."""
        self._http = http
        self._scale = retry_scale
        self._loop = asyncio.get_running_loop()
        self._due: asyncio.Queue[Letter] = asyncio.Queue()
        self._posters: list[asyncio.Task[None]] = []
        self._epoch = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._pending = 0
        #: Callbacks answered with 2xx.
        self.delivered = 0
        #: Tries that failed.
        self.failed = 0
        #: Callbacks whose last try failed.
        self.lost = 0

    def later(self, delay: float, write: Callable[[], Request | None], schedule: Schedule) -> None:
        """Post a callback in `delay` seconds."""
        self._pending += 1
        self._idle.clear()
        self._wait(delay, Letter(write, schedule, self._epoch))

    def _wait(self, delay: float, letter: Letter) -> None:
        if not self._posters:
            self._posters = [self._loop.create_task(self._work()) for _ in range(POSTERS)]
        if delay > 0:
            self._loop.call_later(delay, self._due.put_nowait, letter)
        else:
            self._due.put_nowait(letter)

    async def _work(self) -> None:
        while True:
            letter = await self._due.get()
            if letter.epoch != self._epoch:
                continue
            if await self._attempt(letter):
                self._settle(letter)
            else:
                self._again(letter)

    async def _attempt(self, letter: Letter) -> bool:
        """Like `_delivered`; an error nobody expected is shown, counts as a failed try and stops no poster."""
        try:
            return await self._delivered(letter)
        except Exception as error:
            self._count(letter.epoch, None)
            self._loop.call_exception_handler({"message": "a callback could not be posted", "exception": error})
            return False

    async def _delivered(self, letter: Letter) -> bool:
        """Whether the callback needs no further try."""
        letter.tries += 1
        request = letter.write()
        if request is None:
            return True
        answer = await self.try_once(request)
        if answer is None:
            return False
        return not letter.schedule.on_status or 200 <= answer.status < 300

    async def try_once(self, request: Request) -> Response | None:
        """Post one callback now; None when the connection failed or the URL is none."""
        epoch = self._epoch
        answer = None
        with suppress(NotSent, Broken, ValueError):
            answer = await self._http.send(request, DEADLINE)
        self._count(epoch, answer)
        return answer

    def _count(self, epoch: int, answer: Response | None) -> None:
        """Count a try, unless counting began anew while it was under way."""
        if epoch == self._epoch:
            good = answer is not None and 200 <= answer.status < 300
            self.delivered += good
            self.failed += not good

    def _again(self, letter: Letter) -> None:
        if letter.epoch != self._epoch:
            return
        waits = letter.schedule.waits
        if letter.tries > len(waits):
            self.lost += 1
            self._settle(letter)
        else:
            self._wait(waits[letter.tries - 1] * self._scale, letter)

    def _settle(self, letter: Letter) -> None:
        if letter.epoch != self._epoch:
            return
        self._pending -= 1
        if not self._pending:
            self._idle.set()

    @property
    def pending(self) -> int:
        """Callbacks waiting for their time, a further try or an answer."""
        return self._pending

    async def settled(self) -> None:
        """Return when no callback is pending."""
        await self._idle.wait()

    def forget(self) -> None:
        """Drop every pending callback and start counting anew."""
        self._epoch += 1
        self._pending = self.delivered = self.failed = self.lost = 0
        self._idle.set()

    async def close(self) -> None:
        """Stop posting."""
        self.forget()
        for poster in self._posters:
            poster.cancel()
        await asyncio.gather(*self._posters, return_exceptions=True)
        self._posters.clear()
