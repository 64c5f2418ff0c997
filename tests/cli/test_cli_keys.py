"""`outrider keys`: made once, listed without secrets, revoked."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from outrider.api.keys import hash_of, well_formed
from outrider.cli.keys import COMMAND
from outrider.store.pg_keys import PostgresKeys
from outrider.store.postgres import open_pool


@pytest.fixture
def home(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installation over an empty database; its URL."""
    monkeypatch.setenv("OUTRIDER_HOME", str(tmp_path))
    monkeypatch.setenv("OUTRIDER_DATABASE_URL", database_url)
    monkeypatch.setenv("OUTRIDER_UNSAFE_DURABILITY", "1")
    return database_url


def keys(*words: str) -> Result:
    return CliRunner().invoke(COMMAND, list(words))


def found(url: str, text: str) -> object:
    async def ask() -> object:
        pool = await open_pool(url)
        try:
            return await PostgresKeys(pool).find(hash_of(text))
        finally:
            await pool.close()

    return asyncio.run(ask())


def test_a_key_is_printed_once_and_stored_as_its_hash(home: str) -> None:
    made = keys("create", "shop", "--scope", "events:write", "--scope", "pii:read", "--expires", "90d", "--json")
    assert made.exit_code == 0, made.output
    record = json.loads(made.stdout)
    assert well_formed(record["key"])
    assert record["scopes"] == ["events:write", "pii:read"]
    assert record["expires_at"] > record["created_at"]
    assert found(home, record["key"]) is not None
    listed = keys("list", "--json")
    (shown,) = json.loads(listed.stdout)
    assert shown["id"] == record["id"]
    assert record["key"] not in listed.output


def test_a_plain_key_stands_alone_on_standard_output(home: str) -> None:
    made = keys("create", "shop", "--scope", "*")
    assert well_formed(made.stdout.strip())
    assert "cannot be shown again" in made.stderr
    assert "shop · * · never used" in keys("list").stdout


def test_a_revoked_key_is_listed_as_such_and_revoked_once(home: str) -> None:
    assert keys("list").stdout == "no keys\n"
    record = json.loads(keys("create", "shop", "--scope", "*", "--json").stdout)
    revoked = keys("revoke", record["id"], "--json")
    assert json.loads(revoked.stdout) == {"id": record["id"], "revoked": True}
    again = keys("revoke", record["id"])
    assert again.exit_code == 1
    assert "revoked already" in again.stderr
    assert "revoked 20" in keys("list").stdout


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("create", "shop"), "--scope"),
        (("create", "shop", "--scope", "everything"), "scopes: events:write"),
        (("create", "shop", "--scope", "*", "--expires", "soon"), "90d"),
        (("create", "shop", "--scope", "*", "--expires", "0d"), "90d"),
        (("revoke", "shop"), "expected key_"),
        (("revoke", "msg_00000000000000000000000000"), "expected key_"),
    ],
)
def test_what_cannot_be_is_refused_before_the_database_is_asked(words: tuple[str, ...], hint: str) -> None:
    refused = keys(*words)
    assert refused.exit_code == 2
    assert hint in refused.stderr
