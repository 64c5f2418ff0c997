from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from outrider.store import place as places
from outrider.store.accounts import ACCOUNTS, Account, CannotStart, account_of, is_passable, own_account
from outrider.store.launcher import erase, find_running, start
from outrider.store.place import AlreadyRunning, find_place, known_place, locked, shelter
from outrider.testing.postgres import FORGETFUL, execute, quick_folder

STRANGER = Account(os.geteuid() + 54321, 54321, "stranger")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with quick_folder() as made:
        made.chmod(0o755)
        yield made


@pytest.fixture
def served_by_a_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "account_for", lambda root: STRANGER)
    monkeypatch.setattr(places, "least_powerful", lambda: STRANGER)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_store_served_by_ourselves_is_private_and_stays_where_it_was_asked_for(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "account_for", lambda root: own_account())
    open_folder.chmod(0o700)
    place = find_place(open_folder / "deep" / "store")
    assert place.root == open_folder / "deep" / "store"
    assert (mode(place.root), mode(place.root.parent)) == (0o700, 0o700)


@pytest.mark.usefixtures("served_by_a_stranger")
def test_a_store_served_by_another_account_can_be_passed_through_but_not_listed(open_folder: Path) -> None:
    place = find_place(open_folder / "deep" / "store")
    assert place.root == open_folder / "deep" / "store"
    assert (mode(place.root), mode(place.root.parent), mode(open_folder)) == (0o711, 0o711, 0o755)


@pytest.mark.usefixtures("served_by_a_stranger")
def test_below_a_closed_folder_the_store_moves_to_the_shelter_for_good(open_folder: Path) -> None:
    closed, shelters = open_folder / "closed", (open_folder / "shelter",)
    closed.mkdir(mode=0o700)
    place = find_place(closed / "store", shelters)
    assert place.root.parent == shelters[0]
    assert (mode(place.root), mode(closed)) == (0o711, 0o700)
    assert (place.root / "origin").read_text() == f"{closed / 'store'}\n"
    closed.chmod(0o755)
    assert find_place(closed / "store", shelters).root == place.root


@pytest.mark.usefixtures("served_by_a_stranger")
def test_two_folders_of_one_name_move_to_two_places(open_folder: Path) -> None:
    for name in ("one", "two"):
        (open_folder / name).mkdir(mode=0o700)
    first, second = (find_place(open_folder / name / "store", (open_folder / "shelter",)) for name in ("one", "two"))
    assert first.root != second.root


@pytest.mark.usefixtures("served_by_a_stranger")
def test_a_moved_store_that_is_gone_is_told_and_not_made_anew(open_folder: Path) -> None:
    (open_folder / "closed").mkdir(mode=0o700)
    place = find_place(open_folder / "closed" / "store", (open_folder / "shelter",))
    place.root.rename(open_folder / "elsewhere")
    with pytest.raises(CannotStart, match=r"moved says that the store is in .*, which is gone: restore it, or delete"):
        find_place(open_folder / "closed" / "store", (open_folder / "shelter",))


@pytest.mark.usefixtures("served_by_a_stranger")
def test_a_shelter_that_others_can_write_or_that_cannot_be_made_is_passed_over(open_folder: Path) -> None:
    (open_folder / "writable").mkdir()
    (open_folder / "writable").chmod(0o777)
    (open_folder / "file").touch()
    (open_folder / "link").symlink_to("/var")
    bad = tuple(open_folder / name for name in ("writable", "file", "file/below", "link"))
    assert shelter((*bad, open_folder / "good")) == open_folder / "good"
    with pytest.raises(CannotStart, match="choose a folder below one that everybody may enter"):
        shelter(bad)


def test_a_folder_with_other_files_is_refused_and_left_alone(open_folder: Path) -> None:
    for name in ("a.txt", "b.txt", "c.txt", "d.txt"):
        (open_folder / name).touch()
    with pytest.raises(
        CannotStart, match=r"holds other files \(a.txt, b.txt, c.txt\): the store needs a folder of its"
    ):
        find_place(open_folder)
    assert mode(open_folder) == 0o755
    assert len(list(open_folder.iterdir())) == 4


def test_a_file_in_place_of_the_folder_is_refused(open_folder: Path) -> None:
    (open_folder / "store").touch()
    with pytest.raises(CannotStart, match="is a file: the store needs a folder"):
        find_place(open_folder / "store")


