"""Which messages hold a slot of a cap, from when, and when they give it back. Inherit and supply `store_factory`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from outrider.domain.attempt import Unknown
from outrider.domain.decision import Recent
from outrider.domain.message import Message, Status
from outrider.domain.outbox import Next, Verdictless
from outrider.domain.purpose import Purpose
from outrider.domain.stops import pause_key
from outrider.testing.builders import (
    accepted,
    changed,
    done,
    intent,
    message,
    stop,
    stream,
)
from outrider.testing.log_suite import ANNA, BERT, StoreSuite
from outrider.testing.store_subject import Driver

CAR = stream("car", 3)
SECOND = timedelta(seconds=1)


class SlotSuite(StoreSuite):
    """Cap slots."""

    def slots(self, driver: Driver, since: timedelta = timedelta()) -> list[Recent]:
        """Anna's slots since a while ago."""
        return driver.run(driver.store.recent({ANNA: driver.now() - since, BERT: driver.now()})).get(ANNA, [])

    def outcome(self, driver: Driver, sent: Message, status: Status, **changes: object) -> None:
        """Bring a queued message to a status."""
        fence = driver.fence()
        tried = driver.sending(sent, fence)
        driver.run(driver.store.finish(fence, [done(tried, Unknown(), changed(Next(status), **changes))]))

    def test_a_slot_is_held_while_the_message_is_queued_and_moves_to_the_intent(self, driver: Driver) -> None:
        start = driver.now()
        sent = message(ANNA, start, purpose=Purpose.COMMERCIAL, not_before=start + 5 * SECOND)
        driver.queue(sent)
        assert self.slots(driver) == [Recent("sms", Purpose.COMMERCIAL, start)]
        driver.advance(7)
        assert self.slots(driver) == [Recent("sms", Purpose.COMMERCIAL, start + 7 * SECOND)]
        fence = driver.fence()
        tried = driver.sending(sent, fence)
        driver.advance(1)
        driver.run(driver.store.finish(fence, [accepted(tried)]))
        assert self.slots(driver, SECOND) == [Recent("sms", Purpose.COMMERCIAL, start + 7 * SECOND)]

    def test_slots_come_newest_first_and_only_for_the_streams_asked(self, driver: Driver) -> None:
        for name in ("a", "b"):
            sent = message(ANNA, driver.now(), name, channel=name)
            driver.queue(sent)
            driver.sending(sent, driver.fence())
            driver.advance(1)
        driver.queue(message(BERT, driver.now(), "c"))
        assert [slot.channel for slot in self.slots(driver, 2 * SECOND)] == ["b", "a"]
        assert [slot.channel for slot in self.slots(driver, 1 * SECOND)] == ["b"]

    def test_a_held_message_takes_no_slot(self, driver: Driver) -> None:
        driver.queue(message(ANNA, driver.now(), status=Status.HELD))
        assert self.slots(driver) == []

    @pytest.mark.parametrize("status", [Status.FAILED, Status.EXPIRED, Status.CANCELED])
    def test_a_slot_is_freed_when_nothing_was_sent(self, driver: Driver, status: Status) -> None:
        sent = message(ANNA, driver.now())
        driver.queue(sent)
        driver.save(closed=((sent.id, status, "why"),))
        assert self.slots(driver) == []

    def test_a_slot_is_freed_by_a_failed_attempt(self, driver: Driver) -> None:
        sent = message(ANNA, driver.now())
        driver.queue(sent)
        self.outcome(driver, sent, Status.FAILED)
        assert self.slots(driver) == []

    def test_a_slot_is_kept_while_the_outcome_is_unknown(self, driver: Driver) -> None:
        sent = message(ANNA, driver.now())
        driver.queue(sent)
        soon = driver.now() + SECOND
        self.outcome(driver, sent, Status.UNKNOWN, check_at=soon, give_up_at=soon)
        assert driver.status(sent) is Status.UNKNOWN
        assert len(self.slots(driver)) == 1

    def test_a_slot_is_kept_while_delivery_waits_and_when_it_gives_back(self, driver: Driver) -> None:
        sent, start = message(ANNA, driver.now()), driver.now()
        driver.queue(sent)
        driver.commit(driver.fence(), others=[Verdictless(sent, "retry", at=start + SECOND)])
        driver.advance(1)
        driver.commit(driver.fence(), others=[Verdictless(sent, "stale", reason="window over")])
        assert self.slots(driver) == [Recent("sms", Purpose.SERVICE, start + SECOND)]

    def test_an_intent_that_was_refused_frees_no_slot(self, driver: Driver) -> None:
        sent = message(ANNA, driver.now())
        driver.queue(sent)
        start = driver.now()
        driver.advance(1)
        driver.run(driver.store.append([], [stop(pause_key("journey", sent.journey))]))
        driver.commit(driver.fence(), intent(sent))
        assert self.slots(driver) == [Recent("sms", Purpose.SERVICE, start + SECOND)]
