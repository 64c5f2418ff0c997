"""What an engine loads and saves about people and things. Inherit and supply `store_factory`."""

from __future__ import annotations

from datetime import timedelta

from outrider.domain.entry import ConsentEntry, ForgetEntry
from outrider.domain.message import Status
from outrider.domain.profile import ConsentState, Identity
from outrider.domain.stops import address_key, profile_key
from outrider.testing.builders import (
    changed,
    digest,
    enrollment,
    entry,
    event,
    intent,
    message,
    profile,
    relation,
    stop,
    stream,
    thing,
)
from outrider.testing.log_suite import ANNA, BERT, StoreSuite
from outrider.testing.store_subject import Driver

CAR = stream("car", 3)
SECOND = timedelta(seconds=1)


class PeopleSuite(StoreSuite):
    """Profiles and what is known of them."""

    def test_a_profile_comes_back_as_it_was_saved(self, driver: Driver) -> None:
        consents = {"commercial": ConsentState.GRANTED, "service/sms": ConsentState.WITHDRAWN}
        saved = profile(ANNA, driver.now(), traits={"tier": "gold"}, consents=consents)
        line = ConsentEntry("anna", "commercial", "granted", source="form", evidence={"text": 2}, at=driver.now())
        driver.save(profiles=(saved,), consents=((ANNA, line),))
        found = driver.run(driver.store.profiles([ANNA, BERT]))
        assert list(found) == [ANNA]
        assert changed(found[ANNA], data_key=b"", key_id=0) == saved

    def test_a_changed_profile_replaces_the_old_one(self, driver: Driver) -> None:
        driver.save(profiles=(profile(ANNA, driver.now(), created_at=None),))
        first = driver.run(driver.store.profiles([ANNA]))[ANNA]
        assert first.created_at == driver.now()
        driver.advance(5)
        driver.save(profiles=(changed(first, version=2, identity=Identity("anna"), zone=None),))
        second = driver.run(driver.store.profiles([ANNA]))[ANNA]
        assert (second.version, second.identity, second.zone) == (2, Identity("anna"), None)
        assert second.created_at == first.created_at

    def test_a_forgotten_person_leaves_no_readable_message_or_enrollment(self, driver: Driver) -> None:
        sent, journey = message(ANNA, driver.now()), enrollment(ANNA, driver.now())
        driver.save(messages=(sent,), enrollments=(journey,))
        ended = changed(journey, ended_at=driver.now())
        driver.save(forgotten=((ANNA, ForgetEntry("anna")),), closed=((sent.id, Status.CANCELED, "forgotten"),))
        for people in ((), (profile(ANNA, driver.now()),)):
            driver.save(profiles=people)
            assert list(driver.run(driver.store.profiles([ANNA]))) == [each.stream for each in people]
            assert driver.run(driver.store.messages([sent.id])) == {}
            assert driver.run(driver.store.last_rounds([ended.id])) == {}

    def test_a_waiting_message_of_a_forgotten_person_is_not_sent(self, driver: Driver) -> None:
        driver.queue(message(ANNA, driver.now()))
        driver.save(forgotten=((ANNA, ForgetEntry("anna")),))
        assert driver.due() == []

    def test_a_forgotten_person_is_stopped_until_the_stop_is_lifted(self, driver: Driver) -> None:
        driver.save(profiles=(profile(ANNA, driver.now()),))
        driver.save(forgotten=((ANNA, ForgetEntry("anna")),))
        driver.save(profiles=(profile(ANNA, driver.now()),))
        first, second = message(ANNA, driver.now(), "first"), message(ANNA, driver.now(), "second")
        driver.queue(first)
        [refusal] = driver.commit(driver.fence(), intent(first))
        assert refusal.reason.startswith("profile stop")
        driver.run(driver.store.lift([profile_key(ANNA)]))
        driver.queue(second)
        driver.sending(second, driver.fence())

    def test_a_person_who_returned_is_stopped_no_more(self, driver: Driver) -> None:
        driver.save(profiles=(profile(ANNA, driver.now()),))
        driver.save(forgotten=((ANNA, ForgetEntry("anna")),))
        driver.run(driver.store.append([], [stop(address_key(digest("address")), "complained")]))
        driver.save(profiles=(profile(ANNA, driver.now()),), returned=((ANNA, 7),))
        driver.queue(message(ANNA, driver.now()))
        driver.sending(message(ANNA, driver.now()), driver.fence())
        assert driver.run(driver.store.suppressed([digest("address")])) == {
            address_key(digest("address")): "complained"
        }

    def test_a_person_who_returned_in_the_batch_of_the_deletion_is_stopped_no_more(self, driver: Driver) -> None:
        driver.save(profiles=(profile(ANNA, driver.now()),))
        person = (profile(ANNA, driver.now()),)
        driver.save(forgotten=((ANNA, ForgetEntry("anna")),), profiles=person, returned=((ANNA, 7),))
        driver.queue(message(ANNA, driver.now()))
        driver.sending(message(ANNA, driver.now()), driver.fence())

    def test_a_return_does_not_lift_the_stop_of_a_later_deletion(self, driver: Driver) -> None:
        driver.save(profiles=(profile(ANNA, driver.now()),))
        gone = stop(profile_key(ANNA), "the profile was deleted")
        deletion = entry(ANNA, ForgetEntry("anna"), driver.now())
        driver.run(driver.store.append([deletion], [gone]))
        [back] = driver.run(driver.store.append([event(ANNA, driver.now())]))
        driver.run(driver.store.append([deletion], [gone]))
        driver.save(profiles=(profile(ANNA, driver.now()),), returned=((ANNA, back),))
        driver.queue(message(ANNA, driver.now()))
        [refusal] = driver.commit(driver.fence(), intent(message(ANNA, driver.now())))
        assert refusal.reason.startswith("profile stop")

    def test_a_forgotten_profile_may_come_back_in_the_same_batch(self, driver: Driver) -> None:
        driver.save(profiles=(profile(ANNA, driver.now()),))
        again = profile(ANNA, driver.now(), locale="en")
        driver.save(forgotten=((ANNA, ForgetEntry("anna")),), profiles=(again,))
        assert driver.run(driver.store.profiles([ANNA]))[ANNA].locale == "en"


