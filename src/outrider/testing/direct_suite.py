"""The contract of a provider that brings its own transport: the suite of all, with SMTP's answers for HTTP's.

@pytest.mark.parametrize("subject", [one for one in subjects(HERE) if one.direct], ids=str)
class TestEveryDirectProvider(DirectSuite): ...
"""

from __future__ import annotations

import asyncio
import inspect
import socket
from email import message_from_bytes
from email.policy import default
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outrider.contracts.http import Response
from outrider.contracts.provider import Provider, direct
from outrider.domain.attempt import SCOPES, Accepted, Reason, Refused, Scope, Unknown
from outrider.domain.message import Rendition
from outrider.testing.provider_cases import CaseFile, SendCase, Subject
from outrider.testing.provider_suite import MESSAGE, PROPERTY, ProviderSuite

MAIL = msgspec.structs.replace(
    MESSAGE, to="zoe@example.org", sender="Drive <cars@example.com>", body=Rendition("Bay B-12", "Your car", "<p>B</p>")
)
PHASES = ("connect", "login", "mail", "rcpt", "data", "end")
#: What no server may say where it is said, and what is no reply at all.
NONSENSE = ((250, b""), (354, b"go on"), (200, b"OK"), (0, b"<html>"), (999, b"?"), (150, b""))
WORDS = st.text(max_size=200) | st.text(st.sampled_from('\r\n\0\x85\u2028 =?:.,<>"@é🚗aB\t'), max_size=60)
#: Every header a mail of ours may have.
HEADERS = frozenset(
    {
        *("from", "to", "reply-to", "subject", "date", "message-id", "x-outrider-attempt", "auto-submitted"),
        *("list-unsubscribe", "list-unsubscribe-post", "content-type", "content-transfer-encoding", "mime-version"),
    }
)


