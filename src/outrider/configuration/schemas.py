"""JSON Schemas of the files of a company folder, for editors: made from the structs and readers that `check` uses."""

from __future__ import annotations

import json
import typing
from collections.abc import Mapping
from typing import Any

import msgspec

from outrider.configuration import kinds, overrides, sources
from outrider.configuration.build import Shipped
from outrider.configuration.toml import ACCOUNT_NAME, DURATION, LONGEST_DEADLINE, _Document
from outrider.content.shape import push_shape, template_shape
from outrider.contracts.provider import Secret
from outrider.journeys.shape import journey_shape

#: Schema → the files it is for, as a pattern below the company folder.
FILES = {
    "outrider": "outrider.toml",
    "object": "objects/*.yaml",
    "source": "sources/*.yaml",
    "journey": "journeys/*.yaml",
    "template": "templates/*/template.yaml",
    "push": "templates/**/push.*.yaml",
    "market": "markets/*.yaml",
}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas(shipped: Shipped) -> dict[str, dict[str, Any]]:
    """Every schema by name: JSON Schema 2020-12. `shipped`: the plug-ins, whose settings and names they know."""
    shapes: dict[str, Mapping[str, Any]] = {
        "outrider": _toml_shape(shipped),
        "object": kinds.SHAPE,
        "source": sources.SHAPE,
        "journey": journey_shape(),
        "template": template_shape(),
        "push": push_shape(),
        "market": overrides.SHAPE,
    }
    return {name: {"$schema": DIALECT, "title": f"Outrider: {FILES[name]}", **shapes[name]} for name in FILES}


def pretty(document: Mapping[str, Any]) -> str:
    """A document as it is committed and served: two spaces, one newline at the end."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _toml_shape(shipped: Shipped) -> dict[str, Any]:
    (shape,), found = msgspec.json.schema_components([_Document], ref_template="#/$defs/{name}")
    # The struct's own name is private, so that the document's root is written out rather than referred to.
    name = shape["$ref"].rpartition("/")[2]
    root, rest = found[name], {key: value for key, value in found.items() if key != name}
    properties = {**root["properties"], "accounts": _accounts(shipped)}
    for cap in (value for key, value in rest.items() if "within" in value.get("properties", {})):
        cap["properties"]["within"] = {"type": "string", "pattern": f"^({DURATION.pattern})$"}
    plain = {key: _untitled(value) for key, value in rest.items()}
    return {**_untitled(root), "properties": properties, "$defs": plain}


def _untitled(struct: Mapping[str, Any]) -> dict[str, Any]:
    """Without the private name of a struct, and what its docstring says to developers."""
    return {key: value for key, value in struct.items() if key not in ("title", "description")}


def _accounts(shipped: Shipped) -> dict[str, Any]:
    settings = [_account(name, provider.Settings) for name, provider in sorted(shipped.providers.items())]
    names = {"pattern": f"^{ACCOUNT_NAME.pattern}$"}
    return {"type": "object", "propertyNames": names, "additionalProperties": {"anyOf": settings}}


def _account(provider: str, kind: type[Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    keys: dict[str, Any] = {
        "provider": {"const": provider},
        "sandbox": {"type": "boolean"},
        "deadline": {"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST_DEADLINE},
    }
    needed = ["provider"]
    for field in msgspec.structs.fields(kind):
        keys[field.name] = _setting(hints[field.name], field.type)
        needed += [field.name] if field.required else []
    return {"type": "object", "properties": keys, "required": needed, "additionalProperties": False}


def _setting(hint: Any, kind: Any) -> dict[str, Any]:
    if hint is Secret:
        return {"type": "string", "description": "env:NAME or file:PATH; in clear for a sandbox only"}
    found: dict[str, Any] = msgspec.json.schema(kind)
    return found
