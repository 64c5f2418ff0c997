"""What soft bounces must hold to. Inherit and supply `store_factory`."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from outrider.domain.attempt import AttemptState, Reason, Refused
from outrider.domain.bounces import BounceRules
from outrider.domain.message import Message, Status
from outrider.domain.outbox import Intent, Next
from outrider.domain.receipt import ReceiptStatus, Reported
from outrider.domain.stops import address_key
from outrider.testing.builders import accepted, changed, done, echoed, intent, message
from outrider.testing.log_suite import ANNA, BERT, StoreSuite
from outrider.testing.store_subject import Driver

DAY = 86_400
RULES = BounceRules(days=3, within=timedelta(days=10))
FULL = Reason.ABSENT_SUBSCRIBER
LOST, ARRIVED = ReceiptStatus.UNDELIVERED, ReceiptStatus.DELIVERED


def returned(about: Intent, at: datetime, reason: Reason = FULL) -> Reported:
    """The report that mail came back."""
    told = echoed(about, LOST, at)
    return changed(told, receipt=changed(told.receipt, reason=reason))


class BounceSuite(StoreSuite):
    """Mail that comes back again and again ends an address; one that arrives in between lets it count anew."""

    def mail(self, driver: Driver, who: bytes = ANNA, channel: str = "email") -> Intent:
        """Mail that a server took."""
        sent = message(who, driver.now(), f"mail at {driver.now()}", channel=channel)
        driver.queue(sent)
        tried, fence = intent(sent), driver.fence()
        assert driver.commit(fence, tried) == []
        driver.run(driver.store.finish(fence, [accepted(tried, sent.id.hex())]))
        return tried

    def bounce(self, driver: Driver, reason: Reason = FULL, who: bytes = ANNA, channel: str = "email") -> Message:
        """Mail that came back."""
        tried = self.mail(driver, who, channel)
        driver.report(returned(tried, driver.now(), reason))
        return tried.message

    def ended(self, driver: Driver, about: Message, rules: BounceRules = RULES) -> str:
        """Why the address of a message is suppressed, after a look; empty when it is not."""
        driver.run(driver.store.end_bouncing(rules, 100))
        return driver.run(driver.store.suppressed([about.address])).get(address_key(about.address), "")

    def after_days(self, driver: Driver, days: int, reason: Reason = FULL) -> str:
        """What becomes of an address whose mail comes back on so many days in a row, each looked at."""
        why = ""
        for _ in range(days):
            why = self.ended(driver, self.bounce(driver, reason))
            driver.advance(DAY)
        return why

    @pytest.mark.parametrize("reason", [FULL, Reason.EXPIRED, Reason.UNROUTABLE])
    def test_mail_that_comes_back_day_after_day_ends_its_address(self, driver: Driver, reason: Reason) -> None:
        assert self.after_days(driver, 2, reason) == ""
        why = self.ended(driver, self.bounce(driver, reason))
        assert why.startswith("mail to it bounced on 3 days from 2026-03-02 to 2026-03-04 and none arrived in between")
        refused = message(ANNA, driver.now(), "one more", channel="email")
        driver.queue(refused)
        [refusal] = driver.commit(driver.fence(), intent(refused))
        assert refusal.reason.startswith("address stop")

    @pytest.mark.parametrize("reason", [Reason.SPAM_FILTERED, Reason.CONTENT_REJECTED, Reason.UNKNOWN])
    def test_what_is_about_us_never_ends_an_address(self, driver: Driver, reason: Reason) -> None:
        assert self.after_days(driver, 4, reason) == ""

    def test_a_phone_that_is_off_is_no_bounce(self, driver: Driver) -> None:
        for _ in range(4):
            assert self.ended(driver, self.bounce(driver, channel="sms")) == ""
            driver.advance(DAY)

    def test_a_refusal_at_the_door_counts_like_a_report(self, driver: Driver) -> None:
        assert self.after_days(driver, 2) == ""
        sent, fence = message(ANNA, driver.now(), "at the door", channel="email"), driver.fence()
        driver.queue(sent)
        driver.run(driver.store.finish(fence, [done(driver.sending(sent, fence), Refused(FULL), Next(Status.FAILED))]))
        assert self.ended(driver, sent) != ""

    def test_a_day_counts_once_however_many_mails_came_back(self, driver: Driver) -> None:
        for _ in range(5):
            assert self.ended(driver, self.bounce(driver)) == ""
            driver.advance(60)

    def test_a_repeated_report_counts_once(self, driver: Driver) -> None:
        tried = self.mail(driver)
        for _ in range(4):
            driver.report(returned(tried, driver.now()))
            assert self.ended(driver, tried.message) == ""
            driver.advance(DAY)

    @pytest.mark.parametrize("proved", [True, False])
    def test_mail_that_arrives_in_between_lets_it_count_anew(self, driver: Driver, proved: bool) -> None:
        assert self.after_days(driver, 2) == ""
        arrived = self.mail(driver)
        if proved:
            driver.report(echoed(arrived, ARRIVED, driver.now()))
        driver.advance(6 * DAY)
        assert self.ended(driver, self.bounce(driver)) == ""
        driver.advance(DAY)
        assert self.ended(driver, self.bounce(driver)) == ""
        driver.advance(DAY)
        assert "on 3 days" in self.ended(driver, self.bounce(driver))

    @pytest.mark.parametrize("comes_back", [True, False])
    def test_while_mail_in_between_may_still_come_back_nothing_is_ended(self, driver: Driver, comes_back: bool) -> None:
        assert self.after_days(driver, 2) == ""
        between = self.mail(driver)
        driver.advance(3600)
        assert self.ended(driver, last := self.bounce(driver)) == ""
        if comes_back:
            driver.report(returned(between, driver.now(), Reason.EXPIRED))
        driver.advance(5 * DAY)
        assert bool(self.ended(driver, last)) is comes_back

    def test_old_bounces_are_forgotten(self, driver: Driver) -> None:
        assert self.after_days(driver, 2) == ""
        driver.advance(9 * DAY)
        assert self.ended(driver, self.bounce(driver)) == ""

    def test_an_address_that_is_let_in_again_counts_anew(self, driver: Driver) -> None:
        last = self.bounce(driver)
        assert self.ended(driver, last, BounceRules(days=1)) != ""
        driver.run(driver.store.lift([address_key(last.address)]))
        driver.advance(DAY)
        assert self.after_days(driver, 2) == ""

    def test_each_address_counts_for_itself(self, driver: Driver) -> None:
        assert self.after_days(driver, 2) == ""
        assert self.ended(driver, self.bounce(driver, who=BERT)) == ""

    def test_where_the_rules_say_never_nothing_is_ended(self, driver: Driver) -> None:
        for _ in range(3):
            assert self.ended(driver, self.bounce(driver), BounceRules(days=0)) == ""
            driver.advance(DAY)

    def test_a_look_tells_how_many_it_ended_and_looks_once(self, driver: Driver) -> None:
        self.bounce(driver)
        self.bounce(driver, who=BERT)
        once = BounceRules(days=1)
        assert driver.run(driver.store.end_bouncing(once, 1)) == 1
        assert driver.run(driver.store.end_bouncing(once, 100)) == 1
        assert driver.run(driver.store.end_bouncing(once, 100)) == 0
        assert driver.run(driver.store.count_attempts(AttemptState.ACCEPTED)) == 2
