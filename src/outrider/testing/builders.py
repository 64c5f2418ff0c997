"""Values for tests, complete with nothing said and changed by keyword: `message(who, at, lane=Lane.EXPRESS)`.

Ids are made from names, so a test that says the same twice means the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from outrider.domain.attempt import Accepted, AttemptState, Outcome
from outrider.domain.decision import Candidate, Decision, Facts, Verdict
from outrider.domain.enrollment import Enrollment
from outrider.domain.entry import Body, Effects, Entry, Event, EventEntry, Stop
from outrider.domain.message import Content, Message, Rendition, Status
from outrider.domain.outbox import Done, Intent, Next, Resolved
from outrider.domain.profile import Address, Identity, Object, Profile, Relation
from outrider.domain.purpose import PURPOSES, Lane, Purpose
from outrider.domain.receipt import Receipt, ReceiptStatus, Reported
from outrider.domain.stops import stop_keys
from outrider.domain.strategy import First
from outrider.domain.work import Batch, DeadLetter, Decided, Lease, Timer
from outrider.lib.ids import new_id, shard_of_stream

S = TypeVar("S", bound=msgspec.Struct)

#: purpose → time for proof, as delivery hands it to `rescue`.
RESOLVE_WITHIN: Mapping[Purpose, timedelta] = {purpose: rules.resolve_within for purpose, rules in PURPOSES.items()}


def changed(value: S, **changes: Any) -> S:
    """The same value with some fields replaced."""
    return msgspec.structs.replace(value, **changes)


def digest(*names: str) -> bytes:
    """16 bytes for a name."""
    return hashlib.blake2b("/".join(names).encode(), digest_size=16).digest()


def stream(name: str, group: int = 0) -> bytes:
    """A stream of a lease group (0 to 31)."""
    return bytes((group << 3,)) + digest("stream", name)[1:]


def event(who: bytes, at: datetime, name: str = "booked", **changes: Any) -> Entry:
    """An event entry whose key follows from its name."""
    body = EventEntry(Event(id=name, source="test", type="booking.confirmed", time=at), Effects())
    return changed(Entry(who, body, at, key=digest("event", name)), **changes)


def entry(who: bytes, body: Body, at: datetime) -> Entry:
    """An entry without a key."""
    return Entry(who, body, at)


def profile(who: bytes, at: datetime, **changes: Any) -> Profile:
    """A person in France with one phone number."""
    number = f"+336{int.from_bytes(who[-4:], 'big') % 10**8:08d}"
    identity = Identity(key=who.hex(), traits={"name": "Zoé"}, addresses=(Address("sms", number),))
    made = Profile(who, identity, market="FR", locale="fr", zone="Europe/Paris", version=1, created_at=at)
    return changed(made, **changes)


def enrollment(who: bytes, at: datetime, name: str = "rental", **changes: Any) -> Enrollment:
    """A live enrollment of round 1."""
    identifier = new_id(at, shard_of_stream(who), digest("enrollment", who.hex(), name))
    return changed(Enrollment(identifier, 1, who, name, config=1, started_at=at), **changes)


def timer(who: bytes, due_at: datetime, name: str = "rental", **changes: Any) -> Timer:
    """A wait timer."""
    return changed(Timer(digest("timer", who.hex(), name), "wait", due_at, who, token=1), **changes)


def thing(who: bytes, **changes: Any) -> Object:
    """A booking in its first version."""
    return changed(Object(who, "booking", who.hex(), 1, {"status": "confirmed"}), **changes)


def relation(role: str = "driver", **changes: Any) -> Relation:
    """A relation from a person to a vehicle, always valid."""
    return changed(Relation("person", "p", "vehicle", "v", role), **changes)


def message(who: bytes, at: datetime, name: str = "hello", **changes: Any) -> Message:
    """A queued service message by SMS, due at once and for a day; its lane is its purpose's."""
    changes.setdefault("lane", PURPOSES[changes.get("purpose", Purpose.SERVICE)].lane)
    made = Message(
        id=new_id(at, shard_of_stream(who), digest("message", who.hex(), name)),
        stream=who,
        journey="rental",
        template=name,
        purpose=Purpose.SERVICE,
        channel="sms",
        market="FR",
        status=Status.QUEUED,
        status_at=at,
        not_before=at,
        not_after=at + timedelta(days=1),
        lane=Lane.NORMAL,
        awaited=False,
        config=1,
        address=digest("address", who.hex()),
        content=Content("+33600000000", "fr", {"name": "Zoé"}),
    )
    return changed(made, **changes)


def decided(about: Message, number: int = 0, **changes: Any) -> Decided:
    """The decision that sent a message."""
    candidate = Candidate(
        id=about.id,
        stream=about.stream,
        journey=about.journey,
        node="send-1",
        template=about.template,
        purpose=about.purpose,
        strategy=First((about.channel,)),
        asked_at=about.status_at,
        valid_until=about.not_after,
    )
    facts = Facts(now=about.status_at, market=about.market, zone="Europe/Paris", zone_rung="market", locale="fr")
    made = Decision(candidate, facts, Verdict.SEND, (), channel=about.channel, number=number)
    return Decided(changed(made, **changes), record=f"record {number}".encode())


def batch(lease: Lease, now: datetime, **fields: Any) -> Batch:
    """A batch that handled nothing and moves no cursor unless told."""
    return Batch(**{"lease": lease, "now": now, "cursors": {}, **fields})


def letter(who: bytes, at: datetime, name: str = "poison", **changes: Any) -> DeadLetter:
    """A quarantined stimulus."""
    return changed(DeadLetter(digest("letter", name), at, "stimulus", "it breaks", b"raw", stream=who), **changes)


def intent(about: Message, number: int = 1, account: str = "main", **changes: Any) -> Intent:
    """The next attempt of a message."""
    made = Intent(
        message=about,
        number=number,
        route=f"sms/{account}",
        account=account,
        body=Rendition("Bonjour Zoé"),
        segments=1,
        estimate=0.05,
        currency="EUR",
        label="",
        stop_keys=stop_keys(about, account),
    )
    return changed(made, **changes)


def done(about: Intent, outcome: Outcome, following: Next) -> Done:
    """The outcome of an attempt."""
    sent = about.message
    return Done(sent.id, sent.stream, about.number, about.account, outcome, following, sent.awaited)


def accepted(about: Intent, provider_id: str = "p-1") -> Done:
    """The provider took the message."""
    return done(about, Accepted(provider_id), Next(Status.ACCEPTED))


def resolved(about: Intent, state: AttemptState | None, **changes: Any) -> Resolved:
    """What became of a doubt."""
    sent = about.message
    made = Resolved(sent.id, sent.stream, about.number, state, account=about.account, awaited=sent.awaited)
    return changed(made, **changes)


def echoed(about: Intent, status: ReceiptStatus, at: datetime, **changes: Any) -> Reported:
    """A receipt that names its attempt."""
    told = by_id(f"p-{about.number}", status, at, about.account)
    return changed(told, attempt=(about.message.id, about.number), **changes)


def by_id(provider_id: str, status: ReceiptStatus, at: datetime, account: str = "main", **changes: Any) -> Reported:
    """A receipt that names only the provider's message id; keywords change the receipt."""
    return Reported(account, changed(Receipt(provider_id, status, at=at), **changes), received_at=at)


def stop(key: str, reason: str = "asked to stop") -> Stop:
    """A stop; its scope is the word its key begins with."""
    return Stop(key, key.partition(":")[0], reason)
