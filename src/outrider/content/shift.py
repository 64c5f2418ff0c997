"""National language shift tables of GSM-7: more letters at the price of a shorter segment.

Source: 3GPP TS 23.038, A.2 (single shift tables 1 Turkish, 2 Spanish, 3 Portuguese) and TS 23.040, 9.2.3.24.15: the
table is named in a header of 3 octets, so that a lone segment carries 155 septets and each of several 149. No table
exists for French, German or Italian. Locking shift tables are not used. Networks and handsets support the tables
unevenly, and providers only as an option: they count only where a template asks and the route supports them.
"""

from __future__ import annotations

import re

from outrider.content.gsm7 import ALPHABET, EXTENSION, OUTSIDE
from outrider.content.spelling import replacements

#: Language → letters of its single shift table beyond the usual extension; each costs two septets.
LETTERS = {
    "es": "çÁÍÓÚáíóú",
    "pt": "êçÔôÁáÊÀÍÓÚÃÕÂíóúãõâ",
    "tr": "ĞİŞçğış",
}

#: What one character of the table costs in septets, as in the extension table: the escape and the letter.
TABLES = {language: frozenset(letters) | frozenset(EXTENSION) for language, letters in LETTERS.items()}

#: Matches a whole text when GSM-7 with the table can carry it.
CARRIES = {
    language: re.compile(f"[{''.join(re.escape(char) for char in sorted(ALPHABET | set(letters)))}]*")
    for language, letters in LETTERS.items()
}
#: One character that takes two septets.
SHIFTED = {
    language: re.compile(f"[{''.join(re.escape(char) for char in sorted(characters))}]")
    for language, characters in TABLES.items()
}


def fitting(text: str, allowed: frozenset[str]) -> list[str]:
    """The allowed tables that can carry the whole text, in order; none when it needs no table."""
    if not OUTSIDE.search(text):
        return []
    return [language for language in sorted(allowed & CARRIES.keys()) if CARRIES[language].fullmatch(text)]


def spelled_for(text: str, language: str) -> str:
    """The text with every character replaced that neither GSM-7 nor the table has, where something says the same."""
    pieces, done = [], 0
    for index, char, replacement in replacements(text):
        if char not in TABLES[language] and replacement is not None:
            pieces += [text[done:index], replacement]
            done = index + 1
    return "".join([*pieces, text[done:]])
