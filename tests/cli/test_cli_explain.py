"""`outrider explain` on what a real engine decided and delivery sent to the sandbox."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from outrider.app import Outrider
from outrider.cli import main
from outrider.cli.explain import Story, _attempt, _receipt, sentences
from outrider.configuration import read_folder
from outrider.contracts.reading_store import AttemptLine, DecisionLine, ReceiptLine
from outrider.demo.example import example_folder
from outrider.demo.quicken import at_sandbox
from outrider.demo.stage import SERVICE_ACCOUNT
from outrider.domain.decision import Verdict
from outrider.domain.entry import Entry, Event
from outrider.installation import Opened, apply_files, current_configuration, open_store
from outrider.lib.ids import write_id
from outrider.orchestration.record import pack, unpack
from outrider.sandbox.faults import Fault, Kind
from outrider.sandbox.push._google import service_account
from outrider.sandbox.running import running_sandbox
from outrider.sandbox.side import Options
from outrider.settings import Settings
from outrider.store.launcher import Running
from outrider.testing.builders import decided, message
from outrider.testing.postgres import fresh_database

#: As the demo's booking, a day ahead, so that only the confirmation is sent.
BOOKING = {"id": "b-1", "reference": "RX4T7", "channel": "app", "place": "parking P4, Nice T2", "bay": "B12"}
PROMISED = {"pickup_at": "2027-07-14T14:30:00+02:00", "return_at": "2027-07-14T20:30:00+02:00"}
TIMES = {"lock": "4821", "zone": "Europe/Paris", **PROMISED}
VEHICLE = {"id": "v-1", "plate": "GK-482-XT", "model": "Peugeot 208"}
PHONES = {"reached": "06 12 34 56 78", "unreachable": "06 39 98 00 17"}


def confirmed(customer: str, now: datetime) -> Event:
    later = {"starts_at": (now + timedelta(days=1)).isoformat(), "ends_at": (now + timedelta(days=2)).isoformat()}
    person = {"id": customer, "first_name": "Camille", "language": "fr", "phone": PHONES[customer]}
    booking = {**BOOKING, **TIMES, **later, "id": f"b-{customer}"}
    data = {"market": "FR", "customer": person, "booking": booking, "vehicle": VEHICLE}
    return Event(f"e-{customer}", "/bookings", "booking.confirmed", now, data=data)


async def happen(settings: Settings, dsn: str, ledger: Path) -> dict[str, bytes]:
    """One message over a failover and one candidate dropped; candidate id by customer."""
    async with running_sandbox(ledger, options=Options(receipts=False)) as sandbox, open_store(settings, dsn) as opened:
        sandbox.fault(Fault(Kind.OUTAGE, "smsmode"))
        document = service_account(sandbox.account("fcm"), sandbox.urls["fcm"])
        (settings.home / SERVICE_ACCOUNT).write_text(document, encoding="utf-8")
        await apply_files(opened, at_sandbox(read_folder(example_folder()), sandbox.urls))
        outrider = Outrider(opened, await current_configuration(opened), ("engine", "deliver"))
        running = asyncio.create_task(outrider.run())
        for customer in PHONES:
            await _append(opened, outrider, confirmed(customer, datetime.now(UTC)))
        await sandbox.accepted(1)
        await _handled(opened, outrider)
        outrider.stop()
        await running
        rows = await opened.store.pool.fetch("select id, stream, record from decisions")
    streams = {opened.hasher.stream("profile", customer): customer for customer in PHONES}
    # The other candidate is the document, which goes by mail only.
    notes = [row for row in rows if "sms" in unpack(row["record"]).decision.candidate.strategy.channels]
    return {streams[row["stream"]]: row["id"] for row in notes}


async def _append(opened: Opened, outrider: Outrider, event: Event) -> None:
    body, _ = outrider.library.current.mapper.map(event)
    stream = opened.hasher.stream(body.entity.kind, body.entity.key)
    await opened.store.append([Entry(stream, body, event.time, opened.hasher.event(event.source, event.id))])
    outrider.wakes.log.ring()


async def _handled(opened: Opened, outrider: Outrider) -> None:
    async with outrider.wakes.applied:
        while await opened.store.pool.fetchval("select count(*) from decisions") < 2 * len(PHONES):
            await outrider.wakes.applied.wait()


@pytest.fixture(scope="module")
def world(postgres_server: Running, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Environment of the command, and candidate ids by customer."""
    home = tmp_path_factory.mktemp("explain")
    with fresh_database(postgres_server) as dsn:
        settings = Settings(home=home, database_url=dsn, unsafe_durability=True)
        found = asyncio.run(asyncio.wait_for(happen(settings, dsn, home / "ledger.ndjson"), 60))
        env = {"OUTRIDER_HOME": str(home), "OUTRIDER_DATABASE_URL": dsn, "OUTRIDER_UNSAFE_DURABILITY": "1"}
        yield env, found


