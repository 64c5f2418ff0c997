"""Makes the sample events: one day of a small rental company, the same for the same seed.

    python generate.py [--seed 7] [--bookings 100] > events.ndjson

Times are relative, so that the day can be replayed at any date: `T+6h30m` is an instant that long after the start of
the day; `T+6h30m|Europe/Paris|time` is that instant as the clock at the station shows it, `|date` its day and month.
The day starts at 06:00 in Paris. Needs nothing but Python.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Event = dict[str, Any]
Choice = random.Random

SEED = 7
BOOKINGS = 100
HOUR = 60
#: 00:15 in Paris.
MIDNIGHT = 18 * HOUR + 15

ZONES = {"FR": "Europe/Paris", "GB": "Europe/London"}
NAMES = {
    "fr": (
        ("Camille", "Moreau"), ("Léa", "Bernard"), ("Hugo", "Petit"), ("Chloé", "Durand"), ("Louis", "Leroy"),
        ("Inès", "Roux"), ("Jules", "Fournier"), ("Zoé", "Girard"), ("Adrien", "Lambert"), ("François", "Mercier"),
        ("Maëlle", "Dupuis"), ("Théo", "Garnier"), ("Anaïs", "Chevalier"), ("Noé", "Blanchard"),
    ),
    "en": (
        ("Emma", "Clarke"), ("Oliver", "Hughes"), ("Amelia", "Wright"), ("George", "Patel"), ("Isla", "Murray"),
        ("Harry", "Bennett"), ("Grace", "Walker"), ("Arthur", "Singh"), ("Freya", "Campbell"), ("Noah", "Evans"),
    ),
}  # fmt: skip
PLACES = {
    "FR": ("parking P4, Nice T2", "parking P5, Lyon-Saint-Exupéry", "parking Gare, Bordeaux", "parking P2, Nantes"),
    "GB": ("Short Stay, Gatwick North", "Car Park 5, Luton", "Level 2, Edinburgh", "Car Park C, Bristol"),
}
MODELS = {
    "FR": ("Peugeot 208", "Renault Clio", "Citroën C3", "Dacia Sandero", "Renault Zoe"),
    "GB": ("Vauxhall Corsa", "Ford Fiesta", "Nissan Leaf", "MINI Cooper", "Kia Picanto"),
}
LETTERS = "ABCDEFGHJKLMNPRSTVWXYZ"
#: Numbers that exist in films only (ARCEP, Ofcom), and one that somebody mistyped: refused as invalid.
NO_NUMBERS = ("06 39 98 00 17", "07700 900142", "06 12 34", "07700 900873")
#: The sandbox reports these as switched off, filtered, and as no number at all (outrider/sandbox/magic.py).
FATED = ("06 15 55 00 05", "06 15 55 00 07", "06 15 55 00 01")


@dataclass(frozen=True)
class Customer:
    """Who rents."""

    id: str
    market: str
    language: str
    first_name: str
    last_name: str
    phone: str
    offers: bool


@dataclass
class Booking:
    """One rental; times are minutes after the start of the day."""

    number: int
    customer: Customer
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
    canceled: int | None = None
    unlocked: int | None = None
    returned: int | None = None
    events: list[tuple[int, Event]] = field(default_factory=list)


def offset(minutes: int) -> str:
    """T+6h30m."""
    return f"T+{minutes // HOUR}h{minutes % HOUR:02}m"


def phone(market: str, number: int) -> str:
    """A national number of a mobile range, different for every customer."""
    digits = f"{(123_457 + number * 7_919) % 1_000_000:06}"
    return f"06 12 {digits[:2]} {digits[2:4]} {digits[4:]}" if market == "FR" else f"07400 {digits}"


def customer(choose: Choice, number: int, market: str) -> Customer:
    """A customer who mostly speaks the language of the market."""
    own, other = ("fr", "en") if market == "FR" else ("en", "fr")
    language = own if choose.random() < 0.85 else other
    first, last = choose.choice(NAMES[language])
    locale = language if language != "en" else "en-GB"
    offers = choose.random() < 0.55
    return Customer(f"c-{number:04}", market, locale, first, last, phone(market, number), offers)


def plate(choose: Choice, market: str) -> str:
    """A plate as the country writes it."""
    letters = "".join(choose.choice(LETTERS) for _ in range(5))
    if market == "FR":
        return f"{letters[:2]}-{choose.randint(101, 989)}-{letters[2:4]}"
    return f"{letters[:2]}{choose.choice((21, 22, 23, 71, 72, 73))} {letters[2:]}"


def booking(choose: Choice, number: int, who: Customer, starts: int, hours: int, before: int) -> Booking:
    """A booking confirmed `before` minutes before it starts."""
    market = who.market
    return Booking(
        number=number,
        customer=who,
        confirmed=max(0, starts - before),
        starts=starts,
        ends=starts + hours * HOUR,
        place=choose.choice(PLACES[market]),
        model=choose.choice(MODELS[market]),
        plate=plate(choose, market),
        bay=f"{choose.choice('ABCDE')}{choose.randint(1, 48)}",
        lock=f"{choose.randint(0, 9999):04}",
        reference="".join(choose.choice(LETTERS + "23456789") for _ in range(5)),
        channel=choose.choices(("app", "web", "partner"), (70, 26, 4))[0],
    )


def heroes(choose: Choice) -> Iterator[Booking]:
    """Two rentals in which much happens, for those who watch: a moved booking, a car hard to find."""
    camille = Customer("c-0001", "FR", "fr", "Camille", "Moreau", phone("FR", 1), True)
    emma = Customer("c-0002", "GB", "en-GB", "Emma", "Clarke", phone("GB", 2), True)
    first = booking(choose, 1, camille, 6 * HOUR + 30, 7, 6 * HOUR + 25)
    first.channel, first.model, first.place = "app", "Peugeot 208", PLACES["FR"][0]
    first.moved = (2 * HOUR, 7 * HOUR + 30)
    first.unlocked, first.returned = 9 * HOUR, 14 * HOUR + 10
    second = booking(choose, 2, emma, 8 * HOUR, 6, 7 * HOUR + 30)
    second.channel, second.model, second.place = "web", "MINI Cooper", PLACES["GB"][0]
    second.unlocked, second.returned = 8 * HOUR + 12, 13 * HOUR + 50
    yield from (first, second)


def rentals(choose: Choice, count: int) -> Iterator[Booking]:
    """All bookings of the day."""
    yield from list(heroes(choose))[:count]
    known: list[Customer] = []
    for number in range(3, count + 1):
        again = len(known) > 20 and choose.random() < 0.15
        who = choose.choice(known) if again else customer(choose, number, "FR" if choose.random() < 0.6 else "GB")
        if not again:
            known.append(who)
        starts = MIDNIGHT + choose.randint(0, 30) if number % 19 == 0 else choose.randint(4 * HOUR, 13 * HOUR)
        before = choose.choice((HOUR, 2 * HOUR, 5 * HOUR, 6 * HOUR, 8 * HOUR))
        made = booking(choose, number, with_phone(who, number), starts, choose.randint(5, 8), before)
        happenings(choose, made)
        yield made


def with_phone(who: Customer, number: int) -> Customer:
    """A few customers gave a number that cannot be reached."""
    odd = {23: NO_NUMBERS[0], 47: NO_NUMBERS[1], 71: NO_NUMBERS[2], 95: NO_NUMBERS[3]}
    odd |= dict(zip((31, 53, 77), FATED, strict=True))
    if number not in odd:
        return who
    national = odd[number]
    market = "GB" if national.startswith("07") else "FR"
    return Customer(f"c-{number:04}", market, who.language, who.first_name, who.last_name, national, who.offers)


def happenings(choose: Choice, made: Booking) -> None:
    """What becomes of a rental."""
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
    if fate < 0.96:
        made.returned = ends + choose.randint(-40, 75)


def cloud_event(made: Booking, minutes: int, kind: str, booking_data: Event, vehicle: Event | None = None) -> None:
    """Add one CloudEvent to a rental."""
    who = made.customer
    source = "/vehicles" if kind.startswith("vehicle.") else "/bookings"
    person: Event = {"id": who.id}
    if kind == "booking.confirmed":
        person |= {"first_name": who.first_name, "last_name": who.last_name, "phone": who.phone}
        person |= {"language": who.language, "offers": who.offers}
    data: Event = {"market": who.market, "customer": person, "booking": {"id": f"b-{made.number:04}", **booking_data}}
    if vehicle:
        data["vehicle"] = vehicle
    identifier = f"{kind}-{made.number:04}"
    event = {"specversion": "1.0", "id": identifier, "source": source, "type": kind, "time": offset(minutes)}
    made.events.append((minutes, {**event, "data": data}))


def when(made: Booking, starts: int) -> Event:
    """The times of a rental that starts then, as instants and as the station's clock shows them."""
    ends, zone = starts + made.ends - made.starts, ZONES[made.customer.market]
    return {
        "starts_at": offset(starts),
        "ends_at": offset(ends),
        "pickup_date": f"{offset(starts)}|{zone}|date",
        "pickup_time": f"{offset(starts)}|{zone}|time",
        "return_time": f"{offset(ends)}|{zone}|time",
    }


def tell(made: Booking) -> list[tuple[int, Event]]:
    """The events of one rental."""
    details = {"reference": made.reference, "channel": made.channel, "place": made.place}
    details |= {"bay": made.bay, "lock": made.lock}
    car = {"id": made.plate.replace(" ", "-"), "plate": made.plate, "model": made.model}
    cloud_event(made, made.confirmed, "booking.confirmed", {**details, **when(made, made.starts)}, car)
    if made.moved:
        cloud_event(made, made.moved[0], "booking.changed", when(made, made.moved[1]))
    for minutes, kind in (
        (made.canceled, "booking.canceled"),
        (made.unlocked, "vehicle.unlocked"),
        (made.returned, "booking.returned"),
    ):
        if minutes is not None:
            cloud_event(made, minutes, kind, {})
    return made.events


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
