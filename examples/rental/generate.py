"""Makes the sample events: one day of a rental company in six markets, the same for the same seed.

    python generate.py [--seed 7] [--bookings 420] > events.ndjson

Times are relative, so that the day can be told at any date: `T+6h30m` is an instant that long after the start of
the day; `T+6h30m|promised` is the same one where people read it, also when the day is told faster than it happened.
The day starts at 06:00 in Paris and lasts into the next morning, over the hours at which clocks change when it is told
on the eve of a last Sunday of March or October. Needs nothing but Python and countries.json beside it.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

Event = dict[str, Any]
Choice = random.Random

SEED = 7
BOOKINGS = 420
HOUR = 60
#: 00:15 in Paris.
MIDNIGHT = 18 * HOUR + 15
LETTERS = "ABCDEFGHJKLMNPRSTVWXYZ"


@dataclass(frozen=True)
class Country:
    """What differs from market to market: the rows of countries.json."""

    zone: str
    #: Share of the bookings, in percent.
    share: int
    #: The market's own language.
    language: str
    #: A national mobile number up to its last six digits, which are those of the customer.
    mobile: str
    #: Whom to call about a car that stands here. Made up: no such numbers are assigned (ARCEP, Ofcom and
    #: Bundesnetzagentur keep the French, British and German ones for films).
    help: str
    currency: str
    #: Plate: L is a letter, 9 a digit.
    plate: str
    places: list[str]
    models: list[str]
    names: list[tuple[str, str]]


COUNTRIES = {
    code: Country(**row)
    for code, row in json.loads(Path(__file__).with_name("countries.json").read_text(encoding="utf-8")).items()
}
#: Where people of a market rent when they travel.
ABROAD = {"ES": "DE", "DE": "PT", "GB": "ES", "FR": "IT", "IT": "FR", "PT": "GB"}
#: The Canary Islands keep another time than the rest of their market.
ISLANDS = "Atlantic/Canary"

#: By number of the booking: numbers that exist in films only (ARCEP, Ofcom), and two that somebody mistyped. All four
#: are refused as invalid.
NO_NUMBERS = {
    23: ("FR", "06 39 98 00 17"),
    47: ("GB", "07700 900142"),
    71: ("FR", "06 12 34"),
    95: ("GB", "07700 900873"),
}
#: The sandbox reports these as switched off, filtered, and as no number at all (outrider/sandbox/magic.py).
FATED = {31: "06 15 55 00 05", 53: "06 15 55 00 07", 77: "06 15 55 00 01"}
#: How people can be reached, in percent. `off`: the app may not show anything any more, so it never acknowledges;
#: `dead`: it was removed from the phone.
REACH = {"all": 55, "no app": 14, "off": 8, "dead": 6, "mail only": 6, "phone only": 11}
#: The sandbox's app does so for tokens that end like this (outrider/sandbox/push/fcm.py).
TOKENS = {"off": "silent", "dead": "unregistered"}


@dataclass(frozen=True)
class Customer:
    """Who rents."""

    id: str
    market: str
    language: str
    first_name: str
    last_name: str
    phone: str
    email: str
    #: What the app reports for notifications; empty without the app.
    token: str
    zone: str
    offers: bool
    is_new: bool = False


@dataclass
class Booking:
    """One rental; times are minutes after the start of the day."""

    number: int
    customer: Customer
    #: The market in which the car stands.
    station: str
    confirmed: int
    starts: int
    ends: int
    place: str
    model: str
    plate: str
    bay: str
    lock: str
    reference: str
    channel: str = "app"
    #: (when, new start): the whole rental moves.
    moved: tuple[int, int] | None = None
    #: Another car after the move: place, bay, code and plate; nothing when it is the same one.
    elsewhere: tuple[str, str, str, str] | None = None
    #: (when, minutes): the car may come back so much later.
    extended: tuple[int, int] | None = None
    #: (when, fields): the customer has another number, or wants to be spoken to in another language.
    altered: tuple[int, Event] | None = None
    canceled: int | None = None
    unlocked: int | None = None
    overdue: int | None = None
    returned: int | None = None
    invoiced: int | None = None
    #: Somebody signs in to the customer's account with a device nobody knows.
    signed_in: int | None = None
    events: list[tuple[int, Event]] = field(default_factory=list)


def offset(minutes: int) -> str:
    """T+6h30m."""
    return f"T+{minutes // HOUR}h{minutes % HOUR:02}m"


def phone(market: str, number: int) -> str:
    """A national number of a mobile range, different for every customer."""
    digits = f"{(123_457 + number * 7_919) % 1_000_000:06}"
    if market == "FR":
        digits = f"{digits[:2]} {digits[2:4]} {digits[4:]}"
    return COUNTRIES[market].mobile + digits


def drawn(choose: Choice, shares: dict[str, int]) -> str:
    """One of the names, by its share."""
    return choose.choices(list(shares), list(shares.values()))[0]


def customer(choose: Choice, number: int, market: str) -> Customer:
    """A customer who mostly speaks the language of the market."""
    home = COUNTRIES[market]
    guest = COUNTRIES["FR" if market == "GB" else "GB"]
    spoken = home if choose.random() < 0.85 else guest
    first, last = choose.choice(spoken.names)
    islander = market == "ES" and choose.random() < 0.2
    who = Customer(
        id=f"c-{number:04}",
        market=market,
        language=spoken.language,
        first_name=first,
        last_name=last,
        phone=phone(market, number),
        email=f"customer.{number:04}@example.com",
        token=f"device-{number:04}",
        zone=ISLANDS if islander else home.zone,
        offers=choose.random() < 0.55,
        is_new=choose.random() < 0.25,
    )
    return reached(who, drawn(choose, REACH))


def reached(who: Customer, how: str) -> Customer:
    """The customer with the addresses of a way in REACH."""
    if how in ("off", "dead"):
        return replace(who, token=f"{who.token}-{TOKENS[how]}")
    if how == "mail only":
        return replace(who, phone="", token="")
    if how == "phone only":
        return replace(who, email="", token="")
    return replace(who, token="") if how == "no app" else who


def plate(choose: Choice, market: str) -> str:
    """A plate as the country writes it."""
    form = COUNTRIES[market].plate
    return "".join(choose.choice(LETTERS if sign == "L" else "23456789") if sign in "L9" else sign for sign in form)


def spot(choose: Choice) -> tuple[str, str]:
    """A bay, and the code of its key safe."""
    return f"{choose.choice('ABCDE')}{choose.randint(1, 48)}", f"{choose.randint(0, 9999):04}"


def booking(choose: Choice, number: int, who: Customer, starts: int, hours: int, before: int) -> Booking:
    """A booking confirmed `before` minutes before it starts; some travel to another market for it."""
    station = ABROAD[who.market] if choose.random() < 0.12 else who.market
    there = COUNTRIES[station]
    place, model, registration = choose.choice(there.places), choose.choice(there.models), plate(choose, station)
    bay, lock = spot(choose)
    return Booking(
        number=number,
        customer=who,
        station=station,
        confirmed=max(0, starts - before),
        starts=starts,
        ends=starts + hours * HOUR,
        place=place,
        model=model,
        plate=registration,
        bay=bay,
        lock=lock,
        reference="".join(choose.choice(LETTERS + "23456789") for _ in range(5)),
        channel=choose.choices(("app", "web", "partner"), (70, 26, 4))[0],
    )


def heroes(choose: Choice) -> Iterator[Booking]:
    """Two rentals in which much happens, for those who watch: a moved booking, a car hard to find."""
    camille = replace(customer(choose, 1, "FR"), language="fr", first_name="Camille", last_name="Moreau", offers=True)
    emma = replace(customer(choose, 2, "GB"), language="en-GB", first_name="Emma", last_name="Clarke", offers=True)
    camille = replace(camille, phone=phone("FR", 1), email="customer.0001@example.com", token="device-0001")
    emma = replace(emma, phone=phone("GB", 2), email="customer.0002@example.com", token="device-0002-silent")
    first = booking(choose, 1, camille, 6 * HOUR + 30, 7, 6 * HOUR + 25)
    first.station, first.channel, first.model, first.place = "FR", "app", "Peugeot 208", COUNTRIES["FR"].places[0]
    first.moved = (2 * HOUR, 7 * HOUR + 30)
    first.unlocked, first.returned, first.invoiced = 9 * HOUR, 14 * HOUR + 10, 14 * HOUR + 30
    second = booking(choose, 2, emma, 8 * HOUR, 6, 7 * HOUR + 30)
    second.station, second.channel, second.model, second.place = "GB", "web", "MINI Cooper", COUNTRIES["GB"].places[0]
    second.unlocked, second.returned, second.invoiced = 8 * HOUR + 12, 13 * HOUR + 50, 14 * HOUR + 10
    yield from (first, second)


def rentals(choose: Choice, count: int) -> Iterator[Booking]:
    """All bookings of the day."""
    yield from list(heroes(choose))[:count]
    known: list[Customer] = []
    shares = {market: country.share for market, country in COUNTRIES.items()}
    for number in range(3, count + 1):
        again = len(known) > 20 and choose.random() < 0.15
        who = choose.choice(known) if again else customer(choose, number, drawn(choose, shares))
        if again:
            who = replace(who, is_new=False)
        else:
            known.append(who)
        # Every ninth arrives in the night, up to 03:15 in Paris.
        starts = MIDNIGHT + choose.randint(0, 180) if number % 9 == 0 else choose.randint(4 * HOUR, 13 * HOUR)
        before = choose.choice((HOUR, 2 * HOUR, 5 * HOUR, 6 * HOUR, 8 * HOUR))
        made = booking(choose, number, with_phone(who, number), starts, choose.randint(5, 8), before)
        happenings(choose, made)
        # By a dice of its own: another turn changes nobody else's day.
        turns(Choice(f"{who.id} {number} {made.lock}"), made)
        yield made


def with_phone(who: Customer, number: int) -> Customer:
    """A few customers gave a number that cannot be reached."""
    if number in NO_NUMBERS:
        market, national = NO_NUMBERS[number]
    elif number in FATED:
        market, national = "FR", FATED[number]
    else:
        return who
    return replace(who, id=f"c-{number:04}", market=market, phone=national, zone=COUNTRIES[market].zone)


def happenings(choose: Choice, made: Booking) -> None:
    """What becomes of a rental."""
    if choose.random() < 0.04:
        made.signed_in = made.confirmed + choose.randint(5, 600)
    fate = choose.random()
    if fate < 0.10:
        made.canceled = choose.randint(made.confirmed + 10, made.starts - 20)
        return
    if fate < 0.22 and made.starts - made.confirmed > 4 * HOUR:
        made.moved = (made.confirmed + choose.randint(20, 90), made.starts + choose.choice((-30, 45, 60, 90)))
    starts = made.moved[1] if made.moved else made.starts
    ends = starts + made.ends - made.starts
    fate = choose.random()
    if fate < 0.05:
        return  # nobody came
    made.unlocked = starts + (choose.randint(80, 110) if fate < 0.12 else choose.randint(-10, 35))
    if fate < 0.90:
        made.returned = ends + choose.randint(-40, 25)
    elif fate < 0.95:
        made.overdue, made.returned = ends + 30, ends + choose.randint(60, 200)
    else:
        made.overdue = ends + 30
    if made.returned is not None:
        made.invoiced = made.returned + choose.randint(10, 40)


def turns(choose: Choice, made: Booking) -> None:
    """What else people do: move at the last moment or to another car park, keep the car longer, change their number."""
    late = made.confirmed < made.starts - 2 * HOUR and made.canceled is None and made.moved is None
    if made.number > 2 and late and choose.random() < 0.06:
        # Within three hours of the start: they know bay and code already.
        starts = made.starts + choose.choice((45, 60, 240))
        shift_by(made, starts - made.starts)
        made.moved = (made.starts - choose.randint(30, 100), starts)
    if made.moved and choose.random() < 0.4:
        others = [place for place in COUNTRIES[made.station].places if place != made.place]
        made.elsewhere = (choose.choice(others), *spot(choose), plate(choose, made.station))
    if made.number > 2 and made.returned is not None and choose.random() < (0.12 if made.overdue is None else 0.5):
        longer(choose, made)
    if made.number > 2 and choose.random() < 0.05:
        at, who = made.confirmed + choose.randint(3, 30), made.customer
        speaks = "en-GB" if who.language != "en-GB" else "de"
        number = {"phone": phone(who.market, 5_000 + made.number)}
        made.altered = (at, number if who.phone and choose.random() < 0.6 else {"language": speaks})


def shift_by(made: Booking, minutes: int) -> None:
    """Everything after the start happens so much later."""
    for name in ("unlocked", "overdue", "returned", "invoiced"):
        if getattr(made, name) is not None:
            setattr(made, name, getattr(made, name) + minutes)


def longer(choose: Choice, made: Booking) -> None:
    """They keep the car: said before or after the reminder, or when somebody asked where it is."""
    ends, by = (made.moved[1] if made.moved else made.starts) + made.ends - made.starts, choose.choice((60, 90, 150))
    asked = ends + 50 if made.overdue is not None else ends - choose.choice((45, 70, 180))
    made.extended = (asked, by)
    before, made.returned = made.returned or 0, max(asked + 15, ends + by - choose.randint(0, 25))
    made.invoiced = (made.invoiced or before) + made.returned - before


def cloud_event(made: Booking, minutes: int, kind: str, source: str, data: Event, suffix: str = "") -> None:
    """Add one CloudEvent to a rental."""
    identifier = f"{kind}-{made.number:04}{suffix}"
    event = {"specversion": "1.0", "id": identifier, "source": source, "type": kind, "time": offset(minutes)}
    made.events.append((minutes, {**event, "data": {"market": made.customer.market, **data}}))


def about(
    made: Booking, minutes: int, kind: str, more: Event | None = None, source: str = "/bookings", **others: Event
) -> None:
    """An event about the booking, and perhaps about others."""
    data = {"customer": {"id": made.customer.id}, "booking": {"id": f"b-{made.number:04}", **(more or {})}, **others}
    cloud_event(made, minutes, kind, source, data)


def car(made: Booking, registration: str) -> Event:
    """A car of the model that was booked."""
    return {"id": registration.replace(" ", "-"), "plate": registration, "model": made.model}


def person(who: Customer) -> Event:
    """What a form asks for; nothing stands where nothing was given."""
    told: Event = {"id": who.id, "first_name": who.first_name, "last_name": who.last_name, "language": who.language}
    told |= {name: value for name, value in (("phone", who.phone), ("email", who.email)) if value}
    return {**told, "offers": who.offers}


def when(made: Booking, starts: int) -> Event:
    """The times of a rental that starts then, as waited for and as promised, and the station's zone."""
    return {
        "starts_at": offset(starts),
        "pickup_at": f"{offset(starts)}|promised",
        "zone": COUNTRIES[made.station].zone,
        **until(starts + made.ends - made.starts),
    }


