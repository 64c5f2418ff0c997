"""Bookings that take a turn: what each customer of the example hears, and what nobody hears any more."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from typing import Any, NamedTuple

import pytest
import structlog
from rental_day import AUTUMN, SPRING, Day

Event = dict[str, Any]
PARIS = "Europe/Paris"
FRENCH = {"id": "c-1", "first_name": "Zoé", "last_name": "Girard", "language": "fr", "phone": "06 12 34 56 78"}
MAILBOX = {"email": "zoe@example.com"}
CAR = {"place": "parking P4, Nice T2", "bay": "B12", "lock": "4821"}


class Heard(NamedTuple):
    """A message that a provider took: hours and minutes after 06:00 in Paris, and what it said."""

    at: str
    template: str
    channel: str
    text: str
    address: str


def event(
    at: str, kind: str, source: str = "/bookings", *, key: str = "b-1", who: Event = FRENCH, **data: Any
) -> Event:
    """A CloudEvent of the sample's form."""
    booking = {"id": key, **data.pop("booking", {})}
    told = {"market": data.pop("market", "FR"), "customer": who, "booking": booking, **data}
    name = f"{kind}-{key}-{at}"
    return {"specversion": "1.0", "id": name, "source": source, "type": kind, "time": f"T+{at}", "data": told}


def times(starts: str, ends: str, zone: str = PARIS) -> Event:
    """The times of a rental, as the booking platform tells them."""
    return {"starts_at": f"T+{starts}", "pickup_at": f"T+{starts}|promised", "zone": zone, **until(ends)}


def until(ends: str) -> Event:
    """When it ends."""
    return {"ends_at": f"T+{ends}", "return_at": f"T+{ends}|promised"}


def confirmed(
    at: str, starts: str, ends: str, *, key: str = "b-1", who: Event = FRENCH, zone: str = PARIS, **more: Any
) -> Event:
    """A booking. `more`: plate, and fields of the booking."""
    car = vehicle(more.pop("plate", "GK-482-XT"))
    booking = {"reference": f"R{key[2:]}", "channel": "app", "station": "FR", "help": "+33 1 99 00 12 34"}
    booking |= {**CAR, **times(starts, ends, zone), **more}
    return event(at, "booking.confirmed", key=key, who=who, booking=booking, vehicle=car)


def vehicle(plate: str) -> Event:
    """A car."""
    return {"id": plate, "plate": plate, "model": "Peugeot 208"}


def changed(at: str, starts: str, ends: str, zone: str = PARIS, **more: Any) -> Event:
    """Another time, perhaps another place."""
    car = vehicle(more.pop("plate", "GK-482-XT"))
    return event(at, "booking.changed", booking={**times(starts, ends, zone), **more}, vehicle=car)


def opened(at: str, key: str = "b-1") -> Event:
    """The car was opened."""
    return event(at, "vehicle.unlocked", "/vehicles", key=key)


def heard(*events: Event, start: datetime = SPRING) -> list[Heard]:
    """What providers took, in order, from an empty installation that is told these events."""
    day = Day(start, sorted(events, key=lambda one: _minutes(one["time"])))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        asyncio.run(day.tell())
    finally:
        structlog.reset_defaults()
    tables = day.store.tables
    taken = sorted((one for one in tables.attempts.values() if one.state == "accepted"), key=lambda one: one.at)
    return [_heard(tables.messages[one.message].message, one, day) for one in taken]


def _heard(message: Any, attempt: Any, day: Day) -> Heard:
    minutes = int((attempt.at - day.start).total_seconds()) // 60
    at = f"{minutes // 60}h{minutes % 60:02}m"
    return Heard(at, message.template, message.channel, attempt.body.text, message.content.address)


def _minutes(offset: str) -> int:
    hours, minutes = offset.removeprefix("T+").removesuffix("m").split("h")
    return int(hours) * 60 + int(minutes)


def told(messages: list[Heard], *but: str) -> list[tuple[str, str]]:
    """When and what, without templates that do not matter here."""
    return [(one.at, one.template) for one in messages if one.template not in (*but, "satisfaction")]


