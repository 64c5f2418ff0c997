"""The values a message carries: what its template names, taken out of what is known and what a request gave."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any


def filled(context: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What is known, with given values laid over it, level by level."""
    found = dict(context)
    for name, value in given.items():
        inner = found.get(name)
        both = isinstance(value, Mapping) and isinstance(inner, Mapping)
        found[name] = filled(inner, value) if both else value  # type: ignore[arg-type]
    return found


@lru_cache(maxsize=1024)
def tree(paths: frozenset[str]) -> dict[str, Any]:
    """Paths as nested names, None where a value is wanted; a value wanted as a whole needs none of its parts."""
    root: dict[str, Any] = {}
    for path in sorted(paths, key=len):
        *groups, last = path.split(".")
        branch: dict[str, Any] | None = root
        for name in groups:
            branch = branch.setdefault(name, {}) if branch is not None else None
        if branch is not None:
            branch[last] = None
    return root


def picked(source: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What a tree of paths names of nested values; what is not there stays out."""
    found: dict[str, Any] = {}
    for name, inner in wanted.items():
        if name not in source:
            continue
        if inner is None:
            found[name] = source[name]
        elif isinstance(source[name], dict) and (parts := picked(source[name], inner)):
            found[name] = parts
    return found
