"""The rental company: free of problems, its texts cheap and complete, its day reproducible and worth watching."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from outrider.configuration import Configuration, build, read_folder
from outrider.delivery.legality import Legality
from outrider.demo.example import BOOKINGS, SEED, example_folder, sample_events
from outrider.demo.story import Telling, offset_of, tell
from outrider.domain.entry import Event
from outrider.domain.purpose import Purpose
from outrider.domain.registration import sender_rules
from outrider.ingest.cloudevents import BATCH, read
from outrider.plugged import shipped

ROOT = Path(__file__).parents[2] / "examples" / "rental"
START = datetime(2026, 7, 14, 9, 30, tzinfo=UTC)
CONFIGURATION, PROBLEMS = build(read_folder(ROOT), shipped())
DAY = sample_events(ROOT, SEED, BOOKINGS)
#: The longest values the templates declare.
LONGEST: dict[str, Any] = {
    "zone": "Europe/Paris",
    "profile": {"first_name": "Maximilienne-Adélaïd", "last_name": "Großmann-von der Leyenburg", "market": "FR"},
    "booking": {
        "station": "FR",
        "reference": "RX4T77",
        "pickup_at": "2027-09-22T14:30:00+02:00",
        "return_at": "2027-09-22T20:30:00+02:00",
        "zone": "Europe/Paris",
        "place": "parking P5, Lyon-Saint-Exupéry T1",
        "bay": "B120",
        "lock": "4821",
        "help": "+44 20 7946 0123",
        "invoice": "AD-2027-00417",
        "total": 9999.99,
        "currency": "EUR",
    },
    "event": {"data": {"device": "Galaxy S24 Ultra", "city": "Castelo Branco"}},
    "vehicle": {"plate": "GK-482-XT", "model": "Mercedes A-Klasse"},
}
TEMPLATES = sorted(path.name for path in (ROOT / "templates").iterdir() if not path.name.startswith("_"))
LANGUAGES = ("fr", "es", "pt", "en", "de", "it")
MARKETS = ("FR", "ES", "PT", "GB", "DE", "IT")
#: What goes by text says two things at once; everything else fits one segment.
LONG = frozenset({"booking-confirmed", "find-your-car", "overdue"})
TEXTS = [name for name in TEMPLATES if (ROOT / "templates" / name / "sms.en.j2").exists()]
PUSHES = [name for name in TEMPLATES if (ROOT / "templates" / name / "push.en.yaml").exists()]
MAILS = [name for name in TEMPLATES if (ROOT / "templates" / name / "email.en.mjml").exists()]
#: How a formal language would never speak, and how an informal one would not (whole words).
WRONG_ADDRESS = {
    "fr": r"\b(tu|ton|ta|tes|toi)\b",
    "de": r"\b(du|dein|deine|deinem|deinen|dir|dich)\b",
    "pt": r"\b(tu|teu|tua|teus|tuas|contigo)\b",
    "es": r"\b(usted|su|sus|le|les)\b",
    "it": r"\b(Lei|Suo|Sua|Suoi|Sue)\b",
}


def configuration() -> Configuration:
    assert CONFIGURATION is not None
    return CONFIGURATION


def test_check_finds_nothing_not_even_a_warning() -> None:
    assert PROBLEMS == []


def test_the_package_finds_the_folder_of_the_checkout() -> None:
    assert example_folder().resolve() == ROOT.resolve()


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("locale", LANGUAGES)
def test_every_text_exists_in_every_language_and_market_and_takes_one_cheap_segment_or_two(
    name: str, locale: str
) -> None:
    for market in MARKETS:
        rendered = configuration().templates.render(name, "sms", locale, market, LONGEST)
        assert rendered.count is not None
        assert rendered.count.encoding == "GSM-7"
        assert rendered.count.segments <= (2 if name in LONG else 1)


@pytest.mark.parametrize("name", PUSHES)
@pytest.mark.parametrize("locale", LANGUAGES)
def test_every_push_has_a_short_title_and_opens_the_app(name: str, locale: str) -> None:
    body = configuration().templates.render(name, "push", locale, "FR", LONGEST).body
    assert 0 < len(body.subject) <= 40
    assert 0 < len(body.text) <= 160
    assert body.data["link"].startswith("azurdrive://")


@pytest.mark.parametrize("name", MAILS)
@pytest.mark.parametrize("locale", LANGUAGES)
def test_every_mail_has_subject_text_part_and_the_lines_of_its_language(name: str, locale: str) -> None:
    body = configuration().templates.render(name, "email", locale, "FR", LONGEST).body
    assert 0 < len(body.subject) <= 70
    assert f'lang="{locale}"' in body.html
    assert f"azurdrive.example/{locale}/privacy" in body.html
    assert "AzurDrive SAS" in body.text
    assert len(body.html) < 30_000


@pytest.mark.parametrize("locale", WRONG_ADDRESS)
def test_a_language_speaks_to_people_in_one_way(locale: str) -> None:
    for path in sorted((ROOT / "templates").rglob(f"*.{locale}.*")):
        text = re.sub(r"\{[{%].*?[%}]\}", "", path.read_text(encoding="utf-8"))
        assert not re.search(WRONG_ADDRESS[locale], text), path


@pytest.mark.parametrize(
    ("name", "channel", "locale", "market", "words"),
    [
        ("booking-confirmed", "email", "en", "GB", "DVLA"),
        ("booking-confirmed", "email", "de", "DE", "Umweltplakette"),
        ("booking-confirmed", "email", "it", "IT", "ZTL"),
        ("find-your-car", "email", "es", "ES", "V16"),
        ("find-your-car", "email", "pt", "PT", "colete refletor"),
        ("invoice-ready", "email", "it", "IT", "Sistema di Interscambio"),
        ("invoice-ready", "email", "en", "PT", "ATCUD"),
        ("weekend-offer", "sms", "de", "FR", "STOP an 36111"),
    ],
)
def test_law_and_habit_of_a_market_stand_in_its_own_text_only(
    name: str, channel: str, locale: str, market: str, words: str
) -> None:
    for code in MARKETS:
        assert (words in written(name, channel, locale, code, station=code)) is (code == market)


def written(name: str, channel: str, locale: str, market: str, station: str) -> str:
    """What somebody of a market reads about a car that stands in another, or in the same."""
    values = {
        **LONGEST,
        "profile": {**LONGEST["profile"], "market": market},
        "booking": {**LONGEST["booking"], "station": station},
    }
    return configuration().templates.render(name, channel, locale, market, values).body.text


@pytest.mark.parametrize(
    ("name", "locale", "market", "words"),
    [
        ("booking-confirmed", "de", "DE", "Umweltplakette"),
        ("booking-confirmed", "it", "IT", "ZTL"),
        ("find-your-car", "es", "ES", "V16"),
        ("invoice-ready", "it", "IT", "Sistema di Interscambio"),
    ],
)
def test_what_is_true_of_a_car_at_home_is_not_said_of_one_abroad(
    name: str, locale: str, market: str, words: str
) -> None:
    assert words in written(name, "email", locale, market, station=market)
    assert words not in written(name, "email", locale, market, station="FR")


def test_the_license_check_is_about_the_driver_wherever_the_car_stands() -> None:
    assert "DVLA" in written("booking-confirmed", "email", "en", "GB", station="ES")


def test_every_market_has_two_ways_out_for_texts_under_a_sender_its_country_allows() -> None:
    toml = configuration().toml
    providers = {account.name: account.provider for account in toml.accounts}
    # As if the accounts were real ones: simulated providers keep no registry.
    legality, bare = (
        Legality(rows, providers, rules=sender_rules(configuration().policy.markets.values()))
        for rows in (toml.registrations, ())
    )
    day = date(2027, 3, 27)
    for market in MARKETS:
        routes = [one for one in toml.routes if one.fits("sms", market, Purpose.TRANSACTIONAL)]
        assert {one.account for one in routes} == {"smsmode-main", "twilio-backup"}
        for one in routes:
            assert market not in legality.barred(one, day)
            assert (market in bare.barred(one, day)) is (market in ("ES", "IT"))
    registered = {(one.country, one.provider) for one in toml.registrations}
    assert registered == {(country, provider) for country in ("ES", "IT") for provider in ("smsmode", "twilio")}


def test_one_template_is_written_as_people_write_and_sent_as_gsm_can() -> None:
    rendered = configuration().templates.render("return-reminder", "sms", "fr", "FR", LONGEST).body
    source = (ROOT / "templates/return-reminder/sms.fr.j2").read_text(encoding="utf-8")
    assert "fenêtres" in source
    assert "…" in source
    assert "fenetres" in rendered.text
    assert rendered.text.endswith("Merci et à bientot !")


def test_french_times_are_written_the_french_way() -> None:
    french = configuration().templates.render("find-your-car", "sms", "fr", "FR", LONGEST).body
    english = configuration().templates.render("find-your-car", "sms", "en", "GB", LONGEST).body
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
    markets = Counter(data["market"] for data in confirmed)
    guests = sum(data["customer"]["language"] == "en-GB" for data in confirmed if data["market"] != "GB")
    away = Counter((data["market"], data["booking"]["help"][:3]) for data in confirmed)
    tokens = Counter(
        event["data"]["device"]["token"].rpartition("-")[2] for event in DAY if event["type"] == "app.opened"
    )
    customers = Counter(data["customer"]["id"] for data in confirmed)
    assert kinds["booking.confirmed"] == BOOKINGS >= 400
    assert min(kinds[kind] for kind in ("booking.changed", "booking.canceled")) >= 8
    assert kinds["booking.returned"] < kinds["vehicle.unlocked"] < BOOKINGS - kinds["booking.canceled"]
    assert set(markets) == set(MARKETS)
    assert min(markets.values()) >= 30
    assert guests >= 20
    assert away["ES", "+49"] >= 5
    assert min(tokens["silent"], tokens["unregistered"]) >= 10
    assert sum("phone" not in data["customer"] for data in confirmed) >= 10
    assert sum("email" not in data["customer"] for data in confirmed) >= 20
    assert kinds["booking.overdue"] >= 10
    assert kinds["account.new_device"] >= 8
    assert kinds["invoice.issued"] == kinds["booking.returned"]
    assert max(customers.values()) >= 2
    assert {True, False} == {data["customer"]["offers"] for data in confirmed}
    assert sum(data["booking"]["channel"] == "partner" for data in confirmed) >= 3
    for hour in (18, 19, 20, 21):
        assert sum(data["booking"]["starts_at"].startswith(f"T+{hour}h") for data in confirmed) >= 3


def times_of(kind: str, field: str) -> dict[str, list[int]]:
    """Booking → minutes of a field (or of the event) in its events of a kind."""
    found: dict[str, list[int]] = {}
    for event in DAY:
        if event["type"] == kind:
            booking = event["data"]["booking"]
            found.setdefault(booking["id"], []).append(
                int(offset_of(booking.get(field, event["time"])).total_seconds()) // 60
            )
    return found


def test_people_move_before_and_after_they_know_the_car_to_other_car_parks_and_cars() -> None:
    starts, moves = times_of("booking.confirmed", "starts_at"), times_of("booking.changed", "")
    late = [key for key, (at,) in moves.items() if at > starts[key][0] - 180]
    changed = [event["data"] for event in DAY if event["type"] == "booking.changed"]
    plates = {
        event["data"]["booking"]["id"]: event["data"]["vehicle"]["plate"]
        for event in DAY
        if event["type"] == "booking.confirmed"
    }
    assert len(moves) - len(late) >= 8
    assert len(late) >= 8
    assert sum(data["vehicle"]["plate"] != plates[data["booking"]["id"]] for data in changed) >= 8


def test_people_keep_the_car_longer_before_and_after_the_reminder_and_when_they_are_late() -> None:
    ends, before = times_of("booking.confirmed", "ends_at"), times_of("booking.extended", "")
    ends |= times_of("booking.changed", "ends_at")
    overdue = times_of("booking.overdue", "")
    early, reminded = (
        [k for k, (at,) in before.items() if (at > ends[k][0] - 120) is after] for after in (False, True)
    )
    assert len(early) >= 3
    assert len(reminded) >= 10
    assert len(before.keys() & overdue.keys()) >= 2


def test_people_change_number_and_language_on_the_way() -> None:
    changes = [event["data"]["customer"].keys() - {"id"} for event in DAY if event["type"] == "customer.changed"]
    assert min(changes.count({"phone"}), changes.count({"language"})) >= 5


@pytest.mark.parametrize("eve", [date(2027, 3, 27), date(2027, 10, 30)])
def test_the_clocks_change_inside_rentals_when_the_day_is_told_on_the_eve(eve: date) -> None:
    morning = datetime.combine(eve, time(6), ZoneInfo("Europe/Paris"))
    change = datetime.combine(eve + timedelta(days=1), time(1), UTC)
    at = int((change - morning.astimezone(UTC)).total_seconds()) // 60
    starts, ends = times_of("booking.confirmed", "starts_at"), times_of("booking.confirmed", "ends_at")
    during = [key for key in starts if starts[key][0] < at < ends[key][0]]
    announced_across = [key for key in starts if starts[key][0] - 180 < at < starts[key][0]]
    assert len(during) >= 3
    assert len(announced_across) >= 3


def test_events_come_in_order_of_time_under_names_of_their_own() -> None:
    times = [tuple(map(int, event["time"].removeprefix("T+").removesuffix("m").split("h"))) for event in DAY]
    assert times == sorted(times)
    assert len({(event["source"], event["id"]) for event in DAY}) == len(DAY)


def test_intake_accepts_every_event_and_notes_the_four_invalid_numbers() -> None:
    telling = Telling("r0001", 1, START, 3600.0)
    told = [tell(event, telling).event for event in DAY]
    notes = []
    for part in (told[:1000], told[1000:2000], told[2000:]):
        for event in read(BATCH, {}, msgspec.json.encode(part), START):
            assert isinstance(event, Event)
            notes += configuration().mapper.map(event)[1]
    assert len(notes) == 4, notes
    assert all(note.startswith("$.data.customer.phone: ") for note in notes)


def test_the_committed_file_is_one_json_object_a_line() -> None:
    lines = (ROOT / "events.ndjson").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == DAY
    assert (ROOT / "events.ndjson").stat().st_size < 2_000_000
