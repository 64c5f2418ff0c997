"""From a connector into the event log: the mapping, the append and the dead letters of the API, without its network."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from outrider.api.appender import MOST, Appender
from outrider.api.coalesce import NotStored
from outrider.api.intake import Intake, Taken
from outrider.api.problems import Problem
from outrider.contracts.connector import Connector, Record
from outrider.contracts.provider import Secret
from outrider.contracts.store import Log
from outrider.domain.work import DeadLetter
from outrider.ingest.cloudevents import STRUCTURED
from outrider.ingest.mapping import Mapper
from outrider.lib.clock import Clock
from outrider.lib.ids import Hasher, new_id
from outrider.secrets import resolve
from outrider.settings import BadSetting

#: What intake reads of a request's headers.
HEADERS = ((b"content-type", STRUCTURED.encode()),)


class Fed(msgspec.Struct):
    """What became of a connector's records."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0

    def __add__(self, other: Fed) -> Fed:
        return Fed(self.accepted + other.accepted, self.duplicates + other.duplicates, self.rejected + other.rejected)


class Feeder:
    """Makes records durable: events in the log, rejected ones among the dead letters."""

    def __init__(self, log: Log, hasher: Hasher, clock: Clock, mapper: Callable[[], Mapper], ring: Callable[[], None]):
        """`mapper` gives the current source mappings; `ring` is called after each commit."""
        self._log = log
        self._appender = Appender(log, ring)
        self._intake = Intake(hasher)
        self._clock = clock
        self._mapper = mapper

    async def feed(self, connector: Connector, most: int = MOST) -> Fed:
        """One round: read, store, acknowledge. Nothing but zeros when there was nothing to read.

        Raises CannotRead, and NotStored when the store did not confirm: nothing is acknowledged then.
        """
        records = await connector.read(most)
        if not records:
            return Fed()
        fed = await self._store(records)
        await connector.acknowledge()
        return fed

    async def _store(self, records: Sequence[Record]) -> Fed:
        taken = [self._take(record) for record in records]
        entries = [entry for each in taken for entry in each.entries]
        letters = [letter for each in taken for letter in each.letters]
        positions = await self._appender.append(entries) if entries else []
        if letters:
            await self._bury(letters)
        duplicates = sum(position is None for position in positions)
        return Fed(len(entries) - duplicates, duplicates, len(letters))

    async def _bury(self, letters: Sequence[DeadLetter]) -> None:
        try:
            await self._log.bury(letters)
        except Exception as error:
            raise NotStored(f"the dead letters did not confirm ({type(error).__name__})") from error

    def _take(self, record: Record) -> Taken:
        """The record's entry, or the letter that keeps it with its place in the source."""
        now = self._clock.now()
        try:
            taken = self._intake.take(HEADERS, record.raw, self._mapper(), now)
        except Problem as problem:
            unreadable = DeadLetter(new_id(now, 0), now, "event", str(problem), record.raw, "$")
            taken = Taken(batch=False, results=[], letters=[unreadable])
        taken.letters = [
            msgspec.structs.replace(letter, reason=f"{record.place}: {letter.reason}") for letter in taken.letters
        ]
        return taken


def settings_of(kind: type[Any], given: Sequence[str]) -> Any:
    """A connector's settings from ``name=value`` texts. Raises BadSetting, naming the setting and what was expected."""
    known = kind.__struct_fields__
    values: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name not in known:
            raise BadSetting(f"--setting {text.partition('=')[0]}: expected NAME=VALUE with one of {', '.join(known)}")
        values[name] = value
    values.update(
        {name: {"value": resolve(values[name], None, plain_allowed=False)} for name in _secrets(kind, values)}
    )
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadSetting(f"--setting: {error}".replace("Object missing required field", "missing")) from error


def _secrets(kind: type[Any], values: Mapping[str, Any]) -> list[str]:
    hints = typing.get_type_hints(kind)
    return [name for name in values if hints[name] is Secret]
