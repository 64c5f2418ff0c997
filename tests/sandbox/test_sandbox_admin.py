"""The admin API sets faults, shows the ledger, posts replies and starts anew; what it cannot do it says."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from callback_stage import Stage, play

from outrider.contracts.http import Request
from outrider.domain.attempt import Accepted, Refused
from outrider.sandbox.faults import Fault, Kind
from outrider.sandbox.ledger import Line, Summary


def test_faults_are_set_listed_and_lifted(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        rule = {"kind": "throttle", "provider": "twilio", "share": 1.0}
        answer = await stage.admin("POST", "faults", rule)
        assert answer.status == 201
        listed = msgspec.json.decode((await stage.admin("GET", "faults")).body, type=list[Fault])
        assert listed == [Fault(Kind.THROTTLE, "twilio")]
        assert isinstance(await stage.send("twilio"), Refused)
        assert (await stage.admin("DELETE", "faults")).status == 204
        assert isinstance(await stage.send("twilio"), Accepted)

    play(tmp_path, scene)


def test_a_list_of_faults_is_set_in_order(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        rules = [{"kind": "lost_receipt"}, {"kind": "latency", "ms": 1}]
        answer = await stage.admin("POST", "faults", rules)
        assert [rule["kind"] for rule in msgspec.json.decode(answer.body)] == ["lost_receipt", "latency"]

    play(tmp_path, scene)


@pytest.mark.parametrize(
    ("method", "place", "document", "status", "words"),
    [
        ("POST", "faults", {"kind": "explode"}, 422, "Invalid enum value 'explode'"),
        (
            "POST",
            "faults",
            {"kind": "throttle", "provider": "acme"},
            422,
            "no provider 'acme'; there are smsmode, smtp, twilio",
        ),
        ("POST", "replies", {"provider": "acme", "sender": "+1", "text": "x"}, 422, "no provider 'acme'"),
        (
            "POST",
            "replies",
            {"provider": "twilio", "sender": "+1", "text": "x"},
            422,
            "got no message with a callback URL",
        ),
        ("POST", "replies", None, 422, "truncated"),
        ("GET", "wonders", None, 404, "no GET /_sandbox/wonders"),
    ],
)
def test_what_cannot_be_done_is_explained(
    tmp_path: Path, method: str, place: str, document: object, status: int, words: str
) -> None:
    async def scene(stage: Stage) -> None:
        answer = await stage.admin(method, place, document)
        assert answer.status == status
        assert words in msgspec.json.decode(answer.body)["error"]

    play(tmp_path, scene)


def test_the_ledger_is_served_as_lines_and_as_counts(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.send("twilio", stage.message(1))
        await stage.send("smsmode", stage.message(1))
        answer = await stage.admin("GET", "ledger")
        lines = [msgspec.json.decode(line, type=Line) for line in answer.body.splitlines()]
        assert [line.provider for line in lines] == ["twilio", "smsmode"]
        summary = msgspec.json.decode((await stage.admin("GET", "ledger?summary")).body, type=Summary)
        assert summary == stage.sandbox.summary()
        assert summary.repeated_messages == {"msg_1": 2}

    play(tmp_path, scene)


def test_a_reset_starts_anew_and_keeps_the_file(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.send("twilio")
        await stage.sandbox.settled()
        await stage.admin("POST", "faults", {"kind": "throttle"})
        assert (await stage.admin("POST", "reset")).status == 204
        status = msgspec.json.decode((await stage.admin("GET", "status")).body)
        assert status["accepted"] == 0
        assert status["callbacks"] == {"delivered": 0, "failed": 0, "lost": 0, "pending": 0}
        assert stage.sandbox.lines() == []
        assert isinstance(await stage.send("twilio"), Accepted)

    play(tmp_path, scene)
    assert len((tmp_path / "ledger.ndjson").read_bytes().splitlines()) == 2


def test_a_reset_drops_receipts_that_are_still_to_come(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.send("twilio")
        await stage.admin("POST", "reset")
        await stage.sandbox.settled()
        await stage.admin("DELETE", "faults")
        await stage.send("twilio", stage.message(2))
        await stage.sandbox.settled()
        assert ["attempt=msg_2.1" in call.target for call in stage.receiver.calls] == [True]

    play(tmp_path, scene, faults=[Fault(Kind.LATE_RECEIPT, ms=600_000)])


def test_the_status_counts_callbacks_by_their_end(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        stage.receiver.answers = [None, None]
        await stage.send("twilio", stage.message(1))
        await stage.sandbox.settled()
        await stage.send("twilio", stage.message(2))
        await stage.sandbox.settled()
        status = msgspec.json.decode((await stage.admin("GET", "status")).body)
        assert status["accepted"] == 2
        assert status["callbacks"] == {"delivered": 1, "failed": 2, "lost": 1, "pending": 0}
        assert status["urls"] == stage.sandbox.urls

    play(tmp_path, scene)


def test_a_reply_may_name_its_own_address(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        reply = {"provider": "twilio", "sender": "+33699999999", "text": "hello", "to": "+33757900000"}
        answer = await stage.admin("POST", "replies", {**reply, "url": f"{stage.hook}/inbound"})
        assert answer.status == 202
        await stage.sandbox.settled()
        assert [call.target for call in stage.receiver.calls] == ["/inbound"]
        [told] = stage.told("twilio")
        assert (told.sender, told.to, told.text) == ("+33699999999", "+33757900000", "hello")  # type: ignore[union-attr]

    play(tmp_path, scene)


def test_a_path_of_no_provider_names_the_ones_there_are(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        answer = await stage.http.send(Request("GET", f"{stage.sandbox.url}/v3/mail"), 5.0)
        document = msgspec.json.decode(answer.body)
        assert answer.status == 404
        assert document["prefixes"] == ["/sms/v1/", "/2010-04-01/Accounts/"]

    play(tmp_path, scene)


def test_a_test_can_wait_for_acceptances(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        import asyncio

        waiting = asyncio.create_task(stage.sandbox.accepted(2))
        await stage.send("twilio", stage.message(1))
        assert not waiting.done()
        await stage.send("twilio", stage.message(2))
        await waiting
        await stage.sandbox.accepted(1)

    play(tmp_path, scene)
