"""The configuration files of the simulated company."""

from __future__ import annotations

LANGUAGES = ("en", "fr")

TOML = """
environment = "production"
home_market = "FR"
public_url = "https://us.test"

[accounts.mode]
provider = "smsmode"
sandbox = true
api_key = "sandbox-smsmode-key"
channel_id = "5b5b5b5b-0000-4000-8000-000000000001"
base_url = "https://mode.test"
deadline = 8.0

[accounts.twi]
provider = "twilio"
sandbox = true
account_sid = "AC5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
auth_token = "sandbox-twilio-token"
base_url = "https://twi.test"
deadline = 10.0

[accounts.pocket]
provider = "pocket"
sandbox = true
key = "pocket-key"
base_url = "https://pocket.test"
deadline = 6.0

[[routes]]
name = "sms-mode"
channel = "sms"
account = "mode"
sender = "Outrider"
weight = 60
price = 0.045

[[routes]]
name = "sms-twi"
channel = "sms"
account = "twi"
sender = "+15005550006"
weight = 40
price = 0.05
per_second = 5.0

[[routes]]
name = "push-pocket"
channel = "push"
account = "pocket"
sender = "app"

[retries]
share = 0.05
per_minute = 1.0

[[caps]]
name = "calm"
at_most = 3
within = "12h"
purposes = ["service", "commercial"]

[[caps]]
name = "offers"
at_most = 1
within = "6h"
purposes = ["commercial"]

[[caps]]
name = "advice"
at_most = 2
per = "day"
purposes = ["service"]

[[gaps]]
name = "breath"
at_least = "15m"
purposes = ["service", "commercial"]

[ceilings]
per_hour = 12
per_day = 40
"""

#: What days with mail have besides.
MAIL_TOML = """
[accounts.letters]
provider = "letters"
sandbox = true
key = "letters-key"
base_url = "https://letters.test"
deadline = 6.0

[[routes]]
name = "mail-letters"
channel = "email"
account = "letters"
sender = "us@us.test"
"""

KINDS = {
    "profile": "kind: profile\ntraits: {name: string}\n",
    "booking": "kind: booking\ntraits: {starts_at: timestamp, ends_at: timestamp, key: string}\n",
    "vehicle": "kind: vehicle\ntraits: {plate: string}\n",
}

_PERSON = """
    subject: data.key
    profile: {market: data.market, zone: data.zone}
    traits: {name: data.name}
    addresses: {sms: data.phone, push: data.token}"""
_BOOKING = """
    objects: [{kind: booking, key: data.booking.key, traits: {"*": data.booking}}]
    relations: [{from: profile, to: booking, role: driver}]"""
#: A confirmation also tells about the car: one object more than the events after it.
_CONFIRMED = """
    objects:
      - {kind: booking, key: data.booking.key, traits: {"*": data.booking}}
      - {kind: vehicle, key: data.car, traits: {plate: data.car}}
    relations:
      - {from: profile, to: booking, role: driver}
      - {from: booking, to: vehicle, role: car, only: true}"""
ABOUT_BOOKINGS = (
    "booking.changed",
    "booking.canceled",
    "booking.returned",
    "vehicle.unlocked",
)
ABOUT_PEOPLE = ("app.opened", "tip.asked", "code.requested", "license.expires", "breakdown.reported", "odd.happened")
SOURCE = "source: app\nevents:" + "".join(
    [f"\n  booking.confirmed:{_PERSON}{_CONFIRMED}"]
    + [f"\n  {name}:{_PERSON}{_BOOKING}" for name in ABOUT_BOOKINGS]
    + [f"\n  {name}:{_PERSON}" for name in ABOUT_PEOPLE]
)

#: The event of days with mail, and what it tells.
MAIL_SOURCE = f"\n  bill.ready:{_PERSON}".replace("push: data.token", "push: data.token, email: data.mail")

