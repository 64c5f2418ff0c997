"""`outrider send`: one template to one profile or address, over HTTP."""

from __future__ import annotations

import json
import re
import secrets
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outrider.cli._calling import Refused

#: What looks like an address of a channel, first match first; everything else is a profile's key.
ADDRESSES = (("sms", re.compile(r"\+[0-9 ().-]*")), ("email", re.compile(r"[^@]*@[^@]*")))
#: A number as people write it at home: it is one where a market says which home that is, else a profile's key.
NATIONAL = re.compile(r"[0-9 ()./-]{6,25}")
#: What may stand before a key or an address to say what it is: `profile`, or a channel.
NAMED = re.compile(r"(profile|[a-z][a-z0-9_-]{0,39}):(.+)", re.DOTALL)
WHERE = "where TO is an address"


@click.command(short_help="Send TEMPLATE to a profile or an address.")
@click.argument("template")
@click.option("--to", required=True, metavar="KEY|ADDRESS", help="A profile's key, or an address such as +33612345678.")
@click.option("--value", "values", multiple=True, metavar="NAME=VALUE", help="A variable of the template; repeatable.")
@click.option("--channel", "channels", multiple=True, help="A channel to try, best first; repeatable.")
@click.option("--purpose", help="Where the template declares none.")
@click.option("--valid-for", metavar="TIME", help="How long it is worth sending, such as 10m.")
@click.option("--time-critical", is_flag=True, help="Do not wait for the end of quiet hours, where its purpose may.")
@click.option("--market", help=f"Whose, {WHERE}; it also reads numbers in national form.")
@click.option("--locale", help=f"In which language, {WHERE}.")
@click.option("--zone", help=f"In which time zone, {WHERE}.")
@click.option(
    "--key", metavar="KEY", help="The Idempotency-Key: the same again sends nothing more. Fresh unless given."
)
@click.option(
    "--dedupe-key", metavar="TEXT", help="At most one message is ever sent to TO under it, whatever the --key."
)
@click.option("--url", help="Where the API is; OUTRIDER_URL unless given.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as one JSON object.")
def send(
    template: str,
    to: str,
    values: tuple[str, ...],
    channels: tuple[str, ...],
    market: str | None,
    locale: str | None,
    zone: str | None,
    key: str | None,
    url: str | None,
    as_json: bool,
    **optional: Any,
) -> None:
    """Send TEMPLATE to a profile or an address, and tell what was decided.

    A number that begins with + and whatever has an @ is an address; so is a number in national form beside --market.
    Say it where that is wrong: --to profile:zoe@example.org, --to push:TOKEN.

    It passes the same gates as every message. A value is text, or JSON (3, true, [1, 2]) where the template wants that.
    The API key in OUTRIDER_API_KEY needs the scope messages:write.
    """
    from outrider.cli._running import run

    known = {name: value for name, value in (("market", market), ("locale", locale), ("zone", zone)) if value}
    body: dict[str, Any] = {"template": template, "to": _receiver(to, channels, known), "values": _values(values)}
    body |= {name: value for name, value in optional.items() if value}
    if channels:
        body["channels"] = {"first": list(channels)}
    answer = run(_send(body, secrets.token_hex(16) if key is None else key, url, dict(_pairs(values))))
    click.echo(json.dumps(answer) if as_json else _told(answer, to))


COMMAND = send


def _receiver(to: str, channels: Sequence[str], known: dict[str, str]) -> dict[str, Any]:
    """The receiver as the API takes it. Raises BadParameter."""
    if not to.strip():
        raise click.BadParameter("expected a profile's key or an address", param_hint="--to")
    channel, value = _named(to, "market" in known)
    if channel == "profile":
        if known:
            _refuse(f"--{next(iter(known))}", f"belongs to an address; the profile '{value[:40]}' has its own")
        return {"profile": value}
    return {"address": {"channel": channels[0] if channels else channel, "value": value}, **known}


def _named(to: str, has_market: bool) -> tuple[str, str]:
    """`profile` or a channel, and the key or address."""
    from outrider.plugged import shipped

    named = NAMED.fullmatch(to)
    if named and (named[1] == "profile" or named[1] in shipped().channels):
        return named[1], named[2]
    for channel, form in (*ADDRESSES, *((("sms", NATIONAL),) if has_market else ())):
        if form.fullmatch(to):
            return channel, to
    return "profile", to


def _refuse(option: str, why: str) -> NoReturn:
    raise click.BadParameter(why, param_hint=option)


def _pairs(given: Sequence[str]) -> list[tuple[str, str]]:
    """Names and texts. Raises BadParameter."""
    pairs: dict[str, str] = {}
    for pair in given:
        name, equals, text = pair.partition("=")
        if not (name and equals):
            _refuse("--value", f"expected NAME=VALUE, got {pair!r}")
        if name in pairs:
            _refuse("--value", f"{name} is given twice")
        pairs[name] = text
    return list(pairs.items())


def _values(given: Sequence[str]) -> dict[str, Any]:
    return {name: _value(text) for name, text in _pairs(given)}


def _value(text: str) -> Any:
    """What a text means as JSON; what is none, and what JSON does not have (NaN), is the text."""
    try:
        value = json.loads(text, parse_constant=lambda _: text)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return text
    return value


async def _send(body: dict[str, Any], key: str, url: str | None, texts: dict[str, str]) -> dict[str, Any]:
    """The API's answer. What read as JSON and is wanted as text is sent as text: `--value code=4711`."""
    from outrider.cli._calling import Refused, calling

    async with calling(url) as api:
        headers = (("idempotency-key", key),)

        async def ask() -> dict[str, Any]:
            raw = await api.post("/v1/messages?wait=applied", "application/json", json.dumps(body).encode(), headers)
            return dict(json.loads(raw))

        try:
            return await ask()
        except Refused as refused:
            meant = _meant_as_text(refused, texts)
            if not meant:
                raise
        body["values"] |= meant
        return await ask()


def _meant_as_text(refused: Refused, texts: dict[str, str]) -> dict[str, str]:
    wanted = {path for path, reason in refused.wrong if reason.startswith("expected a string, got ")}
    return {name: text for name, text in texts.items() if f"$.values.{name}" in wanted}


def _told(answer: dict[str, Any], to: str) -> str:
    decision = answer.get("decision")
    if decision is None:
        return f"{answer['id']} accepted; not decided yet, see: outrider explain {answer['id']}"
    told = f"{answer['id']} {decision['explanation'][0]}"
    if STRANGER not in told:
        return told
    return (
        f"{told}\n{A_NUMBER if NATIONAL.fullmatch(to) else 'Put or import the profile first, or send to an address.'}"
    )


#: How the decision says that nobody has this key.
STRANGER = "Nobody is known by this key"
A_NUMBER = "If it is a telephone number, write it with its country (+33 6 12 34 56 78), or give its --market."
