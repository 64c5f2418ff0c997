"""Why was this sent, held, dropped: the whole text, as people read it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import pytest
from orchestration_cases import DAY, GRANTED, HOUR, NOON, PUSH, SMS, candidate, facts, policy, settle

from outrider.domain.decision import Blocked, Decision, GateResult, GateVerdict, Judgment, Recent, Verdict
from outrider.domain.message import Status
from outrider.domain.policy import Cap
from outrider.domain.purpose import Purpose
from outrider.orchestration.explain import RUNGS, STATUSES, explain
from outrider.orchestration.record import Record, pack, unpack

NIGHT = NOON + 9 * HOUR


def told(decision: Decision, message: dict[str, Any] | None = None) -> list[str]:
    return explain(unpack(pack(decision, "0.1.0", "2030a", "5e" * 32)), message)


def test_a_message_that_is_sent() -> None:
    known = facts(reach=(SMS,), recent=(Recent("sms", Purpose.SERVICE, NOON - HOUR),))
    decision = settle(candidate(), known, policy(Cap("weekly", 3, 7 * DAY)))
    assert told(decision, {"status": "delivered", "status_at": NOON, "reason": None, "attempts": 1}) == [
        "Send by sms: every gate let it pass; it may go from Tue 5 Mar 2030 13:00 until Tue 5 Mar 2030 20:00.",
        "Step find-your-car of rental-handover asked for find-your-car (service) at Tue 5 Mar 2030 13:00, worth "
        "sending until Fri 8 Mar 2030 13:00.",
        "Decided at Tue 5 Mar 2030 13:00 in Europe/Paris (the person's own zone), market FR.",
        "push: passed validity (3 days left), consent, suppression.",
        "push: not possible here by reachability: There is no living push address.",
        "sms: passed validity (3 days left), consent, suppression, reachability, quiet_hours (closes in 7 h), "
        "frequency_cap (1 of 3 used in 7 days), minimum_gap.",
        "The message was delivered, as of Tue 5 Mar 2030 13:00. Attempts so far: 1.",
        "Configuration 7 (5e5e5e5e5e5e), code 0.1.0, time-zone data 2030a.",
    ]


def test_a_message_that_is_held() -> None:
    assert told(settle(candidate(), facts(now=NIGHT), number=1)) == [
        "Held by quiet_hours until Wed 6 Mar 2030 08:00, then decided again. France allows service messages by push "
        "every day 08:00-20:00; it is Tue 5 Mar 2030 22:00 in Europe/Paris.",
        "Step find-your-car of rental-handover asked for find-your-car (service) at Tue 5 Mar 2030 13:00, worth "
        "sending until Fri 8 Mar 2030 13:00. This is decision 2 on it.",
        "Decided at Tue 5 Mar 2030 22:00 in Europe/Paris (the person's own zone), market FR.",
        "push: passed validity (2 days 15 h left), consent, suppression, reachability.",
        "push: held by quiet_hours (opens in 10 h): France allows service messages by push every day 08:00-20:00; "
        "it is Tue 5 Mar 2030 22:00 in Europe/Paris.",
        "It would have been sent by push if it had been asked for within the allowed hours (every day 08:00-20:00) "
        "(and no later gate had stopped it).",
        "Configuration 7 (5e5e5e5e5e5e), code 0.1.0, time-zone data 2030a.",
    ]


def test_a_message_that_is_dropped() -> None:
    told_lines = told(settle(candidate(Purpose.COMMERCIAL)))
    never = "Consent to commercial messages by {} was never given, and France needs it."
    assert told_lines[0] == f"Dropped by consent. {never.format('push')} {never.format('sms')}"
    assert told_lines[-3:-1] == [
        "It would have been sent by push if the person had consented to commercial messages by push (and no later "
        "gate had stopped it).",
        "It would have been sent by sms if the person had consented to commercial messages by sms (and no later "
        "gate had stopped it).",
    ]


@pytest.mark.parametrize(
    ("blocked", "sentence"),
    [
        (Blocked.SKIP, "The step skips a message that may not go at once."),
        (Blocked.EXIT, "The step leaves the journey when its message may not go at once."),
    ],
)
def test_a_step_that_does_not_wait_is_said_so(blocked: Blocked, sentence: str) -> None:
    assert told(settle(candidate(blocked=blocked), facts(now=NIGHT)))[1] == sentence


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ({"status": "queued"}, "The message is waiting to be handed to a provider."),
        (
            {"status": "failed", "status_at": NOON, "reason": "unknown_subscriber", "attempts": 2},
            "The message failed, as of Tue 5 Mar 2030 13:00: the app is not known. Attempts so far: 2.",
        ),
        ({"status": "lost"}, "The message has status lost."),
    ],
)
def test_what_became_of_the_message(message: dict[str, Any], sentence: str) -> None:
    assert told(settle(candidate()), message)[-2] == sentence


def test_every_status_of_a_message_and_every_rung_of_the_ladder_has_its_words() -> None:
    assert set(STATUSES) == set(Status)
    assert set(RUNGS) == {"person", "device", "vehicle", "phone", "market"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"verdict": Verdict.SEND, "channel": "sms"}, "it may go from Tue 5 Mar 2030 13:00."),
        (
            {"verdict": Verdict.SEND, "channel": "sms", "not_after": datetime.fromisoformat("2030-03-05T19:00:30.5Z")},
            "until Tue 5 Mar 2030 20:00.",
        ),
        ({"verdict": Verdict.HOLD, "gate": "g"}, "Held by g until later, then decided again."),
    ],
)
def test_records_that_say_less_are_explained_as_far_as_they_go(changes: dict[str, Any], expected: str) -> None:
    decision = msgspec.structs.replace(settle(candidate()), **{"reason": "", "not_after": None} | changes)
    assert expected in explain(Record(decision, "", "", ""))[0]


def test_a_gate_whose_texts_were_left_out_is_still_named() -> None:
    bare = GateResult("gap", "sms", Judgment(GateVerdict.DROP, ""))
    lines = explain(Record(msgspec.structs.replace(settle(candidate()), results=(bare,)), "", "", ""))
    assert "sms: dropped by gap" in lines


def test_an_explanation_fits_on_a_screen() -> None:
    reach = (PUSH, SMS)
    many = settle(candidate(Purpose.COMMERCIAL, blocked=Blocked.OTHER_CHANNEL), facts(now=NIGHT, reach=reach))
    held = settle(
        candidate(Purpose.COMMERCIAL, blocked=Blocked.OTHER_CHANNEL),
        facts(now=NIGHT, reach=reach, consents={"commercial": GRANTED}),
    )
    assert max(len(told(many)), len(told(held))) <= 12
