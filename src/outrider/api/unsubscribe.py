"""`/v1/unsubscribe/{token}`, plain ASGI: one click in a mailbox ends a purpose on a channel (RFC 8058)."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

from outrider.api.asgi import Receive, Route, Scope, Send, answering, check_method, header, read_body, send_page
from outrider.api.deps import ApiDeps
from outrider.api.farewell import POLICY, language, page
from outrider.api.problems import NOT_FOUND, UNREADABLE, Problem, Wrong
from outrider.api.writing import stand
from outrider.delivery.unsubscribe import Leaving, read_token
from outrider.domain.entry import ConsentEntry, Entry, Stop
from outrider.domain.profile import ConsentState
from outrider.domain.stops import consent_key
from outrider.lib.ids import write_id

UNSUBSCRIBE = "/v1/unsubscribe/"
LARGEST = 4096
SOURCE = "unsubscribe link"
#: The field in a multipart form, which RFC 8058 also allows.
IN_PARTS = re.compile(rb'name="?List-Unsubscribe"?[^\n]*\r?\n(?:[^\n]+\n)*\r?\nOne-Click\r?\n', re.IGNORECASE)


def unsubscribe_route(deps: ApiDeps) -> Route:
    """The route as an ASGI application."""

    async def unsubscribe(scope: Scope, receive: Receive, send: Send) -> None:
        one = _leaving(deps, scope["path"])
        check_method(scope, "GET", "POST")
        done = scope["method"] == "POST"
        if done:
            _check_form(await read_body(scope, receive, LARGEST))
            await _withdraw(deps, one)
        asked = header(scope, b"accept-language") or b""
        await send_page(send, page(language(asked.decode("latin-1")), done=done), POLICY)

    return answering(unsubscribe)


def _leaving(deps: ApiDeps, path: str) -> Leaving:
    """Whom and what a link is about. Raises Problem (404) for a token that we did not sign."""
    one = read_token(deps.link_key, path[len(UNSUBSCRIBE) :]) if deps.link_key else None
    if one is None:
        raise Problem(NOT_FOUND)
    return one


def _check_form(body: bytes) -> None:
    """Raises Problem (400) for a POST that is none of RFC 8058."""
    fields = parse_qs(body.decode("latin-1"))
    if "One-Click" not in fields.get("List-Unsubscribe", []) and not IN_PARTS.search(body):
        raise Problem(UNREADABLE, errors=[Wrong("$", "expected the form List-Unsubscribe=One-Click")])


async def _withdraw(deps: ApiDeps, one: Leaving) -> None:
    """A line in the ledger and a stop that delivery obeys at once; the stop alone for a person who is gone."""
    why = f"consent to {one.purpose} by {one.channel} was withdrawn by an unsubscribe link"
    stops = [Stop(consent_key(one.stream, one.purpose, one.channel), "consent", why)]
    profile = await deps.reading.profile(one.stream)
    if profile is None:
        await stand(deps, stops)
        return
    line = ConsentEntry(
        key=profile.key,
        purpose=str(one.purpose),
        state=str(ConsentState.WITHDRAWN),
        channel=one.channel,
        source=SOURCE,
        evidence={"message": write_id("msg", one.message)},
    )
    await deps.appender.append([Entry(one.stream, line, deps.clock.now())], stops)
