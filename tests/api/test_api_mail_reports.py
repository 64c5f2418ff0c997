"""Reports about mail come in as posted by a mail server's pipe: stored once, the message moves, a bad address ends."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from api_stage import TOKEN, Stage, is_problem
from test_api_callbacks import status_of

from conftest import Play
from outrider.domain.bounces import BounceRules
from outrider.domain.message import Message, Status
from outrider.domain.stops import address_key
from outrider.lib.ids import write_id
from outrider.providers.email.smtp import Smtp, SmtpSettings
from outrider.testing import builders
from outrider.workers.desk import Account

CASES = Path(__file__).parents[1] / "providers" / "email" / "smtp" / "receipts.json"
ECHO = "msg_01JD5Z7W3N8Q4X0T6V2R9C1B5A"
PATH = f"/v1/callbacks/mail/{TOKEN}"


def report(name: str, message: Message) -> bytes:
    """One of the provider's cases, about this message."""
    [text] = [case["text"] for case in msgspec.json.decode(CASES.read_bytes())["cases"] if case["case"] == name]
    own = write_id("msg", message.id)
    return str(text).replace(ECHO, own).replace(ECHO.lower(), own.lower()).encode()


async def mailed(stage: Stage) -> Message:
    """A mail whose intent is written, at a stage with an account for mail."""
    account = Account("mail", Smtp(SmtpSettings(host="127.0.0.1")), TOKEN)
    stage.deps.accounts = lambda: {"mail": account}
    now, who = stage.deps.clock.now(), builders.stream("anna", 3)
    lease = await stage.store.lease("past", 3600, 32)
    message = builders.message(who, now, channel="email")
    people, decisions = (builders.profile(who, now),), (builders.decided(message),)
    await stage.store.save(builders.batch(lease, now, profiles=people, messages=(message,), decisions=decisions))
    fence = await stage.store.open_lease("worker", 3600)
    async with stage.store.claim(10) as claim:
        assert await claim.commit(fence, [builders.intent(message, account="mail")], []) == []
    return message


@pytest.mark.parametrize(
    ("name", "status", "suppressed"),
    [
        ("a hard bounce, by its return path", Status.UNDELIVERED, True),
        ("a return path in small letters", Status.UNDELIVERED, True),
        ("a full mailbox is soft", Status.UNDELIVERED, False),
        ("policy is ours", Status.UNDELIVERED, False),
        ("delayed", Status.ACCEPTED, False),
        ("delivered", Status.DELIVERED, False),
        ("a complaint", Status.DELIVERED, True),
        ("expanded is a word without a meaning here", Status.SENDING, False),
    ],
)
def test_a_report_moves_its_message(in_memory: Play, name: str, status: Status, suppressed: bool) -> None:
    async def act(stage: Stage) -> None:
        message = await mailed(stage)
        for _ in range(2):
            answer = await stage.http.post(
                PATH, content=report(name, message), headers={"content-type": "message/rfc822"}
            )
            assert answer.status_code == 204, answer.text
        assert await status_of(stage, message) is status
        assert (address_key(message.address) in stage.store.tables.stops) is suppressed
        assert len(stage.store.tables.receipts) == (status is not Status.SENDING)

    in_memory(act)


def test_a_letter_that_is_no_report_is_kept_and_a_wrong_token_is_nothing(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        message = await mailed(stage)
        body: Any = report("a letter of a person", message)
        assert (await stage.http.post(PATH, content=body)).status_code == 200
        assert len(stage.store.tables.dead_letters) == 1
        is_problem(await stage.http.post(f"{PATH}x", content=body), 404, "not-found")

    in_memory(act)


REPORT = """To: bounce+{echo}.1@bounces.example.com
Content-Type: multipart/report; boundary="b"

--b
Content-Type: message/delivery-status

Action: failed
Status: 5.1.1
Last-Attempt-Date: {date}

--b--
"""


@pytest.mark.parametrize(
    ("date", "is_kept"),
    [
        ("Fri, 31 Dec 9999 23:59:59 -0500", False),
        ("Mon, 01 Jan 1900 00:00:00 +0500", False),
        ("{yesterday}", True),
    ],
)
def test_a_report_dated_beyond_all_time_moves_its_message_and_its_date_is_passed_over(
    on_postgres: Play, date: str, is_kept: bool
) -> None:
    async def act(stage: Stage) -> None:
        message = await mailed(stage)
        yesterday = (stage.deps.clock.now() - timedelta(days=1)).replace(microsecond=0)
        body = REPORT.format(echo=write_id("msg", message.id), date=date.format(yesterday=format_datetime(yesterday)))
        answer = await stage.http.post(PATH, content=body)
        assert answer.status_code == 204, answer.text
        row = await stage.store.pool.fetchrow("select at, received_at from receipts")
        assert row["at"] == (yesterday if is_kept else row["received_at"])
        assert await status_of(stage, message) is Status.UNDELIVERED

    on_postgres(act)


def test_soft_bounces_are_counted_where_anybody_can_ask_and_end_the_address_by_the_rules(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        message = await mailed(stage)
        key = "update messages set address = $1"
        await stage.store.pool.execute(key, stage.deps.hasher.address("email", "zoe@example.org"))
        asked = {"channel": "email", "address": "zoe@example.org"}
        answer = await stage.http.post(PATH, content=report("a full mailbox is soft", message))
        assert answer.status_code == 204
        found = (await stage.ask("POST", "/v1/suppressions/find", json=asked)).json()
        assert (found["suppressed"], found["soft_bounces"]) == (False, 1)
        assert await stage.store.end_bouncing(BounceRules(days=1), 10) == 1
        found = (await stage.ask("POST", "/v1/suppressions/find", json=asked)).json()
        assert (found["suppressed"], found["soft_bounces"]) == (True, 0)
        assert found["reason"].endswith("the mailbox was full or switched off")
        assert "zoe" not in str(found)

    on_postgres(act)
