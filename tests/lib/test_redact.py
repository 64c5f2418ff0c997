"""What is taken out of the words of providers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.lib.redact import HIDDEN, trace_of, without_addresses

NUMBER = "+33612345678"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("21211 Invalid 'To' Phone Number: +33612345678", f"21211 Invalid 'To' Phone Number: {HIDDEN}"),
        ("21211 33612345678 is not valid", f"21211 {HIDDEN} is not valid"),
        ("0612345678 unknown", f"{HIDDEN} unknown"),
        ("to=0033612345678, 30008", f"to={HIDDEN}, 30008"),
        ("+33 6 12 34 56 78 is a landline", f"{HIDDEN} is a landline"),
        ("forwarded to +34 612 345 678", f"forwarded to {HIDDEN}"),
        ("30008 unknown error, 429", "30008 unknown error, 429"),
        ("", ""),
    ],
)
def test_a_number_is_hidden_in_every_spelling_and_codes_stay(said, kept):
    assert without_addresses(said, NUMBER) == kept


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("rcpt: 550 5.1.1 <Zoe@example.org>: unknown", f"rcpt: 550 5.1.1 <{HIDDEN}>: unknown"),
        ("451 4.3.0 zoe@example.org.", f"451 4.3.0 {HIDDEN}."),
        ("5.7.1 no relay for SRS0=x=zoe@relay.example here", f"5.7.1 no relay for SRS0=x={HIDDEN} here"),
    ],
)
def test_mail_addresses_are_hidden_whoever_they_belong_to(said, kept):
    assert without_addresses(said, "zoe@example.org") == without_addresses(said) == kept


def test_a_token_is_hidden_as_it_is():
    assert without_addresses("404 no device dXy:APA91b", "dXy:APA91b") == f"404 no device {HIDDEN}"


@given(st.text(max_size=60), st.sampled_from([NUMBER, "zoe@example.org", "dXy:APA91b"]), st.text(max_size=60))
def test_whatever_stands_around_it_the_address_is_gone(before, address, after):
    assert address not in without_addresses(before + address + after, address)


def test_a_trace_names_places_and_no_values() -> None:
    def inner() -> None:
        raise ValueError("secret")

    try:
        inner()
    except ValueError as error:
        trace = trace_of(error)
    assert trace[0].endswith(" inner")
    assert not any("secret" in line for line in trace)
