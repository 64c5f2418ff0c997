"""Makes the data folder of a new embedded store."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from outrider.store.accounts import CannotStart, make_private, spawn_options
from outrider.store.place import Place
from outrider.store.programs import Programs
from outrider.store.server_settings import DATABASE, USER


def made_by(pgdata: Path) -> int | None:
    """Give the major version that made the data folder; None without one."""
    try:
        return int((pgdata / "PG_VERSION").read_text().strip())
    except FileNotFoundError:
        return None


def make_pgdata(place: Place, programs: Programs, *, durable: bool) -> None:
    """Make the data folder with one empty database. Not `durable` skips the syncs: for tests only.

    It is made beside its final name and renamed, so that a killed run leaves no half one.
    Raises CannotStart with the program's own words.
    """
    draft = place.root / "pgdata.draft"
    if draft.exists():
        shutil.rmtree(draft)
    make_private(draft, place.account)
    _run(place, [programs.initdb, "-D", draft, *_initdb_options(programs.version[0], durable=durable)])
    single: list[str | Path] = [
        programs.postgres,
        "--single",
        "-D",
        draft,
        "-c",
        f"fsync={'on' if durable else 'off'}",
        "template1",
    ]
    # initdb has made a database already; giving it our name saves copying three hundred files into another.
    _run(place, single, f"alter database postgres rename to {DATABASE}\n")
    draft.rename(place.pgdata)
    _sync_folder(place.root)


def _initdb_options(major: int, *, durable: bool) -> list[str]:
    """Text in UTF-8, sorted by code point whatever the system's locales are; every page has a checksum."""
    locale = ["--locale=C.UTF-8"]
    if major >= 17:  # the first version with locales of its own
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    options = ["-U", USER, "--encoding=UTF8", *locale, "--auth-local=peer", "--auth-host=reject", "--data-checksums"]
    return [*options, "--no-instructions", *([] if durable else ["--no-sync"])]


def _run(place: Place, command: Sequence[str | Path], text: str = "") -> None:
    run = subprocess.run(  # noqa: S603 (no shell; the programs are ours)
        command, input=text, capture_output=True, text=True, check=False, **spawn_options(place.account)
    )
    # In single-user mode the server exits with 0 even after an error.
    if run.returncode or "ERROR:" in run.stderr:
        words = run.stderr.strip()
        raise CannotStart(f"{Path(command[0]).name} failed with status {run.returncode}: {words}")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
