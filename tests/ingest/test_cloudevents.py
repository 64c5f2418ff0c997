"""CloudEvents over HTTP: all modes, precise rejections, and nothing that any bytes can break."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outrider.domain.entry import Event
from outrider.ingest import cloudevents as ce
from outrider.ingest.cloudevents import BATCH, JSON, STRUCTURED, BadRequest, Rejected, read
from outrider.ingest.values import DEEPEST

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
MINIMUM = {"specversion": "1.0", "id": "e1", "source": "/shop", "type": "booking.confirmed"}


def structured(event, kind=STRUCTURED):
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    (found,) = read(kind, {}, body, NOW)
    return found


def batch(*events):
    return read(BATCH, {}, json.dumps(events).encode(), NOW)


def binary(body=b"", kind=JSON, **headers):
    named = {f"ce-{name}": value for name, value in {**MINIMUM, **headers}.items()}
    (found,) = read(kind, named, body, NOW)
    return found


# ── what is read ──


def test_the_least_event_takes_the_time_of_its_arrival():
    assert structured(MINIMUM) == Event("e1", "/shop", "booking.confirmed", NOW)


def test_an_event_with_everything_in_all_three_modes_is_the_same_event():
    whole = {**MINIMUM, "subject": "anna", "time": "2026-05-04T11:30:00+02:00", "data": {"a": [1, {"b": "é"}]}}
    expected = Event("e1", "/shop", "booking.confirmed", NOW, "anna", {"a": [1, {"b": "é"}]})
    assert structured({**whole, "datacontenttype": "application/json", "extension": "passed over"}) == expected
    assert batch(whole) == [expected]
    headers = {name: whole[name] for name in ("subject", "time")}
    assert binary(json.dumps(whole["data"]).encode(), **headers) == expected


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("2026-05-04T09:30:00Z", NOW),
        ("2026-05-04T15:00:00+05:30", NOW),
        ("2026-05-04T09:30:00.250Z", NOW.replace(microsecond=250_000)),
        ("2026-05-03T23:30:00-10:00", NOW),
    ],
)
def test_times_of_all_zones_are_the_same_instant_in_utc(written, read_as):
    found = structured({**MINIMUM, "time": written})
    assert found.time == read_as
    assert found.time.tzinfo is UTC or found.time.utcoffset().total_seconds() == 0


@pytest.mark.parametrize(
    ("header", "value"), [("caf%C3%A9", "café"), ("a%20b", "a b"), ("100%25", "100%"), ("plain", "plain"), ("%", "%")]
)
def test_headers_of_binary_mode_are_percent_encoded(header, value):
    assert binary(subject=header).subject == value


@pytest.mark.parametrize("kind", [JSON, "", "application/vnd.shop+json", "application/json; charset=utf-8"])
def test_data_of_binary_mode_is_json_by_its_content_type(kind):
    assert binary(b'{"a": 1}', kind).data == {"a": 1}


@pytest.mark.parametrize("kind", [STRUCTURED, STRUCTURED.upper(), f" {STRUCTURED} ; charset=utf-8"])
def test_content_types_are_read_without_case_and_parameters(kind):
    assert isinstance(structured(MINIMUM, kind), Event)


def test_a_batch_with_one_bad_event_keeps_order_and_the_others():
    found = batch(MINIMUM, {**MINIMUM, "id": 5}, {**MINIMUM, "id": "e3"})
    assert [type(one) for one in found] == [Event, Rejected, Event]
    assert (found[1].path, found[1].id) == ("$.id", None)
    assert batch() == []


# ── what is rejected, and where ──

DEEP = {"a": 1}
for _ in range(DEEPEST):
    DEEP = {"a": DEEP}
LONG = "x" * (ce.LONGEST_ATTRIBUTE + 1)


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        ({"specversion": "0.3"}, "$.specversion", "expected specversion 1.0, got '0.3'"),
        ({"specversion": None}, "$.specversion", "expected `str`, got `null`"),
        ({"id": ""}, "$.id", "1 to 512"),
        ({"id": LONG}, "$.id", "1 to 512"),
        ({"source": ""}, "$.source", "1 to 512"),
        ({"source": LONG}, "$.source", "1 to 512"),
        ({"type": LONG}, "$.type", "1 to 512"),
        ({"subject": LONG}, "$.subject", "1 to 512"),
        ({"id": "a\0b"}, "$.id", "U+0000"),
        ({"subject": "a\0b"}, "$.subject", "U+0000"),
        ({"type": 7}, "$.type", "expected `str`, got `int`"),
        ({"time": "yesterday"}, "$.time", "RFC3339"),
        ({"time": "2026-05-04T09:30:00"}, "$.time", "with a zone"),
        ({"time": "0001-01-01T00:00:00+23:00"}, "$.time", "with a zone"),
        ({"data_base64": "AAAA"}, "$.data_base64", "send JSON in data"),
        ({"data": [1]}, "$.data", "expected a JSON object, got an array"),
        ({"data": "text"}, "$.data", "got a string"),
        ({"data": 5}, "$.data", "got a number"),
        ({"data": True}, "$.data", "got a boolean"),
        ({"data": {"a": ["x", "y\0"]}}, "$.data.a[1]", "U+0000"),
        ({"data": {"a": {"k\0": 1}}}, "$.data.a", "U+0000"),
        ({"data": {"a": {"n": 2**64}}}, "$.data.a.n", "too large"),
        ({"data": {"n": -(2**63) - 1}}, "$.data.n", "too large"),
        ({"data": DEEP}, "$.data" + ".a" * DEEPEST, "deeper than 16"),
    ],
)
def test_a_wrong_event_is_rejected_with_its_place_and_reason(changes, path, reason):
    found = structured({**MINIMUM, **changes})
    assert isinstance(found, Rejected)
    assert found.path == path
    assert reason in found.reason
    assert len(found.id or "") <= ce.LONGEST_ATTRIBUTE


@pytest.mark.parametrize("name", list(MINIMUM))
def test_a_missing_attribute_is_named(name):
    found = structured({key: value for key, value in MINIMUM.items() if key != name})
    assert f"`{name}`" in found.reason
    assert found.id == (None if name == "id" else "e1")


def test_what_is_just_within_the_limits_is_read():
    deep = {"a": 1}
    for _ in range(DEEPEST - 1):
        deep = {"a": deep}
    edges = {"id": "x" * ce.LONGEST_ATTRIBUTE, "data": {"deep": deep["a"], "most": 2**64 - 1, "least": -(2**63)}}
    assert isinstance(structured({**MINIMUM, **edges}), Event)


def sized(size, **changes):
    """An event of exactly so many bytes."""
    event = {**MINIMUM, "data": {"text": ""}, **changes}
    event["data"]["text"] = "x" * (size - len(json.dumps(event)))
    assert len(json.dumps(event)) == size
    return event


@pytest.mark.parametrize("others", [0, 999])
def test_an_event_above_its_limit_is_rejected_also_among_small_ones(others):
    small = [{**MINIMUM, "id": f"s{number}"} for number in range(others)]
    found = batch(*small, sized(ce.LARGEST_EVENT + 1))
    assert [type(one) for one in found] == [Event] * others + [Rejected]
    assert found[-1].reason == f"the event has {ce.LARGEST_EVENT + 1} bytes, the limit is {ce.LARGEST_EVENT}"
    assert isinstance(batch(*small, sized(ce.LARGEST_EVENT))[-1], Event)
    assert isinstance(structured(sized(ce.LARGEST_EVENT + 1)), Rejected)


def test_data_of_binary_mode_above_its_limit_is_rejected():
    assert "limit is 65536" in binary(b" " * (ce.LARGEST_EVENT + 1)).reason


@pytest.mark.parametrize(
    ("body", "kind", "path", "reason"),
    [
        (b"<a/>", "application/xml", "$.data", "must be JSON, got application/xml"),
        (b"{", JSON, "$.data", "no JSON"),
        (b"\xff", JSON, "$.data", "no JSON"),
        (b"[" * 5000, JSON, "$.data", "no JSON"),
        (b'"text"', JSON, "$.data", "got a string"),
    ],
)
def test_wrong_data_of_binary_mode_is_rejected_with_the_id(body, kind, path, reason):
    found = binary(body, kind)
    assert (found.path, found.id) == (path, "e1")
    assert reason in found.reason


def test_binary_mode_names_what_its_headers_lack():
    found = read(JSON, {"ce-specversion": "1.0", "ce-id": LONG}, b"", NOW)[0]
    assert "source" in found.reason
    assert len(found.id) == ce.LONGEST_ATTRIBUTE


# ── what cannot be read at all ──


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("", b"{}", "got no content type"),
        ("text/plain", b"{}", "got text/plain"),
        (JSON, b"{}", "expected content type"),
        (STRUCTURED, b" " * (ce.LARGEST_BODY + 1), "the limit is 4194304"),
        (BATCH, b"{}", "no JSON array of events"),
        (BATCH, b"[{]", "no JSON array of events"),
        (BATCH, b"[" * 100_000, "no JSON array of events"),
        (BATCH, b"[" + b"{}," * ce.MOST_EVENTS + b"{}]", "1001 events, the limit is 1000"),
        (BATCH, json.dumps([MINIMUM] * 1001).encode(), "1001 events, the limit is 1000"),
    ],
)
def test_a_request_that_cannot_be_read_says_why(kind, body, reason):
    with pytest.raises(BadRequest, match=reason):
        read(kind, {}, body, NOW)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)
EVENTS = st.fixed_dictionaries(
    {}, optional={name: JSON_VALUES | st.just(value) for name, value in {**MINIMUM, "data": {}, "time": "x"}.items()}
)
BODIES = st.one_of(
    st.binary(max_size=300),
    JSON_VALUES.map(lambda value: json.dumps(value).encode()),
    EVENTS.map(lambda value: json.dumps(value).encode()),
    st.lists(EVENTS, max_size=4).map(lambda value: json.dumps(value).encode()),
)


@given(
    kind=st.sampled_from([STRUCTURED, BATCH, JSON, "", "x/y"]) | st.text(max_size=30),
    headers=st.dictionaries(
        st.sampled_from(["ce-specversion", "ce-id", "ce-source", "ce-type", "ce-time", "ce-data", "ce-subject"]),
        st.text(max_size=40),
    ),
    body=BODIES,
)
@example(kind=STRUCTURED, headers={}, body=b"[" * 100_000)
@example(kind=STRUCTURED, headers={}, body=b'{"id":"\xff"}')
@example(kind=BATCH, headers={}, body=b'[{"id":"\xff"}]')
@example(kind=BATCH, headers={}, body=b'[{"data":' + b'{"a":' * 3000)
def test_any_bytes_give_events_rejections_or_a_bad_request(kind, headers, body):
    try:
        found = read(kind, headers, body, NOW)
    except BadRequest:
        return
    for one in found:
        assert isinstance(one, Event | Rejected)
        assert msgspec.msgpack.encode(one), "whatever is taken can be stored"
        if isinstance(one, Event):
            assert "\0" not in f"{one.id}{one.source}{one.type}{one.subject}"
        else:
            assert one.reason
            assert one.path.startswith("$")
