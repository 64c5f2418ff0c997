"""Calls with an access token where the provider needs one: kept per account, renewed once for everybody who waits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import cast

from msgspec.structs import replace

from outrider.contracts.bearer import Authorized, Bearer
from outrider.contracts.http import Http, Request, Response
from outrider.contracts.provider import Provider
from outrider.domain.attempt import Reason, Refused
from outrider.lib.clock import Clock
from outrider.workers.desk import Account

#: A token is renewed this long before its end, so that none ends on its way to the provider.
SPARE_SECONDS = 60.0
#: A token refused at least this long after it was given may have been withdrawn; a younger one was never right.
SETTLED_SECONDS = 60.0
#: Below this rest of its deadline a call is not begun.
SHORTEST_CALL = 0.25


@dataclass(frozen=True)
class _Kept:
    """A token with the provider (its credentials) it was given to; times are monotonic seconds."""

    provider: Provider
    bearer: Bearer
    given_at: float

    def lasts(self, now: float) -> bool:
        """Whether it may be used; of a life so short that the spare time would eat it, half is used."""
        return now < self.given_at + max(self.bearer.seconds - SPARE_SECONDS, self.bearer.seconds / 2)


class AuthorizedHttp:
    """The transport as accounts use it: adds the access token to calls of providers that are `Authorized`."""

    def __init__(self, http: Http, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        #: By account and by the identity of its provider: credentials may be replaced while a call is under way.
        self._renewals: dict[tuple[str, int], asyncio.Task[_Kept | Refused]] = {}

    async def send(self, account: Account, request: Request) -> Response | Refused:
        """The provider's answer, or why the request was not sent. Raises NotSent and Broken as the transport does.

        Token and request together take no longer than the account's deadline.
        """
        if not hasattr(account.provider, "token_request"):
            return await self._http.send(request, account.deadline)
        began = self._clock.monotonic()
        kept = await self._token(account, began)
        if isinstance(kept, Refused):
            return kept
        left = account.deadline - (self._clock.monotonic() - began)
        if left < SHORTEST_CALL:
            return Refused(Reason.NOT_CONNECTED, "the access token took the whole time; nothing was sent")
        header = ("authorization", f"Bearer {kept.bearer.token}")
        response = await self._http.send(replace(request, headers=(*request.headers, header)), left)
        if response.status == 401 and self._drop(account, kept):
            return Refused(Reason.UNAVAILABLE, "401: the access token is valid no more; a new one is asked for")
        return response

    def _drop(self, account: Account, kept: _Kept) -> bool:
        """Forget a token that was refused; whether it was an old one, which a new one may make good."""
        if self._kept.get(account.name) is kept:
            del self._kept[account.name]
        return self._clock.monotonic() - kept.given_at >= SETTLED_SECONDS

    async def _token(self, account: Account, now: float) -> _Kept | Refused:
        kept = self._kept.get(account.name)
        if kept is not None and kept.provider is account.provider and kept.lasts(now):
            return kept
        place = (account.name, id(account.provider))
        renewal = self._renewals.get(place)
        if renewal is None:
            renewal = self._renewals[place] = asyncio.create_task(self._renew(account))
            renewal.add_done_callback(lambda _: self._renewals.pop(place, None))
        return await asyncio.shield(renewal)

    async def _renew(self, account: Account) -> _Kept | Refused:
        """A new token, or why there is none: whatever goes wrong here, the message itself was not sent."""
        provider = cast("Authorized", account.provider)
        asked_at = self._clock.monotonic()
        try:
            response = await self._http.send(provider.token_request(self._clock.now()), account.deadline)
            bearer = provider.token_of(response)
        except Exception as error:
            return Refused(Reason.NOT_CONNECTED, f"no access token: {error or type(error).__name__}; nothing was sent")
        if isinstance(bearer, Refused):
            return bearer
        self._kept[account.name] = kept = _Kept(account.provider, bearer, asked_at)
        return kept
