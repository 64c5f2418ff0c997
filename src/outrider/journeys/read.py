"""The form of a journey file: each part read with its place."""

from __future__ import annotations

from datetime import timedelta

from outrider.contracts.reading import Reading, ShortForm
from outrider.contracts.surroundings import suggest
from outrider.journeys.definition import Again, Definition, ExitRule, Goal, Item, Start
from outrider.journeys.read_steps import StepReader
from outrider.journeys.view import timed_fields

KEYS = ("journey", "about", "start", "exit", "goal", "steps")


def read_definition(reading: Reading) -> Definition:
    """The definition in a file. It counts only when the reading has no error afterwards."""
    reading.mapping(*KEYS, needed=("journey", "start", "steps"))
    about = _about(reading.at("about")) if reading.has("about") else ""
    events = reading.surroundings.events
    steps = StepReader()
    return Definition(
        journey=reading.at("journey").name("the name of the journey") if reading.has("journey") else "",
        about=about,
        start=_start(reading.at("start"), about) if reading.has("start") else Start(""),
        exits=tuple(_exit(rule, steps) for rule in reading.at("exit").items()) if reading.has("exit") else (),
        goal=_goal(reading.at("goal")) if reading.has("goal") else None,
        steps=steps.all(reading.at("steps")) if reading.has("steps") else (),
        timed={event: timed for event, fields in events.items() if (timed := timed_fields(fields or {}))},
    )


def _about(reading: Reading) -> str:
    kind = reading.text("the kind of object the journey is about")
    known = reading.surroundings.objects
    if kind and kind not in known:
        reading.wrong(f"there is no object kind '{kind}'", suggest(kind, known) or f"create objects/{kind}.yaml")
    return kind


def _start(reading: Reading, about: str) -> Start:
    if not reading.mapping("on", "where", "again", needed=("on",)):
        return Start("")
    event = reading.at("on").event_type() if reading.has("on") else ""
    where = reading.at("where").condition(event) if reading.has("where") else None
    again, cooldown = _again(reading.at("again"), about) if reading.has("again") else _usual_again(about)
    return Start(event, where, again, cooldown)


def _usual_again(about: str) -> tuple[Again, timedelta]:
    return (Again.PER_KEY if about else Again.ONCE), timedelta(0)


def _again(reading: Reading, about: str) -> tuple[Again, timedelta]:
    if isinstance(reading.value, dict):
        reading.mapping("cooldown", needed=("cooldown",))
        return Again.COOLDOWN, reading.at("cooldown").duration() if reading.has("cooldown") else timedelta(0)
    again = reading.word(Again)
    if again is Again.COOLDOWN:
        reading.wrong("a cooldown needs its length", "write again: {cooldown: 7d}")
    if again is Again.PER_KEY and not about:
        reading.wrong("per_key needs an object the journey is about", "add about: booking, or write again: after_exit")
    return again, timedelta(0)


def _exit(reading: Reading, steps: StepReader) -> ExitRule:
    if not reading.mapping("on", "where", "then", needed=("on",)):
        return ExitRule("")
    event = reading.at("on").event_type() if reading.has("on") else ""
    where = reading.at("where").condition(event) if reading.has("where") else None
    return ExitRule(event, where, _farewell(reading.at("then"), steps) if reading.has("then") else None)


def _farewell(then: Reading, steps: StepReader) -> Item | None:
    """A template's name, or a send step: both are read by the send step, the short form as ``{send: name}``."""
    if isinstance(then.value, dict):
        return steps.farewell(then)
    template = then.surroundings.templates.get(str(then.value))
    if template and (template.purpose is None or not template.channels):
        name = f"template '{then.value}' declares no {'channels' if template.purpose else 'purpose'}"
        then.wrong(f"{name}, so its name alone is not enough", f"write {{send: {then.value}, purpose: …, channels: …}}")
        return None
    return steps.farewell(ShortForm(then, "send"))


def _goal(reading: Reading) -> Goal:
    if not reading.mapping("on", "within", needed=("on",)):
        return Goal("")
    event = reading.at("on").event_type() if reading.has("on") else ""
    return Goal(event, reading.at("within").duration() if reading.has("within") else None)
