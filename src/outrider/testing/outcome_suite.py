"""What outcomes, rescue and doubts must hold to. Inherit and supply `store_factory`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from outrider.domain.attempt import Accepted, AttemptState, Outcome, Reason, Refused, Unknown
from outrider.domain.entry import DeadAddressEntry, OutcomeEntry
from outrider.domain.message import Message, Rendition, Status
from outrider.domain.outbox import Intent, Next, OpenDoubt, Resolved
from outrider.domain.purpose import PURPOSES, Purpose
from outrider.domain.receipt import ReceiptStatus
from outrider.domain.stops import address_key
from outrider.testing.builders import (
    RESOLVE_WITHIN,
    accepted,
    by_id,
    changed,
    digest,
    done,
    echoed,
    intent,
    message,
)
from outrider.testing.log_suite import ANNA, BERT, StoreSuite
from outrider.testing.store_subject import Driver

SECOND = timedelta(seconds=1)


class OutcomeSuite(StoreSuite):
    """What follows an answer."""

    def send(self, driver: Driver, outcome: Outcome, following: Next, *, awaited: bool = False) -> Message:
        """Queue a message, write its intent and its outcome."""
        sent, fence = message(ANNA, driver.now(), awaited=awaited), driver.fence()
        driver.queue(sent)
        driver.run(driver.store.finish(fence, [done(driver.sending(sent, fence), outcome, following)]))
        return sent

    def test_an_accepted_message_is_known_by_the_providers_id(self, driver: Driver) -> None:
        sent = self.send(driver, Accepted("p-7", segments=2, price=0.1, currency="EUR"), Next(Status.ACCEPTED))
        assert driver.status(sent) is Status.ACCEPTED
        assert driver.run(driver.store.count_attempts(AttemptState.ACCEPTED)) == 1
        assert driver.run(driver.store.report([by_id("p-7", ReceiptStatus.DELIVERED, driver.now())])) == 1
        assert driver.status(sent) is Status.DELIVERED

    @pytest.mark.parametrize("awaited", [True, False])
    @pytest.mark.parametrize("status", [Status.FAILED, Status.EXPIRED])
    def test_a_final_refusal_is_told_to_the_engine_when_awaited(
        self, driver: Driver, status: Status, awaited: bool
    ) -> None:
        refused = Refused(Reason.LANDLINE, "code 5")
        sent = self.send(driver, refused, Next(status, "landline"), awaited=awaited)
        assert driver.status(sent) is status
        assert driver.bodies() == [OutcomeEntry(sent.id, status.value, "landline")] * awaited
        assert driver.run(driver.store.suppressed([sent.address])) == {}

    def test_an_accepted_awaited_message_is_no_outcome_for_the_engine(self, driver: Driver) -> None:
        self.send(driver, Accepted("p-1"), Next(Status.ACCEPTED), awaited=True)
        assert driver.bodies() == []

    def test_a_person_who_opted_out_at_the_provider_is_suppressed(self, driver: Driver) -> None:
        sent = self.send(driver, Refused(Reason.OPTED_OUT), Next(Status.FAILED, "opted_out"))
        assert driver.run(driver.store.suppressed([sent.address])).keys() == {address_key(sent.address)}
        again = message(ANNA, driver.now(), "again")
        driver.queue(again)
        [refusal] = driver.commit(driver.fence(), intent(again))
        assert refusal.reason.startswith("address stop")

    @pytest.mark.parametrize("awaited", [True, False])
    def test_a_dead_address_is_told_to_the_engine_before_the_failure(self, driver: Driver, awaited: bool) -> None:
        sent = self.send(driver, Refused(Reason.DEAD_ADDRESS), Next(Status.FAILED, "dead_address"), awaited=awaited)
        failed = [OutcomeEntry(sent.id, "failed", "dead_address")] * awaited
        assert driver.bodies() == [DeadAddressEntry(sent.channel, sent.address), *failed]
        assert driver.run(driver.store.suppressed([sent.address])) == {}

    @pytest.mark.parametrize("own", [True, False])
    def test_dead_devices_are_told_of_beside_what_the_others_said(self, driver: Driver, own: bool) -> None:
        gone = (digest("tablet"), digest("watch"))
        outcome = Refused(Reason.DEAD_ADDRESS, dead=gone) if own else Accepted("p-1", dead=gone)
        sent = self.send(driver, outcome, Next(Status.FAILED if own else Status.ACCEPTED), awaited=True)
        addresses = (sent.address, *gone) if own else gone
        told = [DeadAddressEntry(sent.channel, address) for address in addresses]
        assert driver.bodies() == [*told, *[OutcomeEntry(sent.id, "failed", "")] * own]

    def test_dead_devices_are_told_of_beside_a_doubt(self, driver: Driver) -> None:
        following = Next(Status.UNKNOWN, check_at=driver.now(), give_up_at=driver.now())
        sent = self.send(driver, Unknown("reset", dead=(digest("tablet"),)), following)
        assert driver.bodies() == [DeadAddressEntry(sent.channel, digest("tablet"))]

    @pytest.mark.parametrize(
        ("channel", "reason", "suppressed"),
        [
            ("email", Reason.UNKNOWN_SUBSCRIBER, True),
            ("email", Reason.INVALID_ADDRESS, True),
            ("email", Reason.ABSENT_SUBSCRIBER, False),
            ("sms", Reason.UNKNOWN_SUBSCRIBER, False),
        ],
    )
    def test_a_mailbox_that_does_not_exist_is_suppressed_and_a_number_is_not(
        self, driver: Driver, channel: str, reason: Reason, suppressed: bool
    ) -> None:
        sent, fence = message(ANNA, driver.now(), channel=channel), driver.fence()
        driver.queue(sent)
        driver.run(
            driver.store.finish(fence, [done(driver.sending(sent, fence), Refused(reason), Next(Status.FAILED))])
        )
        assert (address_key(sent.address) in driver.run(driver.store.suppressed([sent.address]))) is suppressed

    def test_an_unknown_outcome_becomes_a_doubt_to_be_looked_up(self, driver: Driver) -> None:
        check, end = driver.now() + 2 * SECOND, driver.now() + 60 * SECOND
        sent = self.send(driver, Unknown("timeout"), Next(Status.UNKNOWN, check_at=check, give_up_at=end))
        assert driver.status(sent) is Status.UNKNOWN
        assert driver.run(driver.store.doubts(10)) == []
        driver.advance(2)
        [doubt] = driver.run(driver.store.doubts(10))
        state = driver.state(sent)
        assert isinstance(doubt, OpenDoubt)
        assert (doubt.message, doubt.number, doubt.account) == (state.message, 1, "main")
        assert (doubt.route, doubt.body, doubt.checks) == ("sms/main", Rendition("Bonjour Zoé"), 0)
        assert (doubt.since, doubt.give_up_at) == (check - 2 * SECOND, end)
        assert [past.state for past in doubt.past] == [AttemptState.UNKNOWN]

    def test_an_outcome_is_written_once(self, driver: Driver) -> None:
        sent, fence = message(ANNA, driver.now()), driver.fence()
        driver.queue(sent)
        tried = driver.sending(sent, fence)
        driver.run(driver.store.finish(fence, [accepted(tried)]))
        driver.run(driver.store.finish(fence, [done(tried, Refused(Reason.LANDLINE), Next(Status.FAILED))]))
        assert driver.status(sent) is Status.ACCEPTED
        assert driver.run(driver.store.count_attempts(AttemptState.REFUSED)) == 0

    def test_an_outcome_under_another_fence_or_of_no_attempt_changes_nothing(self, driver: Driver) -> None:
        sent, fence = message(ANNA, driver.now()), driver.fence()
        driver.queue(sent)
        tried = driver.sending(sent, fence)
        driver.run(driver.store.finish(driver.fence(), [accepted(tried)]))
        driver.run(driver.store.finish(fence, [accepted(changed(tried, number=2))]))
        assert driver.status(sent) is Status.SENDING


class RescueSuite(StoreSuite):
    """Workers that die, and workers that come back from the dead."""

    def rescue(self, driver: Driver, grace: float = 10) -> int:
        """Rescue with the usual times for proof."""
        return driver.run(driver.store.rescue(grace, RESOLVE_WITHIN))

    def orphan(self, driver: Driver, purpose: Purpose = Purpose.SERVICE) -> tuple[Message, Intent, int]:
        """An intent whose worker vanished with a lease of 30 seconds."""
        sent, fence = message(ANNA, driver.now(), purpose=purpose), driver.fence(30)
        driver.queue(sent)
        return sent, driver.sending(sent, fence), fence

    @pytest.mark.parametrize("purpose", Purpose)
    def test_an_orphaned_intent_becomes_unknown_with_its_purposes_time_for_proof(
        self, driver: Driver, purpose: Purpose
    ) -> None:
        start = driver.now()
        sent, _, _ = self.orphan(driver, purpose)
        driver.advance(41)
        assert self.rescue(driver) == 1
        assert driver.status(sent) is Status.UNKNOWN
        [doubt] = driver.run(driver.store.doubts(10))
        assert (doubt.since, doubt.give_up_at) == (start, start + PURPOSES[purpose].resolve_within)

    def test_a_rescued_message_is_never_simply_run_again(self, driver: Driver) -> None:
        self.orphan(driver)
        driver.advance(41)
        assert self.rescue(driver) == 1
        assert self.rescue(driver) == 0
        driver.advance(86_400)
        assert driver.due() == []
        assert driver.run(driver.store.count_attempts(AttemptState.UNKNOWN)) == 1

    def test_only_leases_over_for_longer_than_the_grace_are_rescued(self, driver: Driver) -> None:
        sent, _, _ = self.orphan(driver)
        driver.advance(40)
        assert self.rescue(driver) == 0
        assert driver.status(sent) is Status.SENDING

    def test_a_renewed_lease_is_not_rescued(self, driver: Driver) -> None:
        sent, _, fence = self.orphan(driver)
        driver.advance(29)
        assert driver.run(driver.store.renew_lease(fence, 30, sent.id))
        driver.advance(30)
        assert self.rescue(driver) == 0

    def test_a_lease_that_is_over_cannot_be_renewed(self, driver: Driver) -> None:
        sent, _, fence = self.orphan(driver)
        driver.advance(30)
        assert not driver.run(driver.store.renew_lease(fence, 30, sent.id))
        assert not driver.run(driver.store.renew_lease(10**6, 30, sent.id))

    def test_a_zombies_refusal_or_doubt_is_ignored_after_the_rescue(self, driver: Driver) -> None:
        sent, tried, fence = self.orphan(driver)
        driver.advance(41)
        self.rescue(driver)
        again = Next(Status.QUEUED, retry_at=driver.now())
        for outcome in (Refused(Reason.UNAVAILABLE), Unknown("timeout")):
            driver.run(driver.store.finish(fence, [done(tried, outcome, again)]))
        assert driver.status(sent) is Status.UNKNOWN
        assert driver.due() == []
        assert len(driver.run(driver.store.doubts(10))) == 1

    def test_a_zombies_acceptance_is_proof_and_ends_the_doubt(self, driver: Driver) -> None:
        sent, tried, fence = self.orphan(driver)
        driver.advance(41)
        self.rescue(driver)
        driver.run(driver.store.finish(driver.fence(), [accepted(tried)]))
        assert driver.status(sent) is Status.UNKNOWN
        driver.run(driver.store.finish(fence, [accepted(tried)]))
        assert driver.status(sent) is Status.ACCEPTED
        assert driver.run(driver.store.doubts(10)) == []

    @pytest.mark.parametrize("state", [AttemptState.UNRESOLVED, AttemptState.ABSENT])
    def test_a_zombies_acceptance_counts_even_after_its_doubt_was_given_up(
        self, driver: Driver, state: AttemptState
    ) -> None:
        sent, tried, fence = self.orphan(driver)
        driver.advance(41)
        self.rescue(driver)
        again = Next(Status.QUEUED, "resend_once", retry_at=driver.now())
        driver.run(driver.store.resolve([Resolved(sent.id, sent.stream, tried.number, state, next=again)]))
        driver.run(driver.store.finish(fence, [accepted(tried)]))
        assert driver.status(sent) is Status.ACCEPTED
        assert driver.due() == []
        assert driver.run(driver.store.count_attempts(AttemptState.ACCEPTED)) == 1

    def test_an_outcome_between_the_end_of_the_lease_and_the_rescue_counts(self, driver: Driver) -> None:
        sent, tried, fence = self.orphan(driver)
        driver.advance(35)
        driver.run(driver.store.finish(fence, [accepted(tried)]))
        driver.advance(10)
        assert self.rescue(driver) == 0
        assert driver.status(sent) is Status.ACCEPTED

    def test_a_smaller_id_than_the_floor_told_before_is_rescued_too(self, driver: Driver) -> None:
        old, new = message(ANNA, driver.now() - SECOND, "old"), message(BERT, driver.now(), "new")
        driver.queue(new)
        fence = driver.fence(30)
        driver.sending(new, fence)
        assert driver.run(driver.store.renew_lease(fence, 30, new.id))
        driver.queue(old)
        driver.sending(old, fence)
        driver.advance(41)
        assert self.rescue(driver) == 2
        assert driver.status(old) is Status.UNKNOWN

    def test_a_lease_closed_with_an_open_intent_is_rescued_all_the_same(self, driver: Driver) -> None:
        sent, _, fence = self.orphan(driver)
        driver.run(driver.store.close_lease(fence))
        driver.advance(11)
        assert self.rescue(driver) == 1
        assert driver.status(sent) is Status.UNKNOWN

    def test_a_closed_lease_is_gone(self, driver: Driver) -> None:
        fence = driver.fence(30)
        driver.run(driver.store.close_lease(fence))
        driver.run(driver.store.close_lease(fence))
        assert not driver.run(driver.store.renew_lease(fence, 30, b""))

    def test_fences_are_never_used_twice(self, driver: Driver) -> None:
        first = driver.fence()
        driver.run(driver.store.close_lease(first))
        assert driver.fence() > first

    def test_a_rescued_attempt_leaves_a_message_where_a_receipt_moved_it(self, driver: Driver) -> None:
        sent, first, fence = self.orphan(driver)
        again = Next(Status.QUEUED, retry_at=driver.now())
        driver.run(driver.store.finish(fence, [done(first, Refused(Reason.UNAVAILABLE), again)]))
        driver.sending(sent, fence, number=2)
        driver.run(driver.store.report([echoed(first, ReceiptStatus.SENT, driver.now())]))
        driver.advance(41)
        assert self.rescue(driver) == 1
        assert driver.status(sent) is Status.ACCEPTED
        assert [doubt.number for doubt in driver.run(driver.store.doubts(9))] == [2]
