"""The company of the simulator: small, with everything that is hard about journeys, and its people."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from outrider.channels.email import CHANNEL as EMAIL
from outrider.channels.sms import CHANNEL as SMS
from outrider.configuration.build import Configuration, Shipped, build
from outrider.contracts.channel import Channel
from outrider.contracts.reading import Reading
from outrider.contracts.step import Move, Node, Parsed, Scene, Step, Stimulus
from outrider.contracts.surroundings import Surroundings, TemplateFacts
from outrider.domain.purpose import Purpose
from outrider.journeys import Program, check, compile_program
from outrider.plugged import shipped
from outrider.testing.simulation.letters import Letters
from outrider.testing.simulation.pocket import Pocket
from outrider.testing.simulation.texts import (
    JOURNEYS,
    KINDS,
    LANGUAGES,
    MAIL_JOURNEYS,
    MAIL_SOURCE,
    MAIL_TEMPLATES,
    MAIL_TOML,
    SOURCE,
    TEMPLATES,
    TOML,
)

PUSH = Channel("push", "Notifications to an app, simulated", "token")
CHANNELS = ("sms", "push")
#: Number of a configuration → that of the one applied while people wait; the second pair has mail.
NEXT = {1: 2, 2: 1, 3: 4, 4: 3}
NUMBERS = tuple(NEXT)
WITH_MAIL = frozenset({3, 4})


class Poisoned(RuntimeError):
    """What the planted step raises on a poisoned event."""


class PoisonStep:
    """A step around another one: raises when the event that started the enrollment is poisoned."""

    def __init__(self, inner: Step) -> None:
        self.inner = inner
        self.name = inner.name
        self.keys = inner.keys

    def parse(self, reading: Reading) -> Parsed:
        """As the inner step."""
        return self.inner.parse(reading)

    def enter(self, node: Node, scene: Scene) -> Move:
        """Raises Poisoned, or as the inner step."""
        if scene.enrollment.data.get("poison"):
            raise Poisoned("the planted step was reached by a poisoned event")
        return self.inner.enter(node, scene)

    def resume(self, node: Node, scene: Scene, stimulus: Stimulus) -> Move | None:
        """As the inner step."""
        return self.inner.resume(node, scene, stimulus)


@cache
def configuration(number: int) -> Configuration:
    """The applied configuration of this number. Raises AssertionError when its own files are wrong."""
    files = _files(number)
    plugged = shipped()
    channels = {"sms": SMS, "push": PUSH, **({"email": EMAIL} if number in WITH_MAIL else {})}
    simulated = {Pocket.name: Pocket, Letters.name: Letters}
    offered = Shipped(plugged.markets, channels, {**plugged.providers, **simulated})
    built, problems = build(files, offered, number=number)
    assert built is not None, [str(problem) for problem in problems]
    programs = {program.journey: _poisoned(program) for program in _programs(built, number)}
    starts: dict[str, tuple[Program, ...]] = {}
    for program in programs.values():
        starts[program.start.on] = (*starts.get(program.start.on, ()), program)
    return msgspec.structs.replace(built, journeys=programs, starts=starts)


def _files(number: int) -> dict[str, str]:
    files = {"outrider.toml": TOML, "sources/app.yaml": SOURCE}
    if number in WITH_MAIL:
        files = {"outrider.toml": TOML + MAIL_TOML, "sources/app.yaml": SOURCE + MAIL_SOURCE}
    files.update({f"objects/{name}.yaml": text for name, text in KINDS.items()})
    for name, (purpose, variables, text) in _templates(number).items():
        files[f"templates/{name}/template.yaml"] = _declaration(purpose, variables)
        for language in LANGUAGES:
            files[f"templates/{name}/sms.{language}.j2"] = f"{text} ({language}{number})"
    return files


def _templates(number: int) -> dict[str, tuple[str, tuple[str, ...], str]]:
    return {**TEMPLATES, **MAIL_TEMPLATES} if number in WITH_MAIL else TEMPLATES


def _declaration(purpose: str, variables: tuple[str, ...]) -> str:
    named = "".join(f'\n  {name}: {{type: string, example: "x"}}' for name in variables)
    return f"purpose: {purpose}\nlanguages: [en, fr]\nfallback: en\nvariables:{named}\n"


def _programs(built: Configuration, number: int) -> list[Program]:
    """Journeys are compiled against all channels; the others' texts are those of the first."""
    around = _surroundings(built, number)
    programs = []
    for name, text in {**JOURNEYS, **(MAIL_JOURNEYS if number in WITH_MAIL else {})}.items():
        checked = check(
            text if number % 2 else text.replace("after: 10m", "after: 8m"), f"journeys/{name}.yaml", around
        )
        assert checked.definition is not None, [str(problem) for problem in checked.problems]
        programs.append(compile_program(checked.definition, number))
    return programs


def _surroundings(built: Configuration, number: int) -> Surroundings:
    channels = (*CHANNELS, "email") if number in WITH_MAIL else CHANNELS
    texts = dict.fromkeys(channels, LANGUAGES)
    return Surroundings(
        templates={
            name: TemplateFacts(texts, Purpose(purpose), variables=variables)
            for name, (purpose, variables, _) in _templates(number).items()
        },
        objects={name: kind.traits for name, kind in built.kinds.items() if name != "profile"},
        profile=built.kinds["profile"].traits,
        events=dict.fromkeys(_event_types(built)),
        channels=channels,
    )


def _event_types(built: Configuration) -> list[str]:
    sources: Any = built.mapper._sources
    return [name for source in sources for name in source.events]


def _poisoned(program: Program) -> Program:
    """The program with the planted step at its first node, where the journey is the one for it."""
    if program.journey != "odd":
        return program
    first = program.nodes[0]
    planted = msgspec.structs.replace(first, step=PoisonStep(first.step))
    return msgspec.structs.replace(program, nodes=(planted, *program.nodes[1:]))


class Person(msgspec.Struct, frozen=True):
    """One customer."""

    key: str
    market: str
    phone: str
    #: Push token; empty for people without the app.
    token: str
    #: Zone of their own, or None for their market's.
    zone: str | None
    consents: bool
    #: For a second key: the first one of the same person.
    known_as: str = ""

    @property
    def human(self) -> str:
        """The first key of this person."""
        return self.known_as or self.key

    @property
    def fields(self) -> Mapping[str, Any]:
        """What every event tells of its person; under a second key only the first one tells the number."""
        fields = {"key": self.key, "market": self.market, "name": f"canary-{self.human}"}
        if not self.known_as:
            fields["phone"] = self.phone
        if self.token:
            fields["token"] = self.token
        if self.zone:
            fields["zone"] = self.zone
        return fields


@cache
def people() -> tuple[Person, ...]:
    """Twenty people: half in France, half in Great Britain; one of seven without the app, one of five abroad."""
    found = []
    for index in range(20):
        french = index % 2 == 0
        phone = f"+3361234{index:02d}78" if french else f"+447400123{index:03d}"
        zone = {3: "America/New_York", 8: "Pacific/Auckland", 13: "Europe/Paris", 18: "Europe/London"}.get(index)
        token = "" if index % 7 == 5 else f"token-{index:02d}"
        found.append(Person(f"c-{index:02d}", "FR" if french else "GB", phone, token, zone, index % 10 < 7))
    return tuple(found)
