"""The folder of the embedded server's unix socket: inside the store, or a short one where that path will not do."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from outrider.store.accounts import is_passable, make_private
from outrider.store.place import Place
from outrider.store.server_settings import PORT

LONGEST = 107 if sys.platform.startswith("linux") else 103
"""Bytes of the longest socket path: `sun_path` less its closing zero (unix(7): 108 on Linux; 104 on BSD and macOS)."""


@contextmanager
def socket_folder(place: Place, longest: int = LONGEST) -> Iterator[Path]:
    """Give a folder of mode 0700, owned by the server's account, whose socket path fits.

    A short one is made in the temporary folder and recorded in the file `socket-folder` of the store, so that the next
    start can remove one that a killed run left.
    """
    record = place.root / "socket-folder"
    _remove_recorded(record, place)
    own = place.root / "run"
    if _fits(own, longest):
        make_private(own, place.account)
        _clear(own)
        yield own
        return
    short = _short_folder(place, longest)
    record.write_text(f"{short}\n", encoding="utf-8")
    try:
        yield short
    finally:
        _remove_recorded(record, place)


def _clear(folder: Path) -> None:
    """Remove the socket a killed run left with its lock file, whose pid may be a stranger's by now.

    PostgreSQL would refuse to start. Safe, since whoever starts holds the store's lock and has stopped the leftovers.
    """
    for left in folder.glob(".s.PGSQL.*"):
        left.unlink()


def _fits(folder: Path, longest: int) -> bool:
    # asyncpg and libpq read a comma as the end of one host in a list of them.
    return "," not in str(folder) and len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= longest


def _short_folder(place: Place, longest: int) -> Path:
    temporary = Path(tempfile.gettempdir())
    fits = _fits(temporary / "outrider-12345678", longest) and is_passable(temporary, place.account)
    short = Path(tempfile.mkdtemp(prefix="outrider-", dir=temporary if fits else "/tmp"))  # noqa: S108 (a new name)
    make_private(short, place.account)
    return short


def _remove_recorded(record: Path, place: Place) -> None:
    try:
        short = Path(record.read_text(encoding="utf-8").strip())
    except FileNotFoundError:
        return
    if short.name.startswith("outrider-") and _is_folder_of(place.account.uid, short):
        shutil.rmtree(short)
    record.unlink()


def _is_folder_of(uid: int, path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and path.stat().st_uid == uid
