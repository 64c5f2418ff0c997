"""What receipts must hold to. Inherit and supply `store_factory`."""

from __future__ import annotations

from itertools import permutations

import pytest

from outrider.domain.attempt import AttemptState, Reason, Refused
from outrider.domain.entry import ReceiptEntry
from outrider.domain.message import Message, Status
from outrider.domain.outbox import Intent, Next
from outrider.domain.receipt import ReceiptStatus
from outrider.domain.stops import address_key
from outrider.testing.builders import accepted, by_id, changed, done, echoed, intent, message
from outrider.testing.log_suite import ANNA, StoreSuite
from outrider.testing.store_subject import Driver

SENT, DELIVERED = ReceiptStatus.SENT, ReceiptStatus.DELIVERED
UNDELIVERED, SEEN = ReceiptStatus.UNDELIVERED, ReceiptStatus.SEEN

#: (number of the attempt, what is reported) in any order → the final status.
ORDERS: list[tuple[tuple[tuple[int, ReceiptStatus], ...], Status]] = [
    (((2, SENT), (2, SENT), (1, UNDELIVERED)), Status.ACCEPTED),
    (((2, SENT), (2, UNDELIVERED), (1, SENT), (1, UNDELIVERED)), Status.UNDELIVERED),
    (((2, SENT), (2, UNDELIVERED), (2, DELIVERED), (2, SEEN)), Status.DELIVERED),
    (((2, UNDELIVERED), (2, UNDELIVERED), (1, SEEN), (2, SENT)), Status.DELIVERED),
    (((1, SENT), (1, DELIVERED), (2, SENT), (2, UNDELIVERED), (2, SEEN)), Status.DELIVERED),
]


