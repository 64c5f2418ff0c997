"""The file of events: where it stops, what it refuses, and how it goes on."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from outrider.connectors import ndjson
from outrider.connectors.ndjson import Ndjson, NdjsonSettings
from outrider.contracts.connector import CannotRead


def connector(path: Path, offset: Path | None = None) -> Ndjson:
    return Ndjson(NdjsonSettings(str(path), str(offset) if offset else None))


def read(reader: Ndjson, most: int = 100) -> list[tuple[bytes, str]]:
    return [(record.raw, record.place) for record in asyncio.run(reader.read(most))]


def acknowledged(path: Path, content: bytes) -> None:
    """A file that was read to its end once."""
    path.write_bytes(content)
    reader = connector(path)
    read(reader)
    asyncio.run(reader.acknowledge())
    asyncio.run(reader.close())


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param(b"", [], id="an empty file"),
        pytest.param(b'{"a":1}\n', [(b'{"a":1}', 1)], id="one line"),
        pytest.param(b'{"a":1}\r\n{"a":2}\r\n', [(b'{"a":1}', 1), (b'{"a":2}', 2)], id="lines of another system"),
        pytest.param(b'{"a":1}\n\n  \n{"a":2}\n', [(b'{"a":1}', 1), (b'{"a":2}', 4)], id="blank lines"),
        pytest.param(b'{"a":1}\n{"a":2}', [(b'{"a":1}', 1), (b'{"a":2}', 2)], id="a whole last line"),
        pytest.param(b'{"a":1}\n{"a":2', [(b'{"a":1}', 1)], id="a last line that is being written"),
        pytest.param(b'{"a":1}\n12', [(b'{"a":1}', 1)], id="a last line that may grow"),
        pytest.param(b"no json\n", [(b"no json", 1)], id="what is wrong is passed on as it is"),
        pytest.param(b"\xff\xfe\n", [(b"\xff\xfe", 1)], id="bytes that are no text too"),
    ],
)
def test_a_line_is_a_record(tmp_path: Path, content: bytes, found: list[tuple[bytes, int]]) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(content)
    reader = connector(path)
    assert read(reader) == [(raw, f"events.ndjson, line {line}") for raw, line in found]
    asyncio.run(reader.close())


def test_a_line_that_was_being_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(b'{"a":')
    reader = connector(path)
    assert read(reader) == []
    with path.open("ab") as file:
        file.write(b"1}\n")
    assert read(reader) == [(b'{"a":1}', "events.ndjson, line 1")]
    asyncio.run(reader.close())


def test_the_place_is_kept_beside_the_file_or_where_it_is_told(tmp_path: Path) -> None:
    path, offset = tmp_path / "events.ndjson", tmp_path / "state" / "place.json"
    offset.parent.mkdir()
    path.write_bytes(b'{"a":1}\n{"a":2}\n')
    reader = connector(path, offset)
    read(reader, 1)
    asyncio.run(reader.acknowledge())
    asyncio.run(reader.close())
    assert (json.loads(offset.read_text())["bytes"], json.loads(offset.read_text())["lines"]) == (8, 1)
    assert [file.name for file in offset.parent.iterdir()] == ["place.json"]
    again = connector(path, offset)
    assert read(again) == [(b'{"a":2}', "events.ndjson, line 2")]
    asyncio.run(again.close())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b'{"b":9}\n{"b":2}\n', "not the file that .*offset tells of; delete that one", id="replaced"),
        pytest.param(b'{"a"', "not the file that .*offset tells of", id="cut"),
    ],
)
def test_a_file_that_is_another_one_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "events.ndjson"
    acknowledged(path, b'{"a":1}\n')
    path.write_bytes(content)
    reader = connector(path)
    with pytest.raises(CannotRead, match=words):
        read(reader)
    asyncio.run(reader.close())


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(b'{"a":1}\n')
    reader = connector(path)
    read(reader)
    path.write_bytes(b"")
    with pytest.raises(CannotRead, match="shorter than the 8 bytes that were read"):
        read(reader)
    asyncio.run(reader.close())


def test_a_broken_offset_is_named_with_what_helps(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(b'{"a":1}\n')
    (tmp_path / "events.ndjson.offset").write_text("{")
    reader = connector(path)
    with pytest.raises(CannotRead, match=r"events\.ndjson\.offset: expected an offset as JSON .*delete it"):
        read(reader)
    asyncio.run(reader.close())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotRead, match=r"none\.ndjson: No such file"):
        read(connector(tmp_path / "none.ndjson"))


def test_a_place_that_cannot_be_kept_is_no_acknowledgment(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(b'{"a":1}\n')
    reader = connector(path, tmp_path / "missing" / "place")
    read(reader)
    with pytest.raises(CannotRead, match="the place cannot be kept: No such file"):
        asyncio.run(reader.acknowledge())
    asyncio.run(reader.close())


def test_an_endless_line_stops_the_reading_with_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "LONGEST_LINE", 10)
    path = tmp_path / "events.ndjson"
    path.write_bytes(b'{"a":1}\n' + b"x" * 30 + b"\n")
    reader = connector(path)
    assert read(reader) == [(b'{"a":1}', "events.ndjson, line 1")]
    with pytest.raises(CannotRead, match=r"line 2: longer than 10 bytes; expected one event in each line"):
        read(reader)
    asyncio.run(reader.close())