class DirectSuite(ProviderSuite):
    """Every promise of `Direct`, beside those of every provider."""

    message = MAIL

    def test_its_settings_are_documented_and_can_point_elsewhere(self, subject: Subject) -> None:
        """Every field has a description for the form; host and port say where the server is."""
        schema = msgspec.json.schema(subject.provider.Settings)
        fields = schema["$defs"][subject.provider.Settings.__name__]["properties"]
        undocumented = [name for name, field in fields.items() if "description" not in field]
        assert not undocumented, f"describe with Annotated[…, Meta(description=…)]: {undocumented}"
        assert {"host", "port"} <= fields.keys()

    def test_429_and_5xx_mean_what_they_mean_everywhere(self, subject: Subject) -> None:
        """A reply 4xx was not taken and may pass, at every phase and with any words."""
        for phase in PHASES:
            for code in (421, 450, 451, 452, 454):
                for words in (b"", b"4.7.1 slow down", b"\xff", b"4.2.2 full"):
                    outcome = self._any(subject).outcome(Response(code, {"phase": phase}, words))
                    assert isinstance(outcome, Refused)
                    assert SCOPES[outcome.reason] is Scope.PASSING, (phase, code, words)

    def test_its_own_503_is_a_refusal_that_may_pass(self, subject: Subject) -> None:
        """A reply 5xx was not taken; policy and content say nothing about the person."""
        for phase in PHASES:
            outcome = self._any(subject).outcome(Response(550, {"phase": phase}, b"5.7.1 refused by policy"))
            assert isinstance(outcome, Refused)
            assert SCOPES[outcome.reason] is not Scope.RECIPIENT, phase
        for phase in ("connect", "login", "mail"):
            outcome = self._any(subject).outcome(Response(550, {"phase": phase}, b"5.1.1 nobody of that name"))
            assert isinstance(outcome, Refused)
            assert SCOPES[outcome.reason] is not Scope.RECIPIENT, f"{phase}: nobody was named yet"

    def test_a_2xx_nobody_can_read_is_in_doubt(self, subject: Subject) -> None:
        """Only the reply to the last byte accepts, and only for an attempt that is known."""
        for code, words in NONSENSE:
            assert isinstance(self._any(subject).outcome(Response(code, {"phase": "end"}, words)), Unknown), code
        said = Response(250, {"phase": "rcpt", "envid": self.message.attempt}, b"2.1.5 Ok")
        outcome = self._any(subject).outcome(said)
        assert isinstance(outcome, Refused)
        assert outcome.reason is Reason.NOT_CONNECTED

    @PROPERTY
    @given(text=WORDS, subject_line=WORDS, html=WORDS, name=WORDS)
    @example(text="\r\n.\r\nQUIT", subject_line="a\r\nBcc: b@c.example", html="", name='"<x>\r\nTo: a@b.example')
    @example(text="", subject_line="=?utf-8?q?Bcc=3A?=", html=".", name="A, B; \udfffZoé")
    def test_any_text_travels_unharmed(
        self, subject: Subject, text: str, subject_line: str, html: str, name: str
    ) -> None:
        """Words arrive as written but for line ends; whatever they are, no header and no recipient is added."""
        body = Rendition(text, subject_line, html)
        message = msgspec.structs.replace(self.message, body=body, sender=f"{name} <cars@example.com>")
        try:
            request = self._any(subject).request(message)
        except ValueError:
            assert not name.isalpha(), "an ordinary name is refused"
            return
        mail = message_from_bytes(request.body, policy=default)
        assert {header.lower() for header in mail} <= HEADERS
        assert len(mail.keys()) == len({header.lower() for header in mail})
        assert [one.addr_spec for one in mail["from"].addresses] == ["cars@example.com"]
        assert [one.addr_spec for one in mail["to"].addresses] == [self.message.to]
        assert _plain(_content(mail, "plain")) == _plain(text)
        assert not html or _plain(_content(mail, "html")) == _plain(html)
        assert request.body.isascii()
        assert max(map(len, request.body.split(b"\r\n"))) <= 998
        assert b"\n" not in request.body.replace(b"\r\n", b"")
        assert all(part.isascii() and part.isprintable() for header in request.headers for part in header)

    def test_it_brings_its_own_transport(self, subject: Subject) -> None:
        """`send` and `close` are coroutines; closing what was never open, and twice, is fine."""
        own = direct(self._any(subject))
        assert own is not None
        assert inspect.iscoroutinefunction(own.send)
        assert inspect.iscoroutinefunction(own.close)

        async def close() -> None:
            await own.close()
            await own.close()

        asyncio.run(close())

    def test_where_nobody_listens_nothing_was_sent(self, subject: Subject) -> None:
        """Refused, not connected; never an exception."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        outcome = asyncio.run(_sent(self._at(subject, port), 5.0))
        assert isinstance(outcome, Refused)
        assert outcome.reason is Reason.NOT_CONNECTED

    def test_a_server_that_says_nothing_is_left_at_the_deadline(self, subject: Subject) -> None:
        """Nothing was handed over, so nothing is in doubt."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            outcome = asyncio.run(_sent(self._at(subject, listener.getsockname()[1]), 0.05))
        assert isinstance(outcome, Refused)
        assert outcome.reason is Reason.NOT_CONNECTED

    @pytest.mark.parametrize(
        "to", ["", "zoe", "zoe@example.org\r\nRCPT TO:<x@y.example>", "a b@example.org", "é@x.example"]
    )
    def test_an_address_that_is_none_is_refused_without_a_call(self, subject: Subject, to: str) -> None:
        """No command can be smuggled in by an address."""
        outcome = asyncio.run(_sent(self._any(subject), 5.0, to=to))
        assert isinstance(outcome, Refused)
        assert outcome.scope is Scope.RECIPIENT

    def _at(self, subject: Subject, port: int) -> Provider:
        """The provider, pointed at this machine."""
        settings = subject.read("send.json", CaseFile[SendCase]).settings
        return subject.build({**settings, "host": "127.0.0.1", "port": port, "tls": "none"})


async def _sent(provider: Provider, deadline: float, **changes: Any) -> Accepted | Refused | Unknown:
    own = direct(provider)
    assert own is not None
    try:
        return await own.send(msgspec.structs.replace(MAIL, **changes), deadline)
    finally:
        await own.close()


def _content(mail: Any, kind: str) -> str:
    part = next(part for part in mail.walk() if part.get_content_type() == f"text/{kind}")
    text: str = part.get_payload(decode=True).decode("utf-8")
    return text


def _plain(text: str) -> str:
    """Line ends of every form as one, none at the end."""
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
