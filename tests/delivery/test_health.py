"""Route health: what is seen, and the share of the weight that follows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from outrider.delivery.health import ABOUT_ROUTE, FEW_LAST, HealthRules, advance, effective, kept, remember
from outrider.domain.attempt import Reason
from outrider.domain.health import Board, Look, RouteHealth, Seen, Told

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
RULES = HealthRules()
STEP = 15.0
WELL = Seen("a", 100, 1, 0, 20.0)


class Story:
    """One board, look after look, fifteen seconds apart."""

    def __init__(self, rules=RULES):
        self.rules, self.board, self.now, self.changes = rules, Board(), START, []

    def look(self, *seen, told=(), times=1):
        for _ in range(times):
            self.now += timedelta(seconds=STEP)
            until = self.now - timedelta(seconds=self.rules.receipts_after)
            self.board = replace(self.board, told_until=until - timedelta(seconds=STEP))
            self.board, changes = advance(self.board, Look(seen, told), self.rules, self.now, STEP)
            self.changes += changes
        return self

    @property
    def share(self):
        return self.board.routes["a"].share


def bad(**counts):
    return Seen("a", 100, **{"refused": 0, "slow": 0, "seconds": 20.0, **counts})


def test_a_route_that_is_well_keeps_its_whole_weight():
    story = Story().look(WELL, told=(Told("a", 100, 3),), times=50)
    assert (story.share, story.changes) == (1.0, [])


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (bad(refused=30), "30 of 100 attempts were refused or broke off"),
        (bad(slow=20), "20 of 100 answers took longer than 5 s"),
    ],
)
def test_refusals_and_slow_answers_halve_the_share_at_once(seen, reason):
    story = Story().look(seen)
    [change] = story.changes
    assert (change.kind, change.before, change.after, change.reason) == ("weight", "100%", "50%", reason)
    assert change.evidence["tries"] == 100.0
    assert (change.at, change.route, change.process) == (story.now, "a", "")


def test_missing_receipts_halve_the_share_once_they_usually_come():
    story = Story().look(WELL, told=(Told("a", 100, 2),), times=20)
    assert story.board.routes["a"].usual > 0.9
    assert story.changes == []
    story.look(WELL, told=(Told("a", 100, 100),), times=3)
    assert "accepted messages had no receipt after 300 s" in story.changes[0].reason


def test_a_route_that_never_gives_receipts_is_not_blamed_for_it():
    story = Story().look(WELL, told=(Told("a", 100, 100),), times=200)
    assert (story.share, story.board.routes["a"].usual) == (1.0, 0.0)


@pytest.mark.parametrize("seen", [bad(refused=20), bad(slow=10), Seen("a", 19, 19, 19, 100.0), Seen("a", 0)])
def test_below_the_limit_and_with_little_evidence_nothing_changes(seen):
    assert Story().look(seen).share == 1.0


def test_each_further_step_down_needs_new_evidence_and_a_minute():
    story = Story().look(bad(refused=90))
    assert story.share == 0.5
    story.look(times=19)
    assert story.share == 0.5, "nothing new was seen"
    story = Story().look(bad(refused=90), times=4)
    assert story.share == 0.5, "a minute is not over"
    assert story.look(bad(refused=90)).share == 0.25


def test_a_share_falls_to_the_floor_and_no_further():
    story = Story().look(bad(refused=100), times=400)
    assert story.share == RULES.floor
    assert [change.after for change in story.changes] == ["50%", "25%", "12%", "6%", "5%"]


def test_a_route_that_heals_gains_a_tenth_after_each_quiet_stretch():
    story = Story().look(bad(refused=90)).look(WELL, times=20)
    assert story.share == pytest.approx(0.6)
    assert story.changes[-1].reason == "nothing is wrong with it"
    assert story.look(WELL, times=19).share == pytest.approx(0.6)
    assert story.look(WELL, times=81).share == 1.0
    assert len(story.look(WELL, times=100).changes) == 6, "a whole share does not grow"


def test_between_half_the_limit_and_the_limit_a_share_rests():
    story = Story().look(bad(refused=90)).look(bad(refused=18), times=200)
    assert story.share == 0.5
    assert story.look(bad(refused=10), times=100).share > 0.5


def test_a_route_without_traffic_heals_by_itself():
    assert Story().look(bad(refused=90)).look(times=120).share == 1.0


def test_what_was_seen_counts_half_after_a_half_life():
    health = remember(RouteHealth(tries=80.0, refused=8.0, due=40.0), None, None, RULES.half_life, RULES)
    assert (health.tries, health.refused, health.due) == (40.0, 4.0, 20.0)


def test_few_attempts_are_remembered_longer_than_many():
    few = remember(RouteHealth(tries=8.0, refused=8.0, due=4.0), None, None, FEW_LAST * RULES.half_life, RULES)
    assert (few.tries, few.refused, few.due) == (4.0, 4.0, 2.0)


def test_a_route_with_a_message_a_minute_that_refuses_them_all_loses_its_weight_and_does_not_swing():
    story = Story()
    for _ in range(3 * 60):
        story.look(Seen("a", 1, 1)).look(times=3)
    assert [change.after for change in story.changes] == ["50%", "25%", "12%", "6%", "5%"], "it never gained in between"
    for _ in range(4 * 60):
        story.look(Seen("a", 1)).look(times=3)
    assert story.share == 1.0


def test_a_single_refusal_now_and_then_changes_nothing():
    story = Story()
    for minute in range(6 * 60):
        story.look(Seen("a", 1, int(minute % 10 == 0))).look(times=3)
    assert story.changes == []


def with_receipts(story):
    return story.look(WELL, told=(Told("a", 100, 2),), times=20)


def test_one_short_loss_of_receipts_is_one_step_down():
    """Receipts are looked for five minutes after their attempts: those begun before the step were its cause."""
    story = with_receipts(Story())
    story.look(WELL, told=(Told("a", 100, 100),), times=20)
    assert [change.after for change in story.changes] == ["50%"]
    story.look(WELL, told=(Told("a", 100, 2),), times=200)
    assert story.share == 1.0
    assert [change.after for change in story.changes][1:3] == ["60%", "70%"]


def test_a_lasting_loss_of_receipts_lowers_the_share_each_time_it_is_seen_again_and_never_raises_it():
    story = with_receipts(Story())
    story.look(WELL, told=(Told("a", 100, 100),), times=120)
    shares = [float(change.after[:-1]) for change in story.changes]
    assert len(shares) >= 4
    assert shares == sorted(shares, reverse=True)
    gaps = [(b.at - a.at).total_seconds() for a, b in zip(story.changes, story.changes[1:], strict=False)]
    assert min(gaps) >= RULES.receipts_after


def test_a_route_lowered_for_refusals_grows_only_after_its_receipts_were_looked_for():
    story = with_receipts(Story())
    story.look(Seen("a", 1000, 900))
    [lowered] = story.changes
    story.look(WELL, told=(Told("a", 100, 2),), times=60)
    assert (story.changes[1].at - lowered.at).total_seconds() >= RULES.calm + RULES.receipts_after


def test_the_weight_is_the_configured_one_by_the_share_and_zero_stays_zero():
    board = Board(routes={"a": RouteHealth(0.05), "b": RouteHealth(0.5)})
    assert effective({"a": 60, "b": 0, "c": 40}, board) == {"a": 3.0, "b": 0.0, "c": 40.0}


def test_routes_that_are_configured_no_more_are_forgotten():
    board = Board(routes={"a": RouteHealth(0.05), "b": RouteHealth(0.5)})
    assert kept(board, ["b", "c"]) == replace(board, routes={"b": RouteHealth(0.5)})


def test_refusals_of_a_person_a_text_or_for_haste_say_nothing_of_the_route():
    assert ABOUT_ROUTE.isdisjoint({Reason.INVALID_NUMBER, Reason.OPTED_OUT, Reason.CONTENT_REJECTED, Reason.THROTTLED})
    assert {Reason.UNAVAILABLE, Reason.UNAUTHORIZED, Reason.SENDER_REJECTED, Reason.NOT_CONNECTED} <= ABOUT_ROUTE


counts = st.integers(0, 300)


@st.composite
def looks(draw):
    tries, due = draw(counts), draw(counts)
    refused, slow, missing = (draw(st.integers(0, most)) for most in (tries, tries, due))
    return Look((Seen("a", tries, refused, slow, float(tries)),), (Told("a", due, missing),))


@given(st.lists(looks(), max_size=60), st.floats(0.01, 0.5), st.integers(1, 200))
def test_whatever_is_seen_the_share_stays_between_floor_and_one_and_every_change_is_told(seen, floor, least):
    rules, board, now = HealthRules(floor=floor, least=least), Board(), START
    for look in seen:
        now += timedelta(seconds=STEP)
        before = board.routes.get("a", RouteHealth())
        board, changes = advance(board, look, rules, now, STEP)
        after = board.routes["a"]
        assert floor <= after.share <= 1
        assert 0 <= after.usual <= 1
        assert len(changes) == (after.share != before.share)
        if before.changed_at is not None and after.share != before.share:
            assert now - before.changed_at >= timedelta(
                seconds=rules.calm / 5 if after.share < before.share else rules.calm
            )
