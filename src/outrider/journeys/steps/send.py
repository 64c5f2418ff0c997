"""send: ask for a message and walk on. Whether, when and on which channel it goes is decided elsewhere."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from outrider.contracts.reading import Reading, listed
from outrider.contracts.shapes import DURATION, FLAG, NAME, TEXT, Shape, either, listing, mapping, one_of_words
from outrider.contracts.step import Ask, Go, Move, Node, Parsed, Scene, Stimulus
from outrider.contracts.surroundings import TemplateFacts, find_field, suggest
from outrider.domain.decision import Blocked
from outrider.domain.purpose import PURPOSES, Purpose
from outrider.domain.strategy import Escalate, First, Strategy


class Until(StrEnum):
    """The status of a message that ends an escalation."""

    DELIVERED = "delivered"


CHANNELS: Shape = either(
    mapping({"first": listing(TEXT, least=1)}, ("first",)),
    mapping(
        {"escalate": listing(TEXT, least=2), "after": DURATION, "until": one_of_words(Until)}, ("escalate", "after")
    ),
)


class Send:
    """The step; its settings are the Ask itself."""

    name = "send"
    keys = ("purpose", "channels", "valid_for", "time_critical", "blocked")
    shapes = {  # noqa: RUF012  constant
        "send": NAME,
        "purpose": one_of_words(Purpose),
        "channels": CHANNELS,
        "valid_for": DURATION,
        "time_critical": FLAG,
        "blocked": one_of_words(Blocked),
    }

    def parse(self, reading: Reading) -> Parsed:
        """The message to ask for. Purpose and channels may be left to the template's own declaration."""
        template = _template(reading.at("send"))
        purpose = _purpose(reading, template)
        strategy = _strategy(reading, template)
        valid_for = reading.at("valid_for").duration() if reading.has("valid_for") else PURPOSES[purpose].valid_for
        _check_texts(reading, template, strategy)
        _check_time(reading, strategy, valid_for)
        return Parsed(
            Ask(
                template=str(reading.at("send").value),
                purpose=purpose,
                strategy=strategy,
                valid_for=valid_for,
                time_critical=_time_critical(reading, purpose),
                blocked=reading.at("blocked").word(Blocked) if reading.has("blocked") else Blocked.HOLD,
            )
        )

    def enter(self, node: Node, scene: Scene) -> Move:
        """Ask, and walk on at once."""
        return Go(node.next, ask=node.settings)

    def resume(self, node: Node, scene: Scene, stimulus: Stimulus) -> Move | None:
        """Nobody ever stays here."""
        return None


def _template(reading: Reading) -> TemplateFacts | None:
    name = reading.name("the name of a template")
    template = reading.surroundings.templates.get(name)
    if template is None:
        if name and name not in reading.surroundings.broken:
            hint = suggest(name, reading.surroundings.templates) or f"create templates/{name}/template.yaml"
            reading.wrong(f"there is no template '{name}'", hint)
        return None
    fields = reading.surroundings.fields(reading.context.event, timed=False)
    for variable in template.variables:
        found = find_field(fields, variable)
        if isinstance(found, str):
            reading.wrong(f"template '{name}' needs {variable}, which no source can fill: {found}")
    return template


def _purpose(reading: Reading, template: TemplateFacts | None) -> Purpose:
    declared = template.purpose if template else None
    if not reading.has("purpose"):
        if template and declared is None:
            reading.wrong(
                "'purpose' is missing, and the template declares none", f"add purpose: {listed(list(Purpose))}"
            )
        return declared or Purpose.TRANSACTIONAL
    purpose = reading.at("purpose").word(Purpose)
    if declared and purpose is not declared and reading.at("purpose").value == purpose:
        hint = f"write purpose: {declared}, or make a template of its own"
        reading.at("purpose").wrong(f"the template is declared {declared}; it cannot also serve {purpose}", hint)
    return purpose


def _strategy(reading: Reading, template: TemplateFacts | None) -> Strategy:
    channels = reading.at("channels")
    if not reading.has("channels"):
        if template and not template.channels:
            reading.wrong("'channels' is missing, and the template declares none", "add channels: {first: [push, sms]}")
        return First(template.channels if template else ())
    if channels.has("escalate"):
        return _escalation(channels)
    channels.mapping("first", "escalate", "until", "after", needed=("first",))
    for key in ("until", "after"):
        if channels.has(key):
            channels.at(key).wrong_key(f"'{key}' belongs to an escalation", "write escalate instead of first")
    return First(_channels(channels.at("first")) if channels.has("first") else ())


def _escalation(channels: Reading) -> Escalate:
    channels.mapping("escalate", "until", "after", needed=("after",))
    names = _channels(channels.at("escalate"))
    if len(names) == 1:
        channels.at("escalate").wrong("an escalation needs two channels or more", f"write first: [{names[0]}]")
    after = channels.at("after").duration() if channels.has("after") else timedelta(minutes=10)
    until = channels.at("until").word(Until) if channels.has("until") else Until.DELIVERED
    return Escalate(names, after, until.value)


def _channels(reading: Reading) -> tuple[str, ...]:
    names: list[str] = []
    for item in reading.items():
        name = item.text("the name of a channel")
        if name and name not in reading.surroundings.channels:
            known = reading.surroundings.channels
            item.wrong(f"there is no channel '{name}'", suggest(name, known) or f"channels: {', '.join(known)}")
        elif name in names:
            item.wrong(f"channel '{name}' stands in the list twice")
        names.append(name)
    if reading.value == []:
        reading.wrong("the list of channels is empty, so nothing could ever be sent", "name one channel or more")
    return tuple(names)


def _check_texts(reading: Reading, template: TemplateFacts | None, strategy: Strategy) -> None:
    """The template has something to say on each channel, and in each language."""
    place = reading.at("channels") if reading.has("channels") else reading.at("send")
    known = reading.surroundings.channels
    for channel in strategy.channels if template else ():
        languages = template.contents.get(channel) if template else None
        missing = [one for one in reading.surroundings.languages if one not in (languages or ())]
        if languages is None and channel in known:
            place.wrong(f"template '{reading.at('send').value}' has no text for {channel}")
        elif languages is not None and missing:
            text = f"template '{reading.at('send').value}' has no {channel} text in {', '.join(missing)}"
            place.wrong(text, severity="warning")


def _check_time(reading: Reading, strategy: Strategy, valid_for: timedelta) -> None:
    if isinstance(strategy, Escalate) and strategy.after * (len(strategy.channels) - 1) >= valid_for:
        last = strategy.channels[-1] if strategy.channels else ""
        text = f"the message is worthless before its turn on {last} comes"
        reading.at("channels").wrong(text, "raise valid_for, or shorten after", severity="warning")


def _time_critical(reading: Reading, purpose: Purpose) -> bool:
    critical = reading.has("time_critical") and reading.at("time_critical").boolean()
    if critical and purpose is Purpose.COMMERCIAL:
        reading.at("time_critical").wrong("a commercial message is never time-critical", "leave it out")
    return critical


STEP = Send()
