"""STOP and START: whether an inbound message asks to hear no more, or to hear again. Pure.

Words are compared without case, accents, punctuation and quotation marks. A stop word counts as the whole message or
as its first word (``stop pub``, ``STOP 36034``), never inside a sentence; a start word counts as the whole message
only, for whoever may be misunderstood shall rather hear nothing (provider facts D.2).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from outrider.domain.policy import MarketRules, OptOutWords

NOT_A_WORD = re.compile(r"[\W_]+")


class Wish(StrEnum):
    """What a word asks for."""

    STOP = "stop"
    START = "start"


class Heard(msgspec.Struct, frozen=True):
    """A wish, and the market pack's word that was recognized (never the person's own text)."""

    wish: Wish
    word: str


def heard_in(text: str, rows: Iterable[OptOutWords]) -> Heard | None:
    """The wish a message brings, by the words of some languages; None for every other message.

    Stop words are looked at first: whoever writes both is left alone.
    """
    rows = tuple(rows)
    said = folded(text)
    stop = _longest(word for row in rows for word in row.stop if _begins(said, folded(word)))
    if stop is not None:
        return Heard(Wish.STOP, stop)
    start = _longest(word for row in rows for word in row.start if _is_all(said, folded(word)))
    return None if start is None else Heard(Wish.START, start)


def words_for(market: MarketRules, locale: str | None, markets: Iterable[MarketRules]) -> tuple[OptOutWords, ...]:
    """The words that count for a person: those of the market, and in every market those of their own language."""
    language = (locale or "").partition("-")[0].lower()
    own = (row for one in markets for row in one.opt_out if row.language == language)
    return tuple(dict.fromkeys((*market.opt_out, *own)))


def folded(text: str) -> tuple[str, ...]:
    """The words of a text in their plainest form: compatible letters, no accents, no case, no punctuation."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    return tuple(NOT_A_WORD.sub(" ", letters).split())


def _begins(said: tuple[str, ...], word: tuple[str, ...]) -> bool:
    return bool(word) and (said[: len(word)] == word or _is_all(said, word))


def _is_all(said: tuple[str, ...], word: tuple[str, ...]) -> bool:
    """Also spelled with gaps: ``S T O P``, ``opt-out``."""
    return bool(word) and "".join(said) == "".join(word)


def _longest(words: Iterable[str]) -> str | None:
    return max(words, key=lambda word: (len(word), word), default=None)
