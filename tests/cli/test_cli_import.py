"""`outrider import` against the real API: files go in once, also when the command is killed in the middle."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from served_api import Running, invoke, running

from outrider.cli import main
from outrider.cli._importing import FileImport
from outrider.domain.entry import ObjectEntry, ProfileEntry


@pytest.fixture
def api() -> Iterator[Running]:
    with running() as made:
        yield made


def imported(api: Running, *arguments: str) -> dict[str, Any]:
    done = invoke(api, "import", *arguments, "--json")
    assert done.exit_code == 0, done.output
    counts: dict[str, Any] = json.loads(done.stdout)
    return counts


def customers(path: Path, count: int) -> Path:
    rows = "".join(
        f"c-{number};FR;Zoé {number};06 12 34 {number // 100:02d} {number % 100:02d}\n" for number in range(count)
    )
    path.write_text("Nummer;market;Name;Telefon\n" + rows, encoding="utf-8-sig")
    return path


MAP = ("--map", "Nummer=key", "--map", "Name=traits.name", "--map", "Telefon=addresses.sms")


def test_a_spreadsheet_of_customers_goes_in(api: Running, tmp_path: Path) -> None:
    file = customers(tmp_path / "customers.csv", 30)
    assert imported(api, str(file), *MAP) == {
        "rows": 30, "accepted": 30, "duplicates": 0, "rejected": 0, "rejects": None
    }  # fmt: skip
    first = api.bodies()[0]
    assert isinstance(first, ProfileEntry)
    assert (first.change.key, first.change.traits) == ("c-0", {"name": "Zoé 0"})
    assert first.change.addresses is not None
    assert first.change.addresses[0].value == "+33612340000"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["customers.csv"]


def test_what_cannot_be_taken_stands_beside_the_file_with_its_reason(api: Running, tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_bytes(b"key,addresses.sms\nc-1,+33612345678\n\nc-2,12\nc-3\n\xff,\nc-4,+33612345679\n")
    counts = imported(api, str(file))
    assert (counts["rows"], counts["accepted"], counts["rejected"]) == (5, 2, 3)
    kept = list(csv.reader((tmp_path / "c.csv.rejects.csv").read_text(encoding="utf-8").splitlines()))
    assert kept[0] == ["key", "addresses.sms", "line", "path", "reason"]
    assert [(row[2], row[3]) for row in kept[1:]] == [("4", "$.addresses[0].value"), ("5", "$"), ("6", "$")]
    assert "phone" in kept[1][4]


def test_json_rows_are_mapped_and_refused_by_name(api: Running, tmp_path: Path) -> None:
    file = tmp_path / "c.ndjson"
    file.write_text('{"id": "c-1", "phone": "+33612345678", "junk": 1}\n[]\n{"id": 7}\n', encoding="utf-8")
    counts = imported(api, str(file), "--map", "id=key", "--map", "phone=addresses.sms", "--map", "junk=-")
    assert (counts["accepted"], counts["rejected"]) == (1, 2)
    rejects = [json.loads(line) for line in (tmp_path / "c.ndjson.rejects.ndjson").read_text().splitlines()]
    assert [(each["line"], each["path"], each["row"]) for each in rejects] == [
        (2, "$", "[]"),
        (3, "$.key", '{"id": 7}'),
    ]


def test_objects_go_in_with_the_types_they_are_declared_with(api: Running, tmp_path: Path) -> None:
    file = tmp_path / "v.csv"
    file.write_text('kind,key,traits.seats\nvehicle,"v\n1",4\nvehicle,v-2,many\n', encoding="utf-8")
    counts = imported(api, str(file), "--kind", "objects")
    assert (counts["accepted"], counts["rejected"]) == (1, 1)
    [made] = api.bodies()
    assert isinstance(made, ObjectEntry)
    assert (made.change.key, made.change.traits) == ("v\n1", {"seats": 4})
    assert "4,$.traits.seats" in (tmp_path / "v.csv.rejects.csv").read_text()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_import_that_is_killed_goes_on_and_takes_no_row_twice(api: Running, tmp_path: Path, moment: str) -> None:
    file = customers(tmp_path / "customers.csv", 10_000)
    with file.open("a", encoding="utf-8") as out:
        out.write("c-x;FX;;\n")
    command = [sys.executable, "-m", "outrider", "import", str(file), *MAP, "--json"]
    child = subprocess.Popen(command, env={**os.environ, **api.environment})
    appends = []

    def kill(method: str, when: str) -> None:
        """Right around the commit of the fourth part."""
        if (method, when) == ("append", moment):
            appends.append(method)
            if len(appends) == 4:
                child.send_signal(signal.SIGKILL)
                child.wait(30)

    api.store.hook = kill
    assert child.wait(60) == -signal.SIGKILL
    api.store.hook = lambda method, when: None
    place = msgspec.json.decode((tmp_path / "customers.csv.import.json").read_bytes())
    assert place["rows"] == 3000
    counts = imported(api, str(file), *MAP)
    assert counts["rows"] == 10_001
    assert counts["rejected"] == 1
    assert counts["accepted"] + counts["duplicates"] == 10_000
    assert counts["duplicates"] == 1000
    keys = [body.change.key for body in api.bodies()]
    assert len(keys) == len(set(keys)) == 10_000
    assert len((tmp_path / "customers.csv.rejects.csv").read_text().splitlines()) == 2


def test_a_part_that_is_not_confirmed_says_where_it_goes_on(
    api: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outrider.cli._calling.PAUSE", 0.0)
    file = customers(tmp_path / "customers.csv", 1500)
    calls = []

    def fail(method: str, when: str) -> None:
        if (method, when) == ("append", "before"):
            calls.append(method)
            if len(calls) > 1:
                raise ConnectionRefusedError("nobody answers")

    api.store.hook = fail
    done = invoke(api, "import", str(file), *MAP)
    assert done.exit_code == 1
    assert "run it again to go on at line 1002" in done.output
    assert len(calls) == 6
    api.store.hook = lambda method, when: None
    assert imported(api, str(file), *MAP)["accepted"] == 1500


def test_another_file_under_the_same_name_is_noticed(api: Running, tmp_path: Path) -> None:
    file = customers(tmp_path / "c.csv", 10)
    (tmp_path / "c.csv.import.json").write_bytes(
        msgspec.json.encode({"run": "r", "kind": "profiles", "columns": {}, "bytes": 20, "digest": "00"})
    )
    done = invoke(api, "import", str(file), *MAP)
    assert done.exit_code == 1
    assert "delete it to begin anew" in done.output
    for content in (b"{", b"\xff", b"[]"):
        (tmp_path / "c.csv.import.json").write_bytes(content)
        assert "cannot be read" in invoke(api, "import", str(file), *MAP).output


def test_rejects_that_went_while_an_import_was_interrupted_are_noticed(api: Running, tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_text("key\n")
    (tmp_path / "c.csv.import.json").write_bytes(msgspec.json.encode({**place_of(file), "rejects": 70}))
    done = invoke(api, "import", str(file))
    assert done.exit_code == 1
    assert "shorter than it was" in done.output


def place_of(file: Path) -> dict[str, Any]:
    """The place at the end of a file's first line."""
    with file.open("rb") as content:
        work = FileImport(file, content, "profiles", {})
        digest = work._digest(work.progress.bytes)
    return {"run": "r", "kind": "profiles", "bytes": work.progress.bytes, "line": 2, "digest": digest}


