"""`POST /v1/import`, plain ASGI: rows stream in, at most 1,000 in one transaction, and a summary comes back."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import msgspec

from outrider.api.appender import MOST
from outrider.api.asgi import Gone, Receive, Route, Scope, Send, answering, check_method, header, send_json
from outrider.api.consents import stops_of_consent
from outrider.api.deps import ApiDeps
from outrider.api.import_rows import FORMS, RowReader
from outrider.api.problems import MEDIA, UNREADABLE, Problem, Wrong
from outrider.contracts.surroundings import suggest
from outrider.domain.entry import Entry, Stop
from outrider.ingest.rows import BadRow, Header, RawRow, Splitter, cells_of, check_kind_of_file, delimiter_of, text_of

PATH = "/v1/import"
NDJSON, CSV = "application/x-ndjson", "text/csv"
#: Rejected rows whose faults an answer lists; the others are counted.
LISTED = 1000
RUN = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Reject(msgspec.Struct, frozen=True):
    """A row that was not taken."""

    line: int
    path: str
    reason: str


class ImportAnswer(msgspec.Struct):
    """What became of the rows."""

    rows: int = 0
    accepted: int = 0
    #: Taken before under the same import.
    duplicates: int = 0
    rejected: int = 0
    #: What is wrong with the first 1,000 of them.
    rejects: list[Reject] = []


class Wanted(msgspec.Struct, frozen=True):
    """The parameters of a request."""

    kind: str
    run: str = ""
    first_line: int = 1


def import_route(deps: ApiDeps) -> Route:
    """The route as an ASGI application."""

    async def take(scope: Scope, receive: Receive, send: Send) -> None:
        check_method(scope, "POST")
        await deps.keys.needs(header(scope, b"authorization"), "profiles:write")
        media = (header(scope, b"content-type") or b"").decode("latin-1").partition(";")[0].strip().lower()
        if media not in (NDJSON, CSV):
            raise Problem(MEDIA, f"expected {NDJSON} or {CSV}; got {media[:80] or 'no content type'}")
        taking = _Import(deps, _wanted(scope), is_csv=media == CSV)
        async for chunk in _chunks(receive):
            await taking.feed(chunk)
        await send_json(send, 200, msgspec.json.encode(await taking.finish()))

    return answering(take)


def _wanted(scope: Scope) -> Wanted:
    query = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
    kind, run, line = query.get("kind", ""), query.get("import", ""), query.get("first_line", "1")
    if kind not in FORMS:
        hint = suggest(kind, FORMS) or f"expected one of {', '.join(FORMS)}"
        raise Problem(UNREADABLE, errors=[Wrong("kind", hint)])
    if run and not RUN.fullmatch(run):
        raise Problem(UNREADABLE, errors=[Wrong("import", "expected up to 64 letters, digits, - or _")])
    if not re.fullmatch(r"[1-9][0-9]{0,11}", line):
        raise Problem(UNREADABLE, errors=[Wrong("first_line", "expected a line number from 1")])
    return Wanted(kind, run, int(line))


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        yield message.get("body", b"")
        more = message.get("more_body", False)


class _Import:
    """One request: rows in, transactions out."""

    def __init__(self, deps: ApiDeps, wanted: Wanted, *, is_csv: bool) -> None:
        self.deps = deps
        self.wanted = wanted
        self.reader = None if is_csv else RowReader(deps, wanted.kind, wanted.run)
        self.splitter = Splitter(quoted=is_csv, line=1 if is_csv else wanted.first_line)
        self.answer = ImportAnswer()
        self.waiting: list[Entry] = []
        self.stops: list[Stop] = []
        #: For each waiting row, how many entries it made.
        self.sizes: list[int] = []

    async def feed(self, chunk: bytes) -> None:
        """Take what is complete."""
        try:
            for row in self.splitter.feed(chunk):
                await self._row(row)
        except BadRow as error:
            raise Problem(UNREADABLE, errors=[Wrong("$", error.reason)]) from None

    async def finish(self) -> ImportAnswer:
        """Take the rest; what became of it all. Raises NotStored."""
        for row in self.splitter.finish():
            await self._row(row)
        await self._flush()
        return self.answer

    async def _row(self, row: RawRow) -> None:
        if self.reader is None:
            self.reader = self._csv_reader(row)
            return
        if self.reader.header is not None:
            # The header is sent with each part of a file; the rows keep the lines they have in it.
            row = msgspec.structs.replace(row, line=row.line + max(0, self.wanted.first_line - 2))
        self.answer.rows += 1
        try:
            made = self.reader.read(row)
        except Problem as problem:
            self._reject(row, problem)
            return
        if len(self.waiting) + len(made.entries) > MOST:
            await self._flush()
        self.waiting += made.entries
        self.sizes.append(len(made.entries))
        for consent in made.withdrawn:
            self.stops += await stops_of_consent(self.deps, consent)

    def _csv_reader(self, row: RawRow) -> RowReader:
        try:
            check_kind_of_file(row.raw)
            text = text_of(row.raw)
            delimiter = delimiter_of(text)
            columns = Header(self.wanted.kind, cells_of(text, delimiter))
            self.splitter.delimiters = delimiter
        except BadRow as error:
            raise Problem(UNREADABLE, "the header of the file", [Wrong(error.path, error.reason)]) from None
        return RowReader(self.deps, self.wanted.kind, self.wanted.run, columns, delimiter)

    def _reject(self, row: RawRow, problem: Problem) -> None:
        self.answer.rejected += 1
        wrong = problem.document.errors or (Wrong("$", problem.document.detail),)
        if self.answer.rejected <= LISTED:
            self.answer.rejects += [Reject(row.line, each.path, each.reason) for each in wrong]

    async def _flush(self) -> None:
        if not self.sizes:
            return
        positions: Any = await self.deps.appender.append(self.waiting, self.stops)
        place = 0
        for size in self.sizes:
            repeat = all(position is None for position in positions[place : place + size])
            self.answer.duplicates += repeat
            self.answer.accepted += not repeat
            place += size
        self.waiting, self.stops, self.sizes = [], [], []
