"""One exchange with a provider: whatever goes wrong in it has an outcome."""

from __future__ import annotations

from datetime import datetime

import msgspec
import structlog

from outrider.contracts.http import Broken, NotSent, Request
from outrider.contracts.provider import Direct, Outbound, direct
from outrider.domain.attempt import Accepted, Outcome, Reason, Refused, Unknown
from outrider.domain.outbox import Intent
from outrider.lib.redact import trace_of, without_addresses
from outrider.workers.authorized import AuthorizedHttp
from outrider.workers.desk import Account, Desk
from outrider.workers.outbound import outbound

log = structlog.get_logger(__name__)


async def send(intent: Intent, desk: Desk, line: AuthorizedHttp, now: datetime) -> Outcome:
    """Send what an intent says, by the provider's own transport or over HTTP; never raises.

    The outcome's words are kept in clear, and go on to the route's changes: they do not name the person's address.
    """
    outcome = await _send(intent, desk, line, now)
    if isinstance(outcome, Accepted) or not outcome.detail:
        return outcome
    return msgspec.structs.replace(outcome, detail=without_addresses(outcome.detail, intent.message.content.address))


async def _send(intent: Intent, desk: Desk, line: AuthorizedHttp, now: datetime) -> Outcome:
    account = desk.accounts[intent.account]
    own = direct(account.provider)
    try:
        message = outbound(intent, desk, now)
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
