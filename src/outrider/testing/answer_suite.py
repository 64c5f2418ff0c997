"""What every store must hold to about requests that take effect once. Inherit `AnswerSuite`; supply `store_factory`."""

from __future__ import annotations

from datetime import timedelta

from outrider.domain.entry import ForgetEntry
from outrider.domain.request import KeptAnswer, KeyedRequest
from outrider.testing.builders import digest, entry
from outrider.testing.log_suite import ANNA, StoreSuite
from outrider.testing.store_subject import Driver


def request(driver: Driver, key: str, body: str = "body", answer: bytes = b"said") -> KeyedRequest:
    """A request whose message is named after its key and body."""
    body_entry = entry(ANNA, ForgetEntry(body), driver.now())
    return KeyedRequest(digest("key", key), digest(body), body_entry, digest("message", key, body), answer)


class AnswerSuite(StoreSuite):
    """One entry and one answer for a key."""

    def once(self, driver: Driver, *requests: KeyedRequest) -> list[KeptAnswer]:
        """What the store says."""
        return driver.run(driver.store.append_once(requests))

    def test_a_new_key_stores_its_entry_and_keeps_the_answer(self, driver: Driver) -> None:
        asked = request(driver, "1")
        assert self.once(driver, asked) == [KeptAnswer(asked.fingerprint, asked.message, b"said", True)]
        assert [each.body for each in driver.handle()] == [asked.entry.body]
        kept = driver.run(driver.store.kept_answer(asked.key))
        assert kept == KeptAnswer(asked.fingerprint, asked.message, b"said")
        assert driver.run(driver.store.kept_answer(digest("?"))) is None

    def test_a_repeat_stores_nothing_and_tells_what_the_first_one_was_answered(self, driver: Driver) -> None:
        first, other = request(driver, "1"), request(driver, "1", "another body", b"not said")
        self.once(driver, first)
        assert self.once(driver, other, other) == [KeptAnswer(first.fingerprint, first.message, b"said")] * 2
        assert [each.body for each in driver.handle()] == [first.entry.body]

    def test_of_a_key_twice_in_one_call_the_first_one_counts(self, driver: Driver) -> None:
        first, second = request(driver, "1"), request(driver, "1", "another body")
        free = request(driver, "0")
        said = self.once(driver, first, second, free)
        assert [(each.message, each.is_new) for each in said] == [
            (first.message, True),
            (first.message, False),
            (free.message, True),
        ]
        assert len(driver.handle()) == 2

    def test_of_answers_given_later_the_first_one_stays(self, driver: Driver) -> None:
        asked = request(driver, "1", answer=b"")
        self.once(driver, asked)
        assert driver.run(driver.store.settle_answer(asked.key, b"first")) == b"first"
        assert driver.run(driver.store.settle_answer(asked.key, b"second")) == b"first"
        assert self.once(driver, asked)[0].answer == b"first"
        assert driver.run(driver.store.settle_answer(digest("?"), b"alone")) == b"alone"

    def test_what_is_older_than_promised_is_dropped(self, driver: Driver) -> None:
        asked = request(driver, "1")
        self.once(driver, asked)
        assert driver.run(driver.store.drop_answers(timedelta(days=7))) == 0
        driver.advance(8 * 86_400)
        assert driver.run(driver.store.drop_answers(timedelta(days=7))) == 1
        assert self.once(driver, asked)[0].is_new
