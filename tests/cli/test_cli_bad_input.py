"""Odd input to commands that need no database: one friendly sentence, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from outrider.cli import main


@pytest.mark.parametrize(
    ("command", "status", "words"),
    [
        (("pull", "file"), 1, "file is a file; expected a folder"),
        (("init", "file/below"), 1, "Not a directory"),
        (("init", "file"), 1, "file is a file; expected a folder"),
        (("schemas", "--out", "file/below"), 1, "Not a directory"),
        (("check", "file"), 1, "file is not a folder"),
        (("check", "linked"), 1, "linked/journeys/gone.yaml is a link that leads nowhere"),
        (("plan", "linked"), 1, "leads nowhere"),
        (("apply", "--version", "0"), 2, "'--version'"),
        (("apply", "--version", "99999999999999999999"), 2, "'--version'"),
        (("apply", "linked", "--note", "two\nlines"), 2, "expected one line"),
        (("apply", "linked", "--note", "\x1b[31m"), 2, "expected one line"),
        (("keys", "create", "", "--scope", "*"), 2, "expected 1 to 100 printable characters"),
        (("keys", "create", "a\nb", "--scope", "*"), 2, "expected 1 to 100 printable characters"),
        (("keys", "create", "n" * 101, "--scope", "*"), 2, "expected 1 to 100 printable characters"),
    ],
)
def test_odd_input_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], status: int, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "linked" / "journeys").mkdir(parents=True)
    (tmp_path / "linked" / "outrider.toml").write_text("")
    (tmp_path / "linked" / "journeys" / "gone.yaml").symlink_to("nowhere")
    done = CliRunner().invoke(main, command)
    assert (done.exit_code, words in done.output) == (status, True), done.output
    assert isinstance(done.exception, SystemExit)
