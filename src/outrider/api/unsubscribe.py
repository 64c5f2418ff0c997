"""`/v1/unsubscribe/{token}`, plain ASGI: one click in a mailbox ends a purpose on a channel (RFC 8058)."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

from outrider.api.asgi import Receive, Route, Scope, Send, answering, check_method, header, read_body, send_page
from outrider.api.deps import ApiDeps
from outrider.api.farewell import POLICY, Moment, language, page
from outrider.api.problems import NOT_FOUND, UNREADABLE, Problem, Wrong, problem_of
from outrider.api.writing import stand
from outrider.contracts.reading_store import Unavailable
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
    """The route as an ASGI application. Browsers get a page also for what goes wrong, mailbox providers a problem."""

    async def unsubscribe(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            one = _leaving(deps, scope["path"])
        except Problem as problem:
            await _apologize(scope, send, problem, Moment.MISSING)
            return
        check_method(scope, "GET", "POST")
        done = scope["method"] == "POST"
        if done:
            _check_form(await read_body(scope, receive, LARGEST))
            try:
                await _withdraw(deps, one)
            except Unavailable as error:
                await _apologize(scope, send, problem_of(error), Moment.FAILED, one.locale)
                return
        name = language(one.locale, _asked(scope, b"accept-language"))
        await send_page(send, page(name, Moment.DONE if done else Moment.ASKS, one.purpose), POLICY)

    return answering(unsubscribe)


async def _apologize(scope: Scope, send: Send, problem: Problem, moment: Moment, locale: str = "") -> None:
    """Tell a person in words; raises the problem for whoever does not read HTML."""
    if "text/html" not in _asked(scope, b"accept"):
        raise problem
    name = language(locale, _asked(scope, b"accept-language"))
    await send_page(send, page(name, moment), POLICY, problem.kind.status)


def _asked(scope: Scope, name: bytes) -> str:
    return (header(scope, name) or b"").decode("latin-1")


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
