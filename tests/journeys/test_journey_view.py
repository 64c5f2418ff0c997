"""What conditions may read, and in which types."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from rental_world import BOOKING, NOON, PERSON, WORLD, event, facts

from outrider.domain.profile import Identity, Object, Profile
from outrider.expressions import declare_fields
from outrider.journeys import Surroundings, timed_kinds, view

ONE = datetime(2030, 1, 1, 13, tzinfo=UTC)


def test_sealed_and_open_traits_and_the_person_s_place_are_in_the_view() -> None:
    person = Profile(
        PERSON, Identity("p", {"first_name": "Ada"}), locale="de_AT", zone="Europe/Vienna", traits={"tier": 2}
    )
    found = view(person, {}, event("app.opened", {"x": 1}).event, "AT", NOON, timed_kinds(WORLD))
    assert found == {
        "profile": {
            "first_name": "Ada",
            "tier": 2,
            "market": "AT",
            "locale": "de_AT",
            "zone": "Europe/Vienna",
            "language": "de",
        },
        "event": {"type": "app.opened", "data": {"x": 1}, "time": NOON},
        "market": "AT",
        "now": NOON,
    }


def test_what_is_not_known_of_a_person_is_null() -> None:
    profile = view(Profile(PERSON, Identity("p")), {}, None, "FR", NOON, {})["profile"]
    assert profile == {"market": "FR", "locale": None, "zone": None, "language": None}


def test_without_an_event_there_is_none() -> None:
    assert "event" not in facts()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2030-01-01T13:00:00Z", ONE),
        ("2030-01-01T14:00:00+01:00", ONE),
        (ONE, ONE),
        (None, None),
        (12, 12),
        ("2030-01-01T13:00:00", "2030-01-01T13:00:00"),
        ("2030-01-01", "2030-01-01"),
        ("soon", "soon"),
        ("9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59-12:00"),
    ],
)
def test_declared_dates_become_instants_and_others_stay_as_they_are(written: Any, read: Any) -> None:
    assert facts(starts_at=written)["booking"] == {"starts_at": read}


def test_dates_inside_lists_and_maps_become_instants_too() -> None:
    text = "2030-01-01T13:00:00Z"
    found = facts(place={"bay": text, "free_from": text}, stops=[{"at": text}, None], days=text)["booking"]
    assert found == {"place": {"bay": text, "free_from": ONE}, "stops": [{"at": ONE}, None], "days": text}


def test_a_map_with_free_keys_may_hold_dates() -> None:
    dates = declare_fields({"at": "timestamp"})["at"]
    timed = {"booking": {"seen": type(dates)(kind=declare_fields({"x": {}})["x"].kind, element=dates)}}
    thing = Object(BOOKING, "booking", "b", 1, {"seen": {"x": "2030-01-01T13:00:00Z"}})
    found = view(Profile(PERSON, Identity("p")), {"booking": thing}, None, "FR", NOON, timed)
    assert found["booking"] == {"seen": {"x": ONE}}


def test_a_list_where_a_map_was_declared_stays_as_it_is() -> None:
    assert facts(place=["x"], stops={"at": "2030-01-01T13:00:00Z"})["booking"]["place"] == ["x"]


def test_only_fields_with_dates_are_looked_at() -> None:
    assert {kind: sorted(fields) for kind, fields in timed_kinds(WORLD).items()} == {
        "booking": ["ends_at", "place", "starts_at", "stops"],
        "license": ["expires_at"],
        "profile": ["born_at"],
    }
    assert timed_kinds(Surroundings(objects={"a": declare_fields({"x": "int"})})) == {}