def explain(world: tuple[Mapping[str, str], Any], *arguments: str) -> Result:
    return CliRunner().invoke(main, ["explain", *arguments], env=world[0])


def test_a_sent_message_is_explained_gate_by_gate_with_its_attempts(world: Any) -> None:
    text = explain(world, write_id("msg", world[1]["reached"])).stdout
    lines = text.splitlines()
    assert lines[0].startswith("Send by sms: every gate let it pass")
    assert "asked for booking-confirmed (transactional)" in text
    assert "sms: passed validity (" in text
    assert "The message was accepted by a provider" in text
    last = lines[-1]
    assert "on route twilio-fr (account twilio-backup)" in last
    assert ": accepted, as SM" in last
    assert ", 1 segment" in last


def test_a_dropped_candidate_says_what_would_have_had_to_be_different(world: Any) -> None:
    text = explain(world, write_id("dec", world[1]["unreachable"])).stdout
    assert text.startswith("Dropped by reachability.")
    assert "It would have been sent by sms if" in text
    assert "Attempt" not in text


def test_message_and_decision_and_attempt_name_the_same_story(world: Any) -> None:
    identifier = world[1]["reached"]
    texts = {
        explain(world, name).stdout
        for name in (write_id("msg", identifier), write_id("dec", identifier), f"{write_id('msg', identifier)}.1")
    }
    assert len(texts) == 1


def test_json_holds_the_same_and_nothing_personal(world: Any) -> None:
    identifier = write_id("msg", world[1]["reached"])
    result = explain(world, identifier, "--json")
    document = json.loads(result.stdout)
    assert document["message"] == identifier
    assert document["decision"] == "dec" + identifier[3:]
    assert document["status"] == "accepted"
    assert document["explanation"] == explain(world, identifier).stdout.splitlines()
    assert [decision["verdict"] for decision in document["decisions"]] == ["send"]
    assert document["attempts"][-1]["route"] == "twilio-fr"
    assert document["receipts"] == []
    assert "Camille" not in result.stdout
    assert "612345678" not in result.stdout


def test_json_of_a_dropped_candidate_has_no_message(world: Any) -> None:
    document = json.loads(explain(world, write_id("dec", world[1]["unreachable"]), "--json").stdout)
    assert document["message"] is None
    assert "status" not in document
    assert document["attempts"] == []
    assert [(one["verdict"], one["gate"]) for one in document["decisions"]] == [("drop", "reachability")]


def test_an_id_nobody_has_is_a_friendly_error(world: Any) -> None:
    result = explain(world, write_id("msg", bytes(16)))
    assert result.exit_code == 1
    assert result.stderr == f"Error: there is no message or decision with the id {'0' * 26}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello", "expected msg_… or dec_… and 26 digits, got 'hello'"),
        ("key_00000000000000000000000000", "expected msg_… or dec_… and 26 digits"),
        ("msg_123", "expected msg_ and 26 digits, got 'msg_123'"),
        ("dec_0000000000000000000000000U", "digits are 0-9 and A-Z without I, L, O and U"),
    ],
)
def test_what_is_no_id_is_refused_with_what_was_expected(text: str, words: str) -> None:
    result = CliRunner().invoke(main, ["explain", text])
    assert result.exit_code == 2
    assert words in result.stderr


