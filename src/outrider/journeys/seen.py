"""Events as conditions see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from outrider.contracts.step import EventSeen
from outrider.domain.enrollment import Enrollment
from outrider.journeys.definition import Program
from outrider.journeys.view import typed


def typed_event(program: Program, seen: EventSeen) -> EventSeen:
    """The same event, with instants in its data where the event type declares timestamps."""
    timed = program.timed.get(seen.event.type)
    if timed is None:
        return seen
    return EventSeen(msgspec.structs.replace(seen.event, data=typed(seen.event.data, timed)), seen.touched)


def start_facts(program: Program, enrollment: Enrollment) -> Mapping[str, Any]:
    """The event that started the enrollment, as ``event`` in conditions of steps and in templates: type and data."""
    return {"type": program.start.on, "data": enrollment.data}
