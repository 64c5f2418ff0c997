"""The example's waits become shorter, everything else stays."""

from __future__ import annotations

import tomllib

import pytest

from outrider.configuration import build, read_folder
from outrider.demo.example import example_folder
from outrider.demo.quicken import at_sandbox, quickened
from outrider.plugged import shipped

FILES = read_folder(example_folder())
URLS = {"all": "http://127.0.0.1:1", "smsmode": "http://127.0.0.1:2", "twilio": "http://127.0.0.1:3"} | {
    "fcm": "http://127.0.0.1:4",
    "smtp": "http://127.0.0.1:5",
}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("- wait: 3h", "- wait: 3s"),
        ("- wait: {until: booking.starts_at, minus: 3h}", "- wait: {until: booking.starts_at, minus: 3s}"),
        ("  timeout: 30m", "  timeout: 1s"),
        ("- wait: 2d", "- wait: 48s"),
        ("again: {cooldown: 1w}", "again: {cooldown: 168s}"),
        ("channels: {escalate: [push, sms], after: 8h}", "channels: {escalate: [push, sms], after: 8s}"),
        ("channels: {escalate: [push, sms], after: 10m}", "channels: {escalate: [push, sms], after: 4s}"),
        ("valid_for: 4h", "valid_for: 4h"),
        ("goal: {on: x, within: 30d}", "goal: {on: x, within: 30d}"),
    ],
)
def test_only_waits_of_journeys_get_shorter_and_none_vanishes(line: str, expected: str) -> None:
    files = {"journeys/a.yaml": line, "templates/a/sms.en.j2": line}
    assert quickened(files, 3600) == {"journeys/a.yaml": expected, "templates/a/sms.en.j2": line}


def test_every_account_moves_to_the_sandbox_of_its_provider() -> None:
    accounts = tomllib.loads(at_sandbox(FILES, URLS)["outrider.toml"])["accounts"]
    mail = accounts.pop("mail")
    assert {account["provider"]: account["base_url"] for account in accounts.values()} == {
        name: URLS[name] for name in ("smsmode", "twilio", "fcm")
    }
    assert (mail["host"], mail["port"]) == ("127.0.0.1", 5)


def test_the_quickened_example_is_as_free_of_problems_as_the_example() -> None:
    for speed in (60, 3600, 14_400):
        configuration, problems = build(at_sandbox(quickened(FILES, speed), URLS), shipped())
        assert configuration is not None
        assert problems == []
