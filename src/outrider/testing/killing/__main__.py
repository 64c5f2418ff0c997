"""``python -m outrider.testing.killing --cycles 25 --seed 7 --json``: run the kill loop and print its report."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import msgspec

from outrider.testing.killing.loop import Plan, Report, run


@click.command()
@click.option("--cycles", default=25, show_default=True, help="How many kills, or pairs of kills.")
@click.option("--seed", default=0, show_default=True, help="Seed of victims, instants and provider faults.")
@click.option("--json", "as_json", is_flag=True, help="Print nothing but the report as one JSON object.")
@click.option(
    "--report",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the report here too, with the revision it was made from.",
)
def main(cycles: int, seed: int, as_json: bool, file: Path | None) -> None:
    """Kill processes of a running Outrider again and again, and judge what became of every event."""
    with tempfile.TemporaryDirectory(prefix="outrider-kill-") as folder:
        report = asyncio.run(run(Plan(cycles, seed), Path(folder), (lambda _: None) if as_json else click.echo))
    document = msgspec.json.format(msgspec.json.encode(report), indent=1 if as_json else 2)
    if file is not None:
        file.write_text(written(report, revision()), encoding="utf-8")
    click.echo(document.decode())
    sys.exit(0 if report.holds else 1)


def revision() -> str:
    """The git revision of the working folder, with a plus sign when it holds changes; empty outside a repository."""
    return _git("rev-parse", "HEAD") + ("+" if _git("status", "--porcelain") else "")


def _git(*words: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    return subprocess.run((git, *words), capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603


def written(report: Report, of: str) -> str:
    """The report for the file: JSON with its revision."""
    document = {"revision": of, **msgspec.to_builtins(report)}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


if __name__ == "__main__":
    main()
