"""What every value from outside must keep to before it may enter the log: what PostgreSQL and MessagePack can carry."""

from __future__ import annotations

from typing import Any

DEEPEST = 16
#: MessagePack's integers (msgpack.org, specification: int 64 and uint 64).
SMALLEST, LARGEST = -(2**63), 2**64 - 1
#: PostgreSQL's text cannot hold it.
NUL = "\0"
NO_NUL = "the character U+0000 is not allowed"


def wrong_value(value: Any, path: str, depth: int = 1) -> tuple[str, str] | None:
    """The first place of a JSON value that cannot be stored, and why; None when all of it can."""
    if isinstance(value, str):
        return (path, NO_NUL) if NUL in value else None
    if isinstance(value, int):
        return None if SMALLEST <= value <= LARGEST else (path, "the number is too large: it takes more than 64 bits")
    if not isinstance(value, dict | list):
        return None
    if depth > DEEPEST:
        return path, f"nested deeper than {DEEPEST} levels"
    return _wrong_inside(value, path, depth)


def _wrong_inside(value: dict[str, Any] | list[Any], path: str, depth: int) -> tuple[str, str] | None:
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(key, str) and NUL in key:
            return path, f"{NO_NUL} in a name"
        # Most values are short texts and numbers: the place is written only where it may be needed.
        if isinstance(inner, str | int | dict | list):
            place = f"{path}.{key}" if isinstance(key, str) else f"{path}[{key}]"
            if found := wrong_value(inner, place, depth + 1):
                return found
    return None
