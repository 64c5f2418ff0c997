"""Reading answers: what is understood, what is refused, and that neither depends on how the bytes were cut."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outrider.lib.http.answer import Reader
from outrider.lib.http.wire import Broken, Limits, Response

LIMITS = Limits(head=2000, answer=20_000)
Outcome = tuple[Response, float] | type[Broken]


def read(reader: Reader, pieces: Iterable[bytes], *, to_head: bool = False) -> Outcome:
    """One answer, and how long the connection may be kept; the pieces are all the server says before it closes."""
    reader.begin(to_head=to_head)
    try:
        for piece in pieces:
            if reader.feed(piece):
                break
        else:
            reader.finish()
    except Broken:
        return Broken
    response = reader.take()
    return response, reader.keep_for(response)


def cut(raw: bytes, places: Iterable[int]) -> list[bytes]:
    """`raw` cut at the given places, in order."""
    edges = [0, *sorted({place for place in places if 0 < place < len(raw)}), len(raw)]
    return [raw[start:end] for start, end in pairwise(edges)]


HEAD = b"HTTP/1.1 200 OK\r\n"
PLAIN = HEAD + b"Content-Length: 2\r\n\r\nok"


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        pytest.param(PLAIN, 15.0, id="kept by default"),
        pytest.param(HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nok", 0.0, id="close announced"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 0.0, id="1.0 does not keep"),
        pytest.param(HEAD + b"Keep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok", 4.0, id="shorter by a hint"),
        pytest.param(HEAD + b"Keep-Alive: timeout=75, max=9\r\nContent-Length: 2\r\n\r\nok", 15.0, id="long hint"),
        pytest.param(HEAD + b"Keep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok", 0.0, id="hint too short"),
        pytest.param(HEAD + b"Keep-Alive: max=9\r\nContent-Length: 2\r\n\r\nok", 15.0, id="hint without a time"),
        pytest.param(HEAD + b"\r\nok", 0.0, id="body until the close"),
        pytest.param(PLAIN + b"HTTP/1.1 200 OK\r\n", 0.0, id="more than was asked for"),
        pytest.param(PLAIN + b"junk", 0.0, id="junk after the answer"),
    ],
)
def test_a_connection_is_kept_only_in_step(raw: bytes, kept: float) -> None:
    assert read(Reader(LIMITS), [raw]) == (Response(200, read_headers(raw), b"ok"), kept)


def read_headers(raw: bytes) -> dict[str, str]:
    lines = raw.split(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(HEAD, id="half a head"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", id="only an interim answer"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + PLAIN, id="another protocol"),
        pytest.param(b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n" + PLAIN, id="an upgrade"),
        pytest.param(b"HTTP/1.1 000 Zero\r\n\r\n" + PLAIN, id="status zero"),
        pytest.param(b"HTTP/1.1 2000 Long\r\n\r\n" + PLAIN, id="status of four digits"),
        pytest.param(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!", id="two lengths"),
        pytest.param(
            HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="length and chunks"
        ),
        pytest.param(HEAD + b"Transfer-Encoding: gzip\r\n\r\nok", id="an unknown coding"),
        pytest.param(HEAD + b"Content-Length: -1\r\n\r\n", id="negative length"),
        pytest.param(HEAD + b"X: a\r\n folded\r\nContent-Length: 0\r\n\r\n", id="folded header"),
        pytest.param(HEAD + b"X: " + b"y" * 2000 + b"\r\n\r\n", id="head too large, whole"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, id="interim answers without end"),
        pytest.param(HEAD + b"\r\n" + b"z" * 20_001, id="body too large"),
        pytest.param(b"\0" * 30, id="NULs"),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_what_is_no_answer_within_the_limits_is_broken(raw: bytes, size: int) -> None:
    assert read(Reader(LIMITS), [raw[at : at + size] for at in range(0, len(raw), size)]) is Broken


def test_the_answer_to_head_ends_with_its_headers_and_the_connection_with_it() -> None:
    outcome = read(Reader(LIMITS), [HEAD + b"Content-Length: 2\r\n\r\n"], to_head=True)
    assert outcome == (Response(200, {"content-length": "2"}, b""), 0.0)


def test_trailers_of_one_answer_do_not_become_headers_of_the_next() -> None:
    reader = Reader(LIMITS)
    read(reader, [HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Role: admin\r\n\r\n"])
    assert read(reader, [PLAIN]) == (Response(200, {"content-length": "2"}, b"ok"), 15.0)


def test_bytes_above_ascii_in_a_header_survive_as_latin_1() -> None:
    outcome = read(Reader(LIMITS), [HEAD + b"X-Name: \xe4\xf6\r\nContent-Length: 0\r\n\r\n"])
    assert outcome == (Response(200, {"x-name": "äö", "content-length": "0"}, b""), 15.0)


NAMES = st.from_regex(r"X-[A-Za-z0-9]{1,8}", fullmatch=True)
VALUES = st.from_regex(r"[!-~]([ -~]{0,20}[!-~])?|", fullmatch=True)
PLACES = st.lists(st.integers(0, 3000), max_size=12)


@st.composite
def messages(draw: st.DrawFn, framings: tuple[str, ...] = ("length", "chunks", "close")) -> tuple[bytes, Response]:
    """An answer as bytes, framed in one of the ways, and what it says."""
    status = draw(st.sampled_from([200, 201, 400, 404, 429, 500, 503, 599]))
    pairs = draw(st.lists(st.tuples(NAMES, VALUES), max_size=4))
    body = draw(st.binary(max_size=300))
    framing = draw(st.sampled_from(framings))
    interim = b"HTTP/1.1 103 Early Hints\r\nX-Hint: 1\r\n\r\n" if draw(st.booleans()) else b""
    if framing == "length":
        pairs.append(("Content-Length", str(len(body))))
    elif framing == "chunks":
        pairs.append(("Transfer-Encoding", "chunked"))
    head = "".join(f"{name}: {value}\r\n" for name, value in pairs)
    wire = _chunked(draw, body) if framing == "chunks" else body
    said: dict[str, str] = {}
    for name, value in pairs:
        said[name.lower()] = f"{said[name.lower()]}, {value}" if name.lower() in said else value
    return interim + f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + wire, Response(status, said, body)


def _chunked(draw: st.DrawFn, body: bytes) -> bytes:
    chunks = [piece for piece in cut(body, draw(PLACES)) if piece]
    trailer = draw(st.sampled_from([b"", b"X-Trailer: 1\r\n"]))
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in chunks) + b"0\r\n" + trailer + b"\r\n"


@given(messages(), PLACES)
def test_a_valid_answer_means_the_same_however_it_is_cut(message: tuple[bytes, Response], places: list[int]) -> None:
    raw, said = message
    outcome = read(Reader(LIMITS), cut(raw, places))
    assert outcome is not Broken
    assert outcome[0] == said  # type: ignore[index]


@given(st.lists(messages(framings=("length", "chunks")), min_size=2, max_size=4), PLACES)
def test_answers_on_one_connection_do_not_touch_each_other(
    sequence: list[tuple[bytes, Response]], places: list[int]
) -> None:
    reader = Reader(LIMITS)
    for raw, said in sequence:
        assert read(reader, cut(raw, places)) == (said, LIMITS.idle)


MUTATED = st.builds(
    lambda message, at, junk: message[0][:at] + junk + message[0][at + len(junk) :],
    messages(),
    st.integers(0, 400),
    st.binary(max_size=6),
)


@given(st.one_of(st.binary(max_size=3000), MUTATED, st.binary(max_size=100).map(HEAD.__add__)), PLACES)
@example(PLAIN, [1])
def test_any_bytes_are_an_answer_or_broken_and_the_cut_makes_no_difference(raw: bytes, places: list[int]) -> None:
    whole = read(Reader(LIMITS), [raw] if raw else [])
    in_pieces = read(Reader(LIMITS), cut(raw, places) if raw else [])
    if whole is Broken or in_pieces is Broken:
        assert whole is in_pieces
    else:
        assert whole[0] == in_pieces[0]  # type: ignore[index]