@pytest.mark.parametrize("blocked", ["c.csv.rejects.csv", "c.csv.import.json"])
def test_a_place_that_cannot_be_written_beside_the_file_is_told(api: Running, tmp_path: Path, blocked: str) -> None:
    (tmp_path / "c.csv").write_text("key\nc-1\n")
    (tmp_path / blocked).mkdir()
    done = invoke(api, "import", str(tmp_path / "c.csv"))
    assert (done.exit_code, blocked in done.output, "cannot be" in done.output) == (1, True, True), done.output


def test_what_cannot_be_read_twice_is_told(api: Running, tmp_path: Path) -> None:
    read, write = os.pipe()
    os.write(write, b"key\nc-1\n")
    os.close(write)
    done = invoke(api, "import", f"/dev/fd/{read}")
    os.close(read)
    assert (done.exit_code, "save it as one first" in done.output) == (1, True), done.output


@pytest.mark.parametrize(
    ("content", "arguments", "status", "words"),
    [
        ("key\nc\n", ("--map", "kay=key"), 1, "did you mean 'key'"),
        ("key\nc\n", ("--map", "key"), 2, "expected COLUMN=FIELD"),
        ("key,colour\nc,d\n", (), 1, "the column 'colour' means nothing here"),
        ("key\nc\n", ("--kind", "people"), 2, "'people' is not one of"),
        ("key,key\nc,d\n", (), 1, "the column 'key' stands there twice"),
        ("key,id\nc,d\n", ("--map", "id=key"), 1, "the column 'key' stands there twice"),
        ("key\nc\n", ("--map", "key=-"), 1, "every column is left out"),
        ("key\nc\n", ("--map", "key=kay"), 1, "--map key=kay: the column 'kay' means nothing here; did you mean 'key'"),
        ('{"key": "c"}\n', ("--map", "id=trait"), 1, "--map id=trait: "),
        ("key\rc\rd\r", (), 1, "lines end with LF or CRLF"),
        ('[{"key": "c"}]\n', (), 1, "it is a JSON array; write one object on each line"),
        ('key\n"' + "x" * 300_000, (), 1, "line 2: longer than"),
    ],
)
def test_what_cannot_begin_says_why(
    api: Running, tmp_path: Path, content: str, arguments: tuple[str, ...], status: int, words: str
) -> None:
    file = tmp_path / "c.csv"
    file.write_text(content, encoding="utf-8")
    done = invoke(api, "import", str(file), *arguments)
    assert (done.exit_code, words in done.output) == (status, True), done.output
    assert api.bodies() == []


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf", b"key\n", b"\xef\xbb\xbfkey;zone"])
def test_an_empty_file_is_no_mistake(api: Running, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.csv").write_bytes(content)
    assert imported(api, str(tmp_path / "c.csv"))["rows"] == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("key\nzoé\n".encode("utf-16"), "it is UTF-16; save the file as UTF-8"),
        ("näme\nzoé\n".encode("latin-1"), "not UTF-8: byte 2 of the row"),
        (b"PK\x03\x04\x14\x00", "it is a workbook or an archive; export it as CSV"),
        (b"\x1f\x8b\x08\x00", "it is compressed; decompress it first"),
        (b"\x00\x01\x02\n", "means nothing here"),
    ],
)
def test_a_file_that_holds_no_rows_is_told_what_it_is(api: Running, tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "c.csv").write_bytes(content)
    done = invoke(api, "import", str(tmp_path / "c.csv"))
    assert (done.exit_code, words in done.output) == (1, True), done.output
    assert api.bodies() == []


