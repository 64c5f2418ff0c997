"""Refuses a server that may forget what it has acknowledged."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import asyncpg
import msgspec

from outrider.store.server_settings import OLDEST


class Rule(msgspec.Struct, frozen=True):
    """Values of one setting that keep an acknowledged commit through a crash, what others risk, and the remedy."""

    setting: str
    safe: tuple[str, ...]
    risk: str
    remedy: str


RULES = (
    Rule(
        "fsync",
        ("on",),
        "a power cut can destroy the whole database",
        "set fsync = on in postgresql.conf and reload",
    ),
    Rule(
        # remote_write and local also wait for the local disk; only off answers before it.
        "synchronous_commit",
        ("on", "remote_apply", "remote_write", "local"),
        "a crash loses commits that were answered already",
        "set synchronous_commit = on in postgresql.conf, and reset it where ALTER ROLE or ALTER DATABASE set it",
    ),
    Rule(
        "full_page_writes",
        ("on",),
        "a power cut can leave half-written pages that no log repairs",
        "set full_page_writes = on in postgresql.conf and reload; where the storage itself never tears a page "
        "(ZFS, Aurora), list the setting as accepted",
    ),
)
"""PostgreSQL manual, chapter "Write Ahead Log" of the server configuration."""


class UnsafeDurability(Exception):
    """The server may lose acknowledged work, or is too old; the text names setting, value, expectation and remedy."""


class Durability(msgspec.Struct, frozen=True):
    """What was found: the server's version as (major, minor), the settings, and whether pages carry checksums."""

    version: tuple[int, int]
    settings: dict[str, str]
    checksums: bool


async def assert_durable(connection: asyncpg.Connection[Any], *, accepted: Collection[str] = ()) -> Durability:
    """Read the settings as they hold for this connection's role and database, and give them when they are safe.

    `accepted` names settings whose unsafe value the operator has taken on himself. Raises UnsafeDurability with every
    fault at once. Missing page checksums are only reported.
    """
    found = await _read(connection)
    faults = [
        f"{rule.setting} is {found.settings[rule.setting]}, expected {' or '.join(rule.safe)}: "
        f"{rule.risk}; {rule.remedy}"
        for rule in RULES
        if found.settings[rule.setting] not in rule.safe and rule.setting not in accepted
    ]
    if found.version[0] < OLDEST:
        faults.append(f"the server is PostgreSQL {found.version[0]}, expected {OLDEST} or newer: upgrade it")
    if faults:
        raise UnsafeDurability("\n".join(faults))
    return found


async def _read(connection: asyncpg.Connection[Any]) -> Durability:
    names = [*(rule.setting for rule in RULES), "data_checksums", "server_version_num"]
    rows = await connection.fetch("select name, current_setting(name) as value from unnest($1::text[]) as name", names)
    settings = {str(row["name"]): str(row["value"]) for row in rows}
    number = int(settings.pop("server_version_num"))  # 180006 is 18.6
    return Durability((number // 10000, number % 10000), settings, settings.pop("data_checksums") == "on")
