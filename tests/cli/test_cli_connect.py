"""`outrider connect` against a real store, and the list of connectors."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click import ClickException
from click.testing import CliRunner, Result

from outrider.cli import main
from outrider.cli._page import END, renew
from outrider.cli.connectors import BEGIN, connectors_matrix

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "connectors.md"

COMPANY = {
    "outrider.toml": 'environment = "test"\nhome_market = "FR"\n',
    "sources/bookings.yaml": "source: /bookings\nevents:\n  booking.confirmed: {subject: data.customer}\n",
}


@pytest.fixture
def installation(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an applied configuration; the commands find it by the environment."""
    monkeypatch.setenv("OUTRIDER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OUTRIDER_DATABASE_URL", database_url)
    monkeypatch.setenv("OUTRIDER_UNSAFE_DURABILITY", "1")
    for name, text in COMPANY.items():
        (tmp_path / "company" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "company" / name).write_text(text)
    assert run("apply", str(tmp_path / "company")).exit_code == 0
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def event(number: int, **data: Any) -> str:
    envelope = {"specversion": "1.0", "id": f"e{number}", "source": "/bookings", "type": "booking.confirmed"}
    return json.dumps({**envelope, "data": {"customer": f"c{number}", **data}}) + "\n"


def test_a_file_is_fed_once_and_goes_on_where_it_stopped(installation: Path) -> None:
    path = installation / "events.ndjson"
    path.write_text(event(1) + event(2) + event(1) + "{\n" + '{"specversion": "1.0"}\n')
    arguments = ("connect", "ndjson", "--setting", f"path={path}", "--json")
    assert json.loads(run(*arguments).output) == {"accepted": 2, "duplicates": 1, "rejected": 2}
    assert json.loads(run(*arguments).output) == {"accepted": 0, "duplicates": 0, "rejected": 0}
    with path.open("a") as file:
        file.write(event(3))
    assert run(*arguments[:-1]).output == "1 accepted, 0 duplicates, 0 rejected\n"
    letters = json.loads(run("deadletters", "list", "--json").output)
    assert [letter["kind"] for letter in letters] == ["event", "event"]
    assert {letter["reason"].partition(": ")[0] for letter in letters} == {
        "events.ndjson, line 4",
        "events.ndjson, line 5",
    }


def test_a_rejected_record_can_be_replayed_once_the_mapping_reads_it(installation: Path) -> None:
    path = installation / "events.ndjson"
    path.write_text(event(1, customer=None, client="c1"))
    run("connect", "ndjson", "--setting", f"path={path}")
    [letter] = json.loads(run("deadletters", "list", "--json").output)
    refused = run("deadletters", "replay", letter["id"])
    assert refused.exit_code == 1
    assert "$.data.customer: the event names no profile" in refused.output
    source = installation / "company" / "sources" / "bookings.yaml"
    source.write_text(source.read_text().replace("data.customer", "data.client"))
    run("apply", str(installation / "company"))
    assert json.loads(run("deadletters", "replay", letter["id"], "--json").output)["status"] == "accepted"
    assert json.loads(run("deadletters", "list", "--json").output) == []


def test_following_goes_on_until_interrupted(installation: Path) -> None:
    path = installation / "events.ndjson"
    path.write_text(event(1))
    command = [sys.executable, "-m", "outrider", "connect", "ndjson", "--setting", f"path={path}", "--follow", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        offset = installation / "events.ndjson.offset"
        wait_for_file(offset, process)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert (process.returncode, json.loads(output)) == (0, {"accepted": 1, "duplicates": 0, "rejected": 0})


def wait_for_file(path: Path, process: subprocess.Popen[str]) -> None:
    """Until the file is there; the process that makes it must not end before."""
    while not path.exists():
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.05)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("ndjsn",), 2, "there is no connector 'ndjsn'; did you mean 'ndjson'?"),
        (("kafka",), 2, "there is no connector 'kafka'; known: ndjson"),
        (("ndjson",), 1, "connector ndjson: --setting: missing `path`"),
        (("ndjson", "--setting", "file=x"), 1, "--setting file: expected NAME=VALUE with one of path, offset_path"),
    ],
)
def test_what_cannot_be_connected_is_said(arguments: tuple[str, ...], code: int, words: str) -> None:
    result = run("connect", *arguments)
    assert result.exit_code == code
    assert words in result.output


@pytest.mark.usefixtures("installation")
def test_a_source_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    result = run("connect", "ndjson", "--setting", f"path={tmp_path / 'none.ndjson'}")
    assert (result.exit_code, "none.ndjson: No such file" in result.output) == (1, True)


def test_connectors_are_listed_for_people_and_programs() -> None:
    assert run("connectors").output == (
        "ndjson: A file with one CloudEvent per line\n    settings `path` (needed), `offset_path`\n"
    )
    [ndjson] = json.loads(run("connectors", "--json").output)
    assert ndjson["settings"] == [
        {"name": "path", "needed": True, "secret": False},
        {"name": "offset_path", "needed": False, "secret": False},
    ]


def test_the_committed_page_of_connectors_is_up_to_date(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert renew(page, BEGIN, connectors_matrix()) == page, f"python -m outrider.cli.connectors --write {PAGE}"
    assert run("connectors", "--markdown").output == connectors_matrix()
    copy = tmp_path / "page.md"
    shutil.copy(PAGE, copy)
    copy.write_text(page.replace("| ndjson |", "| old |"))
    assert run("connectors", "--write", str(copy)).exit_code == 0
    assert copy.read_text(encoding="utf-8") == page


@pytest.mark.parametrize("page", ["", BEGIN, END, f"{END} {BEGIN}"])
def test_a_page_without_both_markers_is_refused(page: str) -> None:
    with pytest.raises(ClickException, match="expected the lines <!-- begin"):
        renew(page, BEGIN, "table")
