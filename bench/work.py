"""The work that is measured: the events, the people, the text. The same for Outrider and for the reference stacks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

COMPANY = Path(__file__).parent / "company"
#: Where the number of an event stands in every text that reaches the provider.
MARK = b"Ref R"
DIGITS = 10
BATCH = 100

_EVENT = (
    '{"specversion":"1.0","id":"%(run)s-%(number)d","source":"/rental","type":"booking.ready",'
    '"subject":"c%(person)d","time":"2026-11-22T10:00:00Z","datacontenttype":"application/json","data":{'
    '"order":"R%(number)010d","model":"Peugeot 208","plate":"GA-%(plate)03d-XY","park":"P3 Orly Sud","level":"-2",'
    '"spot":"B%(spot)02d","lock":"4711","from":"10:30","until":"24 Nov 18:00","fuel":"7/8","phone":"+33170001122"}}'
)


def event(run: str, number: int, people: int) -> str:
    """One CloudEvent as JSON: the booking of one of `people` persons is ready."""
    return _EVENT % {
        "run": run,
        "number": number,
        "person": number % people,
        "plate": number % 1000,
        "spot": number % 100,
    }


def batches(run: str, count: int, people: int, size: int = BATCH) -> Iterator[bytes]:
    """The events 0 to `count` - 1 as bodies of `size` each."""
    for first in range(0, count, size):
        body = ",".join(event(run, number, people) for number in range(first, min(first + size, count)))
        yield f"[{body}]".encode()


def person(number: int) -> tuple[str, str, str]:
    """Key, first name and phone number of a person who existed before the events."""
    return f"c{number}", FIRST_NAMES[number % len(FIRST_NAMES)], f"+336{number:08d}"


FIRST_NAMES = ("Amelie", "Bruno", "Chloe", "David", "Emma", "Felix", "Hanna", "Ines", "Jonas", "Lea", "Marc", "Nora")


def company_files(provider_url: str) -> dict[str, str]:
    """The bench's configuration folder, its provider being the stub."""
    from outrider.configuration import read_folder

    files = read_folder(COMPANY)
    return files | {"outrider.toml": files["outrider.toml"].replace("PROVIDER_URL", provider_url)}


def template_source() -> str:
    """The text, in Jinja syntax, for the reference stacks."""
    return (COMPANY / "templates/parking-spot/sms.en.j2").read_text(encoding="utf-8").rstrip("\n")