def test_a_json_row_that_is_too_long_is_refused_and_the_others_go_in(api: Running, tmp_path: Path) -> None:
    file = tmp_path / "c.ndjson"
    long = '{"key": "c-2", "traits": {"a": "' + "x" * 300_000 + '"}}'
    file.write_text(f'{{"key": "c-1"}}\n{long}\n{{"key": "c-3"}}\n{" " * 300_000}{{}}\n{{"key": "c-4"}}')
    counts = imported(api, str(file))
    assert (counts["rows"], counts["accepted"], counts["rejected"]) == (5, 3, 2)
    rejects = [json.loads(line) for line in Path(counts["rejects"]).read_text().splitlines()]
    assert [(each["line"], each["reason"]) for each in rejects] == [(n, "longer than 262144 bytes") for n in (2, 4)]
    assert [body.change.key for body in api.bodies()] == ["c-1", "c-3", "c-4"]


@pytest.mark.parametrize("wide", [1000, 200_000])
def test_large_rows_go_in_parts_that_do_not_fill_the_memory(
    api: Running, tmp_path: Path, wide: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outrider.cli._importing.LARGE", 300_000)
    file = tmp_path / "c.ndjson"
    file.write_text("".join(f'{{"key": "c-{n}", "traits": {{"a": "{"x" * wide}"}}}}\n' for n in range(20)))
    sizes = []
    api.store.hook = lambda method, when: (
        sizes.append(len(api.bodies())) if (method, when) == ("append", "after") else None
    )
    assert imported(api, str(file))["accepted"] == 20
    assert len(sizes) == 1 if wide == 1000 else 10 <= len(sizes) <= 20


def test_a_table_is_not_read_as_a_whole_to_know_its_header(tmp_path: Path) -> None:
    file = customers(tmp_path / "c.csv", 20_000)
    columns = {"Nummer": "key", "Name": "traits.name", "Telefon": "addresses.sms"}
    with file.open("rb") as content:
        FileImport(file, content, "profiles", columns)
        assert content.tell() < file.stat().st_size / 2


def test_names_cannot_be_put_into_what_is_no_object(api: Running, tmp_path: Path) -> None:
    file = tmp_path / "c.ndjson"
    rows = ['{"key": "c", "n": 1, "traits": 7}', '{"key": "c", "n": "1", "addresses": {}}', '{"n": ' + "[" * 5000]
    for row, target in zip(rows, ("traits.n", "addresses.sms", "traits.n"), strict=True):
        file.write_text(row + "\n")
        counts = imported(api, str(file), "--map", f"n={target}")
        assert (counts["accepted"], counts["rejected"]) == (0, 1)


def test_a_field_of_json_may_hold_all_traits(api: Running, tmp_path: Path) -> None:
    file = tmp_path / "c.ndjson"
    file.write_text('{"key": "c", "props": {"a": 1}}\n')
    assert imported(api, str(file), "--map", "props=traits")["accepted"] == 1
    assert api.bodies()[0].change.traits == {"a": 1}


def test_relations_are_ended_by_an_import(api: Running, tmp_path: Path) -> None:
    csv_file, json_file = tmp_path / "r.csv", tmp_path / "r.ndjson"
    head = "from.kind,from.key,to.kind,to.key,role,valid_to,end\n"
    csv_file.write_text(head + "profile,c,vehicle,v,driver,,true\nprofile,c,vehicle,v,driver,2030-01-01T00:00:00Z,\n")
    ends = {"from": {"kind": "profile", "key": "c"}, "to": {"kind": "vehicle", "key": "v"}, "role": "driver"}
    times = {"valid_to": "2030-01-01T00:00:00Z"}
    json_file.write_text("\n".join(json.dumps(row) for row in ({**ends, "end": True}, {**ends, **times, "end": True})))
    assert imported(api, str(csv_file), "--kind", "relations")["accepted"] == 2
    counts = imported(api, str(json_file), "--kind", "relations")
    assert (counts["accepted"], counts["rejected"]) == (1, 1)
    assert [body.delete for body in api.bodies()] == [True, False, True]
    assert "leave them out beside end" in Path(counts["rejects"]).read_text()


def test_without_a_key_the_command_says_what_to_set(tmp_path: Path) -> None:
    file = customers(tmp_path / "c.csv", 1)
    done = CliRunner().invoke(main, ["import", str(file), *MAP], env={"OUTRIDER_API_KEY": ""})
    assert done.exit_code == 1
    assert "set OUTRIDER_API_KEY" in done.output
