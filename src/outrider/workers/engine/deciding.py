"""From candidates to decisions, messages and their timers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from outrider.configuration.build import Configuration
from outrider.contracts.gate import Gate
from outrider.domain.decision import DEDUPE, Candidate, Decision, Facts, ReachFact, Recent, Verdict
from outrider.domain.direct import is_direct
from outrider.domain.enrollment import Enrollment
from outrider.domain.message import Content, Further, Message, Status
from outrider.domain.profile import Address, Object, Profile
from outrider.domain.purpose import Purpose
from outrider.domain.stops import why_suppressed
from outrider.domain.strategy import Escalate
from outrider.domain.work import Decided, MessageState, Timer
from outrider.journeys import start_facts, view
from outrider.lib.ids import Hasher
from outrider.orchestration.decide import decide
from outrider.orchestration.facts import facts_for
from outrider.orchestration.record import pack, unpack
from outrider.workers.engine.dedupe import earlier, streams_of, take
from outrider.workers.engine.draft import Draft
from outrider.workers.engine.facts import Facts as Working
from outrider.workers.engine.library import Library
from outrider.workers.engine.rungs import has_next_rung, next_rung
from outrider.workers.engine.values import filled, picked, tree

#: The trait of a vehicle that tells in which country it was last seen (ISO 3166-1 alpha-2).
COUNTRY = "country"
#: Most devices that a message goes to beside the first: more are left over from reinstalled apps.
MOST_OTHERS = 9


class Desk:
    """Decides candidates of one batch and drafts what follows."""

    def __init__(self, library: Library, gates: Sequence[Gate], hasher: Hasher, working: Working, draft: Draft) -> None:
        self.library = library
        self.gates = gates
        self.hasher = hasher
        self.working = working
        self.draft = draft
        self._hashes: dict[tuple[str, str], bytes] = {}

    @property
    def current(self) -> Configuration:
        """The configuration whose policy applies."""
        return self.library.current

    def market_of(self, profile: Profile) -> str:
        """The market that applies to a person."""
        policy = self.current.policy
        return profile.market if profile.market in policy.markets else policy.home_market

    def view_for(self, profile: Profile, about: bytes | None) -> dict[str, Any]:
        """What conditions and templates may read of a person and of what an enrollment is about."""
        objects = self.objects_near(profile.stream, about)
        return view(profile, objects, None, self.market_of(profile), self.working.now, self.current.timed)

    def objects_near(self, stream: bytes, about: bytes | None) -> dict[str, Object]:
        """One object for each kind: what it is about, then what that is related to, then what the person is."""
        found: dict[str, Object] = {}
        if not (self.working.objects or self.working.told):
            return found
        thing = self.working.object(about) if about else None
        if thing is not None:
            found[thing.kind] = thing
        for start in (about, stream):
            self._add_related(start, found)
        return found

    def _add_related(self, start: bytes | None, found: dict[str, Object]) -> None:
        frontier = [start] if start else []
        for _ in range(2):
            ends = [end for node in frontier for end, _, _ in self.working.related.get(node, ())]
            for end in ends:
                thing = self.working.object(end)
                if thing is not None:
                    found.setdefault(thing.kind, thing)
            frontier = ends

    def decide(
        self,
        candidate: Candidate,
        profile: Profile,
        enrollment: Enrollment | None,
        state: MessageState | None = None,
        before: Message | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> Decision:
        """Decide a candidate, for the first time or again, and draft its message and timers.

        `state` is the candidate's own message, `before` the one it follows on another channel, `values` what a direct
        send gave its template.
        """
        facts = self._facts(candidate, profile, state)
        number = state.decision_number + 1 if state else 0
        self.working.recent[candidate.stream] = list(self._slots_of_others(candidate.stream, state))
        decision = decide(candidate, facts, self.current.policy, self.gates, number)
        version = self.library.version
        record = pack(decision, version.code, version.zone_data, self.current.digest)
        self.draft.decisions.append(Decided(decision, record))
        if decision.verdict is Verdict.DROP:
            self._drop(decision, state)
        else:
            earlier = state.message if state else before
            if is_direct(candidate):
                given = self._direct_values(decision, profile, earlier.content.values if earlier else values or {})
            else:
                given = self._values(decision, profile, enrollment, earlier)
            self._place(decision, self._message(decision, profile, given), state)
        return decision

    def _slots_of_others(self, stream: bytes, state: MessageState | None) -> Sequence[Recent]:
        """Cap slots taken by other messages: a queued one that is decided again must not stand in its own way."""
        slots = self.working.recent.get(stream, [])
        if state is None or state.status is not Status.QUEUED:
            return slots
        own = _place(slots, state)
        return [slot for place, slot in enumerate(slots) if place != own]

    def _facts(self, candidate: Candidate, profile: Profile, state: MessageState | None) -> Facts:
        reach = [self._reach(address, candidate.purpose) for address in profile.identity.addresses if address.alive]
        near = self.objects_near(profile.stream, candidate.about)
        country = next((t.traits[COUNTRY] for t in near.values() if COUNTRY in t.traits), None)
        facts = facts_for(
            candidate,
            profile,
            reach,
            self._slots_of_others(profile.stream, state),
            self.current.policy,
            self.working.now,
            country if isinstance(country, str) else None,
        )
        extra = self.working.extra.get(candidate.id, {})
        if candidate.dedupe is not None:
            extra = {**extra, DEDUPE: earlier(self.working, self.draft, candidate, streams_of(profile, self.hasher))}
        return replace(facts, extra=extra) if extra else facts

    def hash_of(self, address: Address) -> bytes:
        """The blind index of an address, computed once in a batch."""
        place = (address.channel, address.value)
        hashed = self._hashes.get(place)
        if hashed is None:
            hashed = self._hashes[place] = self.hasher.address(*place)
        return hashed

    def _reach(self, address: Address, purpose: Purpose) -> ReachFact:
        hashed = self.hash_of(address)
        why = why_suppressed(self.working.suppressed, hashed, purpose) if self.working.suppressed else None
        return ReachFact(address.channel, hashed.hex(), why)

    def _drop(self, decision: Decision, state: MessageState | None) -> None:
        if state is None:
            return
        status = Status.EXPIRED if decision.gate == "validity" else Status.CANCELED
        self.close(decision.candidate.id, status, decision.reason)

    def close(self, message: bytes, status: Status, reason: str) -> None:
        """Cancel or expire a message that is still held or queued; one of this very batch gives back its slot."""
        drafted = self.draft.messages.get(message)
        if drafted is not None and message not in self.draft.closed and drafted.status is Status.QUEUED:
            slots = self.working.recent.get(drafted.stream, [])
            own = Recent(drafted.channel, drafted.purpose, drafted.status_at)
            if own in slots:
                slots.remove(own)
        self.draft.close(message, status, reason)

    def _place(self, decision: Decision, message: Message, state: MessageState | None) -> None:
        if state is None:
            self.draft.messages[message.id] = message
        else:
            self.draft.redecided[message.id] = message
        take(self.working, self.draft, decision.candidate, message)
        if decision.verdict is Verdict.HOLD:
            self.draft.drop_timer(message.id, "escalate")
            self.draft.set_timer(Timer(message.id, "held", message.not_before, message.stream))
            return
        self._take_slot(message)
        strategy = decision.candidate.strategy
        if isinstance(strategy, Escalate) and has_next_rung(decision.candidate, message.channel):
            due = self.working.now + strategy.after
            self.draft.set_timer(Timer(message.id, "escalate", due, message.stream))

    def _take_slot(self, message: Message) -> None:
        """Later candidates of this batch see the slot as those of later batches do."""
        slot = Recent(message.channel, message.purpose, self.working.now)
        self.working.recent.setdefault(message.stream, []).insert(0, slot)

    def _message(self, decision: Decision, profile: Profile, values: dict[str, object]) -> Message:
        candidate, now = decision.candidate, self.working.now
        held = decision.verdict is Verdict.HOLD
        address = self._address(decision, profile)
        return Message(
            id=candidate.id,
            stream=candidate.stream,
            journey=candidate.journey,
            template=candidate.template,
            purpose=candidate.purpose,
            channel=decision.channel,
            market=decision.facts.market,
            status=Status.HELD if held else Status.QUEUED,
            status_at=now,
            not_before=(decision.until if held else decision.not_before) or now,
            not_after=decision.not_after or candidate.valid_until,
            lane=self.current.policy.purposes[candidate.purpose].lane,
            awaited=has_next_rung(candidate, decision.channel) or len(_on(profile, decision.channel)) > 1,
            config=candidate.config,
            address=self.hash_of(address),
            content=Content(address.value, decision.facts.locale, values, self._others(candidate, profile, address)),
            root=candidate.root,
        )

    def _others(self, candidate: Candidate, profile: Profile, first: Address) -> tuple[Further, ...]:
        """The person's other living addresses without a stop, where the channel reaches all of them at once."""
        if first.channel not in self.current.policy.everywhere:
            return ()
        reach = [(one, self._reach(one, candidate.purpose)) for one in _on(profile, first.channel)]
        found = {fact.address: one.value for one, fact in reach if fact.suppressed is None}
        found.pop(self.hash_of(first).hex(), None)
        return tuple(Further(value, bytes.fromhex(hashed)) for hashed, value in found.items())[:MOST_OTHERS]

    def _address(self, decision: Decision, profile: Profile) -> Address:
        """The address the gates judged."""
        wanted = next((r.address for r in decision.facts.reach if r.channel == decision.channel), "")
        for address in profile.identity.addresses:
            if self.hash_of(address).hex() == wanted:
                return address
        return profile.address(decision.channel) or Address(decision.channel, "")

    def _values(
        self, decision: Decision, profile: Profile, enrollment: Enrollment | None, earlier: Message | None
    ) -> dict[str, object]:
        """The template's variables, taken out of the view; what is missing stays out and fails at rendering.

        A message that is decided again, or follows on another channel, keeps the event it is about: the enrollment
        that is known may be a later round, which another event began.
        """
        candidate = decision.candidate
        configuration = self.library.get(candidate.config)
        context: dict[str, Any] = self.view_for(profile, candidate.about)
        context["zone"] = decision.facts.zone
        program = configuration.journeys.get(candidate.journey)
        if earlier is not None:
            context["event"] = earlier.content.values.get("event", {})
        elif enrollment is not None and program is not None:
            context["event"] = start_facts(program, enrollment)
        return picked(context, tree(configuration.templates.variables(candidate.template)))

    def _direct_values(self, decision: Decision, profile: Profile, given: Mapping[str, Any]) -> dict[str, object]:
        """The template's variables: what the request gave, over what is known of the person now."""
        candidate = decision.candidate
        context = filled(self.view_for(profile, None), given)
        context["zone"] = decision.facts.zone
        templates = self.library.get(candidate.config).templates
        return picked(context, tree(templates.variables(candidate.template)))

    def escalate(
        self, state: MessageState, profile: Profile, enrollment: Enrollment | None, why: str, *, failed: bool
    ) -> bytes | None:
        """Ask for a fallback, once; the new candidate's id when it became a message.

        `why` labels it. It goes to the next channel; after a failure at an address the person has no more (an app that
        is gone), to another one on the same channel where there is one.
        """
        candidate = unpack(state.record).decision.candidate
        self.draft.drop_timer(state.message.id, "escalate")
        following = next_rung(candidate, state.message.channel, again=failed and self._has_another(state, profile))
        if following is None or following.id in self.working.decided:
            return None
        following = replace(following, asked_at=self.working.now, fallback=why)
        self.working.decided[following.id] = (0, b"")
        decision = self.decide(following, profile, enrollment, before=state.message)
        return None if decision.verdict is Verdict.DROP else following.id

    def _has_another(self, state: MessageState, profile: Profile) -> bool:
        """Whether the message's address left the profile and another one is there that the message did not go to."""
        addresses = {self.hash_of(address) for address in _on(profile, state.message.channel)}
        tried = {other.address for other in state.message.content.others}
        return state.message.address not in addresses and bool(addresses - tried)


def _on(profile: Profile, channel: str) -> list[Address]:
    """The living addresses of a person on a channel."""
    return [one for one in profile.identity.addresses if one.channel == channel and one.alive]


def _place(slots: Sequence[Recent], state: MessageState) -> int:
    """Where a queued message's own slot stands, newest first: it counts as taken now, so it is newer than its decision.

    Of several alike that are queued any one may be left out: they stand at the same time.
    """
    own = Recent(state.message.channel, state.message.purpose, state.message.status_at)
    alike = (n for n, one in enumerate(slots) if (one.channel, one.purpose) == (own.channel, own.purpose))
    return next((n for n in alike if slots[n].at >= own.at), -1)
