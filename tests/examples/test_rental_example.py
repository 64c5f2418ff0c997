"""The rental company: free of problems, its texts cheap and complete, its day reproducible and worth watching."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from outrider.configuration import Configuration, build, read_folder
from outrider.demo.example import BOOKINGS, SEED, example_folder, sample_events
from outrider.demo.story import Telling, tell
from outrider.domain.entry import Event
from outrider.ingest.cloudevents import BATCH, read
from outrider.plugged import shipped

ROOT = Path(__file__).parents[2] / "examples" / "rental"
START = datetime(2026, 7, 14, 9, 30, tzinfo=UTC)
CONFIGURATION, PROBLEMS = build(read_folder(ROOT), shipped())
DAY = sample_events(ROOT, SEED, BOOKINGS)
#: The longest values the templates declare.
LONGEST: dict[str, Any] = {
    "profile": {"first_name": "Maximilienne-Adélaïd"},
    "booking": {
        "reference": "RX4T77",
        "pickup_date": "14/07",
        "pickup_time": "14:30",
        "return_time": "20:30",
        "place": "parking P5, Lyon-Saint-Exupéry T1",
        "bay": "B120",
        "lock": "4821",
    },
    "vehicle": {"plate": "GK-482-XT", "model": "Mercedes A-Klasse"},
}
TEMPLATES = sorted(path.name for path in (ROOT / "templates").iterdir())


def configuration() -> Configuration:
    assert CONFIGURATION is not None
    return CONFIGURATION


def test_check_finds_nothing_not_even_a_warning() -> None:
    assert PROBLEMS == []


def test_the_package_finds_the_folder_of_the_checkout() -> None:
    assert example_folder().resolve() == ROOT.resolve()


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("locale", ["fr", "en"])
def test_every_text_exists_in_both_languages_and_takes_at_most_two_cheap_segments(name: str, locale: str) -> None:
    rendered = configuration().templates.render(name, "sms", locale, "FR", LONGEST)
    assert rendered.count.encoding == "GSM-7"
    assert rendered.count.segments <= 2


def test_one_template_is_written_as_people_write_and_sent_as_gsm_can() -> None:
    rendered = configuration().templates.render("return-reminder", "sms", "fr", "FR", LONGEST)
    source = (ROOT / "templates/return-reminder/sms.fr.j2").read_text(encoding="utf-8")
    assert "fenêtres" in source
    assert "…" in source
    assert "fenetres" in rendered.text
    assert rendered.text.endswith("Merci et à bientot !")


def test_french_times_are_written_the_french_way() -> None:
    french = configuration().templates.render("find-your-car", "sms", "fr", "FR", LONGEST)
    english = configuration().templates.render("find-your-car", "sms", "en", "GB", LONGEST)
    assert "14h30" in french.text
    assert "14:30" in english.text


def test_the_committed_events_are_what_the_generator_makes() -> None:
    made = subprocess.run(
        [sys.executable, "-I", str(ROOT / "generate.py")], capture_output=True, timeout=60, check=True
    ).stdout
    assert made == (ROOT / "events.ndjson").read_bytes()


def test_another_seed_tells_another_day_and_any_number_of_bookings_can_be_asked_for() -> None:
    assert sample_events(ROOT, 8, BOOKINGS) != DAY
    for bookings in (1, 2, 3, 250):
        kinds = Counter(event["type"] for event in sample_events(ROOT, SEED, bookings))
        assert kinds["booking.confirmed"] == bookings


def test_the_day_holds_every_kind_of_story() -> None:
    kinds = Counter(event["type"] for event in DAY)
    confirmed = [event["data"] for event in DAY if event["type"] == "booking.confirmed"]
    languages = Counter((data["market"], data["customer"]["language"]) for data in confirmed)
    customers = Counter(data["customer"]["id"] for data in confirmed)
    assert kinds["booking.confirmed"] == BOOKINGS
    assert min(kinds[kind] for kind in ("booking.changed", "booking.canceled")) >= 8
    assert kinds["booking.returned"] < kinds["vehicle.unlocked"] < BOOKINGS - kinds["booking.canceled"]
    assert min(languages[pair] for pair in (("FR", "fr"), ("FR", "en-GB"), ("GB", "fr"), ("GB", "en-GB"))) >= 5
    assert max(customers.values()) >= 2
    assert {True, False} == {data["customer"]["offers"] for data in confirmed}
    assert sum(data["booking"]["channel"] == "partner" for data in confirmed) >= 3
    assert sum(data["booking"]["starts_at"].startswith("T+18h") for data in confirmed) >= 4


def test_events_come_in_order_of_time_under_names_of_their_own() -> None:
    times = [tuple(map(int, event["time"].removeprefix("T+").removesuffix("m").split("h"))) for event in DAY]
    assert times == sorted(times)
    assert len({(event["source"], event["id"]) for event in DAY}) == len(DAY)


def test_intake_accepts_every_event_and_notes_the_four_invalid_numbers() -> None:
    telling = Telling("r0001", 1, START, 3600.0)
    body = msgspec.json.encode([tell(event, telling).event for event in DAY])
    notes = []
    for event in read(BATCH, {}, body, START):
        assert isinstance(event, Event)
        notes += configuration().mapper.map(event)[1]
    assert len(notes) == 4
    assert all(note.startswith("$.data.customer.phone: ") for note in notes)


def test_the_committed_file_is_one_json_object_a_line() -> None:
    lines = (ROOT / "events.ndjson").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == DAY
