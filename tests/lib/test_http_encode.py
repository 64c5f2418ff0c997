"""Requests as bytes: what is written, and that no text can change where a request ends."""

from __future__ import annotations

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.lib.http.encode import Origin, encode
from outrider.lib.http.wire import Request


class Parsed:
    """A server's view of one request."""

    def __init__(self, raw: bytes) -> None:
        self.headers: list[tuple[str, str]] = []
        self.url = self.body = b""
        self.messages = 0
        parser = httptools.HttpRequestParser(self)
        parser.feed_data(raw)
        self.method = parser.get_method().decode()

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.decode(), value.decode()))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.messages += 1


@pytest.mark.parametrize(
    ("url", "origin", "line", "host"),
    [
        ("http://a.example", Origin("a.example", 80, False), b"/", "a.example"),
        ("https://A.Example:443/x?y=%20#z", Origin("a.example", 443, True), b"/x?y=%20", "a.example"),
        ("https://a.example:8443/", Origin("a.example", 8443, True), b"/", "a.example:8443"),
        ("http://a.example?q=1", Origin("a.example", 80, False), b"/?q=1", "a.example"),
        ("http://[::1]:8080/x", Origin("::1", 8080, False), b"/x", "[::1]:8080"),
        ("http://10.0.0.1/x", Origin("10.0.0.1", 80, False), b"/x", "10.0.0.1"),
    ],
)
def test_a_url_says_whom_to_ask_for_what(url: str, origin: Origin, line: bytes, host: str) -> None:
    where, raw = encode(Request("GET", url))
    assert where == origin
    assert raw.startswith(b"GET " + line + b" HTTP/1.1\r\n")
    assert ("Host", host) in Parsed(raw).headers


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/path",
        "http://",
        "http:///x",
        "http://a b/",
        "http://a.example:port/",
        "http://a.example:99999/",
        "http://a\t.example/",
        "http://a.example/\n",
        "http://a.example/x y",
        "http://ex%61mple/",
        "http://u@a.example/",
        "gopher://a.example/",
    ],
)
def test_a_url_that_cannot_be_asked_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        encode(Request("GET", url))


def test_a_secret_in_a_refused_url_or_header_stays_out_of_the_message() -> None:
    for request in (
        Request("GET", "http://a.example/hunter2 "),
        Request("GET", "http://me:hunter2@a.example/"),
        Request("GET", "http://a.example/", (("Authorization", "Bearer hunter2\n"),)),
    ):
        with pytest.raises(ValueError) as refusal:
            encode(request)
        assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [("POST", b"", "0"), ("PUT", b"", "0"), ("POST", b"abc", "3"), ("GET", b"", None), ("DELETE", b"ab", "2")],
)
def test_the_length_is_said_where_a_body_is_expected(method: str, body: bytes, length: str | None) -> None:
    parsed = Parsed(encode(Request(method, "http://a.example/", body=body))[1])
    assert dict(parsed.headers).get("Content-Length") == length
    assert (parsed.method, parsed.body) == (method, body)


def test_the_callers_own_agent_and_encoding_replace_ours() -> None:
    given_ = (("User-Agent", "mine"), ("ACCEPT-ENCODING", "gzip"))
    headers = Parsed(encode(Request("GET", "http://a.example/", given_))[1]).headers
    assert headers == [("Host", "a.example"), *given_]


ANY_TEXT = st.text(st.characters(max_codepoint=300), max_size=12)


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT, ANY_TEXT, st.binary(max_size=40))
def test_a_server_reads_exactly_what_was_given_or_the_request_is_refused(
    method: str, path: str, name: str, value: str, body: bytes
) -> None:
    request = Request(method or "POST", f"http://a.example/{path}", ((name, value),), body)
    try:
        _, raw = encode(request)
    except ValueError:
        return
    head, _, rest = raw.partition(b"\r\n\r\n")
    lines = head.decode("ascii").split("\r\n")
    assert rest == body
    assert lines[0].split(" ")[0] == request.method
    assert lines[0].count(" ") == 2
    assert f"{name}: {value}" in lines
    assert all(": " in line for line in lines[1:])


@given(st.sampled_from("\r\n\0\x7f\x0b"), st.integers(0, 5))
def test_a_control_character_is_refused_wherever_it_stands(character: str, at: int) -> None:
    def spoiled(text: str) -> str:
        return text[:at] + character + text[at:]

    for request in (
        Request(spoiled("POST"), "http://a.example/"),
        Request("POST", spoiled("http://a.example/")),
        Request("POST", "http://a.example/", ((spoiled("X-Name"), "value"),)),
        Request("POST", "http://a.example/", (("X-Name", spoiled("value")),)),
    ):
        with pytest.raises(ValueError):
            encode(request)
