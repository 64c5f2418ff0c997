"""What an engine loads and saves about journeys and messages. Inherit and supply `store_factory`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from outrider.domain.enrollment import Wait
from outrider.domain.message import Status
from outrider.testing.builders import (
    changed,
    decided,
    digest,
    enrollment,
    message,
    stream,
)
from outrider.testing.log_suite import ANNA, BERT, StoreSuite
from outrider.testing.store_subject import Driver

CAR = stream("car", 3)
SECOND = timedelta(seconds=1)


class JourneySuite(StoreSuite):
    """Enrollments and decisions."""

    def test_live_enrollments_come_oldest_first_and_ended_ones_not_at_all(self, driver: Driver) -> None:
        at = driver.now()
        young = enrollment(ANNA, at, "young", data={"price": 3.5}, open_messages=(digest("m"),), about=CAR)
        old = enrollment(ANNA, at - SECOND, "old", wait=Wait(2, at + SECOND, at), position=4, asked=2)
        ended = enrollment(ANNA, at, "ended", ended_at=at, end_reason="goal")
        driver.save(enrollments=(young, ended, old))
        assert driver.run(driver.store.enrollments([ANNA, BERT])) == {ANNA: [old, young]}

    def test_an_enrollment_saved_again_replaces_its_round(self, driver: Driver) -> None:
        first = enrollment(ANNA, driver.now())
        driver.save(enrollments=(first,))
        ended = changed(first, ended_at=driver.now(), end_reason="left", position=2)
        driver.save(enrollments=(ended,))
        assert driver.run(driver.store.enrollments([ANNA])) == {}
        assert driver.run(driver.store.last_rounds([first.id, digest("?")])) == {first.id: ended}

    def test_the_last_round_is_the_newest_live_or_ended(self, driver: Driver) -> None:
        first = enrollment(ANNA, driver.now())
        second = changed(first, round=2)
        driver.save(enrollments=(second,))
        driver.save(enrollments=(changed(first, ended_at=driver.now()),))
        assert driver.run(driver.store.last_rounds([first.id])) == {first.id: second}
        assert driver.run(driver.store.enrollments([ANNA])) == {ANNA: [second]}

    def test_a_message_comes_with_its_last_decision(self, driver: Driver) -> None:
        held = message(ANNA, driver.now(), status=Status.HELD, root=digest("root"), awaited=True)
        driver.save(messages=(held,), decisions=(decided(held),))
        state = driver.state(held)
        assert (state.message, state.status, state.attempts) == (held, Status.HELD, 0)
        assert (state.decision_number, state.record) == (0, b"record 0")
        driver.save(decisions=(decided(held, 1),))
        assert (driver.state(held).decision_number, driver.state(held).record) == (1, b"record 1")
        assert driver.run(driver.store.messages([digest("?")])) == {}

    def test_the_last_decision_of_a_candidate_is_found_without_any_message(self, driver: Driver) -> None:
        dropped, sent = message(ANNA, driver.now(), "dropped"), message(ANNA, driver.now(), "sent")
        driver.save(decisions=(decided(dropped), decided(dropped, 1), decided(sent)))
        found = driver.run(driver.store.decided([dropped.id, sent.id, digest("?")]))
        assert found == {dropped.id: (1, b"record 1"), sent.id: (0, b"record 0")}
        assert driver.run(driver.store.messages([dropped.id])) == {}

    def test_a_decision_number_twice_is_refused(self, driver: Driver) -> None:
        dropped = decided(message(ANNA, driver.now()))
        driver.save(decisions=(dropped,))
        with pytest.raises(driver.subject.duplicate):
            driver.save(decisions=(dropped,))

    def test_a_held_message_is_not_in_the_outbox_until_it_is_decided_again(self, driver: Driver) -> None:
        held = message(ANNA, driver.now(), status=Status.HELD)
        driver.queue(held)
        assert driver.due() == []
        at = driver.now() + 9 * SECOND
        window = {"not_before": at, "not_after": at + SECOND}
        again = changed(held, status=Status.QUEUED, channel="push", address=digest("push"), **window)
        driver.save(redecided=(again,))
        assert driver.state(held).message == again
        assert driver.run(driver.store.next_due()) == at

    def test_a_queued_message_decided_to_hold_leaves_the_outbox(self, driver: Driver) -> None:
        queued = message(ANNA, driver.now())
        driver.queue(queued)
        driver.save(redecided=(changed(queued, status=Status.HELD),))
        assert driver.run(driver.store.next_due()) is None
        assert driver.status(queued) is Status.HELD

    @pytest.mark.parametrize("status", [Status.HELD, Status.QUEUED])
    def test_a_waiting_message_can_be_closed(self, driver: Driver, status: Status) -> None:
        waiting = message(ANNA, driver.now(), status=status)
        driver.queue(waiting)
        driver.save(closed=((waiting.id, Status.CANCELED, "left the journey"),))
        assert driver.status(waiting) is Status.CANCELED
        assert driver.run(driver.store.next_due()) is None

    def test_a_message_delivery_has_taken_can_no_longer_be_closed_or_decided(self, driver: Driver) -> None:
        sent = message(ANNA, driver.now())
        driver.queue(sent)
        driver.sending(sent, driver.fence())
        driver.save(closed=((sent.id, Status.CANCELED, "late"),))
        driver.save(redecided=(changed(sent, channel="push"),))
        assert driver.status(sent) is Status.SENDING
        assert driver.state(sent).message.channel == "sms"
