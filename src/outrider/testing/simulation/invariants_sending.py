"""Invariants of sending: I5 to I16, and I20 as far as it is about the intent."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from outrider.delivery.breaker import LEAST_FAILURES, Health
from outrider.domain.attempt import SCOPES, AttemptState, Scope
from outrider.domain.policy import Cap
from outrider.domain.purpose import PURPOSES, Purpose
from outrider.domain.stops import address_key, consent_key
from outrider.testing.memory_engine import WITHOUT_SLOT
from outrider.testing.memory_rows import AttemptRow, MessageRow
from outrider.testing.simulation.carriers import SHOTS, Copy
from outrider.testing.simulation.letters import mailbox
from outrider.testing.simulation.timeline import Process
from outrider.testing.simulation.watch import MAYBE_OUT, OPTED_OUT, Checks

#: How many copies providers may have accepted (design, purposes; reliability plan 2.2).
MOST_COPIES = {
    Purpose.SAFETY: 3,
    Purpose.SECURITY: 3,
    Purpose.LEGAL: 3,
    Purpose.TRANSACTIONAL: 2,
    Purpose.SERVICE: 2,
    Purpose.COMMERCIAL: 1,
}
#: Journeys of one step: each event that starts one gives one message, or one escalation.
ONE_STEP = frozenset({"tips", "code", "license", "danger"})
#: Harms that speak of the route.
TROUBLE = frozenset(SHOTS) - {"429", "refuse"}
#: Purposes for which a doubt may be followed by another copy.
RESENDS = frozenset({Purpose.SAFETY, Purpose.SECURITY, Purpose.LEGAL, Purpose.TRANSACTIONAL})
#: Channels that make a phone ring or buzz: mail may come at night.
CALLING = frozenset({"sms", "push"})
#: (market, purpose) → local hours, from the first to before the second: an account of its own of the market packs.
HOURS = {
    ("FR", Purpose.COMMERCIAL): (8, 20),
    ("GB", Purpose.COMMERCIAL): (8, 21),
    ("FR", Purpose.SERVICE): (8, 21),
    ("GB", Purpose.SERVICE): (8, 21),
    ("FR", Purpose.LEGAL): (8, 21),
    ("GB", Purpose.LEGAL): (8, 21),
    ("FR", Purpose.TRANSACTIONAL): (7, 22),
    ("GB", Purpose.TRANSACTIONAL): (7, 22),
}
FRENCH_HOLIDAYS = {date(2026, 5, 1), date(2026, 5, 8), date(2026, 7, 14), date(2026, 8, 15), date(2026, 11, 11)}
MARKET_ZONES = {"FR": "Europe/Paris", "GB": "Europe/London"}
SUNDAY = 6


class SendingChecks(Checks):
    """What must hold of attempts and of what providers accepted."""

    # ── when a provider accepts ──

    def accepted(self, copy: Copy) -> None:
        """The oracle noted an acceptance."""
        self.memory.copies.setdefault(copy.message, []).append(copy)
        self.i5_no_send_without_intent(copy)
        self.i6_copies_stay_within_the_purpose(copy)
        self.i7_every_further_copy_is_labelled(copy)
        self.i15_texts_hold_data_of_their_person_only(copy)
        self.i15_texts_tell_of_their_own_event(copy)

    def i5_no_send_without_intent(self, copy: Copy) -> None:
        """Everything a provider accepted has an attempt whose intent was committed before."""
        attempt = self.tables.attempts.get((copy.message, copy.number))
        if attempt is None or attempt.account != copy.account or attempt.at > self.world.database.now():
            raise self.violated("I5", f"{copy.account} accepted {copy.provider_id} without an intent", self.i5.__doc__)

    i5 = i5_no_send_without_intent

    def i6_copies_stay_within_the_purpose(self, copy: Copy) -> None:
        """Providers accept one copy of a commercial message, two of a service or transactional one, three of others."""
        purpose = self.tables.messages[copy.message].message.purpose
        copies = len(self.memory.copies[copy.message])
        if copies > MOST_COPIES[purpose]:
            raise self.violated("I6", f"{copies} copies of a {purpose} message were accepted", self.i6.__doc__)

    i6 = i6_copies_stay_within_the_purpose

    def i7_every_further_copy_is_labelled(self, copy: Copy) -> None:
        """More than one accepted copy implies a stored label that names the doubted attempt that allowed it."""
        copies = self.memory.copies[copy.message]
        if len(copies) < 2:
            return
        row = self.tables.messages[copy.message]
        labels = [attempt.label for attempt in self.tables.attempts_of(row) if attempt.label]
        if len(copies) > 1 + len(labels) or not all("attempt" in label for label in labels):
            raise self.violated(
                "I7", f"{len(copies)} copies of a {row.message.purpose} message, {len(labels)} labels", self.i7.__doc__
            )
        self.world.met("a labelled duplicate")

    i7 = i7_every_further_copy_is_labelled

    def i15_texts_hold_data_of_their_person_only(self, copy: Copy) -> None:
        """A text holds the data of its own person only, and goes to that person."""
        stream = self.tables.messages[copy.message].message.stream
        person = self.world.person_of(stream)
        strangers = [
            one.key for one in self.world.people if one.key != person.human and f"canary-{one.key} " in copy.text
        ]
        double = self.world.doubles.get(person.key, person)
        places = (person.phone, person.token, double.phone, mailbox(person.key))
        if copy.to not in places or strangers or f"canary-{person.human} " not in copy.text:
            raise self.violated("I15", f"the text for {person.key} went to somebody else", self.i15.__doc__)

    i15 = i15_texts_hold_data_of_their_person_only

    def i15_texts_tell_of_their_own_event(self, copy: Copy) -> None:
        """A text holds the data of the event it is about: two messages about two events never tell of one."""
        message = self.tables.messages[copy.message].message
        told = re.search(r"tag-\d+", copy.text)
        if told is None or message.journey not in ONE_STEP:
            return
        root = message.root or message.id
        if self.memory.tags.setdefault(told[0], root) != root:
            raise self.violated(
                "I15",
                f"two messages of {message.journey} tell of {told[0]}",
                self.i15_texts_tell_of_their_own_event.__doc__,
            )

    # ── when intents are committed ──

    def intents(self) -> list[AttemptRow]:
        """A delivery worker committed: look at each new attempt; gives them for further looks."""
        new = self.new_attempts()
        for attempt in new:
            row = self.tables.messages[attempt.message]
            self.world.maybe_open[attempt.message, attempt.number] = None
            self.i8_one_open_attempt(row)
            self.i9_no_intent_after_a_withdrawal(row)
            self.i10_no_intent_for_a_suppressed_address(row)
            self.i11_caps_hold(row, attempt)
            self.i12_local_time_is_allowed(row, attempt)
            self.i13_ceilings_hold(row, attempt)
            self.i14_the_route_is_healthy(attempt)
            self.i16_refusals_and_doubts_are_respected(row, attempt)
            self.i20_in_its_window(row, attempt)
        return new

    def i8_one_open_attempt(self, row: MessageRow) -> None:
        """At most one attempt of a message is open at any time."""
        open_ = [a for a in self.tables.attempts_of(row) if a.state is AttemptState.INTENT]
        if len(open_) > 1:
            raise self.violated("I8", f"{len(open_)} attempts of one message are open", self.i8.__doc__)

    i8 = i8_one_open_attempt

    def i9_no_intent_after_a_withdrawal(self, row: MessageRow) -> None:
        """Once the withdrawal of a consent is committed, no intent of that purpose is written for that person."""
        if consent_key(row.message.stream, row.message.purpose) in self.memory.stops:
            raise self.violated("I9", f"an intent of {row.message.purpose} after its withdrawal", self.i9.__doc__)

    i9 = i9_no_intent_after_a_withdrawal

    def i10_no_intent_for_a_suppressed_address(self, row: MessageRow) -> None:
        """No intent for a suppressed address, or for one whose person opted out at a provider."""
        address = row.message.address
        if address_key(address) in self.memory.stops or address in self.memory.opted_out:
            raise self.violated("I10", "an intent for a suppressed address", self.i10.__doc__)

    i10 = i10_no_intent_for_a_suppressed_address

    def i11_caps_hold(self, row: MessageRow, attempt: AttemptRow) -> None:
        """In every rolling stretch of a cap a person gets no more messages than it allows, doubts counted."""
        if not PURPOSES[row.message.purpose].obeys_caps:
            return
        for cap in self.world.current.policy.caps:
            if cap.per is None and row.message.purpose in cap.purposes:
                used = self._in_cap(cap, row.message.stream, attempt.at)
                if used > cap.at_most:
                    raise self.violated("I11", f"{used} messages in the cap {cap.name}", self.i11.__doc__)
                if used == cap.at_most:
                    self.world.met("a cap was full")

    i11 = i11_caps_hold

    def _in_cap(self, cap: Cap, stream: bytes, at: datetime) -> int:
        rows = (self.tables.messages[each] for each in self.tables.messages_of.get(stream, ()))
        return sum(
            row.message.purpose in cap.purposes
            and row.intent_at is not None
            and at - cap.within < row.intent_at <= at
            and (row.status not in WITHOUT_SLOT or bool(self.memory.copies.get(row.message.id)))
            for row in rows
        )

    def i12_local_time_is_allowed(self, row: MessageRow, attempt: AttemptRow) -> None:
        """At the intent the person's own clock shows an allowed time, unless the message is exempt on record."""
        message = row.message
        hours = HOURS.get((message.market, message.purpose))
        decision = self.tables.decisions[message.id, self.tables.last_decision[message.id]].decision
        exempt = any("deadline wins" in r.judgment.margin for r in decision.results) or (
            decision.candidate.time_critical and message.purpose is Purpose.TRANSACTIONAL
        )
        if hours is None or exempt or message.channel not in CALLING:
            return
        person = self.world.person_of(message.stream)
        local = attempt.at.astimezone(ZoneInfo(person.zone or MARKET_ZONES[message.market]))
        closed = message.purpose is Purpose.COMMERCIAL and message.market == "FR" and _is_holiday(local.date())
        if closed or not time(hours[0]) <= local.time() < time(hours[1]):
            raise self.violated("I12", f"{message.purpose} at {local:%a %H:%M} in {message.market}", self.i12.__doc__)

    i12 = i12_local_time_is_allowed

    def i13_ceilings_hold(self, row: MessageRow, attempt: AttemptRow) -> None:
        """No address gets more attempts in an hour or a day than the ceiling, all purposes together."""
        ceiling = self.world.store.ceiling
        same = [
            a.at
            for each in self.tables.messages_of.get(row.message.stream, ())
            if self.tables.messages[each].message.address == row.message.address
            for a in self.tables.attempts_of(self.tables.messages[each])
        ]
        in_hour = sum(at.replace(minute=0, second=0, microsecond=0) == _hour(attempt.at) for at in same)
        in_day = sum(at.date() == attempt.at.date() for at in same)
        moved = self.world.database.jumped_at >= 0
        if not moved and (in_hour > ceiling.per_hour or in_day > ceiling.per_day):
            raise self.violated("I13", f"{in_hour} attempts in an hour, {in_day} in a day", self.i13.__doc__)
        if in_hour == ceiling.per_hour:
            self.world.met("a ceiling was full")

    i13 = i13_ceilings_hold

    def i14_the_route_is_healthy(self, attempt: AttemptRow) -> None:
        """The route of an intent is configured and its breaker is not open in the process that chose it."""
        host = self.world.host_of(Process.running)
        if attempt.route not in host.desk.by_name or host.desk.breakers[attempt.route].state is Health.OPEN:
            raise self.violated("I14", f"an intent on {attempt.route}, which rests", self.i14.__doc__)

    i14 = i14_the_route_is_healthy

    def i14_a_route_rests_for_its_own_trouble(self) -> None:
        """A breaker opens for trouble on its own route only."""
        troubles = Counter(
            account for (_, account), harms in self.memory.harms.items() for harm in harms if harm in TROUBLE
        )
        for host in self.world.workers:
            for route in host.desk.routes:
                breaker = host.desk.breakers[route.name]
                if breaker.state is Health.OPEN and troubles[route.account] < LEAST_FAILURES:
                    raise self.violated(
                        "I14",
                        f"{route.name} rests: {breaker.reason}",
                        self.i14_a_route_rests_for_its_own_trouble.__doc__,
                    )

    def i16_refusals_and_doubts_are_respected(self, row: MessageRow, attempt: AttemptRow) -> None:
        """What a provider refused for good is not sent to that address again; a doubt is followed only by its rule."""
        earlier = self.tables.attempts_of(row)[:-1]
        if not earlier:
            return
        for past in earlier:
            if past.state is AttemptState.REFUSED and past.reason and SCOPES[past.reason] in _HOPELESS:
                raise self.violated("I16", f"sent again after {past.reason}", self.i16.__doc__)
        last = earlier[-1]
        if last.state in (AttemptState.INTENT, AttemptState.UNKNOWN, AttemptState.ACCEPTED):
            raise self.violated("I16", f"sent again while an attempt is {last.state}", self.i16.__doc__)
        doubted = any(past.state in MAYBE_OUT for past in earlier)
        if doubted and (row.message.purpose not in RESENDS or not attempt.label):
            raise self.violated("I16", f"{row.message.purpose} sent again on doubt", self.i16.__doc__)
        if last.route != attempt.route:
            self.world.met(f"failover {last.route} to {attempt.route}")

    i16 = i16_refusals_and_doubts_are_respected

    def i20_in_its_window(self, row: MessageRow, attempt: AttemptRow) -> None:
        """A message is sent inside its window: not before, not after."""
        if not row.message.not_before <= attempt.at <= row.message.not_after:
            raise self.violated("I20", f"sent at {attempt.at}, outside its window", self.i20_in_its_window.__doc__)

    def note_refusals(self) -> None:
        """Outcomes were written: who opted out."""
        for row in self.tables.attempts.values():
            if row.reason is None:
                continue
            self.note_bounce(self.tables.messages[row.message], row.reason)
            if row.reason is OPTED_OUT:
                self.memory.opted_out.add(self.tables.messages[row.message].message.address)


_HOPELESS = (Scope.RECIPIENT, Scope.MESSAGE)


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _is_holiday(day: date) -> bool:
    easter_monday, ascension, whit_monday = date(2026, 4, 6), date(2026, 5, 14), date(2026, 5, 25)
    return day.weekday() == SUNDAY or day in FRENCH_HOLIDAYS | {easter_monday, ascension, whit_monday}
