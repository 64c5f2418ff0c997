"""Functions that read a path such as booking.days from a context."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from outrider.expressions.errors import EvaluationError

Context: TypeAlias = Mapping[str, Any]
Compiled: TypeAlias = Callable[[Context], Any]


def read_path(names: tuple[str, ...]) -> Compiled:
    """The function that reads a path of one or more names; it raises EvaluationError when a part is missing."""
    shapes = {1: _path_of_1, 2: _path_of_2, 3: _path_of_3}
    return shapes.get(len(names), _path_of_many)(names)


def _path_of_1(names: tuple[str, ...]) -> Compiled:
    first = names[0]

    def read(context: Context) -> Any:
        try:
            return context[first]
        except KeyError:
            raise _absent(names, context) from None

    return read


def _path_of_2(names: tuple[str, ...]) -> Compiled:
    first, second = names

    def read(context: Context) -> Any:
        try:
            return context[first][second]
        except (KeyError, TypeError):
            raise _absent(names, context) from None

    return read


def _path_of_3(names: tuple[str, ...]) -> Compiled:
    first, second, third = names

    def read(context: Context) -> Any:
        try:
            return context[first][second][third]
        except (KeyError, TypeError):
            raise _absent(names, context) from None

    return read


def _path_of_many(names: tuple[str, ...]) -> Compiled:
    def read(context: Context) -> Any:
        value: Any = context
        try:
            for name in names:
                value = value[name]
            return value
        except (KeyError, TypeError):
            raise _absent(names, context) from None

    return read


def _absent(names: tuple[str, ...], context: Context) -> EvaluationError:
    """Which part of a path is not there, or cannot have fields."""
    value: Any = context
    for index, name in enumerate(names):
        if not isinstance(value, Mapping):
            above = ".".join(names[:index])
            what = "null" if value is None else f"a {type(value).__name__}"
            return EvaluationError(".".join(names), f"{above} is {what} and has no fields")
        if name not in value:
            return EvaluationError(".".join(names[: index + 1]), "missing")
        value = value[name]
    raise AssertionError("the whole path is there")


def reach(path: tuple[str, ...]) -> Compiled:
    """The value at a path, or None as soon as a part of it is missing or null."""

    def run(context: Context) -> Any:
        value: Any = context
        for index, name in enumerate(path):
            if value is None:
                return None
            if not isinstance(value, Mapping):
                raise EvaluationError(".".join(path), f"{'.'.join(path[:index])} is not a map")
            value = value.get(name)
        return value

    return run
