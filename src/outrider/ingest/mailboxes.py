"""E-mail addresses to their stored form, or a reason why not."""

from __future__ import annotations

import re
from functools import lru_cache

import idna

#: Octets of the part before the @, of the domain, and of both together (RFC 5321, 4.5.3.1; a path of 256 has < and >).
LONGEST_LOCAL = 64
LONGEST_DOMAIN = 255
LONGEST = 254
#: A dot-atom (RFC 5322, 3.2.3). Quoted parts are legal and nobody has one; most servers refuse them.
LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
#: The last part of a domain name is no number (RFC 3696, 2).
NUMBER = re.compile(r"[0-9]+")


class BadMailbox(ValueError):
    """Not an address mail can be sent to; the text says why, without the address."""


@lru_cache(maxsize=65_536)
def mailbox(value: str) -> str:
    """The address trimmed, its domain in lower case and in ASCII (IDNA 2008); the part before the @ stays as it is.

    Raises BadMailbox.
    """
    local, at, domain = value.strip().rpartition("@")
    if not at:
        raise _bad("it has no @")
    if not local or not domain:
        raise _bad("there is nothing before the @" if not local else "there is nothing after the @")
    if not local.isascii():
        raise _bad("the part before the @ may only have ASCII characters")
    if len(local) > LONGEST_LOCAL:
        raise _bad(f"the part before the @ is longer than {LONGEST_LOCAL} characters")
    if not LOCAL.fullmatch(local):
        raise _bad("the part before the @ has a character or a dot where none may be")
    found = f"{local}@{_domain(domain)}"
    if len(found) > LONGEST:
        raise _bad(f"it is longer than {LONGEST} characters")
    return found


def _domain(domain: str) -> str:
    try:
        ascii_form = idna.encode(domain, uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        raise _bad("what stands after the @ is no domain name") from None
    labels = ascii_form.split(".")
    if len(labels) < 2 or not labels[-1]:
        raise _bad("its domain has no dot in it" if len(labels) < 2 else "its domain ends with a dot")
    if len(ascii_form) > LONGEST_DOMAIN:
        raise _bad(f"its domain is longer than {LONGEST_DOMAIN} characters")
    if NUMBER.fullmatch(labels[-1]):
        raise _bad("its domain ends with a number")
    return ascii_form


def _bad(why: str) -> BadMailbox:
    return BadMailbox(f"not an e-mail address: {why}")
