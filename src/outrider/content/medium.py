"""The port of a medium: how a content for one channel is written, checked and put together.

One file in `content/media/{channel}.py` holds one module-level `MEDIUM`; discovery finds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Protocol

import msgspec

from outrider.content.declaration import Declaration
from outrider.content.partials import BadContent, Wanted
from outrider.content.sms import Count
from outrider.content.source import Source, problem_at
from outrider.domain.message import Rendition
from outrider.domain.problem import Problem
from outrider.lib.discover import plugins

__all__ = ["BadContent", "Medium", "Overrun", "Written", "media", "problem_at"]


class Written(msgspec.Struct, frozen=True):
    """A content as it goes out."""

    body: Rendition
    #: What it costs as an SMS; None on other media.
    count: Count | None = None


class Overrun(msgspec.Struct, frozen=True):
    """A content that is larger than it should be."""

    message: str
    hint: str = ""
    #: The piece it is about, and where in it (code points); negative: the whole file.
    piece: str = "text"
    start: int = -1
    length: int = 1
    is_error: bool = True


class Medium(Protocol):
    """What every medium offers. It holds nothing; all methods are pure."""

    #: The channel.
    name: str
    #: Extensions of the content's file; exactly one of them is there. The first is proposed where one is missing.
    extensions: tuple[str, ...]
    #: Extensions of files that may stand beside it.
    companions: tuple[str, ...]
    #: Its texts are sent in GSM-7 where they can be: numbers, money and dates keep to its signs.
    in_gsm: bool

    def read(self, files: Mapping[str, Source], wanted: Wanted) -> dict[str, Source]:
        """The pieces to be compiled, by name, partials put in. `files`: extension → file, one main file among them.

        Raises BadContent for the first thing that is wrong.
        """
        ...

    def lint(self, pieces: Mapping[str, Source], declaration: Declaration) -> Iterator[Problem]:
        """What else is wrong with the pieces as they stand."""
        ...

    def write(self, texts: Mapping[str, str], declaration: Declaration, tables: frozenset[str]) -> Written:
        """Put the rendered pieces together. `tables`: national shift tables the route supports.

        Raises `engine.Failure` with the name of the piece.
        """
        ...

    def overruns(self, written: Written, declaration: Declaration, sources: Mapping[str, Source]) -> Iterator[Overrun]:
        """What is too large in a content rendered with the longest values."""
        ...


@cache
def media() -> dict[str, Medium]:
    """Every medium by its channel."""
    return plugins("outrider.content.media", "MEDIUM")
