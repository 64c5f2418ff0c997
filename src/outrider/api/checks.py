"""What every value from outside must keep to before it may enter the log: what PostgreSQL and MessagePack can carry."""

from __future__ import annotations

from typing import Any

from outrider.api.problems import Wrong
from outrider.ingest.cloudevents import DEEPEST

#: MessagePack's integers (msgpack.org, specification: int 64 and uint 64).
SMALLEST, LARGEST = -(2**63), 2**64 - 1


def wrong_value(value: Any, path: str, depth: int = 1) -> Wrong | None:
    """The first place of a JSON value that cannot be stored; None when all of it can."""
    if isinstance(value, str):
        return Wrong(path, "the character U+0000 is not allowed") if "\0" in value else None
    if isinstance(value, int):
        return (
            None if SMALLEST <= value <= LARGEST else Wrong(path, "the number is too large: it takes more than 64 bits")
        )
    if not isinstance(value, dict | list):
        return None
    if depth > DEEPEST:
        return Wrong(path, f"nested deeper than {DEEPEST} levels")
    return _wrong_inside(value, path, depth)


def _wrong_inside(value: dict[str, Any] | list[Any], path: str, depth: int) -> Wrong | None:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        place = f"{path}.{key}" if isinstance(key, str) else f"{path}[{key}]"
        if isinstance(key, str) and "\0" in key:
            return Wrong(path, "the character U+0000 is not allowed in a name")
        if found := wrong_value(inner, place, depth + 1):
            return found
    return None
