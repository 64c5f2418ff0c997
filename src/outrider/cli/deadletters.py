"""`outrider deadletters`: what could not be read or handled, and taking it again."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from outrider.installation import Opened
    from outrider.store.pg_letters import PostgresLetters

KINDS = ("event", "stimulus", "callback")


@click.group()
def deadletters() -> None:
    """Dead letters: nothing that came in is lost."""


COMMAND = deadletters


@deadletters.command("list")
@click.option("--kind", type=click.Choice(KINDS), help="Only this kind.")
@click.option("--all", "replayed", is_flag=True, help="Also those that were replayed.")
@click.option("--most", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most as many.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def list_letters(kind: str | None, replayed: bool, most: int, as_json: bool) -> None:
    """Dead letters, newest first."""
    from outrider.api.deadletters import letter_fields

    async def ask(letters: PostgresLetters, _: Opened) -> list[dict[str, Any]]:
        found = await letters.list_letters(kind=kind, replayed=replayed, before=b"\xff" * 16, most=most)
        return [letter_fields(letter, pii=True) for letter in found]

    fields = _with_letters(ask)
    click.echo(_json(fields) if as_json else "\n".join(map(_line, fields)) or "no dead letters")


@deadletters.command()
@click.argument("letter_id")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(letter_id: str, as_json: bool) -> None:
    """The dead letter LETTER_ID (dlt_…) with what it holds: personal data in clear."""
    from outrider.api.deadletters import letter_content, letter_fields

    identifier = _identifier(letter_id)

    async def ask(letters: PostgresLetters, _: Opened) -> dict[str, Any] | None:
        letter = await letters.show_letter(identifier)
        return {**letter_fields(letter, pii=True), "content": letter_content(letter)} if letter else None

    found = _with_letters(ask)
    if found is None:
        raise click.ClickException(f"there is no dead letter {letter_id}")
    click.echo(_json(found) if as_json else f"{_line(found)}\n{_json(found['content'], indent=2)}")


@deadletters.command()
@click.argument("letter_id")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def replay(letter_id: str, as_json: bool) -> None:
    """Take the dead letter LETTER_ID again, under the present configuration.

    A quarantined stimulus goes back into the log, followed by everything that waits behind it in its stream.
    """
    identifier = _identifier(letter_id)

    async def ask(_: PostgresLetters, opened: Opened) -> dict[str, Any]:
        return await _replay(opened, identifier)

    done = _with_letters(ask)
    if as_json:
        click.echo(_json({"id": letter_id, **done}))
    else:
        click.echo(f"{letter_id}: {done['status']}; stimuli put back: {done['stimuli']}")


async def _replay(opened: Opened, identifier: bytes) -> dict[str, Any]:
    import msgspec

    from outrider.api.problems import Problem
    from outrider.api.replaying import replay as take_again

    async with _deps(opened) as deps:
        try:
            done: dict[str, Any] = msgspec.to_builtins(await take_again(deps, identifier))
        except Problem as problem:
            wrong = "; ".join(f"{each.path}: {each.reason}" for each in problem.document.errors)
            raise click.ClickException(": ".join(filter(None, (str(problem), wrong)))) from problem
    return done


@asynccontextmanager
async def _deps(opened: Opened) -> AsyncIterator[Any]:
    """What a replay needs, without a server around it."""
    from outrider.api.deps import ApiDeps
    from outrider.api.keys import KeyVerifier
    from outrider.installation import current_configuration
    from outrider.receipts.acknowledgment import Acknowledgments
    from outrider.store.pg_keys import PostgresKeys
    from outrider.store.pg_letters import PostgresLetters
    from outrider.store.pg_reading import PostgresReading
    from outrider.wiring import build_accounts
    from outrider.workers.wake import Wakes

    store = opened.store
    configuration = await current_configuration(opened)
    accounts = build_accounts(configuration, opened.keys.index_key(), None)
    yield ApiDeps(
        log=store,
        reading=PostgresReading(store.pool, store.vault),
        letters=PostgresLetters(store.pool, store.vault),
        receipts=store,
        keys=KeyVerifier(PostgresKeys(store.pool), opened.clock),
        configuration=lambda: configuration,
        accounts=lambda: accounts,
        hasher=opened.hasher,
        clock=opened.clock,
        wakes=Wakes(),
        public_url=lambda: configuration.toml.public_url,
        acknowledgments=Acknowledgments(opened.keys.acknowledgment_key()),
    )


def _with_letters(ask: Callable[[PostgresLetters, Opened], Awaitable[Any]]) -> Any:
    from outrider.cli._running import run

    return run(_connected(ask))


async def _connected(ask: Callable[[PostgresLetters, Opened], Awaitable[Any]]) -> Any:
    from outrider.installation import open_store, reach_database
    from outrider.settings import read_settings
    from outrider.store.pg_letters import PostgresLetters

    settings = read_settings()
    async with reach_database(settings) as dsn, open_store(settings, dsn, connections=3) as opened:
        return await ask(PostgresLetters(opened.store.pool, opened.store.vault), opened)


def _identifier(text: str) -> bytes:
    from outrider.lib.ids import BadId, read_id

    try:
        return read_id("dlt", text)
    except BadId as error:
        raise click.BadParameter(str(error), param_hint="LETTER_ID") from error


def _line(fields: dict[str, Any]) -> str:
    place = f" at {fields['place']}" if fields["place"] else ""
    state = f" (replayed {fields['replayed_at']:%Y-%m-%d %H:%M})" if fields["replayed_at"] else ""
    return f"{fields['id']} {fields['at']:%Y-%m-%d %H:%M:%S %Z} {fields['kind']}{place}: {fields['reason']}{state}"


def _json(value: Any, indent: int = 0) -> str:
    import msgspec

    encoded = msgspec.json.encode(value)
    return (msgspec.json.format(encoded, indent=indent) if indent else encoded).decode()
