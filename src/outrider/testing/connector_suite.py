"""What every connector must keep: records in order, none lost, none again once acknowledged.

A connector is proved on a stage: one file `tests/connectors/{name}_stage.py` with a `STAGE` class that makes a source
of the connector's kind in a temporary folder.
"""

from __future__ import annotations

import asyncio
import importlib.util
import tempfile
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from outrider.contracts.connector import Connector, Record
from outrider.lib.discover import plugins

T = TypeVar("T")

#: Read so many records, acknowledge, put one into the source, or go on with a new connector.
STEPS = st.lists(st.integers(1, 4) | st.sampled_from(("acknowledge", "put", "restart")), max_size=25)
DATA = st.dictionaries(st.text(max_size=8), st.text(max_size=20) | st.integers(-(2**53), 2**53), max_size=4)


class Stage(Protocol):
    """A source of one connector's kind, in a folder of its own."""

    def __init__(self, folder: Path) -> None: ...

    def settings(self) -> Any:
        """The settings that lead the connector to the source."""
        ...

    def put(self, raws: Sequence[bytes]) -> None:
        """Add records to the source, each of them JSON without line breaks."""
        ...


class Subject(msgspec.Struct, frozen=True):
    """One connector and the stage that proves it."""

    kind: Any
    #: None when the connector's file of stages is missing.
    stage: Any
    folder: Path

    def __str__(self) -> str:
        return str(self.kind.name)


def subjects(folder: Path, extra: Sequence[Path] = ()) -> list[Subject]:
    """Every discovered connector; `folder` holds the stages. extra: folders with further connectors."""
    found = plugins("outrider.connectors", "CONNECTOR", extra=extra)
    return [Subject(kind, _stage(folder / f"{name}_stage.py"), folder) for name, kind in found.items()]


def _stage(file: Path) -> Any:
    if not file.is_file():
        return None
    spec = importlib.util.spec_from_file_location(f"outrider_stage_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.STAGE


class Scene:
    """A source and, one after the other, connectors that read it."""

    def __init__(self, subject: Subject, folder: Path) -> None:
        assert subject.stage is not None, f"connector {subject} has no {subject.folder}/{subject}_stage.py: write it"
        self._kind = subject.kind
        self._stage: Stage = subject.stage(folder)
        self.connector: Connector = self._make()
        self._loop = asyncio.new_event_loop()

    def _make(self) -> Connector:
        made: Connector = self._kind(self._stage.settings())
        return made

    def put(self, *raws: bytes) -> None:
        """Add records to the source."""
        self._stage.put(raws)

    def read(self, most: int = 100) -> list[Record]:
        """The next records."""
        return list(self.run(self.connector.read(most)))

    def raws(self, most: int = 100) -> list[bytes]:
        """What the next records hold."""
        return [record.raw for record in self.read(most)]

    def acknowledge(self) -> None:
        """What was read is durable."""
        self.run(self.connector.acknowledge())

    def restart(self) -> None:
        """Close the connector and go on with a new one."""
        self.run(self.connector.close())
        self.connector = self._make()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a call."""
        return self._loop.run_until_complete(work)

    def end(self) -> None:
        """Close everything."""
        self.run(self.connector.close())
        self._loop.close()


@contextmanager
def staged(subject: Subject) -> Iterator[Scene]:
    """A fresh source with a connector that reads it."""
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(subject, Path(folder))
        try:
            yield scene
        finally:
            scene.end()


def numbered(first: int, count: int) -> list[bytes]:
    """JSON records that differ."""
    return [b'{"id":"%d"}' % number for number in range(first, first + count)]


class ConnectorSuite:
    """Parametrize with `subject` over `subjects(…)`."""

    #: Lines in a title would break lists and tables.
    longest_title: ClassVar[int] = 80

    def test_it_says_who_it_is(self, subject: Subject) -> None:
        kind = subject.kind
        assert 0 < len(kind.title) <= self.longest_title
        assert "\n" not in kind.title
        assert issubclass(kind.Settings, msgspec.Struct)
        assert kind.Settings.__struct_config__.frozen

    def test_records_come_once_in_order_and_never_more_than_asked_for(self, subject: Subject) -> None:
        with staged(subject) as scene:
            scene.put(*numbered(0, 5))
            assert [scene.raws(2), scene.raws(2), scene.raws(2), scene.raws(2)] == [
                numbered(0, 2),
                numbered(2, 2),
                numbered(4, 1),
                [],
            ]

    def test_what_comes_later_is_read_later(self, subject: Subject) -> None:
        with staged(subject) as scene:
            assert scene.raws() == []
            scene.put(*numbered(0, 2))
            assert scene.raws() == numbered(0, 2)
            scene.put(*numbered(2, 1))
            assert scene.raws() == numbered(2, 1)

    def test_every_record_says_where_it_was(self, subject: Subject) -> None:
        with staged(subject) as scene:
            scene.put(*numbered(0, 3))
            places = [record.place for record in scene.read()]
            assert all(places)
            assert len(set(places)) == 3

    def test_without_acknowledgment_everything_is_read_again(self, subject: Subject) -> None:
        with staged(subject) as scene:
            scene.put(*numbered(0, 3))
            before = scene.read()
            scene.restart()
            assert scene.read() == before

    def test_what_was_acknowledged_is_not_read_again(self, subject: Subject) -> None:
        with staged(subject) as scene:
            scene.put(*numbered(0, 5))
            scene.read(2)
            scene.acknowledge()
            scene.read(2)
            scene.restart()
            assert scene.raws() == numbered(2, 3)

    def test_acknowledging_nothing_loses_nothing(self, subject: Subject) -> None:
        with staged(subject) as scene:
            scene.put(*numbered(0, 2))
            scene.acknowledge()
            scene.restart()
            assert scene.raws() == numbered(0, 2)

    def test_closing_twice_does_no_harm(self, subject: Subject) -> None:
        with staged(subject) as scene:
            scene.put(*numbered(0, 1))
            scene.read()
            scene.run(scene.connector.close())
            scene.run(scene.connector.close())

    def test_any_record_travels_unharmed(self, subject: Subject) -> None:
        @settings(max_examples=25, deadline=None)
        @given(st.lists(DATA, max_size=5))
        def travels(records: list[dict[str, Any]]) -> None:
            raws = [msgspec.json.encode(record) for record in records]
            with staged(subject) as scene:
                scene.put(*raws)
                assert scene.raws() == raws

        travels()

    def test_whatever_the_order_of_calls_nothing_is_lost_and_nothing_acknowledged_comes_again(
        self, subject: Subject
    ) -> None:
        @settings(max_examples=40, deadline=None)
        @given(STEPS)
        def keeps(steps: list[int | str]) -> None:
            with staged(subject) as scene:
                follow(scene, steps)

        keeps()


def follow(scene: Scene, steps: Sequence[int | str]) -> None:
    """Take the steps and compare each reading with what is due."""
    there = read = kept = 0
    for step in steps:
        if step == "put":
            scene.put(*numbered(there, 1))
            there += 1
        elif step == "acknowledge":
            scene.acknowledge()
            kept = read
        elif step == "restart":
            scene.restart()
            read = kept
        else:
            expected = numbered(read, min(int(step), there - read))
            assert scene.raws(int(step)) == expected
            read += len(expected)
