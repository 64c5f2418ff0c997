"""What becomes of doubts: ask the provider, and when the purpose's time is over let the purpose decide."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import msgspec
import structlog

from outrider.contracts.http import Broken, Http, NotSent, Response
from outrider.contracts.provider import Doubt, Unreadable
from outrider.contracts.store import DeliveryStore
from outrider.domain.attempt import AttemptState, Refused
from outrider.domain.message import Status
from outrider.domain.outbox import Next, OpenDoubt, Resolved
from outrider.lib.clock import Clock
from outrider.lib.redact import trace_of
from outrider.workers.authorized import AuthorizedHttp
from outrider.workers.desk import Account, Desk
from outrider.workers.moves import follow
from outrider.workers.outbound import echo

#: Look-ups of one doubt come after 0.5 s, 1 s, 2 s, …, at most a minute apart.
FIRST_LOOK = timedelta(seconds=0.5)
LONGEST_LOOK = timedelta(minutes=1)
#: The longest look-up, in seconds: the doubts behind it wait for it, and some may wait for three seconds only.
LONGEST_CALL = 2.0
#: Clocks further apart prove no absence: below the skew that providers' look-ups allow for (5 s).
CLOCKS_DIFFER = timedelta(seconds=3)
#: A message missing from a look-up was not accepted once this many times the reporting lag has passed.
LAGS = 3

log = structlog.get_logger(__name__)


@dataclass
class Resolver:
    """Looks doubts up and ends them."""

    store: DeliveryStore
    desk: Desk
    http: Http
    clock: Clock

    def __post_init__(self) -> None:
        self._line = AuthorizedHttp(self.http, self.clock)

    async def step(self, most: int = 100) -> int:
        """Look at the doubts whose time has come; how many."""
        doubts = await self.store.doubts(most)
        # Together: a provider that hangs must not hold up the doubts behind it, which may have three seconds.
        resolved = await asyncio.gather(*(self._resolve(doubt) for doubt in doubts))
        if resolved:
            await self.store.resolve(_each_proof_once(doubts, resolved))
        return len(resolved)

    async def _resolve(self, doubt: OpenDoubt) -> Resolved:
        began = self.clock.monotonic()
        account = self.desk.accounts.get(doubt.account)
        found, answered = await self._look_up(doubt, account) if account else (None, False)
        ticks = self.clock.monotonic()
        # The database's time: this machine's clock may be hours off, and a doubt may have three seconds.
        now = doubt.now + timedelta(seconds=ticks - began)
        return conclude_doubt(doubt, self.desk, now, ticks, found, answered)

    async def _look_up(self, doubt: OpenDoubt, account: Account) -> tuple[str | None, bool]:
        """The provider's id if it shows acceptance, and whether its answer could prove absence."""
        question = Doubt(
            attempt=echo(doubt.message.id, doubt.number),
            to=doubt.message.content.address,
            text=doubt.body.text,
            since=doubt.since,
        )
        try:
            request = account.provider.lookup(question)
            if request is None:
                return None, False
            began = self.clock.monotonic()
            response = await self._line.send(_hurried(account), request)
            if isinstance(response, Refused):
                return None, False
            now = doubt.now + timedelta(seconds=self.clock.monotonic() - began)
            return await self._own(doubt, account, question, response), _same_time(response, now)
        except (NotSent, Broken, Unreadable):
            return None, False
        except Exception as error:
            # One look-up that fails in a way nobody foresaw must not keep the other doubts open.
            log.error("a look-up failed", account=account.name, error=type(error).__name__, trace=trace_of(error))
            return None, False

    async def _own(self, doubt: OpenDoubt, account: Account, question: Doubt, response: Response) -> str | None:
        """The id the answer shows for this attempt, passing over those that belong to others: an equal text to the
        same person proves nothing about this one."""
        while (found := account.provider.found(question, response)) is not None and found not in question.taken:
            owner = await self.store.owner(account.name, found)
            if owner is None or owner == (doubt.message.id, doubt.number):
                return found
            question = msgspec.structs.replace(question, taken=question.taken | {found})
        return None


def _hurried(account: Account) -> Account:
    """The account as look-ups use it: a provider in trouble often hangs in both, the send and the question after it."""
    return msgspec.structs.replace(account, deadline=min(account.deadline, LONGEST_CALL))


def _each_proof_once(doubts: Sequence[OpenDoubt], resolved: Sequence[Resolved]) -> list[Resolved]:
    """Two doubts about equal texts may find the same message: it proves the first; the other looks again."""
    seen: set[tuple[str, str]] = set()
    kept = []
    for doubt, one in zip(doubts, resolved, strict=True):
        proof = (one.account, one.provider_id or "")
        is_twin = one.provider_id is not None and proof in seen
        seen.add(proof)
        again = Resolved(one.message, one.stream, one.number, None, check_at=doubt.now + FIRST_LOOK)
        kept.append(again if is_twin else one)
    return kept


def _same_time(response: Response, now: datetime) -> bool:
    """Whether the provider's clock (its Date header, RFC 9110 6.6.1) agrees with the database's.

    A look-up asks by time: between clocks that disagree, a message that is not found may still be there.
    """
    try:
        at = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return True
    return at.tzinfo is not None and abs(at - now) <= CLOCKS_DIFFER


def conclude_doubt(
    doubt: OpenDoubt, desk: Desk, now: datetime, ticks: float, found: str | None, answered: bool
) -> Resolved:
    """Accepted when found; else later, until time is up: then absent when that is proved, unresolved when not. Pure."""
    if found is not None:
        return _ended(doubt, AttemptState.ACCEPTED, Next(Status.ACCEPTED), found)
    if now < doubt.give_up_at:
        look_at = min(now + min(FIRST_LOOK * 2 ** min(doubt.checks, 10), LONGEST_LOOK), doubt.give_up_at)
        return Resolved(doubt.message.id, doubt.message.stream, doubt.number, None, check_at=look_at)
    state = AttemptState.ABSENT if answered and _lag_is_over(doubt, desk, now) else AttemptState.UNRESOLVED
    past = tuple(msgspec.structs.replace(one, state=state) if one.number == doubt.number else one for one in doubt.past)
    return _ended(doubt, state, follow(doubt.message, past, desk, now, ticks), None)


def _lag_is_over(doubt: OpenDoubt, desk: Desk, now: datetime) -> bool:
    account = desk.accounts.get(doubt.account)
    if account is None or not account.provider.abilities.lookup:
        return False
    return now >= doubt.opened_at + LAGS * timedelta(seconds=account.provider.abilities.lookup_lag)


def _ended(doubt: OpenDoubt, state: AttemptState, next_: Next, found: str | None) -> Resolved:
    return Resolved(
        message=doubt.message.id,
        stream=doubt.message.stream,
        number=doubt.number,
        state=state,
        provider_id=found,
        account=doubt.account,
        next=next_,
        awaited=doubt.message.awaited,
    )
