"""The shape of a journey file: that of its parts, and of every kind of step there is."""

from __future__ import annotations

from typing import Any

from outrider.contracts.shapes import (
    ANYTHING,
    CONDITION,
    DURATION,
    EVENT,
    NAME,
    STEPS,
    TEXT,
    Shape,
    either,
    listing,
    mapping,
    one_of_words,
)
from outrider.contracts.step import Step
from outrider.journeys.definition import Again
from outrider.journeys.read import KEYS
from outrider.journeys.read_steps import ID, known_steps

#: The words `again` takes alone; a cooldown needs its length.
AGAIN = tuple(again for again in Again if again is not Again.COOLDOWN)


def journey_shape() -> dict[str, Any]:
    """What `check` accepts, as far as it can be said without the rest of the folder."""
    steps = {name: _step(step) for name, step in known_steps().items()}
    again = either(one_of_words(AGAIN), mapping({"cooldown": DURATION}, ("cooldown",)))
    parts: dict[str, Shape] = {
        "journey": NAME,
        "about": TEXT,
        "start": mapping({"on": EVENT, "where": CONDITION, "again": again}, ("on",)),
        "exit": listing(mapping({"on": EVENT, "where": CONDITION, "then": either(NAME, steps["send"])}, ("on",))),
        "goal": mapping({"on": EVENT, "within": DURATION}, ("on",)),
        "steps": {**STEPS, "minItems": 1},
    }
    whole = mapping({key: parts.get(key, ANYTHING) for key in KEYS}, ("journey", "start", "steps"))
    return {**whole, "$defs": {"steps": listing(either(*steps.values()))}}


def _step(step: Step) -> Shape:
    known: dict[str, Shape] = getattr(step, "shapes", {})
    keys = {key: known.get(key, ANYTHING) for key in (step.name, *step.keys)}
    return mapping({**keys, ID: NAME}, (step.name,))
