"""What claiming and intents must hold to. Inherit and supply `store_factory`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from outrider.contracts.store import Claim
from outrider.domain.attempt import AttemptState, Reason, Refused
from outrider.domain.entry import OutcomeEntry
from outrider.domain.message import Content, Further, Status
from outrider.domain.outbox import Ceiling, Next, Past, Refusal, Verdictless
from outrider.domain.purpose import Purpose
from outrider.domain.stops import address_key, consent_key, opt_out_key, pause_key, profile_key
from outrider.domain.work import Fenced
from outrider.testing.builders import batch, changed, digest, done, intent, message, stop
from outrider.testing.log_suite import ANNA, BERT, StoreSuite
from outrider.testing.store_subject import Driver, StoreFactory

SECOND = timedelta(seconds=1)

ENDING = {
    "address": address_key(digest("address", ANNA.hex())),
    "consent": consent_key(ANNA, "service"),
    "consent on a channel": consent_key(ANNA, "service", "sms"),
    "profile": profile_key(ANNA),
}
PAUSES = {
    "journey": pause_key("journey", "rental"),
    "channel": pause_key("channel", "sms"),
    "purpose": pause_key("purpose", "service"),
    "account": pause_key("account", "main"),
    "everything": pause_key("everything", ""),
}


class ClaimSuite(StoreSuite):
    """Who gets which messages."""

    def test_due_messages_come_express_first_then_the_oldest(self, driver: Driver) -> None:
        at = driver.now()
        bulk = message(ANNA, at - 9 * SECOND, "bulk", purpose=Purpose.COMMERCIAL)
        late, early = message(ANNA, at, "late"), message(BERT, at - SECOND, "early")
        express = message(BERT, at, "express", purpose=Purpose.SAFETY)
        driver.queue(bulk, late, early, express)
        assert [due.message for due in driver.due()] == [express, early, late, bulk]
        assert [due.message for due in driver.due(2)] == [express, early]

    def test_a_message_is_due_when_its_window_opens(self, driver: Driver) -> None:
        assert driver.run(driver.store.next_due()) is None
        at = driver.now() + 5 * SECOND
        driver.queue(message(ANNA, driver.now(), not_before=at))
        assert driver.run(driver.store.next_due()) == at
        driver.advance(4)
        assert driver.due() == []
        driver.advance(1)
        assert len(driver.due()) == 1

    def test_two_claims_at_once_share_nothing(self, driver: Driver) -> None:
        driver.queue(*(message(ANNA, driver.now(), str(n)) for n in range(5)))

        async def both() -> list[set[bytes]]:
            async with driver.store.claim(3) as first, driver.store.claim(3) as second:
                return [{due.message.id for due in claim.due} for claim in (first, second)]

        first, second = driver.run(both())
        assert (len(first), len(second)) == (3, 2)
        assert not first & second

    def test_a_claim_that_ends_without_commit_frees_its_messages_unchanged(self, driver: Driver) -> None:
        sent = message(ANNA, driver.now())
        driver.queue(sent)

        async def fail() -> None:
            async with driver.store.claim(10):
                raise LookupError("a template is missing")

        with pytest.raises(LookupError):
            driver.run(fail())
        assert [due.message for due in driver.due()] == [sent]

    def test_an_intent_takes_the_message_out_of_the_outbox(self, driver: Driver) -> None:
        sent = message(ANNA, driver.now())
        driver.queue(sent)
        driver.sending(sent, driver.fence())
        state = driver.state(sent)
        assert (state.status, state.attempts) == (Status.SENDING, 1)
        assert driver.run(driver.store.next_due()) is None
        assert driver.run(driver.store.count_attempts(AttemptState.INTENT)) == 1

    def test_claimed_messages_in_neither_list_stay_in_the_outbox(self, driver: Driver) -> None:
        sent, kept = message(ANNA, driver.now(), "sent"), message(ANNA, driver.now(), "kept")
        driver.queue(sent, kept)
        assert driver.commit(driver.fence(), intent(sent)) == []
        assert [due.message for due in driver.due()] == [kept]

    def test_the_claim_tells_the_time_of_the_database(self, driver: Driver) -> None:
        async def now(claim: Claim) -> object:
            return claim.now

        assert driver.claim(now) == driver.now()

    def test_a_message_to_be_retried_comes_back_with_its_earlier_attempts(self, driver: Driver) -> None:
        sent, fence, start = message(ANNA, driver.now()), driver.fence(), driver.now()
        driver.queue(sent)
        tried = changed(intent(sent), label="resend_once")
        assert driver.commit(fence, tried) == []
        again = Next(Status.QUEUED, "throttled", retry_at=start + 3 * SECOND)
        driver.run(driver.store.finish(fence, [done(tried, Refused(Reason.THROTTLED), again)]))
        assert driver.run(driver.store.next_due()) == start + 3 * SECOND
        assert driver.due() == []
        driver.advance(3)
        [due] = driver.due()
        assert due.past == (Past(1, "sms/main", AttemptState.REFUSED, start, Reason.THROTTLED, "resend_once"),)
        assert due.message.status is Status.QUEUED
        driver.sending(sent, fence, number=2)
        assert driver.state(sent).attempts == 2

    def test_an_attempt_number_twice_is_refused(self, driver: Driver) -> None:
        sent, fence = message(ANNA, driver.now()), driver.fence()
        driver.queue(sent)
        tried = driver.sending(sent, fence)
        again = Next(Status.QUEUED, retry_at=driver.now())
        driver.run(driver.store.finish(fence, [done(tried, Refused(Reason.THROTTLED), again)]))
        with pytest.raises(driver.subject.duplicate):
            driver.commit(fence, tried)
        assert len(driver.due()) == 1

    def test_a_message_canceled_while_it_is_claimed_is_sent_or_canceled_but_never_both(self, driver: Driver) -> None:
        sent = message(ANNA, driver.now())
        driver.queue(sent)
        fence, closed = driver.fence(), ((sent.id, Status.CANCELED, "left"),)
        cancel = batch(driver.lease, driver.now(), closed=closed)

        async def race() -> list[Refusal]:
            async with driver.store.claim(10) as claim:
                saving = driver.subject.start(driver.store.save(cancel))
                refused = await claim.commit(fence, [intent(sent)], [])
            await saving
            return refused

        refused = driver.run(race())
        assert refused in ([], [Refusal(sent.id, "moved")])
        assert driver.status(sent) is (Status.CANCELED if refused else Status.SENDING)
        assert driver.run(driver.store.count_attempts(AttemptState.INTENT)) == (0 if refused else 1)

    def test_an_intent_under_a_lease_that_is_over_is_fenced(self, driver: Driver) -> None:
        sent, fence = message(ANNA, driver.now()), driver.fence(30)
        closed = driver.fence()
        driver.run(driver.store.close_lease(closed))
        driver.queue(sent)
        driver.advance(30)
        for gone in (fence, closed, 10**6):
            with pytest.raises(Fenced):
                driver.commit(gone, intent(sent))
        assert driver.status(sent) is Status.QUEUED
        assert len(driver.due()) == 1


class SetBackSuite(StoreSuite):
    """Claimed messages that get no attempt now."""

    def test_a_retry_is_due_again_at_its_time(self, driver: Driver) -> None:
        sent = message(ANNA, driver.now())
        driver.queue(sent)
        at = driver.now() + 4 * SECOND
        driver.commit(driver.fence(), others=[Verdictless(sent, "retry", at=at)])
        assert driver.run(driver.store.next_due()) == at
        assert driver.state(sent).message == sent

    @pytest.mark.parametrize("awaited", [True, False])
    @pytest.mark.parametrize("status", [Status.FAILED, Status.EXPIRED])
    def test_a_closed_message_is_told_to_the_engine_when_awaited(
        self, driver: Driver, status: Status, awaited: bool
    ) -> None:
        sent = message(ANNA, driver.now(), awaited=awaited)
        driver.queue(sent)
        driver.commit(driver.fence(), others=[Verdictless(sent, "closed", status=status, reason="why")])
        assert driver.status(sent) is status
        assert driver.due() == []
        assert driver.bodies() == [OutcomeEntry(sent.id, status.value, "why")] * awaited

    def test_a_stale_message_leaves_the_outbox_and_the_engine_is_asked(self, driver: Driver) -> None:
        sent = message(ANNA, driver.now())
        driver.queue(sent)
        driver.commit(driver.fence(), others=[Verdictless(sent, "stale", reason="window over")])
        assert driver.status(sent) is Status.QUEUED
        assert driver.run(driver.store.next_due()) is None
        assert driver.bodies() == [OutcomeEntry(sent.id, "stale", "window over")]
        driver.save(redecided=(sent,))
        assert len(driver.due()) == 1


class StopSuite(StoreSuite):
    """Stops and ceilings, obeyed in the intent transaction."""

    @pytest.mark.parametrize("which", ENDING)
    def test_a_stop_on_the_person_cancels_the_message(self, driver: Driver, which: str) -> None:
        sent, other = message(ANNA, driver.now()), message(BERT, driver.now())
        driver.queue(sent, other)
        made = stop(ENDING[which])
        driver.run(driver.store.append([], [made]))
        [refusal] = driver.commit(driver.fence(), intent(sent), intent(other))
        assert (refusal.message, refusal.reason) == (sent.id, f"{made.scope} stop: {made.reason}")
        assert driver.status(sent) is Status.CANCELED
        assert driver.status(other) is Status.SENDING
        assert driver.due() == []

    @pytest.mark.parametrize("which", PAUSES)
    def test_a_pause_delays_the_message_by_five_seconds_until_it_is_lifted(self, driver: Driver, which: str) -> None:
        sent, fence = message(ANNA, driver.now()), driver.fence()
        driver.queue(sent)
        driver.run(driver.store.append([], [stop(PAUSES[which])]))
        assert driver.commit(fence, intent(sent)) == [Refusal(sent.id, f"{which} stop: asked to stop")]
        assert driver.status(sent) is Status.QUEUED
        assert driver.run(driver.store.next_due()) == driver.now() + 5 * SECOND
        driver.run(driver.store.lift([PAUSES[which]]))
        driver.advance(5)
        driver.sending(sent, fence)

    def test_a_stop_on_the_person_goes_before_a_pause(self, driver: Driver) -> None:
        sent = message(ANNA, driver.now())
        driver.queue(sent)
        driver.run(driver.store.append([], [stop(PAUSES["journey"]), stop(PAUSES["account"]), stop(ENDING["profile"])]))
        tried = intent(sent)
        backward = changed(tried, stop_keys=tried.stop_keys[::-1])
        [refusal] = driver.commit(driver.fence(), backward)
        assert refusal.reason.startswith("profile stop")
        assert driver.status(sent) is Status.CANCELED

    def test_a_stop_on_another_device_leaves_only_that_one_out(self, driver: Driver) -> None:
        phone, tablet, watch = (Further(name, digest(name)) for name in ("phone", "tablet", "watch"))
        content = Content("own", "fr", {}, (phone, tablet, watch))
        sent = message(ANNA, driver.now(), purpose=Purpose.SERVICE, content=content)
        driver.queue(sent)
        assert driver.due()[0].message.content.others == (phone, tablet, watch)
        driver.run(driver.store.append([], [stop(address_key(phone.address)), stop(opt_out_key(watch.address))]))
        [due] = driver.due()
        assert due.message.content == changed(content, others=(tablet,))
        assert driver.commit(driver.fence(), intent(due.message)) == []

    def test_a_stop_for_somebody_else_changes_nothing(self, driver: Driver) -> None:
        sent = message(ANNA, driver.now())
        driver.queue(sent)
        others = [consent_key(ANNA, "commercial"), consent_key(ANNA, "service", "push"), profile_key(BERT)]
        driver.run(driver.store.append([], [stop(key) for key in others]))
        driver.sending(sent, driver.fence())

    def test_a_stop_that_came_after_the_check_is_found_by_whoever_asks_again(self, driver: Driver) -> None:
        sent = message(ANNA, driver.now())
        keys, before = intent(sent).stop_keys, driver.now()
        assert driver.run(driver.store.newly_stopped(keys, before)) == set()
        driver.run(driver.store.append([], [stop(ENDING["consent"]), stop(ENDING["profile"]), stop(profile_key(BERT))]))
        assert driver.run(driver.store.newly_stopped(keys, before)) == {ENDING["consent"], ENDING["profile"]}
        assert driver.run(driver.store.newly_stopped([], before)) == set()

    def test_among_many_recent_stops_those_of_the_message_are_found(self, driver: Driver) -> None:
        keys, before = intent(message(ANNA, driver.now())).stop_keys, driver.now()
        others = [stop(consent_key(n.to_bytes(16, "big"), "service")) for n in range(300)]
        driver.run(driver.store.append([], [*others, stop(keys[0])]))
        assert driver.run(driver.store.newly_stopped(keys, before)) == {keys[0]}

    def test_a_ceiling_fails_what_is_beyond_it(self, store_factory: StoreFactory) -> None:
        driver = Driver(store_factory(Ceiling(per_hour=2, per_day=9)))
        sent = [message(ANNA, driver.now(), str(n), awaited=True) for n in range(3)]
        other = message(BERT, driver.now())
        driver.queue(*sent, other)
        refused = driver.commit(driver.fence(), *map(intent, sent), intent(other))
        assert refused == [Refusal(sent[2].id, "ceiling: at most 2 messages an hour and 9 a day go to one address")]
        assert [driver.status(each) for each in sent] == [Status.SENDING, Status.SENDING, Status.FAILED]
        assert driver.bodies() == [OutcomeEntry(sent[2].id, "failed", refused[0].reason)]

    def test_ceilings_count_by_the_hour_and_by_the_day(self, store_factory: StoreFactory) -> None:
        driver = Driver(store_factory(Ceiling(per_hour=1, per_day=2)))
        start = driver.now().replace(minute=0, second=0, microsecond=0, hour=8) + timedelta(days=1)
        driver.advance((start - driver.now()).total_seconds())
        written: list[bool] = []
        for hours in (0, 0, 1, 1, 22):
            driver.advance((start + timedelta(hours=hours) - driver.now()).total_seconds())
            sent = message(ANNA, driver.now(), f"{len(written)}")
            driver.queue(sent)
            written.append(driver.commit(driver.fence(), intent(sent)) == [])
        assert written == [True, False, True, False, True]

    def test_the_day_is_full_even_when_the_hour_is_not(self, store_factory: StoreFactory) -> None:
        driver = Driver(store_factory(Ceiling(per_hour=9, per_day=1)))
        sent = [message(ANNA, driver.now(), str(n)) for n in range(2)]
        driver.queue(*sent)
        assert [refusal.message for refusal in driver.commit(driver.fence(), *map(intent, sent))] == [sent[1].id]
        assert driver.status(sent[1]) is Status.FAILED

    def test_what_a_stop_refused_is_not_counted(self, store_factory: StoreFactory) -> None:
        driver = Driver(store_factory(Ceiling(per_hour=1, per_day=1)))
        paused, sent = message(ANNA, driver.now(), "paused", journey="other"), message(ANNA, driver.now(), "sent")
        driver.queue(paused, sent)
        driver.run(driver.store.append([], [stop(pause_key("journey", "other"))]))
        refused = driver.commit(driver.fence(), intent(paused), intent(sent))
        assert [refusal.message for refusal in refused] == [paused.id]
        assert driver.status(sent) is Status.SENDING
