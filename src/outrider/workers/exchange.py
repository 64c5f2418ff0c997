"""One exchange with a provider: whatever goes wrong in it has an outcome."""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog
from msgspec.structs import replace

from outrider.contracts.http import Broken, NotSent, Request
from outrider.contracts.provider import Direct, Outbound, direct
from outrider.delivery.together import together
from outrider.domain.attempt import Accepted, Outcome, Reason, Refused, Unknown
from outrider.domain.outbox import Intent
from outrider.lib.redact import trace_of, without_addresses
from outrider.workers.authorized import AuthorizedHttp
from outrider.workers.desk import Account, Desk
from outrider.workers.outbound import outbound

log = structlog.get_logger(__name__)


async def send(intent: Intent, desk: Desk, line: AuthorizedHttp, now: datetime) -> Outcome:
    """Send what an intent says, to all its addresses at once, by the provider's own transport or over HTTP.

    Never raises. The outcome's words are kept in clear, and go on to the route's changes: they name nobody's address.
    """
    try:
        message = outbound(intent, desk, now)
    except Exception as error:
        return Refused(Reason.BAD_REQUEST, f"the request cannot be written: {error}")
    account, own, others = desk.accounts[intent.account], intent.message.address, intent.message.content.others
    if not others:
        return await _send_to(account, message, line)
    calls = (_send_to(account, replace(message, to=to), line) for to in (message.to, *(one.value for one in others)))
    outcomes = await asyncio.gather(*calls)
    return together(list(zip((own, *(one.address for one in others)), outcomes, strict=True)))


async def _send_to(account: Account, message: Outbound, line: AuthorizedHttp) -> Outcome:
    outcome = await _call(account, message, line)
    if isinstance(outcome, Accepted) or not outcome.detail:
        return outcome
    return replace(outcome, detail=without_addresses(outcome.detail, message.to))


async def _call(account: Account, message: Outbound, line: AuthorizedHttp) -> Outcome:
    own = direct(account.provider)
    try:
        request = account.provider.request(message) if own is None else None
    except Exception as error:
        return Refused(Reason.BAD_REQUEST, f"the request cannot be written: {error}")
    if own is not None:
        return await _send_directly(account, own, message)
    assert request is not None
    return await _exchange(account, request, line)


async def _send_directly(account: Account, provider: Direct, message: Outbound) -> Outcome:
    """One message by the provider's own transport, whose promise never to raise is not relied on."""
    try:
        return await provider.send(message, account.deadline)
    except Exception as error:
        return _unforeseen(account, error)


async def _exchange(account: Account, request: Request, line: AuthorizedHttp) -> Outcome:
    """One call; whatever goes wrong in it has an outcome, since an intent without one waits for its lease's end."""
    try:
        answer = await line.send(account, request)
        return answer if isinstance(answer, Refused) else account.provider.outcome(answer)
    except NotSent as error:
        return Refused(Reason.NOT_CONNECTED, str(error))
    except Broken as error:
        return Unknown(str(error))
    except Exception as error:
        return _unforeseen(account, error)


def _unforeseen(account: Account, error: Exception) -> Unknown:
    """A defect of ours or of a provider's file: nobody knows whether the message left."""
    name = type(error).__name__
    log.error("a call failed in a way nobody foresaw", account=account.name, error=name, trace=trace_of(error))
    return Unknown(f"{name}: {error}")
