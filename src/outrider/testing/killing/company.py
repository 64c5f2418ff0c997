"""The company of the kill loop: one journey of one message for each of four purposes, at two simulated providers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from outrider.domain.purpose import Purpose

#: The purposes events ask for, in turn.
MIX = (Purpose.TRANSACTIONAL, Purpose.SERVICE, Purpose.COMMERCIAL, Purpose.SECURITY)
SOURCE = "/kill-loop"
MARKET = "GB"
#: Local hour at which people of the loop live: no market closes it, and a soak of hours stays within the day.
NOON = 11

TOML = """environment = "kill-loop"
home_market = "GB"
[accounts.smsmode]
provider = "smsmode"
base_url = "{smsmode}"
api_key = "sandbox-smsmode-key"
sandbox = true
deadline = {deadline}
[accounts.twilio]
provider = "twilio"
base_url = "{twilio}"
account_sid = "AC5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
auth_token = "sandbox-twilio-token"
sandbox = true
deadline = {deadline}
[retries]
# Every kill makes what was under way a further attempt: the loop is about loss, not about sparing providers.
share = 1
per_minute = 100000
[[routes]]
name = "smsmode"
channel = "sms"
account = "smsmode"
sender = "RENTAL"
weight = 50
[[routes]]
name = "twilio"
channel = "sms"
account = "twilio"
sender = "RENTAL"
weight = 50
"""
WITHIN = '[purposes.{purpose}]\nresolve_within = "{seconds}s"\n'

JOURNEY = """journey: {purpose}
about: booking
start: {{on: {purpose}.asked, again: per_key}}
steps:
  - send: note
    purpose: {purpose}
    channels: {{first: [sms]}}
"""
MAPPING = """  {purpose}.asked:
    subject: data.person
    profile: {{market: data.market, zone: data.zone}}
    addresses: {{sms: data.phone}}
    objects: [{{kind: booking, key: data.booking, traits: {{number: data.number}}}}]
    relations: [{{from: booking, to: profile, role: renter}}]
"""
PLAIN = {
    "objects/booking.yaml": "kind: booking\ntraits: {number: string}\nroles: [renter]\n",
    "templates/note/template.yaml": (
        "languages: [en]\nvariables:\n  booking.number: {type: string, example: '17', longest: 9}\n"
    ),
    "templates/note/sms.en.j2": "Booking {{ booking.number }} is in our book.\n",
}


def company(urls: Mapping[str, str], deadline: float, resolve_within: Mapping[Purpose, int]) -> dict[str, str]:
    """The folder's files; `urls` by provider, `deadline` of a call and `resolve_within` in seconds."""
    toml = TOML.format(smsmode=urls["smsmode"], twilio=urls["twilio"], deadline=deadline)
    toml += "".join(WITHIN.format(purpose=purpose, seconds=seconds) for purpose, seconds in resolve_within.items())
    files = {"outrider.toml": toml, **PLAIN}
    files["sources/kill-loop.yaml"] = f"source: {SOURCE}\nevents:\n" + "".join(
        MAPPING.format(purpose=purpose) for purpose in MIX
    )
    files |= {f"journeys/{purpose}.yaml": JOURNEY.format(purpose=purpose) for purpose in MIX}
    return files


def purpose_of(number: int) -> Purpose:
    """What the event with this number asks for."""
    return MIX[number % len(MIX)]


def phone_of(number: int) -> str:
    """The number only this event's message goes to (E.164)."""
    return f"+447{400_000_000 + number}"


def number_of(phone: str) -> int:
    """The event behind a number, written with or without its plus sign."""
    return int(phone.removeprefix("+").removeprefix("447")) - 400_000_000


def person_of(number: int) -> str:
    """The person of an event."""
    return f"person-{number}"


def zone_at(now: datetime) -> str:
    """A zone in which it is about noon: the loop runs at any hour and no quiet hours may stop it."""
    ahead = (NOON - now.hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def event_of(number: int, at: datetime, zone: str) -> dict[str, object]:
    """The CloudEvent with this number; the same id and content whenever it is sent again but for its time."""
    return {
        "specversion": "1.0",
        "id": f"event-{number}",
        "source": SOURCE,
        "type": f"{purpose_of(number)}.asked",
        "time": (at - timedelta(milliseconds=1)).isoformat(),
        "data": {
            "person": person_of(number),
            "market": MARKET,
            "zone": zone,
            "phone": phone_of(number),
            "booking": f"booking-{number}",
            "number": str(number),
        },
    }