def only(messages: list[Heard], template: str) -> list[str]:
    """The texts of a template."""
    return [one.text for one in messages if one.template == template]


BOOKED = confirmed("0h10m", "9h00m", "15h00m")


def test_a_quiet_rental_hears_five_messages_of_which_one_asks_how_it_was() -> None:
    life = heard(BOOKED, opened("9h05m"), event("14h40m", "booking.returned"))
    assert [(one.at, one.template) for one in life] == [
        ("0h10m", "booking-confirmed"),
        ("6h00m", "find-your-car"),
        ("13h00m", "return-reminder"),
        # Asked at 21:40, said at the next hour that a service message may use.
        ("25h00m", "satisfaction"),
    ]
    assert "GK-482-XT" in life[1].text
    assert "B12" in life[1].text
    assert "4821" in life[1].text


def test_canceled_while_the_first_texts_are_queued_leaves_one_farewell() -> None:
    """All at one moment: nothing of the booking has left when the cancellation comes."""
    life = heard(confirmed("7h00m", "8h00m", "12h00m"), event("7h00m", "booking.canceled"))
    assert told(life) == [("7h00m", "booking-canceled")]


def test_canceled_after_the_car_was_named_ends_everything_with_a_farewell() -> None:
    life = heard(BOOKED, event("6h30m", "booking.canceled"))
    assert told(life) == [("0h10m", "booking-confirmed"), ("6h00m", "find-your-car"), ("6h30m", "booking-canceled")]


def test_moved_later_in_time_names_the_car_three_hours_before_the_new_start() -> None:
    life = heard(BOOKED, changed("1h00m", "12h00m", "18h00m"), opened("12h00m"), event("17h00m", "booking.returned"))
    assert told(life) == [
        ("0h10m", "booking-confirmed"),
        ("1h00m", "booking-moved"),
        ("9h00m", "find-your-car"),
        ("16h00m", "return-reminder"),
    ]
    assert "à 18h00" in only(life, "booking-moved")[0]


def test_moved_earlier_into_the_last_three_hours_names_the_car_at_once() -> None:
    life = heard(BOOKED, changed("1h00m", "3h00m", "9h00m"), opened("3h00m"), event("6h00m", "booking.returned"))
    assert told(life, "return-reminder") == [
        ("0h10m", "booking-confirmed"),
        ("1h00m", "booking-moved"),
        ("1h01m", "find-your-car"),
    ]


def test_moved_to_another_station_after_the_car_was_named_names_the_new_car_and_bay() -> None:
    elsewhere = {"place": "parking P5, Lyon-Saint-Exupéry", "bay": "E7", "lock": "0042", "plate": "AA-000-AA"}
    life = heard(BOOKED, changed("7h00m", "14h00m", "20h00m", **elsewhere), opened("14h00m"))
    assert told(life)[:4] == [
        ("0h10m", "booking-confirmed"),
        ("6h00m", "find-your-car"),
        ("7h00m", "booking-moved"),
        ("11h00m", "find-your-car"),
    ]
    old, new = only(life, "find-your-car")
    assert "B12" in old
    assert "GK-482-XT" in old
    assert "AA-000-AA" in new
    assert "Lyon-Saint-Exup" in new
    assert "place E7" in new
    assert "0042" in new
    assert "Lyon-Saint-Exup" in only(life, "booking-moved")[0]


def test_moved_twice_counts_the_last_time_only() -> None:
    life = heard(BOOKED, changed("1h00m", "12h00m", "18h00m"), changed("1h01m", "16h00m", "22h00m"), opened("16h00m"))
    assert [at for at, template in told(life) if template == "find-your-car"] == ["13h00m"]
    assert "à 22h00" in only(life, "booking-moved")[-1]


