"""STOP and START in inbound messages: which words count for the sender, and the stops they put."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from outrider.api.deps import ApiDeps
from outrider.domain.entry import Stop
from outrider.domain.policy import OptOutWords
from outrider.domain.profile import Profile
from outrider.domain.receipt import Reply
from outrider.domain.stops import opt_out_key
from outrider.ingest.mapping import PROFILE
from outrider.profiles.opt_out import Heard, Wish, heard_in, words_for


async def senders_of(deps: ApiDeps, address: bytes) -> dict[bytes, Profile | None]:
    """The profiles with an address, by stream; None for one that went meanwhile. Raises Unavailable."""
    return {stream: await deps.reading.profile(stream) for stream in await deps.reading.streams_of(address)}


def standing(deps: ApiDeps, senders: Mapping[bytes, Profile | None]) -> list[bytes]:
    """The streams of some profiles, without those merged into another of them: the engine would pass theirs on."""
    return [
        stream
        for stream, one in senders.items()
        if one is None or deps.hasher.stream(PROFILE, one.identity.merged_into) not in senders
    ]


def wish_in(deps: ApiDeps, senders: Iterable[Profile | None], text: str) -> Heard | None:
    """What a reply asks for, by the words of its senders' markets and languages.

    A number nobody has on file is read by the words of the home market: its owner must be left alone all the same.
    """
    policy = deps.configuration().policy
    markets = policy.markets
    rows: list[OptOutWords] = []
    for profile in senders:
        market = markets.get((profile.market if profile else None) or "") or markets[policy.home_market]
        rows += words_for(market, profile.locale if profile else None, markets.values())
    return heard_in(text, rows or markets[policy.home_market].opt_out)


def stops_for(
    heard: Heard | None, address: bytes, reply: Reply, at: datetime, told_by: tuple[bytes, ...]
) -> list[Stop]:
    """The stop a STOP puts, with the words explanations use, or its end by START; none for anything else.

    `told_by`: the key of an entry the reply becomes. Both wishes count once: told again, neither undoes what the
    person wrote since.
    """
    if heard is None or (heard.wish is Wish.START and not told_by):
        return []
    to = f" to {reply.to}" if reply.to else ""
    reason = f"the person wrote {heard.word}{to} on {at.astimezone(UTC):%Y-%m-%d at %H:%M} UTC"
    return [Stop(opt_out_key(address), "opt_out", reason, heard.wish is Wish.START, told_by)]
