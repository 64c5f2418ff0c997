"""Phone numbers to E.164, or a reason."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.ingest.phones import BadPhone, e164


@pytest.mark.parametrize(
    ("written", "region", "number"),
    [
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("+33 6 12 34 56 78", "DE", "+33612345678"),
        ("0033612345678", "FR", "+33612345678"),
        ("(0151) 2345-6789", "DE", "+4915123456789"),
        ("07911 123456", "GB", "+447911123456"),
        ("612 345 678", "ES", "+34612345678"),
        ("tel:+33612345678", "FR", "+33612345678"),
        ("+33612345678;ext=3", "FR", "+33612345678"),
    ],
)
def test_numbers_are_read_as_people_write_them(written, region, number):
    assert e164(written, region) == number


@pytest.mark.parametrize(
    ("written", "region", "reason"),
    [
        ("", "FR", "not a phone number"),
        ("hello", "FR", "did not seem to be a phone number"),
        ("06 12", "FR", "too short"),
        ("+336123456789012", "FR", "too long"),
        ("+999612345678", "FR", "could not interpret numbers after plus-sign"),
        ("0612345678", "XX", "region"),
        ("+33000000000", "FR", "no number of +33 looks like this"),
        ("9" * 300, "FR", "not a phone number"),
        ("20100000000000", "DE", "not a phone number: it is too long"),
    ],
)
def test_what_is_no_number_says_why_without_repeating_it(written, region, reason):
    with pytest.raises(BadPhone, match=re.escape(reason)) as error:
        e164(written, region)
    assert not written or written not in str(error.value)


@given(
    st.text(max_size=40) | st.from_regex(r"\+?[0-9 ().-]{3,20}", fullmatch=True), st.sampled_from(["FR", "DE", "US"])
)
def test_any_text_is_a_number_that_reads_as_itself_or_a_reason(written, region):
    try:
        number = e164(written, region)
    except BadPhone:
        return
    assert re.fullmatch(r"\+[1-9][0-9]{6,14}", number)
    assert e164(number, "GB") == number
