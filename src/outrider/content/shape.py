"""The shapes of a template's files: template.yaml, and the texts that are YAML."""

from __future__ import annotations

from outrider.content.declaration import LOCALE, NAME, NUMBERS, READERS, TYPES, Policy
from outrider.contracts.shapes import ANYTHING, TEXT, Shape, listing, mapping, one_of_words
from outrider.domain.purpose import Purpose

_LOCALE: Shape = {"type": "string", "pattern": f"^({LOCALE.pattern})$"}
_LONGEST: Shape = {"type": "integer", "minimum": 1}


def _variable(kind: str, example: Shape) -> Shape:
    keys: dict[str, Shape] = {"type": one_of_words([kind]), "example": example}
    if kind == "string":
        keys["longest"] = _LONGEST
    elif kind in NUMBERS:
        keys["largest"] = example
    return mapping(keys, ("type", "example"))


_JSON_TYPES = {"str": "string", "timestamp": "string", "int": "integer", "float": "number", "bool": "boolean"}


def _example(kind: str) -> Shape:
    """YAML's tags in the words of JSON; a date written plainly is a text."""
    types = dict.fromkeys(_JSON_TYPES.get(tag, "array") for tag in TYPES[kind])
    return {"type": list(types)}


_VARIABLE: Shape = {"anyOf": [_variable(kind, _example(kind)) for kind in TYPES]}
_KEYS: dict[str, Shape] = {
    "purpose": one_of_words(Purpose),
    "languages": listing(_LOCALE),
    "fallback": _LOCALE,
    "transliterate": one_of_words(Policy),
    "variables": {
        "type": "object",
        "patternProperties": {f"^({NAME.pattern.replace(chr(92) + 'w', '[A-Za-z0-9_]')})$": _VARIABLE},
        "additionalProperties": False,
    },
    "segments": _LONGEST,
}


def template_shape() -> Shape:
    """What `read_declaration` accepts; a key without a shape of its own takes anything."""
    return mapping({key: _KEYS.get(key, ANYTHING) for key in READERS})


def push_shape() -> Shape:
    """A push text; every value is a template of its own."""
    return mapping(
        {"title": TEXT, "body": TEXT, "link": {"type": "string"}, "data": {"type": "object"}}, ("title", "body")
    )
