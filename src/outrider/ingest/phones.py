"""Phone numbers to E.164, or a reason why not."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers

REASONS = {
    phonenumbers.ValidationResult.TOO_SHORT: "it is too short",
    phonenumbers.ValidationResult.TOO_LONG: "it is too long",
    phonenumbers.ValidationResult.INVALID_COUNTRY_CODE: "its country code does not exist",
    phonenumbers.ValidationResult.INVALID_LENGTH: "its length does not exist in its country",
    phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "it lacks its area code",
}
#: A plus sign and fifteen digits (ITU-T E.164, 6.2.1). The metadata of Germany let longer ones pass.
LONGEST = 16


class BadPhone(ValueError):
    """Not a phone number we could reach; the text says why, without the number."""


@lru_cache(maxsize=65_536)
def e164(value: str, region: str) -> str:
    """The number in E.164 with a plus sign. `region` (ISO 3166-1 alpha-2) reads numbers without a country code.

    Raises BadPhone. Validity is that of Google's libphonenumber metadata.
    """
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException as error:
        raise BadPhone(f"not a phone number: {str(error).split(') ')[-1].rstrip('.').lower()}") from None
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible in REASONS:
        raise BadPhone(f"not a phone number: {REASONS[possible]}")
    if not phonenumbers.is_valid_number(number):
        raise BadPhone(f"no number of +{number.country_code} looks like this: its range is not in use")
    written = str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    if len(written) > LONGEST:
        raise BadPhone(f"not a phone number: {REASONS[phonenumbers.ValidationResult.TOO_LONG]}")
    return written