#: Name → purpose, variables, text. Every text names its person, so that a stranger's data would be seen.
TEMPLATES: dict[str, tuple[str, tuple[str, ...], str]] = {
    "confirmed": ("transactional", ("profile.name", "booking.key"), "{{ profile.name }} {{ booking.key }} confirmed"),
    "find-car": ("transactional", ("profile.name", "booking.key"), "{{ profile.name }} {{ booking.key }} bay 4"),
    "need-help": ("transactional", ("profile.name", "booking.key"), "{{ profile.name }} {{ booking.key }} help?"),
    "canceled": ("transactional", ("profile.name", "booking.key"), "{{ profile.name }} {{ booking.key }} canceled"),
    "british": ("service", ("profile.name", "booking.key"), "{{ profile.name }} {{ booking.key }} keep left"),
    "thanks": ("service", ("profile.name", "booking.key"), "{{ profile.name }} {{ booking.key }} thank you"),
    "tip": ("service", ("profile.name", "event.data.tag"), "{{ profile.name }} {{ event.data.tag }} tip"),
    "offer": ("commercial", ("profile.name", "event.data.tag"), "{{ profile.name }} {{ event.data.tag }} offer"),
    "code": ("security", ("profile.name", "event.data.tag"), "{{ profile.name }} {{ event.data.tag }} code"),
    "license": ("legal", ("profile.name", "event.data.tag"), "{{ profile.name }} {{ event.data.tag }} expires"),
    "danger": ("safety", ("profile.name", "event.data.tag"), "{{ profile.name }} {{ event.data.tag }} stop"),
    "odd": ("service", ("profile.name", "event.data.tag"), "{{ profile.name }} {{ event.data.tag }} odd"),
}

MAIL_TEMPLATES = {
    "bill": ("transactional", ("profile.name", "event.data.tag"), "{{ profile.name }} {{ event.data.tag }} bill"),
}

MAIL_JOURNEYS = {
    "bill": """
journey: bill
start: {on: bill.ready, again: after_exit}
steps:
  - {send: bill, purpose: transactional, valid_for: 2d, channels: {first: [email, sms]}}
""",
}

JOURNEYS = {
    "rental": """
journey: rental
about: booking
start: {on: booking.confirmed}
exit:
  - on: booking.canceled
    then: {send: canceled, purpose: transactional, channels: {first: [sms]}}
goal: {on: booking.returned, within: 30d}
steps:
  - {send: confirmed, purpose: transactional, channels: {first: [push, sms]}}
  - wait: {until: booking.starts_at, minus: 3h, if_past: continue}
  - send: find-car
    purpose: transactional
    valid_for: 4h
    channels: {escalate: [push, sms], until: delivered, after: 10m}
  - wait:
      on: vehicle.unlocked
      timeout: 3h
      missed:
        - {send: need-help, purpose: transactional, time_critical: true, channels: {first: [sms]}}
  - branch:
      - when: 'market == "GB"'
        steps:
          - {send: british, purpose: service, channels: {first: [sms, push]}}
          - wait: 24h
  - wait: {until: booking.ends_at, plus: 1h}
  - {send: thanks, purpose: service, channels: {first: [push, sms]}}
""",
    "offers": """
journey: offers
start: {on: app.opened, again: {cooldown: 2h}}
steps:
  - {send: offer, purpose: commercial, valid_for: 1d, channels: {first: [sms, push]}}
  - wait: 1h
  - {send: offer, purpose: commercial, valid_for: 1d, blocked: skip, channels: {first: [push, sms]}}
""",
    "tips": """
journey: tips
start: {on: tip.asked, again: after_exit}
steps:
  - {send: tip, purpose: service, valid_for: 2d, channels: {first: [push, sms]}}
""",
    "code": """
journey: code
start: {on: code.requested, again: after_exit}
steps:
  - {send: code, purpose: security, valid_for: 10m, channels: {first: [sms]}}
""",
    "license": """
journey: license
start: {on: license.expires, again: after_exit}
steps:
  - send: license
    purpose: legal
    valid_for: 2d
    channels: {escalate: [sms, push], until: delivered, after: 10m}
""",
    "danger": """
journey: danger
start: {on: breakdown.reported, again: after_exit}
steps:
  - send: danger
    purpose: safety
    valid_for: 1d
    channels: {escalate: [push, sms], until: delivered, after: 10m}
""",
    "odd": """
journey: odd
start: {on: odd.happened, again: after_exit}
steps:
  - wait: 1m
  - {send: odd, purpose: service, channels: {first: [sms]}}
""",
}