def until(ends: int) -> Event:
    """When a rental ends, as it is waited for and as it is promised."""
    return {
        "ends_at": offset(ends),
        "return_at": f"{offset(ends)}|promised",
    }


def tell(made: Booking) -> list[tuple[int, Event]]:
    """The events of one rental."""
    tell_person(made)
    there = COUNTRIES[made.station]
    details = {"id": f"b-{made.number:04}", "reference": made.reference, "channel": made.channel}
    details |= {"station": made.station, "place": made.place, "bay": made.bay, "lock": made.lock, "help": there.help}
    details |= when(made, made.starts)
    confirmed = {"customer": person(made.customer), "booking": details, "vehicle": car(made, made.plate)}
    cloud_event(made, made.confirmed, "booking.confirmed", "/bookings", confirmed)
    if made.moved:
        place, bay, lock, other = made.elsewhere or (made.place, made.bay, made.lock, made.plate)
        where = {"place": place, "bay": bay, "lock": lock}
        about(made, made.moved[0], "booking.changed", {**when(made, made.moved[1]), **where}, vehicle=car(made, other))
    if made.extended:
        ends = (made.moved[1] if made.moved else made.starts) + made.ends - made.starts + made.extended[1]
        about(made, made.extended[0], "booking.extended", until(ends))
    if made.unlocked is not None:
        about(made, made.unlocked, "vehicle.unlocked", source="/vehicles")
    for minutes, kind in (
        (made.canceled, "booking.canceled"),
        (made.overdue, "booking.overdue"),
        (made.returned, "booking.returned"),
    ):
        if minutes is not None:
            about(made, minutes, kind)
    if made.invoiced is not None:
        total = 29 + (made.number * 37 % 90) + made.number * 10 % 100 / 100
        bill = {"invoice": f"AD-2027-{made.number:05}", "total": total, "currency": there.currency}
        about(made, made.invoiced, "invoice.issued", bill)
    return made.events


