"""The sandbox's request path: route, misbehave, accept, note, answer."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from functools import partial

from outrider.contracts.http import Response
from outrider.lib.clock import Clock
from outrider.sandbox.counterpart import Call, Taken, json_answer
from outrider.sandbox.faults import Fault, Faults, Kind, seconds_of
from outrider.sandbox.ledger import Ledger
from outrider.sandbox.post import Post
from outrider.sandbox.side import Met, Side
from outrider.sandbox.wire import Caller

GATEWAY_PAGE = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n"
)
NOTHING_MET: Met = {}
ADMIN = "/_sandbox/"


class Server:
    """Serves every counterpart on every listener; one instance per sandbox and event loop."""

    def __init__(self, sides: Mapping[str, Side], ledger: Ledger, faults: Faults, post: Post, clock: Clock) -> None:
        self.sides = dict(sides)
        self.ledger = ledger
        self.faults = faults
        self.post = post
        self.clock = clock
        #: Answers the paths below /_sandbox/; set by whoever builds the server.
        self.admin: Callable[[Call], Response] = lambda _: json_answer(404, {"error": "no admin API"})
        #: Called after every flush of the ledger.
        self.flushed: Callable[[], None] = lambda: None
        self._loop = asyncio.get_running_loop()
        self._prefixes = [(prefix, side) for side in sides.values() for prefix in side.counterpart.prefixes]
        self._pending: list[Callable[[], object]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._run = secrets.token_hex(8)
        self._ids = 0
        self._ended = False

    async def close(self) -> None:
        """Accept and answer nothing more; what waits for its time finds the end."""
        self._ended = True
        self._pending.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def new_id(self) -> str:
        """32 hexadecimal digits, unique over all runs."""
        self._ids += 1
        return f"{self._run}{self._ids:016x}"

    def serve(self, connection: Caller, call: Call) -> None:
        """Handle one request: every path ends in `connection.answer` or `connection.reset`, at once or later."""
        if call.target.startswith(ADMIN):
            connection.answer(self.admin(call))
            return
        side = next((side for prefix, side in self._prefixes if call.target.startswith(prefix)), None)
        if side is None:
            known = [prefix for prefix, _ in self._prefixes if prefix.startswith("/")]
            connection.answer(json_answer(404, {"error": f"no provider answers {call.path}", "prefixes": known}))
        elif not (self.faults and self._is_out(connection, side)):
            self._receive(connection, side, call)

    def _is_out(self, connection: Caller, side: Side) -> bool:
        """Whether an outage is on; if so the request is dealt with."""
        outage = self.faults.outage(side.counterpart.name, self.clock.monotonic())
        if outage is None:
            return False
        if outage.number:
            connection.answer(side.counterpart.unavailable())
        else:
            connection.reset()
        return True

    def _receive(self, connection: Caller, side: Side, call: Call) -> None:
        taken = side.counterpart.receive(call, self.new_id(), side.book)
        if isinstance(taken, Response):
            connection.answer(taken)
            return
        if not self.faults:
            self._decide(connection, side, taken, NOTHING_MET)
            return
        met = self.faults.meet(side.counterpart.name, taken.to, self.clock.monotonic())
        latency = met.get(Kind.LATENCY)
        if latency is None:
            self._decide(connection, side, taken, met)
        else:
            self._loop.call_later(seconds_of(latency, taken.to), self._decide, connection, side, taken, met)

    def _decide(self, connection: Caller, side: Side, taken: Taken, met: Met) -> None:
        if self._ended:
            return
        if Kind.RESET_BEFORE in met:
            connection.reset()
        elif refusal := _misbehavior(side, met) or side.refusal(taken):
            connection.answer(refusal)
        else:
            self._accept(connection, side, taken, met)

    def _accept(self, connection: Caller, side: Side, taken: Taken, met: Met) -> None:
        """The message is taken from here on, whatever the caller gets to hear."""
        side.charge(taken)
        side.book.add(taken)
        self.ledger.add(side.counterpart.name, taken, tuple(met))
        if not self._pending:
            self._loop.call_soon(self._flush)
        if Kind.EARLY_RECEIPT in met:
            self._pending.append(partial(self._report_first, connection, side, taken, met))
            return
        side.report(taken, met, self.new_id())
        self._pending.append(self._ending(connection, side, taken, met))

    def _ending(self, connection: Caller, side: Side, taken: Taken, met: Met) -> Callable[[], object]:
        """How the caller learns of the acceptance, or does not."""
        if Kind.RESET_AFTER in met:
            return connection.reset
        if Kind.BARE_5XX_AFTER in met:
            return partial(connection.answer, _bare(met[Kind.BARE_5XX_AFTER]))
        answer = partial(connection.answer, side.counterpart.accepted(taken))
        if slow := met.get(Kind.SLOW_ACCEPT):
            return partial(self._loop.call_later, seconds_of(slow, taken.to), answer)
        return answer

    def _report_first(self, connection: Caller, side: Side, taken: Taken, met: Met) -> None:
        """Post the receipts before the answer to the submission."""
        answer = self._ending(connection, side, taken, met)
        task = self._loop.create_task(self._post_all(side, taken, met))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: answer())

    async def _post_all(self, side: Side, taken: Taken, met: Met) -> None:
        for write in side.letters(taken, met, self.new_id()):
            if (request := write()) is not None:
                await self.post.try_once(request)

    def _flush(self) -> None:
        """Write the lines of everything accepted since the last flush, then answer."""
        self.ledger.flush()
        endings, self._pending = self._pending, []
        for ending in endings:
            ending()
        self.flushed()


def _misbehavior(side: Side, met: Met) -> Response | None:
    """The answer of a fault that keeps the provider from accepting."""
    if throttle := met.get(Kind.THROTTLE):
        return side.counterpart.throttled(throttle.number or None)
    if bare := met.get(Kind.BARE_5XX):
        return _bare(bare)
    if Kind.GATEWAY_PAGE in met:
        return Response(502, {"content-type": "text/html"}, GATEWAY_PAGE)
    if refuse := met.get(Kind.REFUSE):
        return side.counterpart.error(refuse.code)
    return None


def _bare(fault: Fault) -> Response:
    return Response(fault.number or 500, {"content-type": "text/plain"}, b"")
