"""The sandbox does what its faults say, the providers read it rightly, and the ledger knows what was taken."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from callback_stage import AT_ONCE, NAMES, TEXT, MovableClock, Stage, play

from outrider.contracts.http import Broken, NotSent, Request, Response
from outrider.domain.attempt import Accepted, Reason, Refused, Unknown
from outrider.domain.receipt import Receipt, ReceiptStatus, Reply
from outrider.sandbox.admin import InboundReply
from outrider.sandbox.faults import Fault, Kind
from outrider.sandbox.magic import FATES, STEM

every_provider = pytest.mark.parametrize("name", NAMES)
NO_RECEIPTS = msgspec.structs.replace(AT_ONCE, receipts=False)
PROGRESS = msgspec.structs.replace(AT_ONCE, progress=True)


def statuses(told: list[Receipt | Reply | str]) -> list[str]:
    return [one.status.value if isinstance(one, Receipt) else str(one) for one in told]


@every_provider
def test_a_message_is_taken_written_down_and_reported(tmp_path: Path, name: str) -> None:
    async def scene(stage: Stage) -> None:
        outcome = await stage.send(name)
        await stage.sandbox.settled()
        [line], [receipt] = stage.sandbox.lines(), stage.told(name)
        assert isinstance(outcome, Accepted)
        assert isinstance(receipt, Receipt)
        assert (line.provider, line.id, line.to, line.text) == (name, outcome.provider_id, "+33612345678", TEXT)
        assert (line.echo, line.did) == ("msg_1.1", ())
        assert (receipt.provider_id, receipt.status) == (outcome.provider_id, ReceiptStatus.DELIVERED)
        assert "attempt=msg_1.1" in stage.receiver.calls[0].target

    play(tmp_path, scene)


@every_provider
@pytest.mark.parametrize(
    ("fault", "told", "taken"),
    [
        pytest.param(Fault(Kind.BARE_5XX), Unknown, 0, id="a bare 500"),
        pytest.param(Fault(Kind.BARE_5XX, number=503), Unknown, 0, id="a bare 503"),
        pytest.param(Fault(Kind.GATEWAY_PAGE), Unknown, 0, id="a gateway's page"),
        pytest.param(Fault(Kind.RESET_BEFORE), Broken, 0, id="reset before"),
        pytest.param(Fault(Kind.RESET_AFTER), Broken, 1, id="reset after"),
        pytest.param(Fault(Kind.BARE_5XX_AFTER), Unknown, 1, id="taken, then a bare 500"),
        pytest.param(Fault(Kind.SLOW_ACCEPT, ms=600_000), Broken, 1, id="taken, answered too late"),
        pytest.param(Fault(Kind.LATENCY, ms=1), Accepted, 1, id="a slow answer"),
    ],
)
def test_what_the_caller_learns_and_what_was_taken_differ(
    tmp_path: Path, name: str, fault: Fault, told: type, taken: int
) -> None:
    async def scene(stage: Stage) -> None:
        outcome = await stage.send(name, deadline=1.0 if fault.kind is Kind.SLOW_ACCEPT else 5.0)
        assert outcome is told or isinstance(outcome, told)
        assert [line.did for line in stage.sandbox.lines()] == [(fault.kind.value,)] * taken

    play(tmp_path, scene, NO_RECEIPTS, faults=[fault])


@every_provider
@pytest.mark.parametrize(
    ("fault", "reason", "wait"),
    [
        pytest.param(Fault(Kind.THROTTLE), Reason.THROTTLED, None, id="429"),
        pytest.param(Fault(Kind.THROTTLE, number=7), Reason.THROTTLED, 7.0, id="429 with Retry-After"),
        pytest.param(Fault(Kind.OUTAGE, number=503), Reason.UNAVAILABLE, None, id="an outage in its own words"),
    ],
)
def test_a_refusal_that_may_pass_takes_nothing(
    tmp_path: Path, name: str, fault: Fault, reason: Reason, wait: float | None
) -> None:
    async def scene(stage: Stage) -> None:
        outcome = await stage.send(name)
        assert isinstance(outcome, Refused)
        assert (outcome.reason, outcome.retry_after) == (reason, wait)
        assert stage.sandbox.lines() == []

    play(tmp_path, scene, faults=[fault])


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("twilio", "21610", Reason.OPTED_OUT),
        ("twilio", "20003", Reason.UNAUTHORIZED),
        ("twilio", "29999", Reason.UNKNOWN),
        ("smsmode", "SPAM", Reason.SPAM_FILTERED),
        ("smsmode", "FORBIDDEN", Reason.UNAUTHORIZED),
    ],
)
def test_a_refusal_by_the_providers_own_code(tmp_path: Path, name: str, code: str, reason: Reason) -> None:
    async def scene(stage: Stage) -> None:
        outcome = await stage.send(name)
        assert isinstance(outcome, Refused)
        assert outcome.reason is reason
        assert code in outcome.detail

    play(tmp_path, scene, faults=[Fault(Kind.REFUSE, code=code)])


@every_provider
def test_an_outage_refuses_connections_at_the_providers_own_address_until_lifted(tmp_path: Path, name: str) -> None:
    async def scene(stage: Stage) -> None:
        assert isinstance(await stage.send(name, own_address=True), Accepted)
        stage.sandbox.fault(Fault(Kind.OUTAGE, provider=name))
        assert await stage.send(name, own_address=True) in (NotSent, Broken)  # the open connection is reset first
        assert await stage.send(name, own_address=True) is NotSent
        assert await stage.send(name) is Broken
        other = next(one for one in NAMES if one != name)
        assert isinstance(await stage.send(other, own_address=True), Accepted)
        stage.sandbox.lift_faults()
        await stage.sandbox.doors_are_as_told()
        assert isinstance(await stage.send(name, own_address=True), Accepted)

    play(tmp_path, scene, NO_RECEIPTS)


def test_an_outage_for_a_period_ends_by_itself(tmp_path: Path) -> None:
    clock = MovableClock()

    async def scene(stage: Stage) -> None:
        stage.sandbox.fault(Fault(Kind.OUTAGE, seconds=60, number=503))
        assert isinstance(await stage.send("twilio"), Refused)
        clock.ahead = 61
        assert isinstance(await stage.send("twilio"), Accepted)

    play(tmp_path, scene, NO_RECEIPTS, clock=clock)


@every_provider
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param(Fault(Kind.DUPLICATE_RECEIPT), ["delivered"] * 2, id="twice"),
        pytest.param(Fault(Kind.DUPLICATE_RECEIPT, number=5), ["delivered"] * 5, id="five times"),
        pytest.param(Fault(Kind.LOST_RECEIPT), [], id="lost"),
        pytest.param(Fault(Kind.LATE_RECEIPT, ms=1), ["delivered"], id="late"),
        pytest.param(Fault(Kind.EARLY_RECEIPT), ["delivered"], id="early"),
        pytest.param(Fault(Kind.SHUFFLED_RECEIPTS), ["delivered", "sent"], id="out of order"),
        pytest.param(Fault(Kind.UNKNOWN_WORD), ["delivered"], id="an unknown word says nothing"),
        pytest.param(Fault(Kind.FORGED_RECEIPT), ["Forged", "delivered"], id="a forgery is thrown out"),
        pytest.param(Fault(Kind.STRAY_RECEIPT), ["delivered", "delivered"], id="one for a message never given"),
        pytest.param(Fault(Kind.UNDELIVER, code="spam_filtered"), ["undelivered"], id="undelivered"),
    ],
)
def test_receipts_go_wrong_as_told(tmp_path: Path, name: str, fault: Fault, expected: list[str]) -> None:
    async def scene(stage: Stage) -> None:
        assert isinstance(await stage.send(name), Accepted)
        await stage.sandbox.settled()
        assert sorted(statuses(stage.told(name))) == sorted(expected)
        assert len(stage.receiver.calls) == len(expected) + (fault.kind is Kind.UNKNOWN_WORD)

    play(tmp_path, scene, faults=[fault])


@every_provider
def test_an_early_receipt_is_there_before_the_answer(tmp_path: Path, name: str) -> None:
    async def scene(stage: Stage) -> None:
        outcome = await stage.send(name)
        assert len(stage.receiver.calls) == 1
        [receipt] = stage.told(name)
        assert isinstance(outcome, Accepted)
        assert isinstance(receipt, Receipt)
        assert receipt.provider_id == outcome.provider_id

    play(tmp_path, scene, faults=[Fault(Kind.EARLY_RECEIPT)])


@every_provider
def test_a_stray_receipt_names_an_id_and_an_attempt_nobody_knows(tmp_path: Path, name: str) -> None:
    async def scene(stage: Stage) -> None:
        outcome = await stage.send(name)
        await stage.sandbox.settled()
        assert isinstance(outcome, Accepted)
        strays = [call for call in stage.receiver.calls if outcome.provider_id.encode() not in call.body]
        assert len(strays) == 1
        assert b"msg_1.1" not in strays[0].body
        assert "attempt" not in strays[0].target

    play(tmp_path, scene, faults=[Fault(Kind.STRAY_RECEIPT)])


@every_provider
def test_progress_is_reported_before_the_end(tmp_path: Path, name: str) -> None:
    async def scene(stage: Stage) -> None:
        await stage.send(name)
        await stage.sandbox.settled()
        assert sorted(statuses(stage.told(name))) == ["delivered", "sent"]

    play(tmp_path, scene, PROGRESS)


@every_provider
@pytest.mark.parametrize("digit", list(FATES))
def test_a_number_with_a_fate_fails_for_that_reason_at_once_or_by_receipt(
    tmp_path: Path, name: str, digit: str
) -> None:
    async def scene(stage: Stage) -> None:
        outcome = await stage.send(name, stage.message(to=f"+3361{STEM}{digit}"))
        await stage.sandbox.settled()
        if isinstance(outcome, Refused):
            assert outcome.reason is FATES[digit]
            assert stage.sandbox.lines() == []
            assert stage.receiver.calls == []
            return
        [receipt] = stage.told(name)
        assert isinstance(receipt, Receipt)
        assert receipt.status is ReceiptStatus.UNDELIVERED
        listed = {Reason.INVALID_NUMBER, Reason.OPTED_OUT, Reason.SPAM_FILTERED}
        assert receipt.reason is (FATES[digit] if name == "twilio" or FATES[digit] in listed else Reason.UNKNOWN)

    play(tmp_path, scene)


@every_provider
@pytest.mark.parametrize(("number", "reports"), [("+33615550008", 0), ("+33615550006", 1), ("+33615550018", 1)])
def test_silent_and_ordinary_numbers(tmp_path: Path, name: str, number: str, reports: int) -> None:
    async def scene(stage: Stage) -> None:
        assert isinstance(await stage.send(name, stage.message(to=number)), Accepted)
        await stage.sandbox.settled()
        assert len(stage.receiver.calls) == reports

    play(tmp_path, scene)


def test_without_magic_every_number_is_ordinary(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        assert isinstance(await stage.send("twilio", stage.message(to="+33615550001")), Accepted)

    play(tmp_path, scene, msgspec.structs.replace(AT_ONCE, magic=False))


@every_provider
def test_a_reply_arrives_and_a_stop_blocks_the_number_until_start(tmp_path: Path, name: str) -> None:
    async def scene(stage: Stage) -> None:
        await stage.send(name)
        await stage.sandbox.settled()
        stage.receiver.calls.clear()
        stage.sandbox.reply(InboundReply(name, "+33612345678", " stop "))
        await stage.sandbox.settled()
        [reply] = stage.told(name)
        assert isinstance(reply, Reply)
        assert (reply.sender, reply.text, reply.to) == ("+33612345678", " stop ", "Drive")
        stage.receiver.calls.clear()
        outcome = await stage.send(name)
        await stage.sandbox.settled()
        blocked = outcome if isinstance(outcome, Refused) else stage.told(name)[0]
        assert not isinstance(blocked, Reply | str)
        assert blocked.reason is Reason.OPTED_OUT
        stage.sandbox.reply(InboundReply(name, "+33612345678", "START"))
        await stage.sandbox.settled()
        stage.receiver.calls.clear()
        await stage.send(name)
        await stage.sandbox.settled()
        assert statuses(stage.told(name)) == ["delivered"]

    play(tmp_path, scene)


@pytest.mark.parametrize(
    ("name", "answers", "posts"),
    [
        pytest.param("twilio", [Response(500)], 1, id="twilio does not mind a 500"),
        pytest.param("twilio", [None], 2, id="twilio tries once more after a broken connection"),
        pytest.param("twilio", [None, None, None], 2, id="twilio gives up after that"),
        pytest.param("smsmode", [Response(500), None, Response(302)], 4, id="smsmode tries until a 2xx"),
        pytest.param("smsmode", [Response(503)] * 9, 7, id="smsmode gives up after six further tries"),
    ],
)
def test_callbacks_are_tried_again_as_documented(
    tmp_path: Path, name: str, answers: list[Response | None], posts: int
) -> None:
    async def scene(stage: Stage) -> None:
        stage.receiver.answers = list(answers)
        await stage.send(name)
        await stage.sandbox.settled()
        assert len(stage.receiver.calls) == posts
        assert len({call.body for call in stage.receiver.calls}) == 1

    play(tmp_path, scene)


@every_provider
def test_requests_on_one_connection_are_answered_in_order(tmp_path: Path, name: str) -> None:
    async def scene(stage: Stage) -> None:
        host, port = stage.sandbox.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        requests = [stage.provider(name).request(stage.message(number)) for number in (1, 2, 3)]
        writer.write(b"".join(as_bytes(request) for request in requests))
        for number in (1, 2, 3):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 201 Created\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            assert [line.echo for line in stage.sandbox.lines()][number - 1] == f"msg_{number}.1"
        writer.close()

    play(tmp_path, scene, NO_RECEIPTS)


def as_bytes(request: Request) -> bytes:
    path = "/" + request.url.split("/", 3)[3]
    headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers)
    length = len(request.body)
    return (
        f"{request.method} {path} HTTP/1.1\r\nhost: x\r\n{headers}content-length: {length}\r\n\r\n".encode()
        + request.body
    )


@every_provider
def test_the_same_seed_gives_the_same_people_the_same_fate(tmp_path: Path, name: str) -> None:
    fates: list[list[str]] = []

    async def scene(stage: Stage) -> None:
        numbers = [f"+336123{number:05d}" for number in range(60)]
        run = len(fates)
        messages = [stage.message(1000 * run + place, to) for place, to in enumerate(numbers)]
        order = messages if run == 0 else messages[::-1]  # other ids, other order
        told = {message.to: await stage.send(name, message) for message in order}
        fates.append([type(told[to]).__name__ for to in numbers])

    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        play(tmp_path / folder, scene, NO_RECEIPTS, faults=[Fault(Kind.THROTTLE, share=0.3, seed=4)])
    assert fates[0] == fates[1]
    assert 5 < fates[0].count("Refused") < 35
