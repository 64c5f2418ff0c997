"""When soft bounces end an address, case by case and for any history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.domain.attempt import Reason
from outrider.domain.bounces import SETTLED, STAYS, Bounce, BounceRules, Finding, Mail, judge

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
RULES = BounceRules(days=3, within=timedelta(days=10))
DAY = timedelta(days=1)


def ago(days: float) -> datetime:
    return NOON - days * DAY


def bounced(days: float, reason: Reason = Reason.ABSENT_SUBSCRIBER) -> Bounce:
    """Mail that went out and came back so many days ago."""
    return Bounce(ago(days).date(), ago(days), reason)


def took(days: float, *, proved: bool = False) -> Mail:
    return Mail(ago(days), proved)


ROW = [bounced(8), bounced(7), bounced(1)]
WHY = "mail to it bounced on 3 days from 2026-11-12 to 2026-11-19 and none arrived in between; at last "


@pytest.mark.parametrize(
    ("bounces", "mails", "expected"),
    [
        pytest.param([], [], STAYS, id="nothing"),
        pytest.param(ROW[:2], [], STAYS, id="too few"),
        pytest.param(ROW, [], Finding(WHY + "the mailbox was full or switched off"), id="enough"),
        pytest.param([*ROW[:2], bounced(1, Reason.EXPIRED)], [], Finding(WHY + "its server did not take it for days"),
                     id="the last reason is told"),
        pytest.param([bounced(10), *ROW[1:]], [], STAYS, id="one is too old"),
        pytest.param(ROW, [took(6)], STAYS, id="one arrived in between, as far as anybody can tell"),
        pytest.param(ROW, [took(2, proved=True)], STAYS, id="one arrived in between, with proof"),
        pytest.param(ROW, [took(0.5, proved=True)], STAYS, id="one arrived after them, with proof"),
        pytest.param(ROW, [took(0.5)], Finding(WHY + "the mailbox was full or switched off"),
                     id="one that was taken after them may come back as they did"),
        pytest.param(ROW, [took(2)], Finding(again_at=ago(2) + SETTLED), id="one in between may still come back"),
        pytest.param(ROW, [took(9)], Finding(WHY + "the mailbox was full or switched off"), id="one arrived before"),
        pytest.param([bounced(9), *ROW], [took(8.5)], Finding(WHY + "the mailbox was full or switched off"),
                     id="those after the last arrival are enough"),
    ],
)  # fmt: skip
def test_an_address_is_ended_by_bounces_in_a_row(bounces: list[Bounce], mails: list[Mail], expected: Finding) -> None:
    assert judge(bounces, mails, RULES, NOON) == expected


def test_one_day_can_be_enough_and_no_day_is_never() -> None:
    found = judge([bounced(1)], [], BounceRules(days=1), NOON)
    assert found.ends.startswith("mail to it bounced on 2026-11-19 and none arrived in between")
    assert judge(ROW, [], BounceRules(days=0), NOON) == STAYS


DAYS = st.floats(0, 12)
HISTORY = st.tuples(st.lists(DAYS.map(bounced), unique_by=lambda one: one.day), st.lists(DAYS.map(took)))


@given(HISTORY, st.randoms())
def test_the_order_of_history_changes_nothing(history: tuple[list[Bounce], list[Mail]], chance: object) -> None:
    bounces, mails = history
    found = judge(bounces, mails, RULES, NOON)
    chance.shuffle(bounces)  # type: ignore[attr-defined]
    chance.shuffle(mails)  # type: ignore[attr-defined]
    assert judge(bounces, mails, RULES, NOON) == found


@given(HISTORY, st.floats(0, 12))
def test_a_proof_of_arrival_never_ends_an_address(history: tuple[list[Bounce], list[Mail]], arrived: float) -> None:
    bounces, mails = history
    proof = took(arrived, proved=True)
    found = judge(bounces, [*mails, proof], RULES, NOON)
    assert not found.ends or judge(bounces, mails, RULES, NOON) != STAYS
    if all(one.sent_at <= proof.sent_at for one in bounces):
        assert found == STAYS


@given(HISTORY)
def test_a_time_to_look_again_lies_ahead(history: tuple[list[Bounce], list[Mail]]) -> None:
    again = judge(*history, RULES, NOON).again_at
    assert again is None or again > NOON
