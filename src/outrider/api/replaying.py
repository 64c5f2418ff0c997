"""Takes a dead letter again the way it first came: as an event, as a stimulus or as a callback."""

from __future__ import annotations

import msgspec

from outrider.api.callbacks import BuriedCallback, deliver
from outrider.api.deps import ApiDeps
from outrider.api.events import REFUSED, store
from outrider.api.intake import REJECTED, Intake
from outrider.api.problems import CONFLICT, NOT_FOUND, Problem, Wrong
from outrider.api.problems import REJECTED as REJECTED_KIND
from outrider.contracts.provider import Forged, Unreadable
from outrider.contracts.reading_store import CannotReplay
from outrider.domain.work import DeadLetter
from outrider.ingest.cloudevents import STRUCTURED


class Replayed(msgspec.Struct, frozen=True):
    """What came of a replay."""

    #: accepted, or duplicate for an event that came in another way meanwhile.
    status: str
    #: Stimuli put back: 1, and for a quarantined one all that waited behind it.
    stimuli: int = 1


async def replay(deps: ApiDeps, identifier: bytes) -> Replayed:
    """Replay a letter and mark it. Raises Problem: 404, 409 when it was replayed, 422 when it is refused again."""
    letter = await deps.letters.show_letter(identifier)
    if letter is None:
        raise Problem(NOT_FOUND, "there is no such dead letter")
    if letter.replayed_at is not None:
        raise Problem(CONFLICT, "the letter was replayed already")
    if letter.kind == "stimulus":
        return await _replay_stimulus(deps, identifier)
    replayed = await (_replay_callback(deps, letter) if letter.kind == "callback" else _replay_event(deps, letter))
    await deps.letters.close_letter(identifier)
    return replayed


async def _replay_stimulus(deps: ApiDeps, identifier: bytes) -> Replayed:
    try:
        stimuli = await deps.letters.replay_letter(identifier)
    except CannotReplay as error:
        raise Problem(CONFLICT, str(error)) from error
    deps.wakes.log.ring()
    return Replayed("accepted", stimuli)


async def _replay_event(deps: ApiDeps, letter: DeadLetter) -> Replayed:
    """The event key keeps it from being taken twice, also when marking the letter fails."""
    headers = [(b"content-type", STRUCTURED.encode())]
    taken = Intake(deps.hasher).take(headers, letter.raw, deps.configuration().mapper, deps.clock.now())
    taken.letters.clear()  # it is one already
    if any(each.status == REJECTED for each in taken.results):
        wrong = [Wrong(each.path or "$", each.reason or "") for each in taken.results]
        raise Problem(REJECTED_KIND, REFUSED, wrong)
    answer = await store(deps, taken)
    return Replayed(answer.results[0].status)


async def _replay_callback(deps: ApiDeps, letter: DeadLetter) -> Replayed:
    buried = msgspec.msgpack.decode(letter.raw, type=BuriedCallback)
    account = deps.accounts().get(buried.account)
    if account is None:
        raise Problem(REJECTED_KIND, f"there is no account {buried.account} any more")
    try:
        await deliver(deps, buried.account, account, buried.callback)
    except (Forged, Unreadable) as error:
        raise Problem(REJECTED_KIND, REFUSED, [Wrong("$", str(error))]) from error
    return Replayed("accepted")
