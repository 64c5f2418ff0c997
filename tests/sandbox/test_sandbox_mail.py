"""The SMTP provider against the sandbox's mail server over real connections: every phase, every fault, every report."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import uvloop
from mail_stage import ATTEMPT, MailStage, play_mail
from msgspec import UNSET
from msgspec.structs import replace

from outrider.contracts.http import Broken
from outrider.contracts.provider import Secret
from outrider.domain.attempt import Accepted, Reason, Refused, Unknown
from outrider.domain.receipt import ReceiptStatus
from outrider.providers._smtp_pool import Envelope
from outrider.providers.email.smtp import Smtp, SmtpSettings
from outrider.sandbox.admin import InboundReply
from outrider.sandbox.certificate import certificate
from outrider.sandbox.faults import Fault, Kind

FIRST = ATTEMPT.format(1)


def test_mail_is_taken_as_written_and_known_by_its_attempt(tmp_path: Path) -> None:
    async def scene(stage: MailStage) -> None:
        text = "Réservé à 100 %\n.\n..\nFrom here 🚗"
        assert await stage.send(text=text) == Accepted(FIRST)
        [line] = stage.sandbox.lines()
        assert (line.provider, line.to, line.text, line.echo) == ("smtp", "zoe@example.org", text, FIRST)
        assert line.subject == "Your car"

    play_mail(tmp_path, scene)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Votre voiture vous attend à l’aéroport, Zoé : place B-12, au deuxième niveau du parking couvert P4 🚗",) * 2,
        ("=?utf-8?b?not base64?=", "=?utf-8?b?not base64?="),
        ("=?x-unknown?q?caf=E9?=", "=?x-unknown?q?caf=E9?="),
        ("", UNSET),
    ],
)
def test_the_ledger_holds_the_subject_as_a_person_reads_it(tmp_path: Path, written: str, read: object) -> None:
    async def scene(stage: MailStage) -> None:
        message = stage.message()
        await stage.provider.send(replace(message, body=replace(message.body, subject=written)), 5.0)
        assert [line.subject for line in stage.sandbox.lines()] == [read]
        assert (b'"subject"' in (tmp_path / "ledger.ndjson").read_bytes()) is (read is not UNSET)

    play_mail(tmp_path, scene)


def test_a_connection_is_used_again_also_after_a_refusal(tmp_path: Path) -> None:
    async def scene(stage: MailStage) -> None:
        for number in range(3):
            await stage.send(number=number)
            await stage.send("reject@example.org", number=number)
        resting = stage.provider._pool._resting
        assert [connection.used for connection in resting] == [6]
        assert len(stage.echoes()) == 3

    play_mail(tmp_path, scene)


def test_a_reset_of_a_connection_that_has_just_ended_is_no_complaint(tmp_path: Path) -> None:
    class Ended(asyncio.Transport):
        """A TLS transport whose connection has gone, and whose protocol has not heard of it yet."""

        aborted = False

        def get_extra_info(self, name: str, default: Any = None) -> Any:
            return None

        def write(self, data: Any) -> None:
            pass

        def abort(self) -> None:
            self.aborted = True

    async def scene(stage: MailStage) -> None:
        [door] = [door for door in stage.sandbox._doors.values() if door._mail is not None]
        transport = Ended()
        connection = door._connection()
        connection.connection_made(transport)
        connection.reset()
        assert transport.aborted
        connection.connection_lost(None)

    play_mail(tmp_path, scene)


def test_connections_are_bounded_and_closed_at_the_end(tmp_path: Path) -> None:
    async def scene(stage: MailStage) -> None:
        provider = stage.new_provider(connections=2)
        outcomes = await asyncio.gather(*(provider.send(stage.message(number), 10.0) for number in range(12)))
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        assert 1 <= len(provider._pool._resting) <= 2
        await provider.close()
        assert provider._pool._resting == []
        assert await provider.send(stage.message(20), 5.0) == Accepted(ATTEMPT.format(20))
        assert provider._pool._resting == [], "nothing is kept any more"

    play_mail(tmp_path, scene)


def test_a_resting_connection_the_server_closed_is_replaced(tmp_path: Path) -> None:
    async def scene(stage: MailStage) -> None:
        await stage.send()
        for connection in tuple(stage.sandbox._doors["smtp"]._guests):
            connection.reset()
        assert await stage.send(number=2) == Accepted(ATTEMPT.format(2))
        assert stage.echoes() == [FIRST, ATTEMPT.format(2)]

    play_mail(tmp_path, scene)


@pytest.mark.parametrize("tls", ["starttls", "none"])
def test_a_wrong_password_is_the_accounts_fault(tmp_path: Path, tls: str) -> None:
    async def scene(stage: MailStage) -> None:
        trusted = tmp_path / "sandbox.pem"
        trusted.write_bytes(certificate())
        provider = stage.new_provider(tls=tls, ca_file=str(trusted), password=Secret("wrong"))
        outcome = await provider.send(stage.message(), 5.0)
        assert isinstance(outcome, Refused)
        assert outcome.reason is Reason.UNAUTHORIZED
        assert "wrong" not in outcome.detail.replace("is wrong", "")

    play_mail(tmp_path, scene)


def test_starttls_with_a_certificate_it_may_trust_goes_through(tmp_path: Path) -> None:
    async def scene(stage: MailStage) -> None:
        trusted = tmp_path / "sandbox.pem"
        trusted.write_bytes(certificate())
        provider = stage.new_provider(tls="starttls", ca_file=str(trusted))
        assert await provider.send(stage.message(), 5.0) == Accepted(FIRST)
        await provider.close()

    play_mail(tmp_path, scene)


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_without_a_certificate_it_trusts_nothing_is_sent(tmp_path: Path, tls: str) -> None:
    async def scene(stage: MailStage) -> None:
        outcome = await stage.new_provider(tls=tls).send(stage.message(), 5.0)
        assert isinstance(outcome, Refused)
        assert outcome.reason is Reason.NOT_CONNECTED
        assert stage.echoes() == []

    play_mail(tmp_path, scene)


@pytest.mark.parametrize(
    ("fault", "kind", "reason", "taken"),
    [
        pytest.param(Fault(Kind.RESET_BEFORE), Unknown, None, 0, id="a reset after the dot, not taken"),
        pytest.param(Fault(Kind.RESET_AFTER), Unknown, None, 1, id="a reset after the dot, taken"),
        pytest.param(Fault(Kind.BARE_5XX), Unknown, None, 0, id="no reply of SMTP"),
        pytest.param(Fault(Kind.BARE_5XX_AFTER), Unknown, None, 1, id="taken, no reply of SMTP"),
        pytest.param(Fault(Kind.GATEWAY_PAGE), Unknown, None, 0, id="a page of HTML"),
        pytest.param(Fault(Kind.THROTTLE), Refused, Reason.THROTTLED, 0, id="too many"),
        pytest.param(Fault(Kind.REFUSE, code="452"), Refused, Reason.UNAVAILABLE, 0, id="452"),
        pytest.param(Fault(Kind.REFUSE, code="550 5.7.1"), Refused, Reason.SPAM_FILTERED, 0, id="550 5.7.1"),
        pytest.param(Fault(Kind.OUTAGE, number=503), Refused, Reason.UNAVAILABLE, 0, id="421 at the end"),
        pytest.param(Fault(Kind.OUTAGE, provider="smtp"), Refused, Reason.NOT_CONNECTED, 0, id="nobody listens"),
        pytest.param(Fault(Kind.LATENCY, ms=1), Accepted, None, 1, id="slow"),
        pytest.param(Fault(Kind.SLOW_ACCEPT, ms=1), Accepted, None, 1, id="slow to answer"),
    ],
)
def test_every_fault_reads_as_what_it_is(
    tmp_path: Path, fault: Fault, kind: type[Any], reason: Reason | None, taken: int
) -> None:
    async def scene(stage: MailStage) -> None:
        stage.sandbox.fault(fault)
        outcome = await stage.send()
        assert isinstance(outcome, kind), outcome
        assert getattr(outcome, "reason", None) is reason
        assert stage.echoes() == [FIRST] * taken
        stage.sandbox.lift_faults()
        await stage.sandbox.doors_are_as_told()
        assert await stage.send(number=2) == Accepted(ATTEMPT.format(2)), "it recovers"

    play_mail(tmp_path, scene)


def test_an_answer_that_comes_too_late_leaves_a_doubt_at_the_deadline(tmp_path: Path) -> None:
    async def scene(stage: MailStage) -> None:
        await stage.send(number=2)
        stage.sandbox.fault(Fault(Kind.SLOW_ACCEPT, ms=3_600_000))
        outcome = await stage.send(deadline=1.0)
        assert isinstance(outcome, Unknown)
        assert stage.echoes() == [ATTEMPT.format(2), FIRST]

    play_mail(tmp_path, scene)


class Stalled(asyncio.Protocol):
    """A mail server that takes no byte of a mail once it asked for it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        transport.write(b"220 here\r\n")  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        word = data[:4].upper()
        self.transport.write(b"354 go on\r\n" if word == b"DATA" else b"250 ok\r\n")
        if word == b"DATA":
            self.transport.pause_reading()


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_connection_that_is_given_up_is_closed_at_once_whatever_was_still_to_be_written(loop: Any) -> None:
    async def scene() -> None:
        guests: list[Stalled] = []

        def guest() -> Stalled:
            guests.append(Stalled())
            return guests[-1]

        server = await asyncio.get_running_loop().create_server(guest, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        provider = Smtp(SmtpSettings(host="127.0.0.1", port=port, tls="none"))
        envelope = Envelope("cars@example.com", "zoe@example.org", FIRST, "FAILURE")
        opened: list[Any] = []
        connect = provider._pool._connect

        async def noted() -> Any:
            opened.append(await connect())
            return opened[-1]

        provider._pool._connect = noted  # type: ignore[method-assign]
        sending = asyncio.create_task(provider._pool.send(envelope, b"x" * 50_000_000, 1.0))
        while not opened:
            await asyncio.sleep(0)
        transport = opened[0].client.transport
        with pytest.raises(Broken):
            await sending
        while not transport.is_closing() or transport.get_write_buffer_size():
            await asyncio.sleep(0)
        await provider.close()
        server.close()
        guests[0].transport.abort()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(asyncio.wait_for(scene(), 30))


@pytest.mark.parametrize(
    ("to", "outcome", "receipts"),
    [
        ("reject@example.org", Reason.UNKNOWN_SUBSCRIBER, []),
        ("spam@example.org", Reason.SPAM_FILTERED, []),
        ("bounce+7@example.org", None, [(ReceiptStatus.UNDELIVERED, Reason.UNKNOWN_SUBSCRIBER)]),
        ("full@example.org", None, [(ReceiptStatus.UNDELIVERED, Reason.ABSENT_SUBSCRIBER)]),
        ("slow@example.org", None, [(ReceiptStatus.SENT, None)]),
        ("complain@example.org", None, [(ReceiptStatus.DELIVERED, Reason.OPTED_OUT)]),
        ("silent@example.org", None, []),
        ("zoe@example.org", None, []),
    ],
)
def test_mailboxes_have_a_fate(tmp_path: Path, to: str, outcome: Reason | None, receipts: list[Any]) -> None:
    async def scene(stage: MailStage) -> None:
        told = await stage.send(to)
        assert getattr(told, "reason", None) is outcome
        await stage.sandbox.settled()
        found = stage.told()
        assert [(one.status, one.reason) for one in found] == receipts
        assert {one.attempt for one in found} <= {FIRST}

    play_mail(tmp_path, scene)


def test_success_is_reported_where_it_was_asked_for(tmp_path: Path) -> None:
    async def scene(stage: MailStage) -> None:
        provider = stage.new_provider(report_delivery=True)
        await provider.send(stage.message(), 5.0)
        await stage.sandbox.settled()
        assert [(one.status, one.attempt) for one in stage.told()] == [(ReceiptStatus.DELIVERED, FIRST)]
        await provider.close()

    play_mail(tmp_path, scene)


def test_strange_reports_and_automatic_answers_change_nothing(tmp_path: Path) -> None:
    async def scene(stage: MailStage) -> None:
        provider = stage.new_provider(report_delivery=True)
        stage.sandbox.fault(Fault(Kind.UNKNOWN_WORD))
        await provider.send(stage.message(), 5.0)
        stage.sandbox.reply(InboundReply("smtp", "zoe@example.org", "I am away"))
        await stage.sandbox.settled()
        assert [one.status for one in stage.told()] == [ReceiptStatus.DELIVERED]
        assert len(stage.receiver.calls) == 3
        await provider.close()

    play_mail(tmp_path, scene)


def test_a_forged_report_does_not_know_the_token(tmp_path: Path) -> None:
    async def scene(stage: MailStage) -> None:
        provider = stage.new_provider(report_delivery=True)
        stage.sandbox.fault(Fault(Kind.FORGED_RECEIPT))
        await provider.send(stage.message(), 5.0)
        await stage.sandbox.settled()
        assert sorted(call.target for call in stage.receiver.calls) == [
            "/v1/callbacks/mail/k3JhX9",
            "/v1/callbacks/mail/k3JhX9x",
        ]
        await provider.close()

    play_mail(tmp_path, scene)
