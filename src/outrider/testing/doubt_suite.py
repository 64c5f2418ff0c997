"""What doubts must hold to. Inherit and supply `store_factory`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from outrider.domain.attempt import AttemptState, Unknown
from outrider.domain.entry import OutcomeEntry
from outrider.domain.message import Message, Status
from outrider.domain.outbox import Intent, Next
from outrider.domain.receipt import ReceiptStatus
from outrider.testing.builders import by_id, done, echoed, message, resolved
from outrider.testing.log_suite import ANNA, StoreSuite
from outrider.testing.store_subject import Driver

SECOND = timedelta(seconds=1)


class DoubtSuite(StoreSuite):
    """What becomes of doubts."""

    def doubtful(
        self, driver: Driver, name: str = "hello", *, awaited: bool = False, within: int = 60
    ) -> tuple[Message, Intent]:
        """A message whose attempt is in doubt, to be looked up now and given up after so many seconds."""
        sent, fence = message(ANNA, driver.now(), name, awaited=awaited), driver.fence()
        driver.queue(sent)
        tried = driver.sending(sent, fence)
        following = Next(Status.UNKNOWN, check_at=driver.now(), give_up_at=driver.now() + within * SECOND)
        driver.run(driver.store.finish(fence, [done(tried, Unknown(), following)]))
        return sent, tried

    def test_doubts_come_oldest_first_and_no_more_than_asked(self, driver: Driver) -> None:
        names = ["first", "second", "third"]
        for name in names:
            self.doubtful(driver, name)
            driver.advance(1)
        assert [doubt.message.template for doubt in driver.run(driver.store.doubts(9))] == names
        assert [doubt.message.template for doubt in driver.run(driver.store.doubts(2))] == names[:2]

    def test_what_is_to_be_given_up_soon_is_looked_up_before_what_may_wait(self, driver: Driver) -> None:
        """A code has three seconds: it does not stand behind an outage's offers, which have half an hour."""
        for name in ("offer", "another"):
            self.doubtful(driver, name, within=1800)
            driver.advance(1)
        self.doubtful(driver, "code", within=3)
        assert [doubt.message.template for doubt in driver.run(driver.store.doubts(2))] == ["code", "offer"]

    def test_a_doubt_that_stays_is_looked_up_again_later(self, driver: Driver) -> None:
        sent, tried = self.doubtful(driver)
        later = driver.now() + 5 * SECOND
        driver.run(driver.store.resolve([resolved(tried, None, check_at=later)]))
        assert driver.run(driver.store.doubts(9)) == []
        assert driver.status(sent) is Status.UNKNOWN
        driver.advance(5)
        assert [doubt.checks for doubt in driver.run(driver.store.doubts(9))] == [1]

    def test_proof_of_acceptance_ends_the_doubt_and_names_the_attempt(self, driver: Driver) -> None:
        sent, tried = self.doubtful(driver)
        found = resolved(tried, AttemptState.ACCEPTED, provider_id="p-3", next=Next(Status.ACCEPTED))
        driver.run(driver.store.resolve([found]))
        assert driver.status(sent) is Status.ACCEPTED
        assert driver.run(driver.store.doubts(9)) == []
        driver.run(driver.store.report([by_id("p-3", ReceiptStatus.DELIVERED, driver.now())]))
        assert driver.status(sent) is Status.DELIVERED

    def test_proof_of_absence_may_lead_to_another_attempt(self, driver: Driver) -> None:
        sent, tried = self.doubtful(driver)
        again = Next(Status.QUEUED, retry_at=driver.now())
        driver.run(driver.store.resolve([resolved(tried, AttemptState.ABSENT, next=again)]))
        [due] = driver.due()
        assert [past.state for past in due.past] == [AttemptState.ABSENT]
        driver.sending(sent, driver.fence(), number=2)

    @pytest.mark.parametrize("awaited", [True, False])
    def test_giving_up_is_told_to_the_engine_when_awaited(self, driver: Driver, awaited: bool) -> None:
        sent, tried = self.doubtful(driver, awaited=awaited)
        driver.run(driver.store.resolve([resolved(tried, AttemptState.UNRESOLVED, next=Next(Status.FAILED, "doubt"))]))
        assert driver.status(sent) is Status.FAILED
        assert driver.run(driver.store.count_attempts(AttemptState.UNRESOLVED)) == 1
        assert driver.bodies() == [OutcomeEntry(sent.id, "failed", "doubt")] * awaited

    @pytest.mark.parametrize("state", [AttemptState.ABSENT, AttemptState.UNRESOLVED, None])
    def test_a_receipt_that_was_faster_wins(self, driver: Driver, state: AttemptState | None) -> None:
        sent, tried = self.doubtful(driver)
        driver.run(driver.store.report([echoed(tried, ReceiptStatus.SENT, driver.now())]))
        assert driver.run(driver.store.doubts(9)) == []
        again = Next(Status.QUEUED, retry_at=driver.now())
        driver.run(driver.store.resolve([resolved(tried, state, next=again, check_at=driver.now())]))
        assert driver.status(sent) is Status.ACCEPTED
        assert driver.due() == []
        assert driver.run(driver.store.doubts(9)) == []
        assert driver.run(driver.store.count_attempts(AttemptState.ACCEPTED)) == 1

    def test_a_receipt_that_was_slower_still_proves_acceptance_and_stops_the_retry(self, driver: Driver) -> None:
        sent, tried = self.doubtful(driver)
        again = Next(Status.QUEUED, retry_at=driver.now())
        driver.run(driver.store.resolve([resolved(tried, AttemptState.UNRESOLVED, next=again)]))
        driver.run(driver.store.report([echoed(tried, ReceiptStatus.SENT, driver.now())]))
        assert driver.status(sent) is Status.ACCEPTED
        assert driver.due() == []
        assert driver.run(driver.store.count_attempts(AttemptState.ACCEPTED)) == 1

    def test_a_providers_id_belongs_to_the_attempt_it_was_accepted_for(self, driver: Driver) -> None:
        sent = message(ANNA, driver.now())
        tried = driver.accepted(sent, "p-7")
        assert driver.run(driver.store.owner(tried.account, "p-7")) == (sent.id, 1)
        assert driver.run(driver.store.owner(tried.account, "p-8")) is None
        assert driver.run(driver.store.owner("another", "p-7")) is None

    def test_a_doubt_beside_a_message_that_moved_on_is_still_resolved(self, driver: Driver) -> None:
        sent, first = self.doubtful(driver)
        again = Next(Status.QUEUED, retry_at=driver.now())
        driver.run(driver.store.resolve([resolved(first, AttemptState.UNRESOLVED, next=again)]))
        fence = driver.fence()
        second = driver.sending(sent, fence, number=2)
        driver.run(driver.store.report([echoed(first, ReceiptStatus.DELIVERED, driver.now())]))
        check = Next(Status.UNKNOWN, check_at=driver.now(), give_up_at=driver.now())
        driver.run(driver.store.finish(fence, [done(second, Unknown(), check)]))
        assert [doubt.number for doubt in driver.run(driver.store.doubts(9))] == [2]
        failed = resolved(second, AttemptState.UNRESOLVED, next=Next(Status.FAILED), awaited=True)
        driver.run(driver.store.resolve([failed]))
        assert driver.run(driver.store.doubts(9)) == []
        assert driver.status(sent) is Status.DELIVERED
        assert driver.bodies() == []
