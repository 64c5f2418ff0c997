"""Accounts of outrider.toml against the settings their providers take."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from typing import Any

import msgspec

from outrider.configuration.toml import FILE, AccountEntry, place_of
from outrider.contracts.provider import Secret
from outrider.contracts.surroundings import suggest
from outrider.domain.problem import Problem

#: How a secret is named instead of being written out.
REFERENCES = ("env:", "file:")


def account_problems(entry: AccountEntry, kind: type[Any], text: str) -> Iterator[Problem]:
    """What is wrong in one account. `kind` is the provider's Settings, `text` that of outrider.toml."""
    problems = list(_field_problems(entry, kind, text))
    yield from problems or _whole_problems(entry, kind, text)


def _field_problems(entry: AccountEntry, kind: type[Any], text: str) -> Iterator[Problem]:
    """What is wrong with single settings."""
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    for name in entry.settings:
        if name not in fields:
            hint = suggest(name, fields) or f"known: {', '.join(fields)}"
            yield _at(entry, text, name, f"{entry.provider} has no setting '{name}'", hint)
    for name, field in fields.items():
        if field.required and name not in entry.settings:
            yield _at(entry, text, None, f"{entry.provider} needs the setting '{name}'", f'add {name} = "…"')
    secrets = {name for name, hint in typing.get_type_hints(kind).items() if hint is Secret}
    for name in secrets & entry.settings.keys():
        value = entry.settings[name]
        if not isinstance(value, str):
            yield _at(entry, text, name, "expected a text")
        elif not entry.sandbox and not value.startswith(REFERENCES):
            yield _at(entry, text, name, "a secret stands in the configuration", "write env:NAME or file:PATH instead")
    yield from _wrong_values(entry, kind, text, secrets)


def _wrong_values(entry: AccountEntry, kind: type[Any], text: str, secrets: set[str]) -> Iterator[Problem]:
    for field in msgspec.structs.fields(kind):
        if field.name in entry.settings and field.name not in secrets:
            try:
                msgspec.convert(entry.settings[field.name], field.type)
            except msgspec.ValidationError as error:
                message = str(error).partition(" - at ")[0]
                yield _at(entry, text, field.name, message[:1].lower() + message[1:])


def _whole_problems(entry: AccountEntry, kind: type[Any], text: str) -> Iterator[Problem]:
    """What the provider's own check (`__post_init__` of its Settings) says against settings that are sound one by one.

    Secrets are not resolved here: their references stand in their places.
    """
    secrets = {name for name, hint in typing.get_type_hints(kind).items() if hint is Secret}
    values = {name: {"value": value} if name in secrets else value for name, value in entry.settings.items()}
    try:
        msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        message = str(error).partition(" - at ")[0]
        words = re.findall(r"\w+", message)
        yield _at(entry, text, next((word for word in words if word in entry.settings), None), message)


def _at(entry: AccountEntry, text: str, key: str | None, message: str, hint: str = "") -> Problem:
    line, column, length = place_of(text, ["accounts", entry.name], key)
    return Problem(FILE, line, column, message, hint, length)
