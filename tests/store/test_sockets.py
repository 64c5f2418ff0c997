from __future__ import annotations

from pathlib import Path

import pytest

from outrider.store.accounts import Account, own_account
from outrider.store.launcher import start
from outrider.store.place import Place
from outrider.store.sockets import LONGEST, socket_folder
from outrider.testing.postgres import FORGETFUL, execute, quick_folder


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, own_account())


def exactly(place: Place) -> int:
    return len(str(place.root / "run" / ".s.PGSQL.5432"))


def test_a_path_that_just_fits_stays_in_the_store(place: Place) -> None:
    with socket_folder(place, exactly(place)) as folder:
        assert folder == place.root / "run"
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_path_one_byte_too_long_gets_a_short_private_folder_that_goes_again(place: Place) -> None:
    with socket_folder(place, exactly(place) - 1) as folder:
        assert folder.name.startswith("outrider-")
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (place.root / "socket-folder").read_text() == f"{folder}\n"
    assert not folder.exists()
    assert not (place.root / "socket-folder").exists()


def test_a_short_folder_a_killed_run_left_is_removed(place: Place, tmp_path: Path) -> None:
    left = tmp_path / "outrider-left"
    left.mkdir()
    (left / ".s.PGSQL.5432").touch()
    (place.root / "socket-folder").write_text(f"{left}\n")
    with socket_folder(place):
        assert not left.exists()


@pytest.mark.parametrize("name", ["precious", "outrider-link"])
def test_a_recorded_folder_that_is_none_of_ours_is_left_alone(place: Place, tmp_path: Path, name: str) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "outrider-link").symlink_to(tmp_path / "precious")
    (place.root / "socket-folder").write_text(f"{tmp_path / name}\n")
    with socket_folder(place):
        assert (tmp_path / "precious").exists()


def test_a_recorded_folder_of_another_user_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outrider.store.sockets.make_private", lambda folder, account: folder.mkdir())
    left = tmp_path / "outrider-left"
    left.mkdir()
    (tmp_path / "socket-folder").write_text(f"{left}\n")
    with socket_folder(Place(tmp_path, Account(left.stat().st_uid + 1, 1, "stranger"))):
        assert left.exists()


def test_a_temporary_folder_that_is_too_long_itself_is_not_used(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("l" * LONGEST)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with socket_folder(place, exactly(place) - 1) as folder:
        assert folder.parent == Path("/tmp")


def test_a_killed_runs_socket_and_its_lock_file_are_cleared(place: Place) -> None:
    (place.root / "run").mkdir()
    (place.root / "run" / ".s.PGSQL.5432.lock").write_text("1\n")
    with socket_folder(place) as folder:
        assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "stays"),
    [('a "b" \'c%20é', True), ("a,b", False), ("deep " * 20, False)],
    ids=["odd letters", "a comma", "too long"],
)
def test_a_server_in_any_folder_can_be_reached(name: str, stays: bool) -> None:
    with quick_folder() as folder:
        folder.chmod(0o711)
        with start(folder / name, overrides=FORGETFUL) as running:
            execute(running.address.dsn(), "select 1")
            assert (running.address.host == str(running.folder / "run")) is stays
