"""`outrider send` against the real API: what is an address, what a value means, and words for whatever is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from served_api import Running, invoke, running

from outrider.cli.send import _told
from outrider.domain.purpose import Purpose

SEND = ("send", "code", "--value", "code=A-1")


@pytest.fixture
def api() -> Iterator[Running]:
    with running() as made:
        yield made


def test_a_send_is_accepted_once_for_a_key(api: Running) -> None:
    command = ("send", "code", "--to", "+33612345678", "--value", 'code="4711"', "--key", "k-1", "--valid-for", "5m")
    first, again = (invoke(api, *command, "--json") for _ in range(2))
    assert first.exit_code == 0, first.output
    assert json.loads(first.stdout)["status"] == "accepted"
    assert again.stdout == first.stdout
    [body] = api.bodies()
    assert (body.address.value, body.values, body.strategy.channels) == ("+33612345678", {"code": "4711"}, ("sms",))


def test_a_dedupe_key_goes_along_as_its_hash(api: Running) -> None:
    done = invoke(api, *SEND, "--to", "c-1042", "--dedupe-key", "license-77:2030-05-31")
    assert done.exit_code == 0, done.output
    [body] = api.bodies()
    assert body.dedupe == api.deps.hasher.dedupe("license-77:2030-05-31")
    refused = invoke(api, *SEND, "--to", "c-1042", "--dedupe-key", "two\nlines")
    assert refused.exit_code == 1
    assert "$.dedupe_key: expected a text without control characters" in refused.output


def test_a_send_to_a_key_names_channel_and_purpose(api: Running) -> None:
    arguments = ("--to", "c-1042", "--channel", "sms", "--purpose", "security", "--value", "code=A-1")
    done = invoke(api, "send", "code", *arguments)
    assert "not decided yet, see: outrider explain msg_" in done.stdout
    [body] = api.bodies()
    assert (body.profile, body.values) == ("c-1042", {"code": "A-1"})


def test_a_send_that_is_refused_names_every_place(api: Running) -> None:
    done = invoke(api, "send", "code", "--to", "c", "--value", "cod=1", "--channel", "push")
    assert done.exit_code == 1
    for words in ("$.values.cod: ", "$.values.code: missing", "$.channels.first[0]: ", "(422)"):
        assert words in done.output
    assert invoke(api, "send", "code", "--to", "c", "--value", "code").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "to"),
    [
        (("--to", "c-1042"), "c-1042"),
        (("--to", "0612345678"), "0612345678"),
        (("--to", "0612345678", "--market", "FR"), ("sms", "+33612345678")),
        (("--to", "07400 123456", "--market", "gb"), ("sms", "+447400123456")),
        (("--to", "+33 6 12 34 56 78"), ("sms", "+33612345678")),
        (("--to", "sms:+33612345678", "--locale", "fr", "--zone", "Europe/Paris"), ("sms", "+33612345678")),
        (("--to", "sms:0612345678"), ("sms", "+33612345678")),
        (("--to", "profile:zoe@example.org"), "zoe@example.org"),
        (("--to", "profile:+33612345678"), "+33612345678"),
        (("--to", "app:77"), "app:77"),
    ],
)
def test_who_is_meant_is_read_from_its_form_or_said(api: Running, arguments: tuple[str, ...], to: Any) -> None:
    done = invoke(api, *SEND, *arguments)
    assert done.exit_code == 0, done.output
    [body] = api.bodies()
    assert ((body.address.channel, body.address.value) if body.address else body.profile) == to
    assert (body.locale, body.zone) == (("fr", "Europe/Paris") if "--zone" in arguments else (None, None))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4711", "4711"),
        ("0815", "0815"),
        ("true", "true"),
        ("null", "null"),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("1e5", "1e5"),
        ('"4711"', "4711"),
        ("[1, 2]", "[1, 2]"),
        ("", ""),
        ("a=b", "a=b"),
        ("[" * 5000, "[" * 5000),
        ('"\\ud800"', '"\\ud800"'),
    ],
)
def test_a_value_that_reads_as_json_is_text_where_the_template_wants_text(api: Running, text: str, value: str) -> None:
    done = invoke(api, "send", "code", "--to", "c-1", "--value", f"code={text}")
    assert done.exit_code == 0, done.output
    assert [body.values for body in api.bodies()] == [{"code": value}]


def test_a_time_critical_message_says_so(api: Running) -> None:
    done = invoke(api, *SEND, "--to", "c-1", "--time-critical", "--valid-for", "5m")
    assert done.exit_code == 0, done.output
    [body] = api.bodies()
    assert (body.time_critical, body.valid_for.total_seconds(), body.purpose) == (True, 300, Purpose.SECURITY)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--to", ""), 2, "expected a profile's key or an address"),
        (("--to", "  "), 2, "expected a profile's key or an address"),
        (("--to", "+33 6"), 1, "not a phone number"),
        (("--to", "+"), 1, "not a phone number"),
        (("--to", "c-1", "--market", "FR"), 2, "--market: belongs to an address"),
        (("--to", "zoe@example"), 1, "not an e-mail address"),
        (("--to", "0612345678", "--market", "UK"), 1, "there is no market 'UK'; known: DE"),
        (("--to", "+33612345678", "--zone", "Mars"), 1, "expected an IANA time zone"),
        (("--to", "c", "--value", "code=B"), 2, "code is given twice"),
        (("--to", "c", "--channel", ""), 1, "$.channels.first[0]: expected a channel's name such as sms"),
        (("--to", "c", "--purpose", "urgent"), 1, "$.purpose: expected one of safety, security"),
        (("--to", "c", "--valid-for", "10"), 1, "$.valid_for: expected a length of time such as 30s"),
        (("--to", "c", "--key", ""), 1, "Idempotency-Key: expected a key of 1 to 255 characters"),
        (("--to", "c", "--key", "é"), 1, "header idempotency-key: expected a value of printable ASCII"),
        (("--to", "c", "--key", "a\nb"), 1, "without line breaks"),
        (("--to", "c", "--url", "nonsense"), 1, "expected http or https; check --url"),
        (("--to", "c", "--url", "http://127.0.0.1:99999"), 1, "check --url"),
        (("--to", "c", "--url", "http://a b"), 1, "check --url"),
        (("--to", "c", "--url", "http://"), 1, "check --url"),
        (("--to", "c", "--url", "http://me:secret@127.0.0.1"), 1, "URL with credentials"),
        (("--to", "k" * 600), 1, "$.to.profile: "),
    ],
)
def test_whatever_is_wrong_is_one_sentence(api: Running, arguments: tuple[str, ...], status: int, words: str) -> None:
    done = invoke(api, *SEND, *arguments)
    assert (done.exit_code, words in done.output) == (status, True), done.output
    assert isinstance(done.exception, SystemExit)
    assert "secret" not in done.output
    assert api.bodies() == []


@pytest.mark.parametrize("key", ["bad", "b\nd", "é"])
def test_an_api_key_that_cannot_be_one_is_told_and_not_shown(api: Running, key: str) -> None:
    api.environment["OUTRIDER_API_KEY"] = key
    done = invoke(api, *SEND, "--to", "c")
    assert (done.exit_code, type(done.exception)) == (1, SystemExit), done.output
    assert f"'{key}'" not in done.output


@pytest.mark.parametrize(
    ("to", "words"),
    [("c-9", "Put or import the profile first"), ("0612 345678", "write it with its country (+33 6 12 34 56 78)")],
)
def test_a_key_nobody_has_is_told_with_what_to_do(to: str, words: str) -> None:
    decision = {"explanation": ["Dropped by reachability. Nobody is known by this key."]}
    assert words in _told({"id": "msg_1", "decision": decision}, to)
    other = {"explanation": ["Dropped by reachability. There is no living sms address."]}
    assert words not in _told({"id": "msg_1", "decision": other}, to)
