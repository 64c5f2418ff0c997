"""What every event log must hold to. Inherit `LogSuite` and supply `store_factory`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from outrider.domain import entry as bodies
from outrider.domain.outbox import Ceiling
from outrider.domain.profile import Address, Relation
from outrider.domain.purpose import Purpose
from outrider.domain.receipt import Receipt, ReceiptStatus
from outrider.domain.stops import address_key, opt_out_key
from outrider.domain.strategy import First
from outrider.testing.builders import digest, entry, event, letter, stop, stream
from outrider.testing.store_subject import Driver, StoreFactory

ANNA, BERT = stream("anna", group=1), stream("bert", group=30)

AT = datetime(2026, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC)

BODIES: dict[str, bodies.Body] = {
    "event": bodies.EventEntry(
        bodies.Event("1", "shop", "booking.confirmed", AT, "booking/7", {"price": 12.5, "tags": ["a", None]}),
        bodies.Effects(
            bodies.ProfileChange(
                "anna", market="FR", traits={"vip": True}, addresses=(Address("sms", "+33600000000"),)
            ),
            (bodies.ObjectChange("booking", "7", {"seats": 4}),),
            (Relation("person", "anna", "booking", "7", "driver", valid_from=AT),),
        ),
        bodies.Hop("booking", "7"),
        (bodies.Hop("profile", "anna"),),
    ),
    "profile": bodies.ProfileEntry(bodies.ProfileChange("anna", locale="fr", replace=True)),
    "forget": bodies.ForgetEntry("anna"),
    "object": bodies.ObjectEntry(bodies.ObjectChange("vehicle", "v", delete=True)),
    "object_changed": bodies.ObjectChangedEntry(digest("v"), "vehicle", 3),
    "relation": bodies.RelationEntry(Relation("person", "a", "vehicle", "v", "owner"), delete=True),
    "consent": bodies.ConsentEntry("anna", "commercial", "granted", "sms", "form", {"text": "v2"}, AT),
    "receipt": bodies.ReceiptEntry(digest("m"), Receipt("p", ReceiptStatus.DELIVERED, at=AT, price=0.04)),
    "outcome": bodies.OutcomeEntry(digest("m"), "expired", "too late"),
    "send": bodies.SendEntry(
        digest("m"), "anna", "code", Purpose.SECURITY, First(("sms",)), timedelta(minutes=5), 3, {"code": "42"}
    ),
    "dead_address": bodies.DeadAddressEntry("push", b"\x00" * 32),
    "reply": bodies.ReplyEntry("sms", "+33600000000", "STOP", "p-9"),
}


class StoreSuite:
    """The fixtures of every suite."""

    @pytest.fixture
    def store_factory(self) -> StoreFactory:
        """Override: a function that makes an empty store with given ceilings."""
        raise NotImplementedError("supply a store_factory")

    @pytest.fixture
    def driver(self, store_factory: StoreFactory) -> Driver:
        """An empty store with the usual ceilings."""
        return Driver(store_factory(Ceiling()))


class LogSuite(StoreSuite):
    """Append only, each once, in order."""

    def test_positions_come_back_in_the_order_of_the_entries_and_rise(self, driver: Driver) -> None:
        at = driver.now()
        first = driver.run(driver.store.append([event(ANNA, at, "1"), event(BERT, at, "2")]))
        second = driver.run(driver.store.append([event(ANNA, at, "3")]))
        positions = [position or 0 for position in first + second]
        assert positions == sorted(set(positions))
        assert positions[0] > 0

    def test_nothing_appended_is_nothing_stored(self, driver: Driver) -> None:
        assert driver.run(driver.store.append([])) == []
        assert driver.handle() == []

    def test_a_known_event_key_is_refused_as_a_repeat(self, driver: Driver) -> None:
        driver.run(driver.store.append([event(ANNA, driver.now(), "1")]))
        answer = driver.run(driver.store.append([event(ANNA, driver.now(), "2"), event(ANNA, driver.now(), "1")]))
        assert answer[0] is not None
        assert answer[1] is None
        assert [each.key for each in driver.handle()] == [digest("event", "1"), digest("event", "2")]

    def test_a_key_twice_in_one_call_is_stored_once(self, driver: Driver) -> None:
        answer = driver.run(driver.store.append([event(ANNA, driver.now(), "1")] * 3))
        assert [position is None for position in answer] == [False, True, True]
        assert len(driver.handle()) == 1

    def test_keys_older_than_the_log_are_dropped_a_bounded_number_at_a_time(self, driver: Driver) -> None:
        driver.run(driver.store.append([event(ANNA, driver.now(), name) for name in "123"]))
        driver.advance(10 * 86_400)
        driver.run(driver.store.append([event(ANNA, driver.now(), "young")]))
        age = timedelta(days=9)
        assert driver.run(driver.store.drop_event_keys(timedelta(days=11), 2)) == 0
        assert [driver.run(driver.store.drop_event_keys(age, 2)) for _ in range(3)] == [2, 1, 0]
        again = [event(ANNA, driver.now(), name) for name in ("young", "1")]
        assert [position is None for position in driver.run(driver.store.append(again))] == [True, False]

    def test_entries_without_a_key_are_never_repeats(self, driver: Driver) -> None:
        same = entry(ANNA, bodies.ForgetEntry("anna"), driver.now())
        assert None not in driver.run(driver.store.append([same, same]))
        assert len(driver.handle()) == 2

    @pytest.mark.parametrize("kind", BODIES)
    def test_every_kind_of_entry_comes_back_as_it_went_in(self, driver: Driver, kind: str) -> None:
        at = driver.now()
        body = BODIES[kind]
        assert bodies.kind_of(body) == kind
        [position] = driver.run(driver.store.append([entry(ANNA, body, at)]))
        [stored] = driver.handle()
        assert (stored.stream, stored.body, stored.at, stored.position) == (ANNA, body, at, position)

    def test_an_append_that_commits_late_is_neither_skipped_nor_overtaken(self, driver: Driver) -> None:
        at = driver.now()
        late = driver.run(driver.subject.open_append([event(ANNA, at, "late")]))
        driver.run(driver.store.append([event(ANNA, at, "early"), event(BERT, at, "other")]))
        assert driver.handle() == []
        driver.run(late.commit())
        assert [each.key for each in driver.handle()] == [digest("event", n) for n in ("late", "early", "other")]

    def test_an_append_that_never_commits_leaves_only_a_hole(self, driver: Driver) -> None:
        late = driver.run(driver.subject.open_append([event(ANNA, driver.now(), "1"), event(ANNA, driver.now(), "2")]))
        driver.run(late.abort())
        assert driver.run(driver.store.append([event(ANNA, driver.now(), "1")])) != [None]
        assert [each.key for each in driver.handle()] == [digest("event", "1")]

    def test_entries_before_an_open_append_can_be_read(self, driver: Driver) -> None:
        driver.run(driver.store.append([event(ANNA, driver.now(), "before")]))
        late = driver.run(driver.subject.open_append([event(ANNA, driver.now(), "late")]))
        assert [each.key for each in driver.handle()] == [digest("event", "before")]
        driver.run(late.commit())
        assert [each.key for each in driver.handle()] == [digest("event", "late")]

    def test_stops_are_stored_with_the_entries_and_lifted_by_key(self, driver: Driver) -> None:
        address = digest("address")
        entries = [event(ANNA, driver.now())]
        driver.run(driver.store.append(entries, [stop(address_key(address), "complained")]))
        assert driver.run(driver.store.suppressed([address, digest("other")])) == {address_key(address): "complained"}
        driver.run(driver.store.lift([address_key(address), "address:unknown"]))
        assert driver.run(driver.store.suppressed([address])) == {}

    def test_stops_of_a_repeated_event_are_stored_all_the_same(self, driver: Driver) -> None:
        address = digest("address")
        driver.run(driver.store.append([event(ANNA, driver.now())]))
        driver.run(driver.store.append([event(ANNA, driver.now())], [stop(address_key(address))]))
        assert address_key(address) in driver.run(driver.store.suppressed([address]))

    def test_what_is_told_again_with_its_entry_neither_stops_nor_lifts(self, driver: Driver) -> None:
        address = digest("address")
        said = [event(ANNA, driver.now(), name) for name in ("stop", "start")]
        stop, start = (
            bodies.Stop(opt_out_key(address), "opt_out", "wrote it", lifts, (entry.key,))
            for entry, lifts in zip(said, (False, True), strict=True)
            if entry.key is not None
        )
        for words, stopped in (([0], True), ([1], False), ([0], False), ([0, 1], False)):
            told = [(said[each], (stop, start)[each]) for each in words]
            driver.run(driver.store.append([entry for entry, _ in told], [wish for _, wish in told]))
            assert bool(driver.run(driver.store.suppressed([address]))) is stopped

    def test_the_last_word_of_one_append_counts(self, driver: Driver) -> None:
        address = digest("address")
        stop = bodies.Stop(opt_out_key(address), "opt_out", "wrote STOP")
        start = bodies.Stop(opt_out_key(address), "opt_out", "wrote START", lifts=True)
        for words, stopped in (([stop, start], False), ([start, stop], True), ([start], False)):
            driver.run(driver.store.append([], words))
            assert bool(driver.run(driver.store.suppressed([address]))) is stopped

    def test_a_stop_given_again_takes_the_newer_reason(self, driver: Driver) -> None:
        address = digest("address")
        for reason in ("first", "second"):
            driver.run(driver.store.append([], [stop(address_key(address), reason)]))
        assert driver.run(driver.store.suppressed([address])) == {address_key(address): "second"}

    def test_a_stop_the_person_wrote_is_told_beside_the_suppression_and_lifted_alone(self, driver: Driver) -> None:
        address = digest("address")
        keys = [address_key(address), opt_out_key(address)]
        driver.run(driver.store.append([], [stop(keys[0], "bounced"), bodies.Stop(keys[1], "opt_out", "wrote STOP")]))
        assert driver.run(driver.store.suppressed([address])) == {keys[0]: "bounced", keys[1]: "wrote STOP"}
        driver.run(driver.store.lift([keys[1]]))
        assert driver.run(driver.store.suppressed([address])) == {keys[0]: "bounced"}

    def test_buried_letters_block_nobody_and_may_be_buried_twice(self, driver: Driver) -> None:
        unreadable = letter(ANNA, driver.now(), kind="event", place="$.data")
        for _ in range(2):
            driver.run(driver.store.bury([unreadable]))
        assert driver.take().blocked == frozenset()

    def test_applied_reaches_a_position_when_its_group_is_handled(self, driver: Driver) -> None:
        [position] = driver.run(driver.store.append([event(ANNA, driver.now())]))
        assert position is not None
        assert driver.run(driver.store.applied(ANNA)) < position
        driver.take()
        assert driver.run(driver.store.applied(ANNA)) < position
        driver.handle()
        assert driver.run(driver.store.applied(ANNA)) >= position

    def test_an_entry_of_the_past_keeps_its_instant(self, driver: Driver) -> None:
        at = driver.now() - timedelta(hours=1)
        driver.run(driver.store.append([event(ANNA, at)]))
        assert driver.handle()[0].at == at
