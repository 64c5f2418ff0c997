"""`outrider callbacks`: where providers post receipts, replies, and reports about mail."""

from __future__ import annotations

import click


@click.command(short_help="Print the callback URL of every account.")
@click.option("--json", "as_json", is_flag=True, help="Print the URLs as one JSON object.")
def callbacks(as_json: bool) -> None:
    """Print the callback URL of every account of the applied configuration.

    Whoever knows a URL may post to it: keep it like a password.
    """
    import json

    from outrider.cli._running import run

    urls = run(_urls())
    if as_json:
        click.echo(json.dumps(urls))
    else:
        click.echo("\n".join(f"{name} {url}" for name, url in urls.items()))


COMMAND = callbacks


async def _urls() -> dict[str, str]:
    """The URL of each account, by its name."""
    from outrider.installation import current_configuration, open_store, reach_database
    from outrider.settings import read_settings
    from outrider.wiring import callback_token

    settings = read_settings()
    async with reach_database(settings) as dsn, open_store(settings, dsn, connections=2) as opened:
        toml = (await current_configuration(opened)).toml
        key = opened.keys.index_key()
    base = settings.public_url or toml.public_url or f"http://{settings.host}:{settings.port}"
    return {one.name: f"{base}/v1/callbacks/{one.name}/{callback_token(one.name, key)}" for one in toml.accounts}
