"""What an engine loads and saves about people, things, journeys and messages. Inherit and supply `store_factory`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from outrider.domain.attempt import Unknown
from outrider.domain.decision import Recent
from outrider.domain.enrollment import Wait
from outrider.domain.entry import ConsentEntry, ForgetEntry
from outrider.domain.message import Message, Status
from outrider.domain.outbox import Next, Verdictless
from outrider.domain.profile import ConsentState, Identity
from outrider.domain.purpose import Purpose
from outrider.domain.stops import address_key, pause_key, profile_key
from outrider.testing.builders import (
    accepted,
    changed,
    decided,
    digest,
    done,
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
    """Profiles, objects, relations."""

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


class JourneySuite(StoreSuite):
    """Enrollments and decisions."""

    def test_live_enrollments_come_oldest_first_and_ended_ones_not_at_all(self, driver: Driver) -> None:
        at = driver.now()
        young = enrollment(ANNA, at, "young", data={"price": 3.5}, open_messages=(digest("m"),), about=CAR)
        old = enrollment(ANNA, at - SECOND, "old", wait=Wait(2, at + SECOND, at), position=4, asked=2)
        ended = enrollment(ANNA, at, "ended", ended_at=at, end_reason="goal")
        driver.save(enrollments=(young, ended, old))
        assert driver.run(driver.store.enrollments([ANNA, BERT])) == {ANNA: [old, young]}

    def test_an_enrollment_saved_again_replaces_its_round(self, driver: Driver) -> None:
        first = enrollment(ANNA, driver.now())
        driver.save(enrollments=(first,))
        ended = changed(first, ended_at=driver.now(), end_reason="left", position=2)
        driver.save(enrollments=(ended,))
        assert driver.run(driver.store.enrollments([ANNA])) == {}
        assert driver.run(driver.store.last_rounds([first.id, digest("?")])) == {first.id: ended}

    def test_the_last_round_is_the_newest_live_or_ended(self, driver: Driver) -> None:
        first = enrollment(ANNA, driver.now())
        second = changed(first, round=2)
        driver.save(enrollments=(second,))
        driver.save(enrollments=(changed(first, ended_at=driver.now()),))
        assert driver.run(driver.store.last_rounds([first.id])) == {first.id: second}
        assert driver.run(driver.store.enrollments([ANNA])) == {ANNA: [second]}

    def test_a_message_comes_with_its_last_decision(self, driver: Driver) -> None:
        held = message(ANNA, driver.now(), status=Status.HELD, root=digest("root"), awaited=True)
        driver.save(messages=(held,), decisions=(decided(held),))
        state = driver.state(held)
        assert (state.message, state.status, state.attempts) == (held, Status.HELD, 0)
        assert (state.decision_number, state.record) == (0, b"record 0")
        driver.save(decisions=(decided(held, 1),))
        assert (driver.state(held).decision_number, driver.state(held).record) == (1, b"record 1")
        assert driver.run(driver.store.messages([digest("?")])) == {}

    def test_the_last_decision_of_a_candidate_is_found_without_any_message(self, driver: Driver) -> None:
        dropped, sent = message(ANNA, driver.now(), "dropped"), message(ANNA, driver.now(), "sent")
        driver.save(decisions=(decided(dropped), decided(dropped, 1), decided(sent)))
        found = driver.run(driver.store.decided([dropped.id, sent.id, digest("?")]))
        assert found == {dropped.id: (1, b"record 1"), sent.id: (0, b"record 0")}
        assert driver.run(driver.store.messages([dropped.id])) == {}

    def test_a_decision_number_twice_is_refused(self, driver: Driver) -> None:
        dropped = decided(message(ANNA, driver.now()))
        driver.save(decisions=(dropped,))
        with pytest.raises(driver.subject.duplicate):
            driver.save(decisions=(dropped,))

    def test_a_held_message_is_not_in_the_outbox_until_it_is_decided_again(self, driver: Driver) -> None:
        held = message(ANNA, driver.now(), status=Status.HELD)
        driver.queue(held)
        assert driver.due() == []
        at = driver.now() + 9 * SECOND
        window = {"not_before": at, "not_after": at + SECOND}
        again = changed(held, status=Status.QUEUED, channel="push", address=digest("push"), **window)
        driver.save(redecided=(again,))
        assert driver.state(held).message == again
        assert driver.run(driver.store.next_due()) == at

    def test_a_queued_message_decided_to_hold_leaves_the_outbox(self, driver: Driver) -> None:
        queued = message(ANNA, driver.now())
        driver.queue(queued)
        driver.save(redecided=(changed(queued, status=Status.HELD),))
        assert driver.run(driver.store.next_due()) is None
        assert driver.status(queued) is Status.HELD

    @pytest.mark.parametrize("status", [Status.HELD, Status.QUEUED])
    def test_a_waiting_message_can_be_closed(self, driver: Driver, status: Status) -> None:
        waiting = message(ANNA, driver.now(), status=status)
        driver.queue(waiting)
        driver.save(closed=((waiting.id, Status.CANCELED, "left the journey"),))
        assert driver.status(waiting) is Status.CANCELED
        assert driver.run(driver.store.next_due()) is None

    def test_a_message_delivery_has_taken_can_no_longer_be_closed_or_decided(self, driver: Driver) -> None:
        sent = message(ANNA, driver.now())
        driver.queue(sent)
        driver.sending(sent, driver.fence())
        driver.save(closed=((sent.id, Status.CANCELED, "late"),))
        driver.save(redecided=(changed(sent, channel="push"),))
        assert driver.status(sent) is Status.SENDING
        assert driver.state(sent).message.channel == "sms"


class SlotSuite(StoreSuite):
    """Cap slots."""

    def slots(self, driver: Driver, since: timedelta = timedelta()) -> list[Recent]:
        """Anna's slots since a while ago."""
        return driver.run(driver.store.recent({ANNA: driver.now() - since, BERT: driver.now()})).get(ANNA, [])

    def outcome(self, driver: Driver, sent: Message, status: Status, **changes: object) -> None:
        """Bring a queued message to a status."""
        fence = driver.fence()
        tried = driver.sending(sent, fence)
        driver.run(driver.store.finish(fence, [done(tried, Unknown(), changed(Next(status), **changes))]))

    def test_a_slot_is_held_while_the_message_is_queued_and_moves_to_the_intent(self, driver: Driver) -> None:
        start = driver.now()
        sent = message(ANNA, start, purpose=Purpose.COMMERCIAL, not_before=start + 5 * SECOND)
        driver.queue(sent)
        assert self.slots(driver) == [Recent("sms", Purpose.COMMERCIAL, start)]
        driver.advance(7)
        assert self.slots(driver) == [Recent("sms", Purpose.COMMERCIAL, start + 7 * SECOND)]
        fence = driver.fence()
        tried = driver.sending(sent, fence)
        driver.advance(1)
        driver.run(driver.store.finish(fence, [accepted(tried)]))
        assert self.slots(driver, SECOND) == [Recent("sms", Purpose.COMMERCIAL, start + 7 * SECOND)]

    def test_slots_come_newest_first_and_only_for_the_streams_asked(self, driver: Driver) -> None:
        for name in ("a", "b"):
            sent = message(ANNA, driver.now(), name, channel=name)
            driver.queue(sent)
            driver.sending(sent, driver.fence())
            driver.advance(1)
        driver.queue(message(BERT, driver.now(), "c"))
        assert [slot.channel for slot in self.slots(driver, 2 * SECOND)] == ["b", "a"]
        assert [slot.channel for slot in self.slots(driver, 1 * SECOND)] == ["b"]

    def test_a_held_message_takes_no_slot(self, driver: Driver) -> None:
        driver.queue(message(ANNA, driver.now(), status=Status.HELD))
        assert self.slots(driver) == []

    @pytest.mark.parametrize("status", [Status.FAILED, Status.EXPIRED, Status.CANCELED])
    def test_a_slot_is_freed_when_nothing_was_sent(self, driver: Driver, status: Status) -> None:
        sent = message(ANNA, driver.now())
        driver.queue(sent)
        driver.save(closed=((sent.id, status, "why"),))
        assert self.slots(driver) == []

    def test_a_slot_is_freed_by_a_failed_attempt(self, driver: Driver) -> None:
        sent = message(ANNA, driver.now())
        driver.queue(sent)
        self.outcome(driver, sent, Status.FAILED)
        assert self.slots(driver) == []

    def test_a_slot_is_kept_while_the_outcome_is_unknown(self, driver: Driver) -> None:
        sent = message(ANNA, driver.now())
        driver.queue(sent)
        soon = driver.now() + SECOND
        self.outcome(driver, sent, Status.UNKNOWN, check_at=soon, give_up_at=soon)
        assert driver.status(sent) is Status.UNKNOWN
        assert len(self.slots(driver)) == 1

    def test_a_slot_is_kept_while_delivery_waits_and_when_it_gives_back(self, driver: Driver) -> None:
        sent, start = message(ANNA, driver.now()), driver.now()
        driver.queue(sent)
        driver.commit(driver.fence(), others=[Verdictless(sent, "retry", at=start + SECOND)])
        driver.advance(1)
        driver.commit(driver.fence(), others=[Verdictless(sent, "stale", reason="window over")])
        assert self.slots(driver) == [Recent("sms", Purpose.SERVICE, start + SECOND)]

    def test_an_intent_that_was_refused_frees_no_slot(self, driver: Driver) -> None:
        sent = message(ANNA, driver.now())
        driver.queue(sent)
        start = driver.now()
        driver.advance(1)
        driver.run(driver.store.append([], [stop(pause_key("journey", sent.journey))]))
        driver.commit(driver.fence(), intent(sent))
        assert self.slots(driver) == [Recent("sms", Purpose.SERVICE, start + SECOND)]