@pytest.mark.parametrize(("start", "clock"), [(SPRING, "05h30"), (AUTUMN, "03h30")])
def test_moved_over_the_night_in_which_clocks_change_keeps_three_real_hours_and_the_station_s_clock(
    start: datetime, clock: str
) -> None:
    # 06:00 plus 22½ hours is 04:30, an hour later in spring and an hour earlier in autumn.
    life = heard(BOOKED, changed("1h00m", "22h30m", "30h00m"), opened("22h40m"), start=start)
    assert ("19h30m", "find-your-car") in told(life)
    assert clock in only(life, "find-your-car")[0]


def test_who_arrives_at_midnight_is_told_in_the_night() -> None:
    life = heard(confirmed("0h10m", "18h15m", "24h00m"), start=SPRING)
    assert ("15h15m", "find-your-car") in told(life)
    assert "00h15" in only(life, "find-your-car")[0]
    # Nobody opened it: help at a quarter past one.
    assert ("19h15m", "need-help") in told(life)


def test_a_last_minute_booking_is_offered_help_an_hour_after_its_start() -> None:
    life = heard(confirmed("8h30m", "9h00m", "15h00m"))
    assert told(life) == [("8h30m", "booking-confirmed"), ("8h31m", "find-your-car"), ("10h00m", "need-help")]


def test_who_never_came_is_not_asked_to_bring_the_car_back_and_may_still_be_canceled() -> None:
    life = heard(BOOKED, event("12h00m", "booking.canceled"))
    assert told(life)[-2:] == [("10h00m", "need-help"), ("12h00m", "booking-canceled")]
    assert only(heard(BOOKED), "return-reminder") == []


def test_a_returned_car_ends_the_reminder_before_it_changes_channel() -> None:
    """An app that may not show anything never acknowledges: after ten minutes the text would go."""
    app = {"customer": {"id": "c-1"}, "device": {"token": "device-1-silent", "zone": PARIS}}
    phone = event("0h05m", "app.opened", "/app")
    life = (BOOKED, opened("9h00m"), {**phone, "data": {"market": "FR", **app}})
    reminders = [one.channel for one in heard(*life) if one.template == "return-reminder"]
    assert reminders == ["push", "sms"]
    back = heard(*life, event("13h05m", "booking.returned"))
    assert [one.channel for one in back if one.template == "return-reminder"] == ["push"]


def test_extended_before_the_reminder_moves_it_and_extended_after_it_reminds_again() -> None:
    before = heard(BOOKED, opened("9h00m"), event("11h00m", "booking.extended", booking=until("17h00m")))
    assert told(before)[2:] == [("11h00m", "booking-extended"), ("15h00m", "return-reminder")]
    assert "23h00" in only(before, "return-reminder")[0]
    after = heard(BOOKED, opened("9h00m"), event("14h00m", "booking.extended", booking=until("17h00m")))
    assert told(after)[2:] == [
        ("13h00m", "return-reminder"),
        ("14h00m", "booking-extended"),
        ("15h00m", "return-reminder"),
    ]


def test_extended_before_the_car_was_opened_reminds_once() -> None:
    life = heard(BOOKED, event("5h00m", "booking.extended", booking=until("17h00m")), opened("9h00m"))
    assert [at for at, template in told(life) if template == "return-reminder"] == ["15h00m"]


def test_opening_the_car_again_on_the_road_starts_nothing_anew() -> None:
    life = heard(BOOKED, opened("9h00m"), opened("11h00m"), opened("14h30m"))
    assert told(life).count(("13h00m", "return-reminder")) == 1
    assert len(only(life, "return-reminder")) == 1


def test_who_extends_an_overdue_rental_does_not_hear_the_last_word() -> None:
    late = (BOOKED, opened("9h00m"), event("15h30m", "booking.overdue"))
    assert told(heard(*late))[-2:] == [("15h30m", "overdue"), ("17h30m", "overdue-final")]
    life = heard(*late, event("16h00m", "booking.extended", booking=until("19h00m")))
    assert told(life)[-3:] == [("15h30m", "overdue"), ("16h00m", "booking-extended"), ("17h00m", "return-reminder")]
    again = heard(
        *late, event("16h00m", "booking.extended", booking=until("19h00m")), event("19h30m", "booking.overdue")
    )
    assert told(again)[-2:] == [("19h30m", "overdue"), ("21h30m", "overdue-final")]