class ReceiptSuite(StoreSuite):
    """Receipts in any order, twice, early and late."""

    def twice_tried(self, driver: Driver, names: list[str]) -> list[tuple[Intent, Intent]]:
        """Messages whose first attempt was refused and whose second was accepted."""
        fence, pairs = driver.fence(), []
        driver.queue(*(message(ANNA, driver.now(), name, address=name.encode().ljust(16)) for name in names))
        for number in (1, 2):
            tried = [intent(due.message, number) for due in driver.due(len(names))]
            assert driver.commit(fence, *tried) == []
            again = Next(Status.QUEUED, retry_at=driver.now())
            refused = [done(each, Refused(Reason.THROTTLED), again) for each in tried]
            taken = [accepted(each, each.message.template) for each in tried]
            driver.run(driver.store.finish(fence, refused if number == 1 else taken))
            pairs.append({each.message.id: each for each in tried})
        return [(first, pairs[1][identifier]) for identifier, first in pairs[0].items()]

    @pytest.mark.parametrize(("reports", "final"), ORDERS)
    def test_receipts_in_every_order_give_the_same_final_status(
        self, driver: Driver, reports: tuple[tuple[int, ReceiptStatus], ...], final: Status
    ) -> None:
        orders = list(permutations(reports))
        pairs = self.twice_tried(driver, [str(n) for n in range(len(orders))])
        for step in range(len(reports)):
            chosen = [(pair[order[step][0] - 1], order[step][1]) for pair, order in zip(pairs, orders, strict=True)]
            driver.report(*(echoed(tried, status, driver.now()) for tried, status in chosen))
        states = driver.run(driver.store.messages([first.message.id for first, _ in pairs]))
        assert {state.status for state in states.values()} == {final}
        assert len(states) == len(orders)

    def test_receipts_of_one_call_count_in_any_order_too(self, driver: Driver) -> None:
        orders = list(permutations([SENT, UNDELIVERED, DELIVERED, SEEN]))
        pairs = self.twice_tried(driver, [str(n) for n in range(len(orders))])
        told = [
            echoed(second, status, driver.now())
            for (_, second), order in zip(pairs, orders, strict=True)
            for status in order
        ]
        assert driver.report(*told) == len(told)
        assert {driver.status(first.message) for first, _ in pairs} == {Status.DELIVERED}

    def test_a_repeated_receipt_is_stored_once(self, driver: Driver) -> None:
        tried = driver.accepted(message(ANNA, driver.now(), awaited=True))
        receipt = echoed(tried, DELIVERED, driver.now())
        assert driver.report(receipt, receipt) == 1
        driver.advance(3600)
        assert driver.report(changed(receipt, received_at=driver.now())) == 0
        assert driver.report(by_id("p-1", DELIVERED, driver.now())) == 0
        assert len(driver.bodies()) == 1

    def test_a_receipt_with_another_detail_is_another_one(self, driver: Driver) -> None:
        driver.accepted(message(ANNA, driver.now()))
        told = [by_id("p-1", UNDELIVERED, driver.now(), detail=detail) for detail in ("30003", "30005")]
        assert driver.report(*told) == 2

    @pytest.mark.parametrize("status", ReceiptStatus)
    def test_a_receipt_before_the_answer_ends_the_intent(self, driver: Driver, status: ReceiptStatus) -> None:
        sent, fence = message(ANNA, driver.now()), driver.fence()
        driver.queue(sent)
        tried = driver.sending(sent, fence)
        assert driver.report(echoed(tried, status, driver.now())) == 1
        moved = driver.status(sent)
        assert moved in {Status.ACCEPTED, Status.UNDELIVERED, Status.DELIVERED}
        assert driver.run(driver.store.count_attempts(AttemptState.ACCEPTED)) == 1
        again = Next(Status.QUEUED, retry_at=driver.now())
        driver.run(driver.store.finish(fence, [done(tried, Refused(Reason.UNAVAILABLE), again)]))
        assert driver.status(sent) is moved
        assert driver.due() == []
        assert driver.run(driver.store.rescue(0, {})) == 0

    def test_a_delivered_copy_from_an_attempt_in_doubt_ends_the_retry(self, driver: Driver) -> None:
        [(first, _)] = self.twice_tried(driver, ["hello"])
        driver.report(echoed(first, DELIVERED, driver.now()))
        assert driver.status(first.message) is Status.DELIVERED

    @pytest.mark.parametrize(
        ("status", "moved"),
        [(SENT, Status.CANCELED), (UNDELIVERED, Status.CANCELED), (DELIVERED, Status.DELIVERED)],
    )
    def test_a_canceled_retry_gives_way_only_to_proof_of_delivery(
        self, driver: Driver, status: ReceiptStatus, moved: Status
    ) -> None:
        sent, fence = message(ANNA, driver.now()), driver.fence()
        driver.queue(sent)
        tried = driver.sending(sent, fence)
        again = Next(Status.QUEUED, retry_at=driver.now())
        driver.run(driver.store.finish(fence, [done(tried, Refused(Reason.UNAVAILABLE), again)]))
        driver.save(closed=((sent.id, Status.CANCELED, "left"),))
        driver.report(echoed(tried, status, driver.now()))
        assert driver.status(sent) is moved

    @pytest.mark.parametrize("final", [Status.FAILED, Status.EXPIRED])
    @pytest.mark.parametrize("status", ReceiptStatus)
    def test_a_receipt_outranks_a_failure(self, driver: Driver, status: ReceiptStatus, final: Status) -> None:
        sent, fence = message(ANNA, driver.now()), driver.fence()
        driver.queue(sent)
        tried = driver.sending(sent, fence)
        driver.run(driver.store.finish(fence, [done(tried, Refused(Reason.UNKNOWN), Next(final))]))
        driver.report(echoed(tried, status, driver.now()))
        assert driver.status(sent) not in {Status.FAILED, Status.EXPIRED}

    @pytest.mark.parametrize("awaited", [True, False])
    def test_each_new_receipt_of_an_awaited_message_is_told_to_the_engine(self, driver: Driver, awaited: bool) -> None:
        tried = driver.accepted(message(ANNA, driver.now(), awaited=awaited))
        told = [echoed(tried, status, driver.now()) for status in (SENT, DELIVERED, SENT)]
        driver.report(*told)
        expected = [ReceiptEntry(tried.message.id, each.receipt) for each in told[:2]]
        assert driver.bodies() == (expected if awaited else [])

    def test_an_opt_out_told_by_a_receipt_suppresses_the_address(self, driver: Driver) -> None:
        tried = driver.accepted(message(ANNA, driver.now()))
        opted_out = by_id("p-1", UNDELIVERED, driver.now(), reason=Reason.OPTED_OUT)
        driver.report(opted_out)
        assert driver.run(driver.store.suppressed([tried.message.address])).keys() == {
            address_key(tried.message.address)
        }

    @pytest.mark.parametrize(("channel", "suppressed"), [("email", True), ("sms", False)])
    def test_a_hard_bounce_of_mail_suppresses_the_address(self, driver: Driver, channel: str, suppressed: bool) -> None:
        tried = driver.accepted(message(ANNA, driver.now(), channel=channel))
        driver.report(by_id("p-1", UNDELIVERED, driver.now(), reason=Reason.UNKNOWN_SUBSCRIBER))
        assert (
            address_key(tried.message.address) in driver.run(driver.store.suppressed([tried.message.address]))
        ) is suppressed

    def test_the_echo_names_the_attempt_even_when_the_providers_id_is_new(self, driver: Driver) -> None:
        tried = driver.accepted(message(ANNA, driver.now()))
        told = echoed(tried, SENT, driver.now())
        assert driver.report(changed(told, receipt=changed(told.receipt, provider_id="p-1/part-2"))) == 1
        assert driver.run(driver.store.match_orphans(9)) == 0


