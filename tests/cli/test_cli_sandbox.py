"""The sandbox from the command line: ready line, faults from a file, a ledger that outlives a kill."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from outrider.cli.sandbox import COMMAND
from outrider.sandbox import running
from outrider.sandbox.ledger import read_ledger
from outrider.sandbox.sms.smsmode import Smsmode

START = "from outrider.cli.sandbox import COMMAND; COMMAND()"


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its first line."""
    command = [sys.executable, "-c", START, "--port", "0", "--no-receipts", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline()
        finally:
            process.kill()


def submit(port: int, number: int) -> int:
    return answer(port, number)[0]


def charged(port: int) -> dict[str, Any]:
    """What a text to France costs."""
    return dict(answer(port, 1)[1]["price"])


def answer(port: int, number: int) -> tuple[int, dict[str, Any]]:
    body = {"recipient": {"to": "33612345678"}, "body": {"text": "Hi"}, "from": "Drive", "refClient": f"msg_{number}.1"}
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/sms/v1/messages", json.dumps(body), {"x-api-key": Smsmode.accounts[0].secret})
    response = connection.getresponse()
    found = response.status, json.loads(response.read())
    connection.close()
    return found


def test_it_says_where_it_is_and_ends_in_order_on_interrupt(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.ndjson"
    with started("--ledger", str(ledger)) as (process, line):
        assert line.startswith("sandbox ready at http://127.0.0.1:")
        assert line.endswith(f"ledger {ledger}\n")
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_what_it_answered_is_in_the_ledger_after_a_kill(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.ndjson"
    with started("--ledger", str(ledger), "--json") as (process, line):
        port = int(json.loads(line)["urls"]["all"].rpartition(":")[2])
        statuses = [submit(port, number) for number in range(20)]
        process.kill()
        process.wait(10)
    assert statuses == [201] * 20
    assert [line.echo for line in read_ledger(ledger)] == [f"msg_{number}.1" for number in range(20)]


def test_faults_come_from_a_file(tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('[{"kind": "throttle", "count": 1}]')
    with started("--ledger", str(tmp_path / "ledger"), "--json", "--faults", str(faults)) as (_, line):
        port = int(json.loads(line)["urls"]["smsmode"].rpartition(":")[2])
        assert [submit(port, 1), submit(port, 2)] == [429, 201]


def test_it_charges_what_the_routes_of_a_folder_say(tmp_path: Path) -> None:
    folder = Path(__file__).parents[2] / "examples" / "rental"
    with started("--ledger", str(tmp_path / "ledger"), "--json", "--prices", str(folder)) as (_, line):
        port = int(json.loads(line)["urls"]["all"].rpartition(":")[2])
        assert charged(port) == {"amount": 0.049, "currency": "EUR"}


def test_prices_of_a_folder_that_cannot_be_read_are_refused_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "outrider.toml").write_text("[[routes]\n")
    result = CliRunner().invoke(COMMAND, ["--port", "0", "--ledger", str(tmp_path / "l"), "--prices", str(tmp_path)])
    assert result.exit_code == 1
    assert "outrider.toml:1:" in result.output


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ('{"kind": "explode"}', "Invalid enum value 'explode'"),
        ("[", "expected one fault or a list of faults as JSON"),
        ('{"kind": "throttle", "provider": "acme"}', "no provider 'acme'; there are "),
    ],
)
def test_bad_faults_are_named(tmp_path: Path, rules: str, words: str) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text(rules)
    arguments = ["--port", "0", "--ledger", str(tmp_path / "ledger"), "--faults", str(faults)]
    result = CliRunner().invoke(COMMAND, arguments)
    assert result.exit_code == 1
    assert words in result.output


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(COMMAND, ["--port", str(port), "--ledger", str(tmp_path / "ledger")])
    assert result.exit_code == 1
    assert f"cannot start the sandbox on 127.0.0.1:{port}" in result.output


@pytest.fixture
def ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox is asked to end as soon as it is ready."""
    real = running.running_sandbox

    @asynccontextmanager
    async def brief(*arguments: Any, **options: Any) -> AsyncIterator[running.Sandbox]:
        async with real(*arguments, **options) as sandbox:
            os.kill(os.getpid(), signal.SIGTERM)
            yield sandbox

    monkeypatch.setattr(running, "running_sandbox", brief)


@pytest.mark.usefixtures("ends_at_once")
@pytest.mark.parametrize(("option", "lines"), [("--quiet", 0), ("--json", 1), ("--progress", 1)])
def test_it_prints_one_line_or_none_and_ends_when_asked(tmp_path: Path, option: str, lines: int) -> None:
    result = CliRunner().invoke(COMMAND, ["--port", "0", "--ledger", str(tmp_path / "ledger"), option])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) == lines


@pytest.mark.usefixtures("ends_at_once")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], (4020, 4025)),
        (["--port", "0"], (0, 0)),
        (["--port", "4120"], (4120, 4025)),
        (["--mail-port", "0"], (4020, 0)),
        (["--port", "0", "--mail-port", "4125"], (0, 4125)),
    ],
)
def test_mail_has_a_port_of_its_own_that_needs_no_privileges(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], expected: tuple[int, int]
) -> None:
    asked: list[tuple[int, int]] = []
    real = running.running_sandbox

    def on_free_ports(ledger: Path, port: int, *, mail_port: int, **options: Any) -> Any:
        asked.append((port, mail_port))
        return real(ledger, 0, mail_port=0, **options)

    monkeypatch.setattr(running, "running_sandbox", on_free_ports)
    result = CliRunner().invoke(COMMAND, [*arguments, "--ledger", str(tmp_path / "ledger")])
    assert result.exit_code == 0, result.output
    assert asked == [expected]
