"""`outrider send`: one template to one profile or address, over HTTP."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

import click

#: What looks like an address of a channel, first match first; everything else is a profile's key.
ADDRESSES = (("sms", re.compile(r"\+[0-9 ().-]{6,20}")), ("email", re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")))


@click.command(short_help="Send TEMPLATE to a profile or an address.")
@click.argument("template")
@click.option("--to", required=True, metavar="KEY|ADDRESS", help="A profile's key, or an address such as +33612345678.")
@click.option("--value", "values", multiple=True, metavar="NAME=VALUE", help="A variable of the template; repeatable.")
@click.option("--channel", "channels", multiple=True, help="A channel to try, best first; repeatable.")
@click.option("--purpose", help="Where the template declares none.")
@click.option("--valid-for", metavar="TIME", help="How long it is worth sending, such as 10m.")
@click.option(
    "--key", metavar="KEY", help="The Idempotency-Key: the same again sends nothing more. Fresh unless given."
)
@click.option("--url", help="Where the API is; OUTRIDER_URL unless given.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as one JSON object.")
def send(
    template: str,
    to: str,
    values: tuple[str, ...],
    channels: tuple[str, ...],
    purpose: str | None,
    valid_for: str | None,
    key: str | None,
    url: str | None,
    as_json: bool,
) -> None:
    """Send TEMPLATE to a profile or an address, and tell what was decided.

    It passes the same gates as every message. A value is text; one that reads as JSON (3, true, [1, 2]) where the
    template wants it is that; quote a text of digits: --value 'code="4711"'. The API key in OUTRIDER_API_KEY needs the
    scope messages:write.
    """
    from outrider.cli._running import run

    body: dict[str, Any] = {"template": template, "to": _receiver(to, channels), "values": _values(values)}
    optional = {"purpose": purpose, "valid_for": valid_for, "channels": {"first": list(channels)} if channels else None}
    body |= {name: value for name, value in optional.items() if value is not None}
    answer = run(_send(body, key or secrets.token_hex(16), url))
    click.echo(json.dumps(answer) if as_json else _told(answer))


COMMAND = send


def _receiver(to: str, channels: tuple[str, ...]) -> dict[str, Any]:
    for channel, form in ADDRESSES:
        if form.fullmatch(to):
            return {"address": {"channel": channels[0] if channels else channel, "value": to}}
    return {"profile": to}


def _values(given: tuple[str, ...]) -> dict[str, Any]:
    values = {}
    for pair in given:
        name, equals, text = pair.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"expected NAME=VALUE, got {pair!r}", param_hint="--value")
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    return values


async def _send(body: dict[str, Any], key: str, url: str | None) -> dict[str, Any]:
    from outrider.cli._calling import calling

    async with calling(url) as api:
        headers = (("idempotency-key", key),)
        answer = await api.post("/v1/messages?wait=applied", "application/json", json.dumps(body).encode(), headers)
    return dict(json.loads(answer))


def _told(answer: dict[str, Any]) -> str:
    decision = answer.get("decision")
    if decision is None:
        return f"{answer['id']} accepted; not decided yet, see: outrider explain {answer['id']}"
    return f"{answer['id']} {decision['explanation'][0]}"
