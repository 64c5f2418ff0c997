"""Where the embedded store lives on disk, and the account its server runs under.

A store folder holds::

    launcher.lock    locked by the process that runs the server; its text names that process
    pgdata/          PostgreSQL's own folder, 0700, owned by the server's account
    run/             the folder of the unix socket, 0700, owned by the server's account
    settings/        the server's configuration, owned by us: the server cannot rewrite its own rules
    server.log       what the server prints

PostgreSQL refuses to run as root. When we are root the server gets another account, and that account must be able to
pass through every folder above the store. Where it cannot (a checkout in /root), the store moves to the shelter
(`/var/lib/outrider`, or `/var/tmp/outrider-root` where that cannot be written), and the file `moved` in the folder that
was asked for says where it is. No permission of a folder that is not ours is ever changed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from outrider.store.accounts import (
    Account,
    AlreadyRunning,
    CannotStart,
    account_of,
    is_passable,
    least_powerful,
    own_account,
)

SHELTERS = (Path("/var/lib/outrider"), Path("/var/tmp/outrider-root"))  # noqa: S108 (owner and mode are checked)
"""Folders for stores and programs that the server's account cannot reach; the first that can be written is taken."""


class Place(msgspec.Struct, frozen=True):
    """A store folder and the account of its server."""

    root: Path
    account: Account

    @property
    def pgdata(self) -> Path:
        """PostgreSQL's data folder."""
        return self.root / "pgdata"

    @property
    def settings(self) -> Path:
        """The folder of the server's configuration files."""
        return self.root / "settings"

    @property
    def log(self) -> Path:
        """The file the server prints to."""
        return self.root / "server.log"


def find_place(folder: Path, shelters: tuple[Path, ...] = SHELTERS) -> Place:
    """Give the place of the store asked for at `folder`, made when it is new.

    Raises CannotStart when the folder belongs to somebody else or holds other files, or no account can serve it.
    """
    asked = Path(os.path.realpath(folder))
    root = _moved_to(asked) or asked
    account = account_for(root)
    if not account.is_ours and not is_passable(root.parent, account):
        root = _move_to_shelter(asked, shelters)
    _make_root(root, account)
    return Place(root, account)


def known_place(folder: Path) -> Place | None:
    """Give the place of an existing store, None when `folder` holds none; makes nothing."""
    asked = Path(os.path.realpath(folder))
    root = _moved_to(asked) or asked
    return Place(root, account_for(root)) if (root / "launcher.lock").exists() else None


def account_for(root: Path) -> Account:
    """Give the account that serves the store at `root`.

    An existing store keeps the owner of its `pgdata`. As root a new one takes the owner of the nearest existing folder
    or, where that is root, the first of ACCOUNTS. Anybody else serves under the own account.
    """
    owner = _owner(root / "pgdata")
    if os.geteuid() != 0:
        return _own_account_over(root, owner)
    if owner == 0:
        raise CannotStart(f"{root / 'pgdata'} belongs to root, and PostgreSQL refuses to run as root: chown it")
    if owner is None:
        owner = next(found for path in (root, *root.parents) if (found := _owner(path)) is not None)
    return account_of(owner) if owner else least_powerful()


def _own_account_over(root: Path, owner: int | None) -> Account:
    if owner is None:
        owner = _owner(root)
    account = own_account()
    if owner is not None and owner != account.uid:
        raise CannotStart(
            f"the store in {root} belongs to user id {owner}, and this is {account.name} ({account.uid}): "
            "run as its owner or choose another folder"
        )
    return account


def _owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise CannotStart(f"{path} cannot be looked at: this user may not enter {path.parent}") from None


def _moved_to(asked: Path) -> Path | None:
    sign = asked / "moved"
    try:
        target = Path(sign.read_text(encoding="utf-8").strip())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise CannotStart(f"{sign} cannot be read by this user: run as the owner of {asked}") from None
    if not target.is_dir():
        raise CannotStart(f"{sign} says that the store is in {target}, which is gone: restore it, or delete {asked}")
    return target


def _move_to_shelter(asked: Path, shelters: tuple[Path, ...]) -> Path:
    _refuse_strangers(asked)
    asked.mkdir(mode=0o700, parents=True, exist_ok=True)
    root = Path(tempfile.mkdtemp(prefix=f"{asked.name}-", dir=shelter(shelters)))
    (root / "origin").write_text(f"{asked}\n", encoding="utf-8")
    draft = asked / f"moved.{os.getpid()}"
    draft.write_text(f"{root}\n", encoding="utf-8")
    try:
        # A hard link is made or refused as a whole, so two first starts agree on one shelter.
        (asked / "moved").hardlink_to(draft)
    except FileExistsError:
        shutil.rmtree(root)
    finally:
        draft.unlink()
    return _moved_to(asked) or asked


def shelter(shelters: tuple[Path, ...] = SHELTERS) -> Path:
    """Give the first shelter that can be had: owned by us, writable by nobody else, open to pass.

    Raises CannotStart when none can.
    """
    nobody = least_powerful()
    for path in shelters:
        try:
            path.mkdir(mode=0o755, parents=True)
            path.chmod(0o755)
        except FileExistsError:
            pass
        except OSError:
            continue
        if _is_ours_alone(path.lstat()) and is_passable(path, nobody):
            return path
    raise CannotStart(
        f"the account of the server cannot pass to the store's folder, and none of "
        f"{', '.join(map(str, shelters))} can be used instead: choose a folder below one that everybody may enter"
    )


def _is_ours_alone(found: os.stat_result) -> bool:
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _refuse_strangers(root: Path) -> None:
    ours = {"launcher.lock", "moved", "origin", "lost+found"}
    found = {path.name for path in root.iterdir()} if root.exists() else set()
    if "launcher.lock" not in found and (strangers := sorted(found - ours)):
        raise CannotStart(f"{root} holds other files ({', '.join(strangers[:3])}): the store needs a folder of its own")


def _make_root(root: Path, account: Account) -> None:
    if root.exists() and not root.is_dir():
        raise CannotStart(f"{root} is a file: the store needs a folder")
    _refuse_strangers(root)
    passing = 0o700 if account.is_ours else 0o711
    try:
        missing = [path for path in (root, *root.parents) if not path.exists()]
        for path in reversed(missing):
            path.mkdir()
            path.chmod(passing)
        root.chmod(passing)
    except OSError as error:
        raise CannotStart(f"the store's folder {root} cannot be made: {error.strerror}") from None


@contextmanager
def locked(place: Place) -> Iterator[None]:
    """Hold the lock of the folder; the operating system lets go of it when this process dies, however it dies.

    Raises AlreadyRunning, naming the process that holds it.
    """
    descriptor = os.open(place.root / "launcher.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            keeper = os.pread(descriptor, 400, 0).decode(errors="replace").strip() or "another process"
            raise AlreadyRunning(
                f"the store in {place.root} is run by {keeper}: connect to it, stop that process, "
                "or choose another folder"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} ({_own_name()})\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _own_name() -> str:
    return " ".join([Path(sys.argv[0] or sys.executable).name, *sys.argv[1:3]])[:200]
