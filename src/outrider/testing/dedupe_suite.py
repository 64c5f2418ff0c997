"""Which message has a dedupe key, and how it fares. Inherit and supply `store_factory`."""

from __future__ import annotations

import pytest

from outrider.domain.entry import ForgetEntry
from outrider.domain.message import Message, Status
from outrider.domain.work import DedupeKey, Fenced
from outrider.testing.builders import changed, digest, message, profile
from outrider.testing.log_suite import ANNA, BERT, StoreSuite
from outrider.testing.store_subject import Driver

KEY, OTHER = digest("license-77"), digest("license-78")


class DedupeSuite(StoreSuite):
    """Dedupe keys."""

    def known(self, driver: Driver, *wanted: tuple[bytes, bytes]) -> dict[tuple[bytes, bytes], DedupeKey]:
        """What the store tells of keys; Anna's unless said."""
        return driver.run(driver.store.dedupe_keys(wanted or [(ANNA, KEY)]))

    def taken(self, driver: Driver, name: str = "hello", **changes: object) -> Message:
        """A message of Anna's that has the key."""
        sent = message(ANNA, driver.now(), name, **changes)
        driver.save(messages=(sent,), dedupe_keys=((ANNA, KEY, sent.id),))
        return sent

    def test_a_key_nobody_has_is_left_out(self, driver: Driver) -> None:
        self.taken(driver)
        assert self.known(driver, (ANNA, OTHER), (BERT, KEY)) == {}

    def test_a_key_tells_its_message_since_when_and_how_it_fares(self, driver: Driver) -> None:
        start, sent = driver.now(), self.taken(driver)
        driver.advance(5)
        assert self.known(driver) == {(ANNA, KEY): DedupeKey(sent.id, start, {sent.id: Status.QUEUED})}
        driver.sending(sent, driver.fence())
        assert self.known(driver)[ANNA, KEY].statuses == {sent.id: Status.SENDING}

    def test_what_followed_on_further_channels_is_told_too(self, driver: Driver) -> None:
        sent = self.taken(driver)
        second = message(ANNA, driver.now(), "second", channel="email", root=sent.id)
        driver.queue(second, message(ANNA, driver.now(), "another"))
        driver.save(closed=((sent.id, Status.FAILED, "refused"),))
        assert self.known(driver)[ANNA, KEY].statuses == {sent.id: Status.FAILED, second.id: Status.QUEUED}

    def test_another_message_takes_a_key_over(self, driver: Driver) -> None:
        self.taken(driver)
        driver.advance(5)
        later, at = self.taken(driver, "later"), driver.now()
        assert self.known(driver)[ANNA, KEY] == DedupeKey(later.id, at, {later.id: Status.QUEUED})

    def test_a_key_outlives_its_message(self, driver: Driver) -> None:
        gone = digest("gone")
        driver.save(dedupe_keys=((ANNA, KEY, gone),))
        assert self.known(driver)[ANNA, KEY].statuses == {}

    def test_one_key_of_two_people_is_two_keys(self, driver: Driver) -> None:
        anna, bert = message(ANNA, driver.now()), message(BERT, driver.now(), "other")
        driver.save(messages=(anna, bert), dedupe_keys=((ANNA, KEY, anna.id), (BERT, KEY, bert.id)))
        known = self.known(driver, (ANNA, KEY), (BERT, KEY))
        assert {place: key.message for place, key in known.items()} == {(ANNA, KEY): anna.id, (BERT, KEY): bert.id}

    def test_a_forgotten_persons_keys_go_and_nobody_elses(self, driver: Driver) -> None:
        self.taken(driver)
        bert = message(BERT, driver.now(), "other")
        driver.save(messages=(bert,), dedupe_keys=((BERT, KEY, bert.id),))
        driver.save(forgotten=((ANNA, ForgetEntry("anna")),))
        assert list(self.known(driver, (ANNA, KEY), (BERT, KEY))) == [(BERT, KEY)]

    def test_a_key_taken_after_the_deletion_in_one_batch_stays(self, driver: Driver) -> None:
        self.taken(driver)
        later = message(ANNA, driver.now(), "later")
        driver.save(
            forgotten=((ANNA, ForgetEntry("anna")),),
            profiles=(profile(ANNA, driver.now()),),
            messages=(later,),
            dedupe_keys=((ANNA, KEY, later.id),),
        )
        assert self.known(driver)[ANNA, KEY].message == later.id

    def test_an_engine_that_lost_its_lease_takes_no_key(self, driver: Driver) -> None:
        lost = changed(driver.lease, owner="another")
        with pytest.raises(Fenced):
            driver.save(lease=lost, dedupe_keys=((ANNA, KEY, digest("message")),))
        assert self.known(driver) == {}
