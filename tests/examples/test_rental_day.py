"""Who got what, when, on which channel and route, at which cost: a whole day of the example, the same each time."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rental_day import GOLDEN, HERE, Day, autumn, spring, text_of

from outrider.demo.show import OUTAGE_AT, OUTAGE_FOR
from outrider.domain.attempt import AttemptState
from outrider.testing.memory_rows import AttemptRow, MessageRow

DAYS = {"spring": spring, "autumn": autumn}
#: How the languages write 14:30.
CLOCKS = {"fr": "{0:%H}h{0:%M}", "pt": "{0:%H}h{0:%M}"}


def sent(day: Day, template: str) -> list[tuple[MessageRow, AttemptRow]]:
    """Messages of a template that a provider took, with the attempt."""
    tables = day.store.tables
    accepted = [one for one in tables.attempts.values() if one.state is AttemptState.ACCEPTED]
    found = [(tables.messages[one.message], one) for one in accepted]
    return [(row, one) for row, one in found if row.message.template == template]


def bookings(day: Day) -> dict[str, list[dict[str, Any]]]:
    """Id → what was known of the booking, from its confirmation on: one more after each change."""
    known: dict[str, list[dict[str, Any]]] = {}
    for one in day.told:
        if one.event["type"] in ("booking.confirmed", "booking.changed"):
            told = one.event["data"]["booking"]
            before = known.setdefault(told["id"], [{}])
            before.append({**before[-1], **told})
    return {key: states[1:] for key, states in known.items()}


def announced(day: Day) -> list[tuple[dict[str, Any], MessageRow, AttemptRow]]:
    """Every car that was announced: what the booking was at that moment, message and attempt."""
    spots = {_spot(told): told for each in bookings(day).values() for told in each}
    return [(spots[_spot(row.message.content.values["booking"])], row, one) for row, one in sent(day, "find-your-car")]


def _spot(told: dict[str, Any]) -> tuple[Any, ...]:
    """Nobody else has the same place, bay, lock and start."""
    return (told["place"], told["bay"], told["lock"], datetime.fromisoformat(str(told["pickup_at"])))


@pytest.mark.parametrize("file", GOLDEN)
def test_the_day_is_told_as_it_is_written_down(file: str) -> None:
    """After a change that is meant to change it: python tests/examples/rental_day.py, and read the difference."""
    assert text_of(GOLDEN[file]()) == (HERE / file).read_text(encoding="utf-8")


def test_no_message_is_taken_twice_and_none_is_left_on_its_way() -> None:
    tables = spring().store.tables
    taken = Counter(one.message for one in tables.attempts.values() if one.state is AttemptState.ACCEPTED)
    assert max(taken.values()) == 1
    assert {str(row.status) for row in tables.messages.values()} == {
        "accepted",
        "delivered",
        "undelivered",
        "failed",
        "canceled",
    }
    assert tables.doubts == {}


def test_nobody_who_was_taken_by_a_provider_lacks_the_place_of_the_car() -> None:
    day = spring()
    reached = {row.message.stream for row, _ in sent(day, "find-your-car")}
    opened = [one for one in day.told if one.event["type"] == "vehicle.unlocked"]
    booked = {one.event["data"]["booking"]["id"]: one for one in day.told if one.event["type"] == "booking.confirmed"}
    lacking = []
    for one in opened:
        data = booked[one.event["data"]["booking"]["id"]].event["data"]
        mine = day.hasher.stream("profile", one.customer)
        if mine not in reached and data["booking"]["channel"] != "partner":
            lacking.append(data["customer"].get("phone", ""))
    # Two have no mailbox either, and a number that cannot be.
    assert all(number in ("06 12 34", "07700 900142", "07700 900873", "06 39 98 00 17") for number in lacking)


@pytest.mark.parametrize("name", DAYS)
def test_customers_read_the_clock_at_the_station_also_in_the_nights_it_changes(name: str) -> None:
    day = DAYS[name]()
    cars = announced(day)
    for told, row, attempt in cars:
        starts = datetime.fromisoformat(told["starts_at"]).astimezone(ZoneInfo(told["zone"]))
        clock = CLOCKS.get(row.message.content.locale[:2], "{0:%H:%M}").format(starts)
        assert clock in attempt.body.text, (row.message.content.locale, row.message.market)
    assert len(cars) > 30


@pytest.mark.parametrize(
    ("market", "locale", "amount"),
    [
        ("FR", "fr", "{figures},{cents}{space}€"),
        ("GB", "en-GB", r"£{figures}\.{cents}"),
        ("DE", "de", "{figures},{cents}{space}€"),
    ],
)
def test_an_invoice_writes_the_amount_as_the_customer_does(market: str, locale: str, amount: str) -> None:
    """In mails and pushes with a space that does not break, which GSM-7 lacks."""
    bills = [
        (one.body.text, "\u00a0" if row.message.channel != "sms" else " ")
        for row, one in sent(spring(), "invoice-ready")
        if (row.message.market, row.message.content.locale) == (market, locale)
    ]
    assert {space for _, space in bills} == {"\u00a0", " "}
    matched = [re.search(amount.format(figures=r"\d+", cents=r"\d\d", space=space), text) for text, space in bills]
    # Those who rented in Great Britain pay in pounds, and the British elsewhere in euros.
    assert sum(map(bool, matched)) > 0.7 * len(bills) > 7


@pytest.mark.parametrize("name", DAYS)
def test_the_hand_over_is_announced_three_real_hours_before_also_in_the_nights_clocks_change(name: str) -> None:
    cars = announced(DAYS[name]())
    waits = {datetime.fromisoformat(told["starts_at"]) - one.at for told, row, one in cars if row.message.root is None}
    early = {wait for wait in waits if wait > timedelta(hours=2, minutes=50)}
    assert early == {timedelta(hours=3)}


def test_while_the_first_provider_is_out_the_other_one_takes_every_text() -> None:
    day = spring()
    begin, end = day.start + OUTAGE_AT, day.start + OUTAGE_AT + OUTAGE_FOR
    during = [one for one in day.store.tables.attempts.values() if begin <= one.at < end]
    accepted = Counter(one.account for one in during if one.state is AttemptState.ACCEPTED)
    refused = [one for one in during if one.account == "smsmode-main"]
    assert accepted["smsmode-main"] == 0
    assert accepted["twilio-backup"] > 50
    assert refused
    for one in refused:
        following = day.store.tables.attempts[one.message, one.number + 1]
        assert following.account == "twilio-backup"
        number = day.store.tables.messages[one.message].message.content.address
        # The number that nobody has is refused by everybody (outrider/sandbox/magic.py).
        assert following.state is (AttemptState.REFUSED if number == "+33615550001" else AttemptState.ACCEPTED)


def test_what_smsmode_charges_is_what_was_estimated() -> None:
    """Its sandbox charges what the routes say, so that `outrider costs` marks nothing but true drift."""
    tables = spring().store.tables
    told = [one for one in tables.attempts.values() if one.price is not None]
    assert {tables.messages[one.message].message.market for one in told} == {"FR", "ES", "PT", "GB", "DE", "IT"}
    assert [one for one in told if one.price != pytest.approx(one.estimate)] == []
    assert {one.currency for one in told} == {"EUR"}


def test_what_push_cannot_reach_comes_by_text() -> None:
    """Apps that show nothing never acknowledge: ten minutes later an SMS. Apps that are gone: at once."""
    tables = spring().store.tables
    fallbacks = [row for row in tables.messages.values() if row.message.root and row.message.channel == "sms"]
    waits: dict[str, set[timedelta]] = {"silent": set(), "unregistered": set()}
    for row in fallbacks:
        first = tables.messages[row.message.root or b""]
        ending = first.message.content.address.rpartition("-")[2]
        if ending in waits and row.message.template == "return-reminder":
            waits[ending].add(tables.attempts[row.message.id, 1].at - tables.attempts[first.message.id, 1].at)
    assert waits == {"silent": {timedelta(minutes=10)}, "unregistered": waits["unregistered"]}
    assert waits["unregistered"] <= {timedelta(0)}
    assert waits["silent"]


def test_a_traveler_s_hours_are_those_of_the_place_the_phone_is_in() -> None:
    """A Spaniard with a phone in Berlin: the app's zone comes before the number's country and the market."""
    day = spring()
    landed = {one.customer: one for one in day.told if one.event["id"].endswith("-there")}
    away = {
        day.hasher.stream("profile", key): one for key, one in landed.items() if one.event["data"]["market"] == "ES"
    }
    decided = [one.decision for one in day.store.tables.decisions.values() if one.decision.candidate.stream in away]
    late = [one for one in decided if one.candidate.asked_at > away[one.candidate.stream].at]
    assert late
    assert {one.facts.zone for one in late} == {"Europe/Berlin"}


def test_commercial_messages_reach_only_those_who_agreed_and_never_on_a_sunday() -> None:
    day = spring()
    agreed = {
        day.hasher.stream("profile", one.customer) for one in day.told if one.event["data"]["customer"].get("offers")
    }
    for row, attempt in sent(day, "weekend-offer"):
        assert row.message.stream in agreed
        if row.message.market in ("FR", "DE", "ES") and row.message.channel == "sms":
            assert attempt.at.astimezone(ZoneInfo("Europe/Paris")).weekday() != 6


@pytest.mark.parametrize(
    ("market", "words"),
    [("FR", r"STOP \w+ 36111$"), ("DE", r"azurdrive\.example/stop$"), ("IT", r"azurdrive\.example/stop$")],
)
def test_an_offer_by_text_says_how_to_end_it_as_the_market_wants(market: str, words: str) -> None:
    texts = [
        one.body.text
        for row, one in sent(spring(), "weekend-offer")
        if row.message.market == market and row.message.channel == "sms"
    ]
    assert all(re.search(words, text) for text in texts)


def test_documents_go_by_mail_with_a_subject_and_a_text_part() -> None:
    for template in ("booking-confirmed", "invoice-ready"):
        mails = [(row, one) for row, one in sent(spring(), template) if row.message.channel == "email"]
        assert len(mails) > 200
        for _, attempt in mails:
            assert attempt.body.subject
            assert "<html" in attempt.body.html
            assert len(attempt.body.text) > 100


def test_the_line_that_the_documentation_explains_is_one_of_the_day() -> None:
    page = (HERE.parents[1] / "docs" / "explanation" / "the-rental-example.md").read_text(encoding="utf-8")
    (quoted,) = re.findall(r"```text\n(T\+.*)\n```", page)
    assert quoted in map(str, spring().lines())
