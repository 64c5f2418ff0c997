"""What dropping old rows must hold to. Inherit and supply `store_factory`."""

from __future__ import annotations

from datetime import timedelta

from outrider.domain.keeping import KeptFor
from outrider.domain.message import Status
from outrider.domain.receipt import Receipt, ReceiptStatus, Reported
from outrider.testing.builders import batch, changed, intent, letter, message
from outrider.testing.log_suite import ANNA, BERT, StoreSuite
from outrider.testing.store_subject import Driver

DAY = 86_400.0
KEPT = KeptFor()


def _receipt(driver: Driver, provider_id: str) -> Reported:
    return Reported("main", Receipt(provider_id, ReceiptStatus.DELIVERED), driver.now())


class KeepingSuite(StoreSuite):
    """What delivery drops, and what it must not."""

    def drop(self, driver: Driver, at_most: int = 100) -> int:
        """Drop what is old."""
        return driver.run(driver.store.drop_old(KEPT, at_most))

    def test_young_rows_stay(self, driver: Driver) -> None:
        driver.accepted(message(ANNA, driver.now()), "p-1")
        driver.report(_receipt(driver, "unknown"))
        driver.run(driver.store.bury([letter(BERT, driver.now())]))
        assert self.drop(driver) == 0
        assert driver.run(driver.store.owner("main", "p-1")) is not None

    def test_a_providers_id_is_known_for_ninety_days(self, driver: Driver) -> None:
        driver.accepted(message(ANNA, driver.now()), "p-1")
        driver.advance(89 * DAY)
        self.drop(driver)
        assert driver.run(driver.store.owner("main", "p-1")) is not None
        driver.advance(2 * DAY)
        assert self.drop(driver) == 1
        assert driver.run(driver.store.owner("main", "p-1")) is None

    def test_an_orphan_receipt_waits_a_month_for_its_message(self, driver: Driver) -> None:
        driver.report(_receipt(driver, "early"), _receipt(driver, "late"))
        driver.advance(29 * DAY)
        assert self.drop(driver) == 0
        waiting = message(ANNA, driver.now())
        driver.accepted(waiting, "early")
        assert driver.run(driver.store.match_orphans(9)) == 1
        assert driver.status(waiting) is Status.DELIVERED
        driver.advance(2 * DAY)
        assert self.drop(driver) == 1, "the other one"
        driver.accepted(message(BERT, driver.now()), "late")
        assert driver.run(driver.store.match_orphans(9)) == 0

    def test_a_dead_letter_goes_after_thirteen_months_unless_a_stream_waits_for_it(self, driver: Driver) -> None:
        poison = letter(ANNA, driver.now(), "poison")
        driver.run(driver.store.save(batch(driver.lease, driver.now(), dead_letters=(poison,))))
        driver.run(driver.store.bury([letter(BERT, driver.now(), "unreadable", kind="event", stream=None)]))
        driver.advance(399 * DAY)
        assert self.drop(driver) == 0
        driver.advance(2 * DAY)
        assert self.drop(driver) == 1
        assert self.drop(driver) == 0

    def test_counts_of_ceilings_go_with_their_day_and_count_anew(self, driver: Driver) -> None:
        first = message(ANNA, driver.now(), "a")
        driver.queue(first)
        driver.sending(first, driver.fence())
        assert self.drop(driver) == 0
        driver.advance(2 * DAY)
        assert self.drop(driver) == 1
        sent = message(ANNA, driver.now(), "b")
        driver.queue(sent)
        assert driver.commit(driver.fence(), intent(sent)) == []

    def test_at_most_so_many_rows_go_at_once(self, driver: Driver) -> None:
        driver.report(*(_receipt(driver, name) for name in "abc"))
        driver.advance(31 * DAY)
        assert [self.drop(driver, 2) for _ in range(3)] == [2, 1, 0]

    def test_a_company_may_keep_it_shorter(self, driver: Driver) -> None:
        driver.report(_receipt(driver, "a"))
        driver.advance(2 * DAY)
        shorter = changed(KEPT, orphan_receipts=timedelta(days=1))
        assert driver.run(driver.store.drop_old(shorter, 9)) == 1
