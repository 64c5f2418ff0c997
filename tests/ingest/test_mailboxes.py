"""E-mail addresses to their stored form, or a reason."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.ingest.mailboxes import BadMailbox, mailbox
from outrider.lib.ids import Hasher
from outrider.providers._mail_message import MAILBOX


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("zoe@example.org", "zoe@example.org"),
        ("  Zoe.O'Neil+cars@EXAMPLE.Org \n", "Zoe.O'Neil+cars@example.org"),
        ("info@bücher.example", "info@xn--bcher-kva.example"),
        ("info@BÜCHER.example", "info@xn--bcher-kva.example"),
        ("a@faß.example", "a@xn--fa-hia.example"),
        ("x" * 64 + "@example.org", "x" * 64 + "@example.org"),
    ],
)
def test_addresses_are_read_as_people_write_them(written: str, stored: str) -> None:
    assert mailbox(written) == stored


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "it has no @"),
        ("zoe", "it has no @"),
        ("@example.org", "there is nothing before the @"),
        ("zoe@", "there is nothing after the @"),
        ("zoé@example.org", "only have ASCII"),
        ("x" * 65 + "@example.org", "longer than 64"),
        ("a..b@example.org", "a character or a dot where none may be"),
        (".a@example.org", "a character or a dot where none may be"),
        ('"a b"@example.org', "a character or a dot where none may be"),
        ("a@b@example.org", "a character or a dot where none may be"),
        ("a\r\nb@example.org", "a character or a dot where none may be"),
        ("zoe@localhost", "no dot in it"),
        ("zoe@example.", "ends with a dot"),
        ("zoe@-example.org", "no domain name"),
        ("zoe@exa mple.org", "no domain name"),
        ("zoe@exa_mple.org", "no domain name"),
        ("zoe@[127.0.0.1]", "no domain name"),
        ("zoe@127.0.0.1", "ends with a number"),
        ("x" * 64 + "@" + ".".join(["y" * 60] * 4), "longer than 254"),
        ("zoe@" + ".".join(["y" * 63] * 5), "no domain name"),
    ],
)
def test_what_is_no_address_is_refused_with_the_reason_and_without_the_address(written: str, reason: str) -> None:
    with pytest.raises(BadMailbox, match=re.escape(reason)) as refusal:
        mailbox(written)
    assert str(refusal.value).startswith("not an e-mail address: ")
    assert not written.strip() or written.strip() not in str(refusal.value)


@given(st.text(max_size=80) | st.emails())
def test_what_passes_is_stable_and_fit_for_the_wire(written: str) -> None:
    try:
        stored = mailbox(written)
    except BadMailbox:
        return
    assert mailbox(stored) == stored
    assert MAILBOX.fullmatch(stored)
    assert len(stored) <= 254
    assert stored.rpartition("@")[2].islower()


def test_letter_case_never_tells_two_mailboxes_apart() -> None:
    hasher = Hasher(b"k" * 32)
    assert hasher.address("email", "Zoe@example.org") == hasher.address("email", "zoe@example.org")
    assert hasher.address("push", "Zoe") != hasher.address("push", "zoe")