def test_returned_early_hears_nothing_more_about_the_return() -> None:
    life = heard(BOOKED, opened("9h00m"), event("11h00m", "booking.returned"))
    assert told(life) == [("0h10m", "booking-confirmed"), ("6h00m", "find-your-car")]


def test_two_bookings_at_once_each_have_their_own_car() -> None:
    other = {"place": "parking P2, Nantes", "bay": "A1", "lock": "1111", "plate": "AA-111-AA"}
    life = heard(
        BOOKED, confirmed("0h20m", "9h00m", "15h00m", key="b-2", **other), opened("9h10m"), opened("9h20m", "b-2")
    )
    cars = sorted(only(life, "find-your-car"))
    assert len(cars) == 2
    for plate, bay, lock in (("AA-111-AA", "A1", "1111"), ("GK-482-XT", "B12", "4821")):
        (mine,) = [text for text in cars if plate in text]
        assert f"place {bay}" in mine
        assert lock in mine
    assert len(only(life, "return-reminder")) == 2


def test_one_of_two_bookings_canceled_leaves_the_other_alone() -> None:
    life = heard(
        BOOKED, confirmed("0h20m", "10h00m", "15h00m", key="b-2"), event("1h00m", "booking.canceled", key="b-2")
    )
    assert [at for at, template in told(life) if template == "find-your-car"] == ["6h00m"]
    assert "R2" in only(life, "booking-canceled")[0]


def test_another_number_and_language_count_from_the_next_message_on() -> None:
    number = event("1h00m", "customer.changed", "/accounts", who={"id": "c-1", "phone": "06 12 99 99 99"})
    language = event("2h00m", "customer.changed", "/accounts", who={"id": "c-1", "language": "de"})
    life = heard(BOOKED, number, language)
    assert [one.address for one in life if one.template == "booking-confirmed"] == ["+33612345678"]
    (car,) = [one for one in life if one.template == "find-your-car"]
    assert car.address == "+33612999999"
    assert "steht bereit" in car.text


def test_a_briton_who_picks_up_in_spain_reads_english_the_spanish_clock_and_a_spanish_number() -> None:
    who = {"id": "c-9", "first_name": "Emma", "last_name": "Clarke", "language": "en-GB", "phone": "07400 123456"}
    booking = {
        **confirmed("0h10m", "8h00m", "12h00m", who=who, zone="Europe/Madrid", station="ES", help="+34 500 012 345"),
    }
    booking["data"]["market"] = "GB"
    life = heard(booking)
    (car,) = only(life, "find-your-car")
    assert "Your rental starts at 14:00" in car
    assert "+34 500 012 345" in only(life, "need-help")[0]
    assert {one.address for one in life} == {"+447400123456"}


def test_who_has_a_mailbox_only_is_told_everything_by_mail() -> None:
    who = {"id": "c-7", "first_name": "Zoé", "last_name": "Girard", "language": "fr", **MAILBOX}
    late = (opened("9h05m"), event("15h30m", "booking.overdue"), event("18h00m", "booking.returned"))
    life = heard(
        confirmed("0h10m", "9h00m", "15h00m", who=who),
        *[{**one, "data": {**one["data"], "customer": {"id": "c-7"}}} for one in late],
    )
    assert {one.channel for one in life} == {"email"}
    assert told(life) == [
        ("0h10m", "booking-confirmed"),
        ("6h00m", "find-your-car"),
        ("13h00m", "return-reminder"),
        ("15h30m", "overdue"),
        ("17h30m", "overdue-final"),
    ]


@pytest.mark.parametrize("kind", ["booking.overdue", "booking.extended", "booking.changed", "invoice.issued"])
def test_partners_look_after_their_own_customers(kind: str) -> None:
    booking = confirmed("0h10m", "9h00m", "15h00m", channel="partner")
    assert heard(booking, opened("9h00m"), event("12h00m", kind)) == []