def tell_person(made: Booking) -> None:
    """Sign-up, what the app reports, and a sign-in nobody expected."""
    who = made.customer
    if who.is_new:
        cloud_event(made, max(0, made.confirmed - 12), "customer.registered", "/accounts", {"customer": person(who)})
    if who.token:
        opened(made, max(0, made.confirmed - 2), who.zone)
        there = COUNTRIES[made.station].zone
        if made.station != who.market:
            # After landing; the phone takes the zone of the place.
            opened(made, max(made.confirmed + 1, made.starts - 45), there, "-there")
    if made.altered is not None:
        at, fields = made.altered
        cloud_event(made, at, "customer.changed", "/accounts", {"customer": {"id": who.id, **fields}})
    if made.signed_in is not None:
        device = {"device": ("Galaxy S24", "iPhone 15", "Pixel 9")[made.number % 3], "city": "Kraków"}
        data = {"customer": {"id": who.id}, **device}
        cloud_event(made, made.signed_in, "account.new_device", "/accounts", data)


def opened(made: Booking, minutes: int, zone: str, suffix: str = "") -> None:
    """The app was opened."""
    data = {"customer": {"id": made.customer.id}, "device": {"token": made.customer.token, "zone": zone}}
    cloud_event(made, minutes, "app.opened", "/app", data, suffix)


def generate(seed: int = SEED, bookings: int = BOOKINGS) -> list[Event]:
    """The day's CloudEvents, in order of time."""
    choose = Choice(seed)
    told = [event for made in rentals(choose, bookings) for event in tell(made)]
    told.sort(key=lambda each: (each[0], each[1]["id"]))
    return [event for _, event in told]


def lines(seed: int = SEED, bookings: int = BOOKINGS) -> str:
    """The events as newline-delimited JSON."""
    return "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in generate(seed, bookings))


def main() -> None:
    """Write the events to standard output."""
    parser = argparse.ArgumentParser(description="Make the sample events of a day.")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--bookings", type=int, default=BOOKINGS)
    arguments = parser.parse_args()
    print(lines(arguments.seed, arguments.bookings), end="")


if __name__ == "__main__":
    main()