class OrphanSuite(StoreSuite):
    """Receipts of messages nobody knows yet."""

    def late(self, driver: Driver, sent: Message, provider_id: str = "p-1") -> None:
        """Accept a message under an id that was reported before."""
        driver.accepted(sent, provider_id)

    def test_a_receipt_of_an_unknown_message_is_kept_once_and_matched_later(self, driver: Driver) -> None:
        told = by_id("p-1", DELIVERED, driver.now())
        for _ in range(2):
            assert driver.report(told, told) == 0
        assert driver.run(driver.store.match_orphans(9)) == 0
        sent = message(ANNA, driver.now(), awaited=True)
        self.late(driver, sent)
        assert driver.status(sent) is Status.ACCEPTED
        assert driver.run(driver.store.match_orphans(9)) == 1
        assert driver.status(sent) is Status.DELIVERED
        assert driver.bodies() == [ReceiptEntry(sent.id, told.receipt)]
        assert driver.run(driver.store.match_orphans(9)) == 0

    def test_the_same_id_of_another_account_is_another_message(self, driver: Driver) -> None:
        sent = message(ANNA, driver.now())
        self.late(driver, sent)
        assert driver.report(by_id("p-1", DELIVERED, driver.now(), account="second")) == 0
        assert driver.run(driver.store.match_orphans(9)) == 0
        assert driver.status(sent) is Status.ACCEPTED

    def test_an_echo_nobody_knows_falls_back_on_the_providers_id(self, driver: Driver) -> None:
        sent = message(ANNA, driver.now())
        self.late(driver, sent)
        lost = message(ANNA, driver.now(), "lost")
        told = changed(by_id("p-1", DELIVERED, driver.now()), attempt=(lost.id, 1))
        assert driver.report(told) + driver.run(driver.store.match_orphans(9)) == 1
        assert driver.status(sent) is Status.DELIVERED

    def test_orphans_are_matched_in_portions_and_past_those_nobody_will_ever_know(self, driver: Driver) -> None:
        ids = ["p-0", "p-1", "p-2"]
        driver.report(*(by_id(each, SENT, driver.now()) for each in ("never", "ever", *ids)))
        for each in ids:
            self.late(driver, message(ANNA, driver.now(), each), each)
        assert [driver.run(driver.store.match_orphans(2)) for _ in range(3)] == [2, 1, 0]

    def test_an_orphan_whose_repeat_was_stored_meanwhile_counts_only_once(self, driver: Driver) -> None:
        told = by_id("p-1", DELIVERED, driver.now())
        driver.report(told)
        self.late(driver, message(ANNA, driver.now(), awaited=True))
        driver.report(told)
        assert driver.run(driver.store.match_orphans(9)) == 0
        assert len(driver.bodies()) == 1
        assert driver.run(driver.store.match_orphans(9)) == 0

    def test_no_receipt_is_nothing_new(self, driver: Driver) -> None:
        assert driver.report() == 0
