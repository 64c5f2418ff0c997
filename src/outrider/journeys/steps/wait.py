"""wait: stay for a time, until a date of a field, or for an event with a timeout.

Dates are instants: ``minus: 1d`` is 24 hours of real time, also over a change of the clocks.
A field's date may move while somebody waits: every stimulus plans anew from the fresh facts. A date in the past
never ejects anybody unless the step says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from outrider.contracts.reading import Condition, Reading, write_duration
from outrider.contracts.shapes import CONDITION, DURATION, EVENT, STEPS, TEXT, Shape, either, mapping, one_of_words
from outrider.contracts.step import Body, EventSeen, Go, Leave, Move, Node, Parsed, Scene, Stay, Stimulus, TimerFired
from outrider.contracts.surroundings import find_field
from outrider.expressions import Kind


class IfPast(StrEnum):
    """What happens when the date is already over."""

    CONTINUE = "continue"
    SKIP = "skip"
    EXIT = "exit"


class For(msgspec.Struct, frozen=True):
    """Stay for a time."""

    length: timedelta


class Until(msgspec.Struct, frozen=True):
    """Stay until the date in a field, moved by an offset."""

    field: str
    offset: timedelta
    if_past: IfPast


class On(msgspec.Struct, frozen=True):
    """Stay for an event, not longer than a time; has a `missed` body or none."""

    event: str
    where: Condition | None
    timeout: timedelta


DATE: Shape = mapping({"until": TEXT, "minus": DURATION, "plus": DURATION, "if_past": one_of_words(IfPast)}, ("until",))
AWAITED: Shape = mapping({"on": EVENT, "where": CONDITION, "timeout": DURATION, "missed": STEPS}, ("on", "timeout"))


class Wait:
    """The step; its settings are one of For, Until and On."""

    name = "wait"
    keys = ()
    shapes = {"wait": either(DURATION, DATE, AWAITED)}  # noqa: RUF012  constant

    def parse(self, reading: Reading) -> Parsed:
        """One of the three forms."""
        wait = reading.at("wait")
        if wait.has("until"):
            return _parse_until(wait)
        if wait.has("on"):
            return _parse_on(wait)
        if isinstance(wait.value, dict):
            wait.wrong("a wait needs 'until' (a date) or 'on' (an event)", "for a plain time write wait: 10m")
            return Parsed(None)
        return Parsed(For(wait.duration()))

    def enter(self, node: Node, scene: Scene) -> Move:
        """Stay, or walk on when the date is over."""
        settings = node.settings
        if isinstance(settings, Until):
            return _plan(node, scene)
        length = settings.length if isinstance(settings, For) else settings.timeout
        return Stay(scene.now + length)

    def resume(self, node: Node, scene: Scene, stimulus: Stimulus) -> Move | None:
        """The timer ends the wait, the awaited event ends it, a moved date plans it anew."""
        settings = node.settings
        if isinstance(settings, Until):
            return _resume_until(node, scene, stimulus)
        if isinstance(settings, On) and isinstance(stimulus, EventSeen):
            return Go(node.next, note=f"{settings.event} came") if _awaited(settings, scene, stimulus) else None
        if not isinstance(stimulus, TimerFired):
            return None
        if isinstance(settings, On):
            return Go(
                node.ways[0] if node.ways else node.next,
                note=f"{settings.event} did not come within {write_duration(settings.timeout)}",
            )
        return Go(node.next)


def _resume_until(node: Node, scene: Scene, stimulus: Stimulus) -> Move | None:
    wait = scene.enrollment.wait
    if wait is None or wait.due_at != _due_at(node.settings, scene):
        return _plan(node, scene)
    return Go(node.next) if isinstance(stimulus, TimerFired) else None


def _plan(node: Node, scene: Scene) -> Move:
    settings: Until = node.settings
    due_at = _due_at(settings, scene)
    if due_at is None:
        return Stay(None, f"{settings.field} has no date yet")
    if due_at > scene.now:
        return Stay(due_at)
    note = f"{due_at.isoformat()} was over"
    if due_at == scene.now or settings.if_past is IfPast.CONTINUE:
        return Go(node.next, note=note)
    if settings.if_past is IfPast.SKIP:
        return Go(node.skip, note=f"{note}: skipped the next step")
    return Leave(f"{settings.field} was in the past")


def _due_at(settings: Until, scene: Scene) -> datetime | None:
    """The instant to wait for, in UTC; None while the field holds no usable date."""
    value: Any = scene.view
    for part in settings.field.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if not isinstance(value, datetime) or value.utcoffset() is None:
        return None
    try:
        return value.astimezone(UTC) + settings.offset
    except OverflowError:
        return None


def _awaited(settings: On, scene: Scene, seen: EventSeen) -> bool:
    if seen.event.type != settings.event or seen.contradicts(scene.enrollment):
        return False
    return settings.where is None or settings.where.judge({**scene.view, "event": seen.facts()}).value


def _parse_until(wait: Reading) -> Parsed:
    wait.mapping("until", "minus", "plus", "if_past")
    if wait.has("minus") and wait.has("plus"):
        wait.at("plus").wrong_key("'minus' and 'plus' exclude each other")
    offset = timedelta(0)
    if wait.has("minus"):
        offset = -wait.at("minus").duration()
    elif wait.has("plus"):
        offset = wait.at("plus").duration()
    if_past = wait.at("if_past").word(IfPast) if wait.has("if_past") else IfPast.CONTINUE
    return Parsed(Until(_date_field(wait.at("until")), offset, if_past), jumps=if_past is IfPast.SKIP)


def _date_field(reading: Reading) -> str:
    path = reading.text("a field with a date, such as booking.starts_at")
    fields = reading.surroundings.fields(reading.context.event, timed=False)
    found = find_field(fields, path) if path else fields["now"]
    if isinstance(found, str):
        reading.wrong(found)
    elif found.kind is not Kind.TIMESTAMP:
        kind = "is not declared" if found.kind is Kind.ANY else f"is declared as {found}"
        reading.wrong(f"{path} {kind}, not as timestamp", "declare it as timestamp, or name another field")
    elif path == "now":
        reading.wrong("'now' is always over", "for a plain time write wait: 10m")
    return path


def _parse_on(wait: Reading) -> Parsed:
    wait.mapping("on", "where", "timeout", "missed", needed=("timeout",))
    event = wait.at("on").event_type()
    settings = On(
        event,
        wait.at("where").condition(event) if wait.has("where") else None,
        wait.at("timeout").duration() if wait.has("timeout") else timedelta(minutes=30),
    )
    return Parsed(settings, (Body("missed", wait.at("missed")),) if wait.has("missed") else ())


STEP = Wait()
