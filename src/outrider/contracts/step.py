"""The step port: one kind of step, read from its YAML mapping and walked purely.

One file in `journeys/steps/{name}.py` holds a module-level ``STEP = TheStep()``; discovery finds it and its `name` is
the key in the YAML. A step imports nothing of the journeys stage and no other step. It reads its own settings and
says which lists of steps it holds; numbering and linking the nodes is the compiler's work, saving is the engine's.

It may have `shapes`: key → JSON Schema fragment (contracts/shapes.py), by which editors complete and check; a key
without one takes anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias

import msgspec

from outrider.contracts.reading import Reading
from outrider.domain.decision import Blocked
from outrider.domain.enrollment import Enrollment
from outrider.domain.entry import Event
from outrider.domain.purpose import Purpose
from outrider.domain.strategy import Strategy

#: The index behind the last node: the journey is completed.
END = -1


class Touched(msgspec.Struct, frozen=True):
    """An object an event is about: its kind, external key and stream."""

    kind: str
    key: str
    stream: bytes


class Started(msgspec.Struct, frozen=True):
    """The enrollment was just made: walk from the first step."""


class EventSeen(msgspec.Struct, frozen=True):
    """An event reached the profile, with the objects it touches."""

    event: Event
    touched: tuple[Touched, ...] = ()

    def facts(self) -> dict[str, Any]:
        """The event as ``event`` in conditions: type, data, time."""
        return {"type": self.event.type, "data": self.event.data, "time": self.event.time}

    def contradicts(self, enrollment: Enrollment) -> bool:
        """True when it is about another object of the kind the enrollment is about: another booking, for example."""
        same_kind = [touched.stream for touched in self.touched if touched.kind == enrollment.about_kind]
        return bool(same_kind) and enrollment.about not in same_kind


class TimerFired(msgspec.Struct, frozen=True):
    """The timer of a wait came due; `token` says of which wait."""

    token: int


class FactsChanged(msgspec.Struct, frozen=True):
    """Traits of the profile or of a related object have changed."""


Stimulus: TypeAlias = Started | EventSeen | TimerFired | FactsChanged


class Ask(msgspec.Struct, frozen=True):
    """What a step wants to have sent."""

    template: str
    purpose: Purpose
    strategy: Strategy
    #: How long from now it is worth sending.
    valid_for: timedelta
    time_critical: bool = False
    blocked: Blocked = Blocked.HOLD


class Go(msgspec.Struct, frozen=True):
    """Walk on to another node (or END), which must lie further on; perhaps ask for a message."""

    to: int
    ask: Ask | None = None
    #: Why, in plain words; may be empty.
    note: str = ""


class Stay(msgspec.Struct, frozen=True):
    """Wait at this node, until a timer (None: until an event or changed facts)."""

    due_at: datetime | None
    note: str = ""


class Leave(msgspec.Struct, frozen=True):
    """End the enrollment. Messages still held or queued from before are canceled."""

    reason: str


Move: TypeAlias = Go | Stay | Leave


class Body(msgspec.Struct, frozen=True):
    """A list of steps inside a step. `label` becomes part of the names of its nodes: ``2.missed.0``."""

    label: str
    steps: Reading


class Parsed(msgspec.Struct, frozen=True):
    """A step read from its mapping: its settings and the lists of steps it holds."""

    #: A frozen struct of the step's own; reaches `enter` and `resume` as ``node.settings``.
    settings: Any
    bodies: tuple[Body, ...] = ()
    #: False when the step itself never walks on to the next one (only its bodies may).
    walks_on: bool = True
    #: The step may jump over the next one (``node.skip``), so there must be one.
    jumps: bool = False


class Node(msgspec.Struct, frozen=True):
    """One step in a program."""

    index: int
    #: Stable over unrelated edits when the step has an `id`, else its place: ``2.missed.0``.
    name: str
    step: Step
    settings: Any
    #: Where the walk goes on behind this step and its bodies.
    next: int
    #: The same for the step after this one.
    skip: int
    #: The first node of each body, in the order of `Parsed.bodies`; `next` for an empty body.
    ways: tuple[int, ...] = ()


class Scene(msgspec.Struct, frozen=True):
    """What a step may know. In `view`, ``event`` is the event that started the enrollment."""

    enrollment: Enrollment
    view: Mapping[str, Any]
    now: datetime


class Step(Protocol):
    """What every kind of step offers."""

    @property
    def name(self) -> str:
        """The key in the YAML."""
        ...

    @property
    def keys(self) -> tuple[str, ...]:
        """The other keys its mapping may have; `id` is known to all."""
        ...

    def parse(self, reading: Reading) -> Parsed:
        """The settings in a step's mapping. Everything wrong goes into the reading, with its place; never raises."""
        ...

    def enter(self, node: Node, scene: Scene) -> Move:
        """What happens when the walk reaches the node. Pure and total; a move never leads backward."""
        ...

    def resume(self, node: Node, scene: Scene, stimulus: Stimulus) -> Move | None:
        """What a stimulus does to an enrollment that stays here; None when it changes nothing. Pure and total."""
        ...
