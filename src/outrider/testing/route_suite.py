"""What the store of route health must hold to. Inherit and supply `store_factory`."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from outrider.contracts.route_store import Span
from outrider.domain.attempt import Accepted, Reason, Refused, Unknown
from outrider.domain.health import Board, RouteChange, RouteHealth, Seen, Told
from outrider.domain.message import Status
from outrider.domain.outbox import Next
from outrider.domain.receipt import ReceiptStatus
from outrider.testing.builders import done, echoed, message
from outrider.testing.log_suite import ANNA, StoreSuite
from outrider.testing.store_subject import Driver

MINUTE = timedelta(minutes=1)


def _span(driver: Driver, **changes: float) -> Span:
    """The last minutes, for both looks."""
    both = (driver.now() - 10 * MINUTE, driver.now())
    return Span(both, both, frozenset({Reason.UNAVAILABLE}), changes.get("slow_after", 5.0))


class RouteSuite(StoreSuite):
    """Route health in the store."""

    def test_an_empty_store_has_an_empty_board(self, driver: Driver) -> None:
        assert driver.run(driver.store.board()) == (Board(), driver.now())
        assert driver.run(driver.store.look(_span(driver))).seen == ()

    def test_a_board_is_saved_over_the_version_that_was_read_only(self, driver: Driver) -> None:
        first, now = driver.run(driver.store.board())
        mine = replace(first, seen_until=now, routes={"a": RouteHealth(0.5, 20.0, 12.5, usual=0.9, changed_at=now)})
        theirs = replace(first, told_until=now)
        change = RouteChange(now, "a", "weight", "100%", "50%", "refused", {"tries": 20.0})
        assert driver.run(driver.store.save_board(mine, [change])) is True
        assert driver.run(driver.store.save_board(theirs, [change])) is False
        found, _ = driver.run(driver.store.board())
        assert found == replace(mine, version=1)
        assert driver.run(driver.store.route_changes(["a", "b"], now, 5)) == [change]

    def test_changes_come_newest_first_and_so_many_of_each_route(self, driver: Driver) -> None:
        start = driver.now()
        changes = [
            RouteChange(start + n * MINUTE, route, "breaker", "closed", "open", f"{n}", process="p")
            for n in range(4)
            for route in ("a", "b")
        ]
        driver.run(driver.store.note_changes(changes))
        driver.run(driver.store.note_changes([]))
        found = driver.run(driver.store.route_changes(["a", "b"], start + MINUTE, 2))
        assert [(one.route, one.reason) for one in found] == [("a", "3"), ("b", "3"), ("a", "2"), ("b", "2")]
        assert (
            driver.run(driver.store.route_changes(["a"], start, 9))
            == [one for one in changes if one.route == "a"][::-1]
        )

    def test_a_route_rests_in_every_process_whose_last_word_says_so(self, driver: Driver) -> None:
        def said(minutes: int, process: str, after: str) -> RouteChange:
            at = driver.now() - minutes * MINUTE
            return RouteChange(at, "a", "breaker", "closed", after, "5 of the last 5 calls failed", process=process)

        words = [said(3, "p", "open"), said(2, "q", "half_open"), said(1, "r", "open"), said(0, "r", "closed")]
        for process in ("p", "q", "r", "silent"):
            driver.run(driver.store.open_lease(process, 100))
        driver.run(driver.store.note_changes([*words, said(30, "silent", "open"), said(1, "ended", "open")]))
        assert driver.run(driver.store.resting(600)) == {"a": 2}
        driver.advance(101)
        assert driver.run(driver.store.resting(600)) == {}

    def test_a_look_counts_what_became_of_each_attempt(self, driver: Driver) -> None:
        fence = driver.fence()
        outcomes = [
            Accepted("p-1"),
            Refused(Reason.UNAVAILABLE),
            Refused(Reason.INVALID_NUMBER),
            Unknown("reset"),
            None,
        ]
        messages = [message(ANNA, driver.now(), str(n)) for n in range(len(outcomes))]
        driver.queue(*messages)
        intents = [driver.sending(each, fence) for each in messages]
        driver.advance(2)
        following = {Accepted: Next(Status.ACCEPTED), Refused: Next(Status.FAILED), Unknown: Next(Status.UNKNOWN)}
        for intent, outcome in zip(intents, outcomes, strict=True):
            if outcome is not None:
                driver.run(driver.store.finish(fence, [done(intent, outcome, following[type(outcome)])]))
        assert driver.run(driver.store.look(_span(driver))).seen == (Seen("sms/main", 4, 2, 0, 6.0),)
        assert driver.run(driver.store.look(_span(driver, slow_after=1.5))).seen == (Seen("sms/main", 4, 2, 3, 6.0),)
        driver.advance(600)
        assert driver.run(driver.store.look(_span(driver))).seen == ()

    def test_a_look_finds_accepted_messages_without_a_receipt(self, driver: Driver) -> None:
        silent, told = message(ANNA, driver.now(), "silent"), message(ANNA, driver.now(), "told")
        driver.accepted(silent, "p-silent")
        intent = driver.accepted(told, "p-told")
        driver.report(echoed(intent, ReceiptStatus.UNDELIVERED, driver.now()))
        assert driver.run(driver.store.look(_span(driver))).told == (Told("sms/main", 2, 1),)
