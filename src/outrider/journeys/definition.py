"""A journey as its author wrote it (Definition), and as the engine walks it (Program)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

import msgspec

from outrider.contracts.reading import Condition
from outrider.contracts.step import Node, Step
from outrider.expressions import FieldType

#: Most steps of one journey, those in branches counted, and how deep lists of steps may be nested. Ours: a journey
#: beyond them cannot be read any more, and a walk without a wait stays short.
MAX_STEPS = 200
MAX_DEPTH = 8


class Again(StrEnum):
    """Who may start once more."""

    #: Nobody: one passage of a person through this journey.
    ONCE = "once"
    #: Whoever is not inside now.
    AFTER_EXIT = "after_exit"
    #: Once for each object the journey is about.
    PER_KEY = "per_key"
    #: Whoever is not inside now and started the last time long enough ago.
    COOLDOWN = "cooldown"


class Start(msgspec.Struct, frozen=True):
    """The event that starts a journey, and how often it may."""

    on: str
    where: Condition | None = None
    again: Again = Again.ONCE
    cooldown: timedelta = timedelta(0)


class Item(msgspec.Struct, frozen=True):
    """One step in the tree, with its lists of steps."""

    step: Step
    settings: Any
    #: Its `id`, or empty.
    id: str = ""
    bodies: tuple[tuple[str, tuple[Item, ...]], ...] = ()


class Goal(msgspec.Struct, frozen=True):
    """The event that means success, within a time from the start (None: any time)."""

    on: str
    within: timedelta | None = None


class ExitRule(msgspec.Struct, frozen=True):
    """An event that ends the enrollment wherever it stands; `then` is a farewell message."""

    on: str
    where: Condition | None = None
    then: Item | None = None


class Definition(msgspec.Struct, frozen=True):
    """One journey file without errors."""

    journey: str
    start: Start
    steps: tuple[Item, ...]
    about: str = ""
    exits: tuple[ExitRule, ...] = ()
    goal: Goal | None = None
    #: Event type → fields of its data that hold timestamps.
    timed: Mapping[str, Mapping[str, FieldType]] = {}


class CompiledExit(msgspec.Struct, frozen=True):
    """An exit rule whose farewell is a node outside the walk."""

    on: str
    where: Condition | None
    then: Node | None


class Program(msgspec.Struct, frozen=True):
    """A journey of one configuration: a flat tuple of nodes in which every link leads forward."""

    journey: str
    #: Number of the configuration it belongs to.
    config: int
    about: str
    start: Start
    exits: tuple[CompiledExit, ...]
    goal: Goal | None
    nodes: tuple[Node, ...]
    timed: Mapping[str, Mapping[str, FieldType]] = {}

    @property
    def once(self) -> bool:
        """Whether a person may pass only one time, whatever object it is about."""
        return self.start.again is Again.ONCE
