"""Providers whose calls carry a short-lived access token that another call gives (RFC 6749, RFC 6750)."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec

from outrider.contracts.http import Request, Response, general_failure
from outrider.domain.attempt import Reason, Refused, Unknown
from outrider.lib.lenient import Lenient


class Bearer(msgspec.Struct, frozen=True):
    """An access token and the seconds it lasts. Never shown."""

    token: str
    seconds: float

    def __repr__(self) -> str:
        return f"Bearer(•••, {self.seconds:g})"


class Authorized(Protocol):
    """What a provider offers besides the port when its calls need an access token.

    The transport edge keeps the token of each account, asks for the next one shortly before its end, and adds it to
    every request of the provider as ``authorization: Bearer …``.
    """

    def token_request(self, now: datetime) -> Request:
        """The request that asks for a token. `now` (aware) goes into what is signed."""
        ...

    def token_of(self, response: Response) -> Bearer | Refused:
        """The token in the answer, or why there is none. Total: never raises."""
        ...


class _Grant(msgspec.Struct):
    """RFC 6749 5.1, or the error of 5.2."""

    access_token: str = ""
    expires_in: float | None = None
    error: str = ""
    error_description: str = ""


_GRANT = Lenient(_Grant)
#: For answers without expires_in, which RFC 6749 5.1 only recommends: short enough to be safe.
UNSAID_SECONDS = 300.0


def bearer_of(response: Response) -> Bearer | Refused:
    """The answer of an OAuth 2.0 token endpoint as every one gives it.

    A refusal of the credentials is UNAUTHORIZED; what may pass is NOT_CONNECTED: the message itself was not sent.
    """
    grant = _GRANT.decode(response.body)
    is_sound = bool(grant.access_token) and grant.access_token.isascii() and grant.access_token.isprintable()
    if 200 <= response.status < 300 and is_sound:
        return Bearer(grant.access_token, UNSAID_SECONDS if grant.expires_in is None else grant.expires_in)
    detail = f"no access token: {response.status} {grant.error} {grant.error_description}".strip()
    if 400 <= response.status < 500 and response.status != 429:
        return Refused(Reason.UNAUTHORIZED, detail)
    failure = general_failure(response, understood=bool(grant.error))
    wait = None if failure is None or isinstance(failure, Unknown) else failure.retry_after
    return Refused(Reason.NOT_CONNECTED, detail, wait)
