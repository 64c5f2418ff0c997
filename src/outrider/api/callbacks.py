"""`/v1/callbacks/{account}/{token}`, plain ASGI: receipts and replies of providers, answered once they are durable."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from urllib.parse import parse_qsl

import msgspec
import structlog

from outrider.api.asgi import Receive, Route, Scope, Send, answering, check_method, read_body, send_empty
from outrider.api.deps import ApiDeps, CallbackAccount
from outrider.api.problems import FORBIDDEN, NOT_FOUND, Problem
from outrider.api.wishes import senders_of, standing, stops_for, wish_in
from outrider.contracts.provider import Callback, Forged, Unreadable
from outrider.contracts.reading_store import Unavailable
from outrider.domain.entry import Entry, ReplyEntry
from outrider.domain.receipt import Receipt, Reply, Reported, plausible
from outrider.domain.work import DeadLetter
from outrider.lib.ids import BadId, new_id, read_id
from outrider.lib.redact import trace_of, without_addresses

log = structlog.get_logger(__name__)

PREFIX = "/v1/callbacks/"
#: No documented callback comes near this.
LARGEST_CALLBACK = 256 * 1024
#: PostgreSQL's smallint, which holds attempt numbers and segments.
MOST_SMALL = 32_767


class BuriedCallback(msgspec.Struct, frozen=True):
    """A callback as a dead letter keeps it: MessagePack of this."""

    account: str
    callback: Callback


def callbacks_route(deps: ApiDeps) -> Route:
    """The route as an ASGI application."""

    async def receive_callback(scope: Scope, receive: Receive, send: Send) -> None:
        name, account = find_account(deps, scope["path"])
        check_method(scope, "POST", "GET")
        body = await read_body(scope, receive, LARGEST_CALLBACK)
        await send_empty(send, await _take(deps, name, account, _callback(deps, scope, body)))

    return answering(receive_callback)


def find_account(deps: ApiDeps, path: str) -> tuple[str, CallbackAccount]:
    """The account a path names. Raises Problem (404), the same for a wrong account and a wrong token."""
    name, _, token = path[len(PREFIX) :].partition("/")
    account = deps.accounts().get(name)
    expected = account.token if account else ""
    fits = hmac.compare_digest(token.encode(), expected.encode())
    if account is None or not fits or not expected:
        raise Problem(NOT_FOUND)
    return name, account


def _callback(deps: ApiDeps, scope: Scope, body: bytes) -> Callback:
    query = scope["query_string"].decode("latin-1")
    path = scope["raw_path"].decode("latin-1")
    return Callback(
        method=scope["method"],
        url=f"{deps.public_url()}{path}?{query}" if query else f"{deps.public_url()}{path}",
        query=dict(parse_qsl(query, keep_blank_values=True)) if query else {},
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
        received_at=deps.clock.now(),
    )


async def _take(deps: ApiDeps, name: str, account: CallbackAccount, callback: Callback) -> int:
    """The status to answer with: 204 when stored, 200 when kept as a dead letter."""
    try:
        await deliver(deps, name, account, callback)
    except Forged as error:
        deps.metrics.forged.inc()
        log.warning("a callback was forged", account=name)
        raise Problem(FORBIDDEN, "the callback's signature does not fit") from error
    except Unreadable as error:
        await _bury(deps, name, callback, str(error))
        return 200
    deps.metrics.received.inc()
    return 204


async def deliver(deps: ApiDeps, name: str, account: CallbackAccount, callback: Callback) -> None:
    """Store what a callback says. Raises Forged, Unreadable (also for a reply nobody can be found for), Unavailable."""
    found = _read(name, account, callback)
    receipts = [_reported(name, each, callback) for each in found if isinstance(each, Receipt)]
    if receipts:
        await deps.reporter.report(receipts)
    replies = [each for each in found if isinstance(each, Reply)]
    if replies:
        await _append_replies(deps, name, account.provider.channel, replies, callback)


def _read(name: str, account: CallbackAccount, callback: Callback) -> Sequence[Receipt | Reply]:
    try:
        return account.provider.receipts(callback)
    except (Forged, Unreadable):
        raise
    except Exception as error:
        log.error(
            "a provider could not read a callback", account=name, error=type(error).__name__, trace=trace_of(error)
        )
        raise Unreadable(f"the provider's reader failed: {type(error).__name__}") from error


def _reported(name: str, receipt: Receipt, callback: Callback) -> Reported:
    """A receipt as the store takes it: its words are kept in clear, so they name no address.

    Raises Unreadable for one that no column can hold.
    """
    if "\0" in receipt.provider_id or "\0" in receipt.detail or "\0" in (receipt.currency or ""):
        raise Unreadable("the character U+0000 is not allowed")
    if receipt.segments is not None and not 0 <= receipt.segments <= MOST_SMALL:
        raise Unreadable(f"{receipt.segments} segments cannot be")
    receipt = msgspec.structs.replace(
        receipt, at=plausible(receipt.at, callback.received_at), detail=without_addresses(receipt.detail)
    )
    return Reported(name, receipt, callback.received_at, _attempt(receipt.attempt or callback.query.get("attempt")))


def _attempt(echo: str | None) -> tuple[bytes, int] | None:
    """Message and number behind our echo, ``msg_….n``; None when it is missing or not ours."""
    if echo is None:
        return None
    text, _, number = echo.rpartition(".")
    if not (number.isascii() and number.isdigit() and len(number) <= 5 and 1 <= int(number) <= MOST_SMALL):
        return None
    try:
        return read_id("msg", text), int(number)
    except BadId:
        return None


async def _append_replies(deps: ApiDeps, name: str, channel: str, replies: Sequence[Reply], callback: Callback) -> None:
    """A reply goes to every person who has the sender's address; its repeat is known by the provider's id, also when
    they are merged, or others have the address, by then."""
    for reply in replies:
        address = deps.hasher.address(channel, reply.sender)
        senders = await senders_of(deps, address)
        heard = wish_in(deps, senders.values(), reply.text)
        streams = standing(deps, senders)
        keys = tuple(
            deps.hasher.event(f"callbacks/{name}", f"{reply.provider_id} {place}") for place in range(len(streams))
        )
        stops = stops_for(heard, address, reply, callback.received_at, keys[:1])
        if not streams and not stops:
            raise Unreadable("no profile has the sender's address")
        body = ReplyEntry(channel, reply.sender, reply.text, reply.provider_id, heard.wish if heard else "")
        at = callback.received_at
        entries = [Entry(stream, body, at, key) for stream, key in zip(streams, keys, strict=True)]
        await deps.appender.append(entries, stops)


async def _bury(deps: ApiDeps, name: str, callback: Callback, reason: str) -> None:
    deps.metrics.unreadable.inc()
    raw = msgspec.msgpack.encode(BuriedCallback(name, callback))
    letter = DeadLetter(new_id(callback.received_at, 0), callback.received_at, "callback", reason, raw, name)
    try:
        await deps.log.bury([letter])
    except Exception as error:
        raise Unavailable(f"the dead letters did not confirm ({type(error).__name__})") from error
