"""What the event log holds: one tagged body for every kind of thing that can happen to a stream."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from outrider.domain.enrollment import Enrollment
from outrider.domain.profile import Address, Profile, Relation
from outrider.domain.purpose import Purpose
from outrider.domain.receipt import Receipt
from outrider.domain.strategy import Strategy


class Event(msgspec.Struct, frozen=True):
    """A fact that happened (CloudEvents 1.0); source and id together are unique."""

    id: str
    source: str
    type: str
    time: datetime
    subject: str | None = None
    data: dict[str, Any] = {}


class ProfileChange(msgspec.Struct, frozen=True):
    """Traits and addresses to set; `replace` forgets what is not named. A trait set to None is removed."""

    key: str
    kind: str | None = None
    market: str | None = None
    locale: str | None = None
    zone: str | None = None
    traits: dict[str, Any] = {}
    addresses: tuple[Address, ...] | None = None
    replace: bool = False
    #: The merged key it was said under, where that is not the profile's own.
    via: str = ""


class ObjectChange(msgspec.Struct, frozen=True):
    """Traits of an object; `replace` forgets what is not named."""

    kind: str
    key: str
    traits: dict[str, Any] = {}
    replace: bool = False
    delete: bool = False


class Effects(msgspec.Struct, frozen=True):
    """What a source mapping reads out of one event."""

    profile: ProfileChange | None = None
    objects: tuple[ObjectChange, ...] = ()
    relations: tuple[Relation, ...] = ()


class Hop(msgspec.Struct, frozen=True):
    """A stream that must see an entry."""

    kind: str
    key: str


class EventEntry(msgspec.Struct, frozen=True, tag="event"):
    """An event with its mapped effects; visits its first object's stream, then the others' and the profile's."""

    event: Event
    effects: Effects = Effects()
    #: The entity of this stream.
    entity: Hop = Hop("profile", "")
    #: Streams still to visit, the profile's last.
    path: tuple[Hop, ...] = ()
    #: The merged key it came under, where that is not the profile's own.
    via: str = ""


class ProfileEntry(msgspec.Struct, frozen=True, tag="profile"):
    """PUT or PATCH of a profile."""

    change: ProfileChange


class ForgetEntry(msgspec.Struct, frozen=True, tag="forget"):
    """DELETE of a profile: journeys end, waiting messages are canceled, personal data goes."""

    key: str
    #: Keys of the same person that were told already: who comes back under one of them is not forgotten again.
    told: tuple[str, ...] = ()


class ObjectEntry(msgspec.Struct, frozen=True, tag="object"):
    """PUT, PATCH or DELETE of an object."""

    change: ObjectChange


class ObjectChangedEntry(msgspec.Struct, frozen=True, tag="object_changed"):
    """Tells a related profile that an object it stands in relation to has a new version."""

    object: bytes
    kind: str
    version: int


class RelationEntry(msgspec.Struct, frozen=True, tag="relation"):
    """Sets or ends a relation."""

    relation: Relation
    delete: bool = False


class ConsentEntry(msgspec.Struct, frozen=True, tag="consent"):
    """A new line of the consent ledger."""

    key: str
    purpose: str
    state: str
    channel: str = ""
    source: str = ""
    #: Wording version, form, evidence: whatever proves it.
    evidence: dict[str, Any] = {}
    at: datetime | None = None
    #: Told to a profile that was merged away, for the sake of its messages under way: no new line of the ledger.
    mirrored: bool = False
    #: The merged key it was said under, where that is not the profile's own.
    via: str = ""


class MergeEntry(msgspec.Struct, frozen=True, tag="merge"):
    """The person of this stream is the person of another key; `undo` says that they are two after all."""

    key: str
    into: str
    undo: bool = False


class AbsorbEntry(msgspec.Struct, frozen=True, tag="absorb"):
    """What a merge brings to the profile that stays: facts and running journeys; `undo` asks for them back."""

    #: The profile that was merged, as it was then, and the key it was merged into.
    profile: Profile
    into: str
    enrollments: tuple[Enrollment, ...] = ()
    undo: bool = False
    #: The merged key whose profile it came through.
    through: str = ""


class ReturnEntry(msgspec.Struct, frozen=True, tag="return"):
    """What an un-merge gives back to the key that leaves: facts, and journeys that still run."""

    #: Of the profile that gets it.
    change: ProfileChange
    enrollments: tuple[Enrollment, ...] = ()
    #: For each of them, the key that brought or began it.
    origins: tuple[str, ...] = ()


class ReceiptEntry(msgspec.Struct, frozen=True, tag="receipt"):
    """A receipt for a message that something awaits."""

    message: bytes
    receipt: Receipt


class OutcomeEntry(msgspec.Struct, frozen=True, tag="outcome"):
    """Delivery's last word on an awaited message: failed or expired, or it asks for a new decision (`stale`)."""

    message: bytes
    #: failed, expired, stale
    result: str
    reason: str = ""


class DeadAddressEntry(msgspec.Struct, frozen=True, tag="dead_address"):
    """A provider proved that an address of this person exists no more."""

    channel: str
    #: Keyed hash of the address.
    address: bytes


#: The event an inbound message becomes for journeys.
REPLY = "reply.received"


class ReplyEntry(msgspec.Struct, frozen=True, tag="reply"):
    """An inbound message from a person."""

    channel: str
    sender: str
    text: str
    provider_id: str
    #: ``stop`` or ``start`` when that is what it asks for: then no journey hears of it.
    wish: str = ""


class SendEntry(msgspec.Struct, frozen=True, tag="send"):
    """A direct send: one template to one profile, or to an address that stands for itself."""

    #: The id of the candidate, and of the message where it becomes one.
    message: bytes
    #: The profile's key; of an address, see `outrider.domain.direct`.
    profile: str
    template: str
    purpose: Purpose
    strategy: Strategy
    #: How long from the request on it is worth sending.
    valid_for: timedelta
    #: The configuration it was checked against.
    config: int
    #: Template variables by dotted name, nested.
    values: dict[str, Any] = {}
    time_critical: bool = False
    #: The address, where no profile was named, with what is known of whoever reads there.
    address: Address | None = None
    market: str | None = None
    locale: str | None = None
    zone: str | None = None
    #: Keyed hash of the request's dedupe key.
    dedupe: bytes | None = None


Body = (
    EventEntry
    | ProfileEntry
    | ForgetEntry
    | ObjectEntry
    | ObjectChangedEntry
    | RelationEntry
    | ConsentEntry
    | MergeEntry
    | AbsorbEntry
    | ReturnEntry
    | ReceiptEntry
    | OutcomeEntry
    | ReplyEntry
    | SendEntry
    | DeadAddressEntry
)


class Entry(msgspec.Struct, frozen=True):
    """One body addressed to one stream."""

    stream: bytes
    body: Body
    at: datetime
    #: The event key; a second entry with the same key is refused as a duplicate.
    key: bytes | None = None
    #: 0 until stored.
    position: int = 0


class Stop(msgspec.Struct, frozen=True):
    """What delivery must obey from this commit on."""

    key: str
    #: consent, address, opt_out, profile, journey, channel, account
    scope: str
    reason: str
    #: The opposite: the stop of this key ends with this commit.
    lifts: bool = False
    #: Keys of the entries it comes with; without effect when all of them were known: it is told again, and something
    #: later may have been said. Empty: always in effect.
    told_by: tuple[bytes, ...] = ()


def kind_of(body: Body) -> str:
    """The tag of a body, as stored in the log's `kind` column."""
    return str(body.__struct_config__.tag)
