"""What a fallback follows, and what followed a message."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from orchestration_cases import HOUR, NOON, candidate, facts, settle

from outrider.domain.decision import Decision, Verdict
from outrider.lib.ids import write_id
from outrider.orchestration.escalation import Rung, escalation_of, tell

FIRST, SECOND, THIRD, OTHER = (bytes([1]) * 7 + bytes([n]) * 9 for n in (9, 4, 7, 5))
NAMES = {identifier: write_id("msg", identifier)[4:] for identifier in (FIRST, SECOND, THIRD)}
ZONE = "Europe/Paris"


def rung(identifier: bytes, hour: int, status: str | None = None, **changes: Any) -> Rung:
    asked = candidate(id=identifier, asked_at=NOON + hour * HOUR, rung=min(hour, 1), **changes)
    decision = settle(asked, facts(now=NOON + hour * HOUR))
    return Rung(
        write_id("msg" if status else "dec", identifier), decision, status, NOON + hour * HOUR if status else None
    )


def dropped(decision: Decision) -> Decision:
    return msgspec.structs.replace(decision, verdict=Verdict.DROP, gate="validity", reason="It is too late.")


STORY = [
    rung(SECOND, 1, "delivered", root=FIRST, fallback="push failed"),
    rung(FIRST, 0, "failed"),
    rung(OTHER, 0, "queued"),
]


def test_an_escalation_is_in_order_whatever_its_ids_are() -> None:
    assert [one.candidate.id for one in escalation_of(FIRST, STORY)] == [FIRST, SECOND]
    assert escalation_of(SECOND, STORY) == escalation_of(FIRST, STORY)


def test_a_candidate_that_stands_alone_or_is_not_known_has_none() -> None:
    assert escalation_of(OTHER, STORY) == []
    assert escalation_of(THIRD, STORY) == []
    assert list(tell(OTHER, [], ZONE)) == []


def test_a_failed_message_names_what_followed_and_the_fallback_what_it_follows() -> None:
    failed = msgspec.structs.replace(STORY[1], reason="dead_address")
    found = escalation_of(FIRST, [STORY[0], failed])
    assert list(tell(FIRST, found, ZONE)) == [
        f"After it: msg_{NAMES[SECOND]} by sms, a fallback since push failed, was delivered, "
        "as of Tue 5 Mar 2030 14:00."
    ]
    assert list(tell(SECOND, found, ZONE)) == [
        f"Before it: msg_{NAMES[FIRST]} by push failed, as of Tue 5 Mar 2030 13:00: the app is gone from the device."
    ]


def test_a_fallback_that_was_dropped_says_by_which_gate_and_why() -> None:
    third = rung(THIRD, 2, root=FIRST, fallback="sms was not delivered")
    late = msgspec.structs.replace(third, decision=dropped(third.decision))
    found = escalation_of(SECOND, [*STORY, late])
    assert [line.partition(":")[0] for line in tell(SECOND, found, ZONE)] == ["Before it", "After it"]
    assert list(tell(SECOND, found, ZONE))[1] == (
        f"After it: dec_{NAMES[THIRD]}, a fallback since sms was not delivered, was dropped by validity at "
        "Tue 5 Mar 2030 15:00. It is too late."
    )


@pytest.mark.parametrize(
    ("status", "words"),
    [("held", "is held."), ("melted", "has status melted."), ("canceled", "was canceled.")],
)
def test_a_status_without_its_time_is_told_too(status: str, words: str) -> None:
    following = msgspec.structs.replace(STORY[0], status=status, status_at=None, reason="the journey ended")
    (told,) = tell(FIRST, escalation_of(FIRST, [STORY[1], following]), ZONE)
    assert told.endswith(f"by sms, a fallback since push failed, {words}")


def test_a_message_that_is_no_longer_kept_is_told_by_its_decision() -> None:
    (told,) = tell(FIRST, escalation_of(FIRST, [STORY[1], rung(SECOND, 1, root=FIRST, fallback="push failed")]), ZONE)
    assert told == (
        f"After it: dec_{NAMES[SECOND]}, a fallback since push failed, was let pass at Tue 5 Mar 2030 14:00."
    )
