"""STOP and START by SMS: from the callback on delivery obeys, journeys hear only the rest."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from api_stage import Stage
from test_api_callbacks import twilio

from conftest import Play
from outrider.domain.entry import ReplyEntry
from outrider.domain.stops import address_key, opt_out_key
from outrider.testing import builders

NUMBER = "+33612345678"
US = "+33700000000"


async def people(stage: Stage, **fields: str) -> None:
    async with stage.engine():
        for key in ("c-1", "c-2"):
            body = {"addresses": [{"channel": "sms", "value": NUMBER}], **fields}
            await stage.ask("PUT", f"/v1/profiles/{key}?wait=applied", json=body)


async def say(stage: Stage, text: str, sid: str) -> int:
    answer = await twilio(stage.http, {"MessageSid": sid, "From": NUMBER, "Body": text, "To": US})
    return int(answer.status_code)


async def reason(stage: Stage) -> str | None:
    """Why the address is not written to with offers."""
    address = stage.deps.hasher.address("sms", NUMBER)
    found = await stage.store.suppressed([address])
    assert address_key(address) not in found
    return found.get(opt_out_key(address))


def test_a_stop_stands_once_the_callback_is_answered_and_start_lifts_it(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        await people(stage)
        assert await say(stage, "Stop pub", "SM1") == 204
        assert (await reason(stage) or "").startswith(f"the person wrote STOP to {US} on 20")
        wishes = [entry.body.wish for entry in await stage.entries() if isinstance(entry.body, ReplyEntry)]
        assert wishes == ["stop", "stop"]
        assert await say(stage, "start", "SM2") == 204
        assert await reason(stage) is None

    on_postgres(act)


def test_a_start_told_again_after_a_later_stop_lifts_nothing(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        await people(stage)
        for text, sid in (("START", "SM1"), ("STOP", "SM2"), ("START", "SM1")):
            assert await say(stage, text, sid) == 204
        assert await reason(stage) is not None

    on_postgres(act)


def test_a_stop_told_again_after_a_later_start_stops_nobody(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        await people(stage)
        for text, sid in (("STOP", "SM1"), ("START", "SM2"), ("STOP", "SM1")):
            assert await say(stage, text, sid) == 204
        assert await reason(stage) is None

    on_postgres(act)


def test_a_start_that_is_stored_has_lifted_the_stop_whatever_comes_after_its_commit(on_postgres: Play) -> None:
    """The provider tells an unanswered START again: it is a repeat then, so nothing may be left to do."""

    async def act(stage: Stage) -> None:
        await people(stage)
        await say(stage, "STOP", "SM1")

        async def lost(keys: Sequence[str]) -> None:
            raise OSError(f"{len(keys)} stops were not lifted")

        stage.store.lift = lost  # type: ignore[method-assign]
        for _ in range(2):
            await say(stage, "START", "SM2")
        assert await reason(stage) is None

    on_postgres(act)


def test_start_leaves_every_other_suppression(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        await people(stage)
        address = stage.deps.hasher.address("sms", NUMBER)
        await stage.store.append([], [builders.stop(address_key(address), "bounced")])
        await say(stage, "START", "SM1")
        assert await stage.store.suppressed([address]) == {address_key(address): "bounced"}

    on_postgres(act)


@pytest.mark.parametrize(("text", "stopped"), [("Baja", True), ("arrêt", True), ("CANCEL", False), ("sair", False)])
def test_the_words_are_those_of_the_market_and_of_the_persons_language(
    on_postgres: Play, text: str, stopped: bool
) -> None:
    async def act(stage: Stage) -> None:
        await people(stage, market="FR", locale="es")
        await say(stage, text, "SM1")
        assert (await reason(stage) is not None) is stopped

    on_postgres(act)


def test_a_number_nobody_has_on_file_is_left_alone_all_the_same(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        assert await say(stage, "STOP", "SM1") == 204
        assert await reason(stage) is not None
        assert await say(stage, "hello?", "SM2") == 200, "nobody to tell: a dead letter"

    on_postgres(act)


def test_operators_see_a_stop_and_lift_it_only_when_they_say_so(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        await people(stage)
        await say(stage, "STOP", "SM1")
        spoken = {"channel": "sms", "address": NUMBER}
        found = (await stage.ask("POST", "/v1/suppressions/find", json=spoken)).json()
        assert found["purposes"] == ["commercial", "service"]
        assert "wrote STOP" in found["reason"]
        assert found.pop("soft_bounces") == 0, "counted for the one address that is asked for"
        found["soft_bounces"] = None
        assert (await stage.ask("GET", "/v1/suppressions")).json()["items"] == [found]
        await stage.ask("PUT", "/v1/suppressions", json={**spoken, "reason": "asked"})
        both = (await stage.ask("POST", "/v1/suppressions/find", json=spoken)).json()
        assert (both["reason"], both["purposes"]) == ("asked", [])
        lifted = (await stage.ask("DELETE", "/v1/suppressions", json=spoken)).json()
        assert lifted["purposes"] == ["commercial", "service"]
        lifted = (await stage.ask("DELETE", "/v1/suppressions", json={**spoken, "opt_out": True})).json()
        assert lifted["suppressed"] is False

    on_postgres(act)


def test_what_a_merged_person_writes_is_heard_once(on_postgres: Play) -> None:
    """Both keys have the number on file; the engine passes on what comes under the merged one."""

    async def act(stage: Stage) -> None:
        await people(stage)
        async with stage.engine():
            await stage.ask("PUT", "/v1/profiles/c-1/merge?wait=applied", json={"into": "c-2"})
        await say(stage, "Where is it?", "SM1")
        heard = [entry.stream for entry in await stage.entries() if isinstance(entry.body, ReplyEntry)]
        assert heard == [stage.deps.hasher.stream("profile", "c-2")]

    on_postgres(act)
