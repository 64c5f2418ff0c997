"""Reads JSON written by others: what has the expected type is kept, the rest is left out."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

Shape = TypeVar("Shape", bound=msgspec.Struct)

#: Everything msgspec raises for bytes that are not the JSON it expects.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Lenient(Generic[Shape]):
    """A decoder that never fails, for a struct whose fields all have defaults.

    A body that fits costs one typed decode. One unexpected field type does not hide the other fields: each top
    level field is then tried alone. Numbers may come as text. What is no JSON object reads as the empty struct.
    """

    def __init__(self, shape: type[Shape]) -> None:
        self._shape = shape
        self._decoder = msgspec.json.Decoder(shape, strict=False)

    def decode(self, body: bytes) -> Shape:
        """The struct with every field that could be read. Total: never raises."""
        try:
            return self._decoder.decode(body)
        except UNREADABLE:
            return self._piecewise(body)

    def _piecewise(self, body: bytes) -> Shape:
        try:
            document = msgspec.json.decode(body)
        except UNREADABLE:
            return self._shape()
        if not isinstance(document, dict):
            return self._shape()
        fitting = {name: value for name, value in document.items() if self._fits(name, value)}
        return msgspec.convert(fitting, self._shape, strict=False)

    def _fits(self, name: str, value: Any) -> bool:
        try:
            msgspec.convert({name: value}, self._shape, strict=False)
        except (msgspec.ValidationError, RecursionError):
            return False
        return True
