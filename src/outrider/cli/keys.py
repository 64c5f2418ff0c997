"""`outrider keys`: make, list and revoke API keys."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from outrider.contracts.api_keys import ApiKey
    from outrider.store.pg_keys import PostgresKeys

PREFIX = "key"
LONGEST_NAME = 100
UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class Lifetime(click.ParamType[timedelta]):
    """A duration such as 90d; the value is a timedelta."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """A timedelta from 12h, 90d or 8w."""
        found = re.fullmatch(r"([1-9][0-9]{0,4})([hdw])", str(value))
        if found is None:
            self.fail(f"{value!r} is no duration: write 12h, 90d or 8w", param, ctx)
        return int(found[1]) * UNITS[found[2]]


@click.group()
def keys() -> None:
    """API keys: only their hash is stored, so a key is shown once."""


COMMAND = keys


@keys.command()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, help="What it may do; repeat for several; * is all.")
@click.option("--expires", type=Lifetime(), help="How long it is valid, such as 90d; for ever unless given.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def create(name: str, scopes: tuple[str, ...], expires: timedelta | None, as_json: bool) -> None:
    """Make a key called NAME and print it: this once, since it is not stored."""
    from outrider.contracts.api_keys import SCOPES

    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise click.BadParameter(f"expected 1 to {LONGEST_NAME} printable characters", param_hint="NAME")
    for scope in scopes:
        if scope not in SCOPES:
            raise click.BadParameter(f"there is no scope {scope!r}; scopes: {', '.join(SCOPES)}", param_hint="--scope")
    text, key = _with_keys(lambda kept, now: _create(kept, name, scopes, now, expires))
    if as_json:
        _print({"key": text, **_record(key)})
        return
    click.echo(text)
    click.echo(f"{_line(key)}\nStore it now: it cannot be shown again.", err=True)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def list_keys(as_json: bool) -> None:
    """Every key, oldest first."""
    found = _with_keys(lambda kept, _: kept.all())
    if as_json:
        _print([_record(key) for key in found])
    else:
        click.echo("\n".join(map(_line, found)) or "no keys")


@keys.command()
@click.argument("key_id")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def revoke(key_id: str, as_json: bool) -> None:
    """End the key with this id (key_…, see list). It acts within five seconds."""
    from outrider.lib.ids import BadId, read_id

    try:
        identifier = read_id(PREFIX, key_id)
    except BadId as error:
        raise click.BadParameter(str(error), param_hint="KEY_ID") from error
    done = _with_keys(lambda kept, _: kept.revoke(identifier))
    if not done:
        raise click.ClickException(f"{key_id}: there is no such key, or it was revoked already")
    if as_json:
        _print({"id": key_id, "revoked": True})
    else:
        click.echo(f"{key_id} is revoked")


def _with_keys(work: Callable[[PostgresKeys, datetime], Awaitable[Any]]) -> Any:
    """Do something with the store of keys, at the present time."""
    from outrider.cli._running import run

    return run(_connected(work))


async def _connected(work: Callable[[PostgresKeys, datetime], Awaitable[Any]]) -> Any:
    from outrider.installation import open_store, reach_database
    from outrider.settings import read_settings
    from outrider.store.pg_keys import PostgresKeys

    settings = read_settings()
    async with reach_database(settings) as dsn, open_store(settings, dsn, connections=2) as opened:
        return await work(PostgresKeys(opened.store.pool), opened.clock.now())


async def _create(
    kept: PostgresKeys, name: str, scopes: tuple[str, ...], now: datetime, expires: timedelta | None
) -> tuple[str, ApiKey]:
    from outrider.api.keys import hash_of, new_key
    from outrider.contracts.api_keys import ApiKey
    from outrider.lib.ids import new_id

    text = new_key()
    unique = tuple(dict.fromkeys(scopes))
    key = ApiKey(new_id(now, 0), name, unique, now, expires_at=now + expires if expires else None)
    await kept.create(key, hash_of(text))
    return text, key


def _record(key: ApiKey) -> dict[str, Any]:
    import msgspec

    from outrider.lib.ids import write_id

    return {**msgspec.to_builtins(key), "id": write_id(PREFIX, key.id)}


def _line(key: ApiKey) -> str:
    from outrider.lib.ids import write_id

    parts = [write_id(PREFIX, key.id), key.name, ",".join(key.scopes)]
    if key.revoked_at:
        parts.append(f"revoked {key.revoked_at:%Y-%m-%d %H:%M}")
    elif key.expires_at:
        parts.append(f"expires {key.expires_at:%Y-%m-%d %H:%M}")
    parts.append(f"last used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used")
    return " · ".join(parts)


def _print(value: Any) -> None:
    import msgspec

    click.echo(msgspec.json.encode(value).decode())
