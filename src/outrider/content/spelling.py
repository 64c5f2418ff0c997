"""Write a text with the characters of GSM-7: accents may be lost, meaning may not.

Three sources of what to write instead, in this order: the table below, the canonical decomposition (`ê` → `e`), the
compatibility decomposition (`ﬁ` → `fi`) of the Unicode character database. What none of them knows stays as it is:
a text never gets a `?` it did not have. A few characters are read in their surroundings (`10²`, `2½`, `20°`, `n°`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from outrider.content.gsm7 import ALL_GSM, ALPHABET, OUTSIDE

#: What to write instead → the characters it replaces: house choices where no decomposition exists, or a worse one.
SPELLINGS = {
    "-": "‐‑‒–—―−⁃﹘•·∙‣◦▪▫■□●○◆◇☐",
    "'": "‘’‚‛‹›´`′‵ʼʻʹʽ",
    '"': "“”„‟«»″‶",
    " ": "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
    "\n": "\v\x85\u2028\u2029",
    "": "\u200b\u2060\ufeff\u180e\u00ad",
    "...": "…",
    "oe": "œ",
    "OE": "Œ",
    "s": "ſ",
    "SS": "ẞ",
    "l.": "ŀ",
    "L.": "Ŀ",
    "l": "ł",
    "L": "Ł",
    "d": "đð",
    "D": "ĐÐ",
    "h": "ħ",
    "H": "ĦΗ",
    "t": "ŧ",
    "T": "ŦΤ",
    "th": "þ",
    "Th": "Þ",
    "i": "ı",
    "ng": "ŋ",
    "NG": "Ŋ",
    "A": "Α",
    "B": "Β",
    "E": "Ε",
    "Z": "Ζ",
    "I": "Ι",
    "K": "Κ",
    "M": "Μ",
    "N": "Ν",
    "O": "Ο",
    "P": "Ρ🅿",
    "Y": "Υ",
    "X": "Χ✗✘❌",
    "x": "×",
    "/": "÷⁄∕",
    "+/-": "±",
    "<=": "≤",
    ">=": "≥",
    "!=": "≠",
    "~": "≈",
    "->": "→➔➙➛➜➝➞➟➠➡➢➣➤",
    "<-": "←⬅",
    "<->": "↔",
    "=>": "⇒",
    "(TM)": "™",
    "(R)": "®",
    "(C)": "©",
    "(SM)": "℠",
    "deg": "°",
    "u": "µ",
    "c": "¢",
    "|": "¦",
    "*": "★☆⭐∗",
    "!": "⚠",
    "OK": "✓✔✅☑",
    "Tel.": "☎📞",
    ":-)": "🙂😊😀☺",
    ":-(": "🙁😞☹",
    ";-)": "😉",
    "<3": "❤♥",
    "RUB": "₽",
    "INR": "₹",
    "TRY": "₺",
}

#: Dingbats ❶ to ➓ have no decomposition: three rows of ten.
CIRCLED = {chr(0x2776 + row): f"({row % 10 + 1})" for row in range(30)}

#: Control characters show nothing and mean nothing on a handset; ESC among them, which would garble the next one.
CONTROLS = dict.fromkeys({*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0))} - ALPHABET, "")

TABLE = CONTROLS | {char: written for written, chars in SPELLINGS.items() for char in chars} | CIRCLED

#: Joiners and direction marks belong to the character before them, as combining marks and variation selectors do.
FOLLOWERS = frozenset("\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

#: Blocks of pictures (Unicode 16, property Emoji) and what may follow a picture: selector, joiner, skin tone, tag.
_BLOCKS = "[\u231a-\u23ff\u25fb-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]"
_WRITABLE = "".join(char for char in TABLE if re.match(_BLOCKS, char))
_PICTURE = f"(?![{_WRITABLE}]){_BLOCKS}[\ufe0e\ufe0f\u200d\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"
_WEB = r"https?://(?P<host>[^\s/?#]*)(?P<path>\S*)"
_PICTURES_OUTSIDE_WEB = re.compile(rf"(?P<web>{_WEB})|(?P<left> ?){_PICTURE}(?: ?{_PICTURE})*(?P<right> ?)")
_ACCENTED_OUTSIDE_WEB = re.compile(rf"(?P<web>{_WEB})|[^\u0300-\u036f][\u0300-\u036f]+")
_ANY_PICTURE, _ANY_ACCENT = re.compile(_BLOCKS), re.compile("[\u0300-\u036f]")
_WEB_ADDRESS = re.compile(_WEB)


def transliterate(text: str) -> str:
    """Replace what GSM-7 cannot carry by what says the same; a text GSM-7 can carry comes back as it is.

    Pictures (emoji) without a written form are left out together with the space they stood in. What has no
    replacement (Cyrillic, Arabic, Chinese, …) stays. In the path of a web address, letters become their percent
    encoding (RFC 3987, 3.1), so that the link leads to the same place. Doing it twice changes nothing more.
    """
    if ALL_GSM.fullmatch(text):
        return text
    if _ANY_PICTURE.search(text):
        text = _PICTURES_OUTSIDE_WEB.sub(_without_pictures, text)
    if _ANY_ACCENT.search(text):
        text = _ACCENTED_OUTSIDE_WEB.sub(_composed, text)
    return "".join(_pieces(text))


def replacements(text: str) -> Iterator[tuple[int, str, str | None]]:
    """Each character GSM-7 cannot carry: index (in code points), the character, and what to write instead.

    None where nothing keeps the meaning: a foreign script, a picture. Empty where leaving it out loses nothing.
    """
    addresses = list(_WEB_ADDRESS.finditer(text)) if "://" in text else []
    written = ""
    for found in OUTSIDE.finditer(text):
        index, char = found.start(), found[0]
        replacement = None
        if addresses or spelled(char) is not None:
            before = text[index - 1 : index]
            written = before if before in ALPHABET else written
            replacement = _replacement(text, index, written, addresses)
        yield index, char, replacement
        written = char if replacement is None else replacement or written


@lru_cache(maxsize=4096)
def spelled(char: str) -> str | None:
    """What to write instead of one character, seen alone; itself when GSM-7 carries it; None when nothing fits."""
    if char in ALPHABET:
        return char
    if char in TABLE:
        return TABLE[char]
    if is_follower(char):
        return ""
    return _decomposed(*_decomposition(char))


@lru_cache(maxsize=4096)
def is_follower(char: str) -> bool:
    """True for what only changes the character before it: combining marks, selectors, joiners, direction marks."""
    return char in FOLLOWERS or unicodedata.category(char).startswith("M")


def _decomposition(char: str) -> tuple[str, str]:
    """The tag (empty when canonical) and the characters of one level of decomposition, both empty without one."""
    tag, _, codes = unicodedata.decomposition(char).rpartition("> ")
    return tag, "".join(chr(int(code, 16)) for code in codes.split())


def _decomposed(tag: str, characters: str) -> str | None:
    parts = [spelled(each) for each in characters]
    if not parts or None in parts:
        return None
    joined = "".join(part for part in parts if part)
    return f"({joined})" if tag == "<circle" else joined


def _pieces(text: str) -> Iterator[str]:
    done = 0
    for index, char, replacement in replacements(text):
        yield text[done:index]
        yield char if replacement is None else replacement
        done = index + 1
    yield text[done:]


def _replacement(text: str, index: int, written: str, addresses: list[re.Match[str]]) -> str | None:
    char = text[index]
    address = next((each for each in addresses if each.start() <= index < each.end()), None)
    if address and unicodedata.category(char)[0] in "LMNS":
        return None if index < address.end("host") else "".join(f"%{byte:02X}" for byte in char.encode())
    if is_follower(char):
        return "" if address and index >= address.end("host") else _without_follower(text, index)
    alone = spelled(char)
    return _in_context(text, index, alone, written[-1:]) if alone else alone


def _without_follower(text: str, index: int) -> str | None:
    """A mark may go when the character that carries it is written in GSM-7; in a foreign script it stays."""
    carrier = next((char for char in reversed(text[:index]) if not is_follower(char)), "")
    return None if carrier and spelled(carrier) is None else ""


def _in_context(text: str, index: int, alone: str, before: str) -> str:
    """Keep the meaning where neighbors would change it: `2½` is not 21/2, `10²` is not 102, `n°` is no degree."""
    char, previous, following = text[index], text[index - 1 : index], text[index + 1 : index + 2]
    if char == "°" and before in tuple("nN"):
        return "o"
    if char == "·" and before in tuple("lL") and following in tuple("lL"):
        return "."  # Catalan l·l
    if not before.isdigit():
        return alone
    if "/" in alone and alone[0].isdigit():
        return f" {alone}"
    return f"^{alone}" if _is_raised(char) and not _is_raised(previous) else alone


def _is_raised(char: str) -> bool:
    """True for superscript digits and signs; raised letters (`1ᵉʳ`, `2º`) read well without a sign for it."""
    tag, characters = _decomposition(char) if char else ("", "")
    return tag == "<super" and not characters.isalpha()


def _without_pictures(found: re.Match[str]) -> str:
    if found["web"]:
        return found[0]
    before = found.string[: found.start()][-1:]
    after = found.string[found.end() :][:1]
    if before in ("", "\n") or after in ("", "\n") or (after in ".,)" and not found["right"]):
        return ""
    return " " if found["left"] or found["right"] else ""


def _composed(found: re.Match[str]) -> str:
    composed = unicodedata.normalize("NFC", found[0])
    return composed if not found["web"] and ALL_GSM.fullmatch(composed) else found[0]
