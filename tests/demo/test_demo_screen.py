"""The live view fits every terminal and shows what matters."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from outrider.demo.counting import AccountState, Failover, Fallback, Stopped, Tally
from outrider.demo.screen import screen
from outrider.demo.watching import Bubble, Conversation, Person, Snapshot, _way

NOON = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)
TALLY = Tally(
    statuses={"delivered": 204, "failed": 4, "undelivered": 3, "held": 12, "accepted": 5, "canceled": 2, "queued": 3},
    stopped=(
        Stopped("drop", "consent", "weekend-offer", 29),
        Stopped("drop", "reachability", "find-your-car", 5),
        Stopped("drop", "frequency_cap", "satisfaction", 3),
        Stopped("drop", "frequency_cap", "weekend-offer", 1),
        Stopped("hold", "quiet_hours", "satisfaction", 12),
    ),
    accounts=(
        AccountState("app", 25, 10, 1.9, False),
        AccountState("mail", 29, 0, 1.4, False),
        AccountState("smsmode-main", 93, 3, 6.1, True),
        AccountState("twilio-backup", 63, 1, 3.1, False),
    ),
    failovers=(Failover("find-your-car", "smsmode-fr", "twilio-fr", "not connected", NOON),),
    fallbacks=2,
    ahead=9,
    costs={"DE": 1.5, "FR": 9.25, "GB": 1.75},
    last_fallback=Fallback("return-reminder", "push", "failed", "sms"),
)
TEXTS = (
    "Bonjour Camille, votre réservation 9TGBC est confirmée : Peugeot 208, le 22/11 à 12h30, parking P4, Nice T2.",
    "Camille, votre Peugeot 208 (NY-197-BC) vous attend : parking P4, Nice T2, place C38. Bonne route !",
    "Bonjour Camille, votre voiture est encore fermée. Un souci pour la trouver ou l'ouvrir ? Appelez-nous.",
)


def bubble(text: str, number: int = 0) -> Bubble:
    return Bubble(f"msg_{number}", NOON, text, "delivered", "smsmode-fr")


def snapshot(*texts: str, outage: str = "", done: str = "") -> Snapshot:
    french = Conversation(Person("c-1", "Camille Moreau", "FR"), tuple(bubble(text) for text in texts))
    british = Conversation(Person("c-2", "Emma Clarke", "GB"), (bubble("Hi Emma, your booking is confirmed."),))
    return Snapshot(NOON, (french, british), TALLY, 143, 283, "http://127.0.0.1:8080", outage, done)


def drawn(shot: Snapshot, width: int, height: int) -> str:
    console = Console(file=io.StringIO(), width=width, height=height, record=True)
    console.print(screen(shot, width, height))
    return console.export_text()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 60), (60, 20)])
def test_the_view_fills_the_terminal_and_no_more(width: int, height: int) -> None:
    lines = drawn(snapshot(*TEXTS), width, height).splitlines()
    assert len(lines) == height
    assert max(map(len, lines)) <= width


def test_eighty_columns_show_one_conversation_and_all_counts() -> None:
    text = drawn(snapshot(*TEXTS, outage="smsmode refuses connections"), 80, 24)
    for words in (
        "12:00",
        "events 143/283",
        "Camille Moreau, FR",
        "12:00 AzurDrive",
        "delivered · smsmode-fr",
        "no consent",
        "9.25",
        "smsmode refuses connections",
        "1 failover, last: find-your-car, smsmode-fr not connected → twilio-fr",
        "2 fallbacks, last: return-reminder, push failed → sms",
        "resting, the other one takes over",
        "API docs http://127.0.0.1:8080/docs",
        "Ctrl-C stops everything",
    ):
        assert words in text
    assert "Emma" not in text


def test_in_a_narrow_terminal_accounts_keep_their_line_and_their_counts() -> None:
    lines = drawn(snapshot(), 48, 24).splitlines()
    (resting,) = [line for line in lines if line.startswith("│ smsm")]
    assert "93 accepted  3 refused" in resting


def test_a_wide_terminal_shows_both_conversations() -> None:
    text = drawn(snapshot(*TEXTS), 120, 40)
    assert "Camille Moreau, FR" in text
    assert "Emma Clarke, GB" in text


@pytest.mark.parametrize(
    ("row", "count"),
    [
        ("messages", "233"),
        ("delivered", "204"),
        ("no report yet", "5"),
        ("on their way", "3"),
        ("failed", "7"),
        ("canceled", "2"),
        ("held", "12"),
        ("dropped", "38"),
        ("frequency cap", "4"),
        ("outside hours", "12"),
        ("cost in EUR", "12.50"),
        ("DE", "1.50   FR    9.25"),
        ("GB", "1.75"),
    ],
)
def test_every_message_is_counted_in_one_row(row: str, count: str) -> None:
    lines = [line.split("││")[-1].strip("│ ") for line in drawn(snapshot(), 80, 30).splitlines()]
    found = [line.removeprefix(row).strip() for line in lines if line.startswith(row)]
    assert found == [count]


def test_the_newest_message_is_always_shown_and_older_ones_as_far_as_there_is_room() -> None:
    small = drawn(snapshot(*TEXTS), 80, 24)
    assert "votre voiture est encore" in small
    assert "votre réservation 9TGBC" not in small
    assert "votre réservation 9TGBC" in drawn(snapshot(*TEXTS), 80, 50)


def test_reasons_give_way_to_counts_and_costs_where_there_is_no_room() -> None:
    small = drawn(snapshot(), 80, 24)
    assert "no consent" in small
    assert "outside hours" not in small
    assert "1.75" in small


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("failed", "push failed → sms"),
        ("undelivered", "push was not delivered → sms"),
        ("accepted", "push was silent → sms"),
    ],
)
def test_a_fallback_is_told_with_what_it_follows(status: str, words: str) -> None:
    fell = Fallback("return-reminder", "push", status, "sms")
    tally = msgspec.structs.replace(TALLY, failovers=(), fallbacks=1, last_fallback=fell)
    text = drawn(msgspec.structs.replace(snapshot(), tally=tally), 80, 24)
    assert f"1 fallback, last: return-reminder, {words}" in text


def test_an_empty_conversation_says_so_and_the_end_of_the_day_is_announced() -> None:
    assert "no message yet" in drawn(snapshot(), 80, 24)
    assert "the day is over" in drawn(snapshot(done="the day is over"), 80, 24)


@settings(max_examples=40, deadline=None)
@given(
    texts=st.lists(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=320), max_size=6),
    width=st.integers(60, 200),
    height=st.integers(18, 70),
)
def test_no_text_and_no_size_breaks_the_view(texts: list[str], width: int, height: int) -> None:
    lines = drawn(snapshot(*texts), width, height).splitlines()
    assert len(lines) == height
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize(
    ("routes", "root", "way"),
    [
        (["twilio-fr"], None, "twilio-fr"),
        (["smsmode-fr", "twilio-fr"], None, "smsmode-fr → twilio-fr"),
        (["twilio-fr", "twilio-fr"], bytes(16), "twilio-fr, a fallback"),
    ],
)
def test_a_bubble_names_the_way_its_message_took(routes: list[str], root: bytes | None, way: str) -> None:
    view = SimpleNamespace(
        message=SimpleNamespace(root=root), attempts=tuple(SimpleNamespace(route=route) for route in routes)
    )
    assert _way(cast(Any, view)) == way