class ThingSuite(StoreSuite):
    """Objects and relations."""

    def test_objects_come_in_their_newest_version_unless_deleted(self, driver: Driver) -> None:
        first, other = thing(CAR), thing(stream("other", 3))
        driver.save(objects=(first, other))
        driver.save(objects=(changed(first, version=2, traits={"fuel": None, "km": 12}),))
        assert driver.run(driver.store.objects([CAR, ANNA])) == {
            CAR: changed(first, version=2, traits={"fuel": None, "km": 12})
        }
        driver.save(objects=(changed(other, version=2, traits={}),), deleted_objects=(other.stream,))
        assert list(driver.run(driver.store.objects([other.stream, CAR]))) == [CAR]

    def test_an_object_that_was_deleted_may_come_back(self, driver: Driver) -> None:
        driver.save(objects=(changed(thing(CAR), version=2),), deleted_objects=(CAR,))
        driver.save(objects=(thing(CAR),))
        assert driver.run(driver.store.objects([CAR])) == {CAR: thing(CAR)}

    def test_relations_are_seen_from_both_ends_while_they_hold(self, driver: Driver) -> None:
        at = driver.now()
        rental = relation("driver", valid_from=at, valid_to=at + SECOND)
        driver.save(relations=((ANNA, CAR, rental, False), (BERT, CAR, relation("owner"), False)))
        related = driver.store.related
        assert driver.run(related([ANNA], at)) == {ANNA: [(CAR, "vehicle", "driver")]}
        assert driver.run(related([CAR], at)) == {CAR: [(ANNA, "person", "driver"), (BERT, "person", "owner")]}
        for outside in (at - SECOND, at + SECOND):
            assert driver.run(related([CAR], outside)) == {CAR: [(BERT, "person", "owner")]}
            assert not driver.run(related([ANNA], outside)).get(ANNA)

    def test_a_relation_set_again_moves_its_end(self, driver: Driver) -> None:
        at = driver.now()
        for end in (at + SECOND, at + 3 * SECOND):
            driver.save(relations=((ANNA, CAR, relation(valid_from=at, valid_to=end), False),))
        assert driver.run(driver.store.related([ANNA], at + 2 * SECOND))[ANNA] == [(CAR, "vehicle", "driver")]

    def test_a_role_is_ended_in_all_its_spans(self, driver: Driver) -> None:
        at = driver.now()
        spans = [relation(valid_from=at + n * SECOND, valid_to=at + (n + 1) * SECOND) for n in range(3)]
        driver.save(relations=tuple((ANNA, CAR, span, False) for span in (*spans, relation("owner"))))
        driver.save(relations=((ANNA, CAR, relation(), True), (BERT, CAR, relation("owner"), True)))
        held = [driver.run(driver.store.related([CAR], at + n * SECOND))[CAR] for n in range(3)]
        assert held == [[(ANNA, "person", "owner")]] * 3

    def test_what_a_batch_does_last_to_a_relation_counts(self, driver: Driver) -> None:
        one, other = stream("car", 4), stream("car", 5)
        ops = ((one, False), (one, True), (other, True), (other, False))
        driver.save(relations=tuple((ANNA, car, relation(), delete) for car, delete in ops))
        assert driver.run(driver.store.related([ANNA], driver.now()))[ANNA] == [(other, "vehicle", "driver")]