def test_a_folder_without_a_store_is_known_as_such_and_nothing_is_made(open_folder: Path) -> None:
    assert known_place(open_folder / "store") is None
    assert list(open_folder.iterdir()) == []


def test_the_lock_is_held_once_and_let_go(open_folder: Path) -> None:
    place = find_place(open_folder / "store")
    with locked(place), pytest.raises(AlreadyRunning, match=f"run by process {os.getpid()} "), locked(place):
        pass
    with locked(place):
        assert known_place(open_folder / "store") == place


def test_a_lock_file_that_is_a_link_is_not_followed(open_folder: Path) -> None:
    place = find_place(open_folder / "store")
    (open_folder / "target").write_text("precious")
    (place.root / "launcher.lock").symlink_to(open_folder / "target")
    with pytest.raises(OSError, match="symbolic link"), locked(place):
        pass
    assert (open_folder / "target").read_text() == "precious"


@pytest.mark.parametrize(
    ("bits", "owner", "group", "passes"),
    [
        (0o700, "own", "other", True),
        (0o077, "own", "own", False),
        (0o710, "other", "own", True),
        (0o701, "other", "own", False),
        (0o701, "other", "other", True),
        (0o770, "other", "other", False),
    ],
)
def test_who_may_pass_is_decided_by_the_first_class_that_fits(
    open_folder: Path, bits: int, owner: str, group: str, passes: bool
) -> None:
    open_folder.chmod(bits)
    found = open_folder.stat()
    uid = found.st_uid if owner == "own" else found.st_uid + 1
    gid = found.st_gid if group == "own" else found.st_gid + 1
    assert is_passable(open_folder, Account(uid, gid, "x")) is passes
    open_folder.chmod(0o700)


def test_a_user_id_without_a_name_is_refused_with_the_ways_out() -> None:
    with pytest.raises(CannotStart, match="user id 4000000001 has no entry in the password file"):
        account_of(4000000001)


def test_a_store_of_another_owner_is_refused_by_name(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: account_of(1).uid)
    with pytest.raises(CannotStart, match=rf"belongs to user id {open_folder.stat().st_uid}, and this is"):
        find_place(open_folder)


class TestAsRoot:
    """The rules for root, with the answer of `geteuid` set, so that every user tests them."""

    @pytest.fixture(autouse=True)
    def _root(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 0)

    def owned_by(self, monkeypatch: pytest.MonkeyPatch, owners: dict[Path, int]) -> None:
        monkeypatch.setattr(places, "_owner", owners.get)

    def test_an_existing_store_keeps_its_owner(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.owned_by(monkeypatch, {Path("/s/pgdata"): 1, Path("/s"): 2})
        assert places.account_for(Path("/s")).uid == 1

    def test_a_new_store_takes_the_owner_of_the_nearest_folder(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.owned_by(monkeypatch, {Path("/home/x"): 1, Path("/"): 0})
        assert places.account_for(Path("/home/x/deep/store")).uid == 1

    def test_below_folders_of_root_a_new_store_takes_an_account_without_power(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.owned_by(monkeypatch, {Path("/"): 0})
        account = places.account_for(Path("/srv/store"))
        assert account.name in ACCOUNTS
        assert account.uid != 0

    def test_a_data_folder_of_root_itself_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.owned_by(monkeypatch, {Path("/s/pgdata"): 0})
        with pytest.raises(CannotStart, match="/s/pgdata belongs to root, and PostgreSQL refuses to run as root"):
            places.account_for(Path("/s"))


def test_a_server_below_a_closed_folder_runs_whoever_starts_it(open_folder: Path) -> None:
    """As root in the shelter, with its programs copied where they are closed; as anybody else in place."""
    store, shelters = open_folder / "closed" / "store", (open_folder / "shelter",)
    store.parent.mkdir(mode=0o700)
    for statement in ("create table kept (id int)", "insert into kept values (1)"):
        with start(store, overrides=FORGETFUL, shelters=shelters) as running:
            execute(running.address.dsn(), statement)
            assert find_running(store) == running.address
    assert (running.folder.parent == shelters[0]) is (os.geteuid() == 0)
    erase(store)
    assert not store.exists()
    assert not running.folder.exists()
    with (
        start(store, overrides=FORGETFUL, shelters=shelters) as running,
        pytest.raises(asyncpg.UndefinedTableError),
    ):
        execute(running.address.dsn(), "insert into kept values (1)")
