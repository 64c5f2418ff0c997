"""System accounts: who we are, whom the server runs as, and how a program is started as somebody else."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

import msgspec

ACCOUNTS = ("outrider", "postgres", "nobody")
"""Accounts a server started by root may take, best first: our own, the one made for PostgreSQL, the least powerful."""


class CannotStart(Exception):
    """The embedded store cannot be started; the text says why and what would help."""


class AlreadyRunning(CannotStart):
    """Another process runs the store of this folder."""


class Account(msgspec.Struct, frozen=True):
    """A system account."""

    uid: int
    gid: int
    name: str

    @property
    def is_ours(self) -> bool:
        """Whether this process runs under it."""
        return self.uid == os.geteuid()


def own_account() -> Account:
    """Give the account of this process. Raises CannotStart as `account_of` does."""
    return account_of(os.geteuid())


def account_of(uid: int) -> Account:
    """Give the account of `uid`. Raises CannotStart when the uid has no name: initdb refuses such a uid."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise CannotStart(
            f"user id {uid} has no entry in the password file, and PostgreSQL needs one to make a store: "
            "add the entry, run as a named user, or point Outrider at an external PostgreSQL"
        ) from None
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)


def least_powerful() -> Account:
    """Give the first account of ACCOUNTS that exists. Raises CannotStart when none does."""
    for name in ACCOUNTS:
        try:
            return account_of(pwd.getpwnam(name).pw_uid)
        except KeyError:
            continue
    raise CannotStart(f"PostgreSQL refuses to run as root, and none of the accounts {', '.join(ACCOUNTS)} exists")


def is_passable(folder: Path, account: Account) -> bool:
    """Whether `account` may pass through `folder` and all above it, by their mode bits; missing ones we would make."""
    return all(_may_pass(path.stat(), account) for path in (folder, *folder.parents) if path.exists())


def _may_pass(found: os.stat_result, account: Account) -> bool:
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


class SpawnOptions(TypedDict):
    """Arguments of `subprocess.Popen` and `subprocess.run` that say as whom and where a program runs."""

    user: int | None
    group: int | None
    extra_groups: list[int] | None
    umask: int
    cwd: str
    env: Mapping[str, str]


def spawn_options(account: Account) -> SpawnOptions:
    """Give the options that start a program as `account`, with no variable, group or working folder of ours.

    No PG* variable reaches the program, and no locale.
    """
    drop = not account.is_ours
    return SpawnOptions(
        user=account.uid if drop else None,
        group=account.gid if drop else None,
        extra_groups=[] if drop else None,
        umask=0o077,
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
    )


def make_private(folder: Path, account: Account) -> None:
    """Make `folder` with mode 0700, owned by `account`; one that exists gets mode and owner again."""
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    if not account.is_ours:
        os.chown(folder, account.uid, account.gid)
