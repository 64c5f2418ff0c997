"""What cannot be read, written or reached ends a command with a sentence, never a traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import asyncpg
import click
import pytest
from click.testing import CliRunner

from outrider.cli import main
from outrider.cli._running import run
from outrider.contracts.reading_store import Unavailable
from outrider.demo.example import example_folder
from outrider.store.launcher import Running
from outrider.testing.postgres import fresh_database

LISTED = ("markets list", "plugins", "providers", "connectors")


def told(*arguments: str, env: dict[str, str] | None = None) -> str:
    """What an unsuccessful command says."""
    result = CliRunner().invoke(main, list(arguments), env=env)
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    return result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        lambda file: ("init", f"{file}/folder"),
        lambda file: ("schemas", "--out", f"{file}/folder"),
        lambda file: ("preview", "find-your-car", "--folder", str(example_folder()), "--html", f"{file}/page.html"),
    ],
)
def test_what_cannot_be_written_is_named(tmp_path: Path, arguments: Callable[[Path], tuple[str, ...]]) -> None:
    file = tmp_path / "file"
    file.touch()
    assert told(*arguments(file)).startswith(f"Error: {file}")
    assert "Not a directory" in told(*arguments(file))


@pytest.mark.parametrize("command", LISTED)
def test_a_page_without_the_place_for_a_table_is_refused(tmp_path: Path, command: str) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n")
    assert "expected" in told(*command.split(), "--write", str(page))
    assert page.read_text() == "# A page\n"


@pytest.mark.parametrize("port", ["-1", "65536"])
@pytest.mark.parametrize("option", ["--port", "--mail-port"])
def test_a_port_that_is_none_is_refused(option: str, port: str) -> None:
    result = CliRunner().invoke(main, ["sandbox", option, port])
    assert (result.exit_code, "0<=x<=65535" in result.stderr) == (2, True)


def test_a_database_that_is_not_there_is_named(postgres_server: Running, tmp_path: Path) -> None:
    with fresh_database(postgres_server) as dsn:
        place, _, query = dsn.partition("?")
        wrong = f"{place}-nowhere" + (f"?{query}" if query else "")
    env = {"OUTRIDER_HOME": str(tmp_path), "OUTRIDER_UNSAFE_DURABILITY": "1"}
    assert "cannot be used: database" in told("messages", env={**env, "OUTRIDER_DATABASE_URL": wrong})


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "the database does not answer: Connection refused"),
        (TimeoutError(), "the database does not answer: the time is over"),
        (Unavailable("the database does not answer"), "the database does not answer"),
        (
            asyncpg.InvalidPasswordError("password authentication failed"),
            "the database of OUTRIDER_DATABASE_URL cannot be used: password authentication failed",
        ),
    ],
)
def test_expected_failures_are_sentences_alone_and_in_groups(error: Exception, sentence: str) -> None:
    async def fail() -> None:
        raise error

    async def fail_together() -> None:
        raise ExceptionGroup("both", [error, error])

    with pytest.raises(click.ClickException, match=sentence) as alone:
        run(fail())
    assert alone.value.message == sentence
    with pytest.raises(click.ClickException) as both:
        run(fail_together())
    assert both.value.message == f"{sentence}; {sentence}"


def test_a_defect_is_no_expected_failure() -> None:
    async def fail() -> None:
        raise ExceptionGroup("both", [KeyError("x"), TimeoutError()])

    with pytest.raises(ExceptionGroup):
        run(fail())
