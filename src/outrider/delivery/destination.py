"""The country a message goes to."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers

from outrider.domain.message import Message

#: What the metadata says of numbers of no country: unknown, and worldwide services such as +800.
NOWHERE = frozenset({"ZZ", "001"})
#: Calling codes of one country only: most numbers need no look at their later digits.
ALONE = {
    str(code): regions[0]
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
    if len(regions) == 1 and regions[0] not in NOWHERE
}


def destination(message: Message) -> str:
    """ISO 3166-1 alpha-2: of the phone number where the address is one, of the message's market elsewhere."""
    address = message.content.address
    return (country_of(address) if address.startswith("+") else "") or message.market


def country_of(number: str) -> str:
    """The country of a number in E.164 with a plus; empty for one that belongs to none."""
    return ALONE.get(number[1:3]) or ALONE.get(number[1:4]) or _shared(number)


@lru_cache(maxsize=65_536)
def _shared(number: str) -> str:
    """Numbers under a calling code of several countries, such as +1, +39 or +44."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return ""
    found = phonenumbers.region_code_for_number(parsed)
    found = found or phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    return "" if found in NOWHERE else str(found)