AT = datetime(2026, 7, 14, 12, 30, tzinfo=UTC)
RECEIPT = ReceiptLine(
    message=bytes(16),
    attempt=2,
    status="undelivered",
    reason="absent_subscriber",
    detail="30003",
    at=AT,
    received_at=AT,
)
ATTEMPT = AttemptLine(
    message=bytes(16),
    number=2,
    route="twilio-fr",
    account="twilio-backup",
    state="accepted",
    at=AT,
    ended_at=AT,
    reason=None,
    detail=None,
    label=None,
    provider_id=None,
    segments=None,
    price=None,
    currency="EUR",
    estimate=None,
    body="Bonjour",
)
DOUBT = "in doubt: the call broke off after it had begun"
WHERE = "Attempt 2 on route twilio-fr (account twilio-backup) at Tue 14 Jul 2026 14:30: "


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "accepted."),
        ({"state": "intent"}, "begun, no answer yet."),
        ({"segments": 2, "price": 0.148}, "accepted, 2 segments, 0.148 EUR."),
        ({"segments": 1, "estimate": 0.049}, "accepted, 1 segment, about 0.049 EUR."),
        ({"state": "refused", "reason": "not_connected"}, "refused, not connected."),
        ({"state": "refused", "reason": "opted_out", "detail": "21610"}, "refused, opted out (21610)."),
        ({"state": "refused", "reason": "dead_address", "estimate": 0.05}, "refused, the number is gone."),
        ({"state": "unknown", "detail": "the answer broke off"}, f"{DOUBT}, the answer broke off."),
        ({"label": "resend_once"}, "accepted, a possible duplicate, allowed by: resend once."),
    ],
)
def test_an_attempt_is_one_sentence(changes: dict[str, Any], words: str) -> None:
    assert _attempt(msgspec.structs.replace(ATTEMPT, **changes), "Europe/Paris", "sms") == WHERE + words


@pytest.mark.parametrize("channel", ["email", "push"])
def test_only_texts_have_segments(channel: str) -> None:
    attempt = msgspec.structs.replace(ATTEMPT, segments=1, estimate=0.0004)
    assert _attempt(attempt, "Europe/Paris", channel) == WHERE + "accepted, about 0.0004 EUR."


def test_a_receipt_is_one_sentence() -> None:
    told = _receipt(RECEIPT, "Europe/Paris", "sms")
    where = "Receipt for attempt 2 at Tue 14 Jul 2026 14:30: undelivered, "
    assert told == where + "the phone was off or out of reach (30003)."
    assert _receipt(RECEIPT, "Europe/Paris", "email") == where + "the mailbox is full or takes no mail (30003)."
    plain = _receipt(
        msgspec.structs.replace(RECEIPT, status="delivered", reason=None, detail=""), "Europe/Paris", "sms"
    )
    assert plain == "Receipt for attempt 2 at Tue 14 Jul 2026 14:30: delivered."


def test_earlier_decisions_come_first_in_a_line_each() -> None:
    profile = bytes([7]) * 16
    first = decided(
        message(profile, AT), verdict=Verdict.HOLD, gate="quiet_hours", until=AT, reason="Too early."
    ).decision
    second = decided(message(profile, AT), number=1).decision
    lines = [
        DecisionLine(
            id=decision.candidate.id,
            number=decision.number,
            stream=profile,
            profile="c-1",
            at=AT,
            verdict=str(decision.verdict),
            gate=decision.gate,
            journey="handover",
            template="hello",
            purpose="transactional",
            channel="sms",
            config=1,
            record=pack(decision, "0.1.0", "2026.6", "ab" * 32),
        )
        for decision in (first, second)
    ]
    told = sentences(Story(None, lines))
    assert told[0].startswith("Before: Held by quiet_hours until ")
    assert told[1].startswith("Send by sms")
    assert "This is decision 2 on it." in told[2]
