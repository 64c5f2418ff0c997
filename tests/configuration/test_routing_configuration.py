"""Registrations, senders, health, retries and soft bounces of outrider.toml: read, or refused with their place."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from outrider.configuration import build
from outrider.configuration.toml import read_toml
from outrider.delivery.budget import RetryRules
from outrider.delivery.health import HealthRules
from outrider.domain.bounces import BounceRules
from outrider.domain.keeping import KeptFor
from outrider.domain.problem import place
from outrider.domain.registration import Registration, RegistrationStatus
from outrider.plugged import shipped

COMPANY = """home_market = "DE"

[accounts.main]
provider = "smsmode"
api_key = "env:KEY"

[[routes]]
name = "main"
channel = "sms"
account = "main"
sender = "{sender}"
markets = [{markets}]
"""
ROW = """
[[registrations]]
country = "ES"
sender = "RENTAL"
provider = "smsmode"
status = "registered"
evidence = "CNMC 2026/117"
expires = 2027-05-31
"""


def company(extra="", sender="RENTAL", markets=""):
    return COMPANY.format(sender=sender, markets=markets) + extra


def found(text):
    """What `check` says, whatever the day."""
    return [(place(one), one.message, one.hint, one.severity) for one in build({"outrider.toml": text}, shipped())[1]]


def test_a_registration_is_read():
    toml, problems = read_toml(company(ROW))
    assert problems == []
    assert toml.registrations == (
        Registration("ES", "RENTAL", "smsmode", RegistrationStatus.REGISTERED, "CNMC 2026/117", date(2027, 5, 31)),
    )
    barred = toml.legality(shipped().markets.values()).barred(toml.routes[0], date(2026, 11, 22))
    assert ("ES" in barred, "IT" in barred) == (False, True)


@pytest.mark.parametrize(
    ("old", "new", "line", "message", "hint"),
    [
        ('"ES"', '"es"', 15, "expected two capital letters (ISO 3166-1), found 'es'", 'write "ES"'),
        ('"smsmode"\nstatus', '"smsmod"\nstatus', 17, "no account is at the provider 'smsmod'", "did you mean"),
        ('"CNMC 2026/117"', '" "', 18, "'registered' needs evidence", "where it can be proved"),
        ('sender = "RENTAL"\nprovider', 'sender = "Rental"\nprovider', 16, "and ES is exact", "as they are registered"),
        ('sender = "RENTAL"\nprovider', 'sender = "RENTALS"\nprovider', 16, "sends as 'RENTALS'", "did you mean"),
        (ROW, ROW + ROW, 24, "'RENTAL' is registered twice in ES", "keep one row"),
    ],
)
def test_a_wrong_registration_is_named_with_its_place(old, new, line, message, hint):
    [(where, said, told, _)] = found(company(ROW).replace(old, new))
    assert where.startswith(f"outrider.toml:{line}:")
    assert message in said
    assert hint in told


@pytest.mark.parametrize(
    "text", [ROW.replace("registered", "sure"), ROW + 'shoe = "size"\n', ROW.replace("2027-05-31", '"soon"')]
)
def test_unknown_words_in_a_registration_are_refused(text):
    assert len(found(company(text))) == 1


@pytest.mark.parametrize(
    ("sender", "markets", "message"),
    [
        ("Azur-Drive", "", "'-' in a sender arrives wrong or not at all"),
        ("TwelveLetter", "", "a sender of letters has at most 11 characters, this one 12"),
        ("+33612345678", '"FR"', "in FR a mobile number must not send for a company"),
        ("4Rent", '"FR", "IT"', "in IT a sender must not begin with a digit"),
    ],
)
def test_a_sender_that_no_operator_takes_is_an_error_with_a_fix(sender, markets, message):
    [(where, said, hint, severity)] = found(company(sender=sender, markets=markets))
    assert (where, said, severity) == ("outrider.toml:11:1", f"sender '{sender}': {message}", "error")
    assert hint


def test_a_rule_that_nobody_confirmed_warns() -> None:
    [(where, said, _, severity)] = found(company(sender="36180", markets='"PT"'))
    assert (where, severity) == ("outrider.toml:11:1", "warning")
    assert said == "sender '36180': in PT no sender that is a number is delivered (unconfirmed)"


def test_a_rule_counts_from_its_day_on() -> None:
    files = {"outrider.toml": company(sender="+33612345678", markets='"FR"')}
    assert build(files, shipped(), today=date(2022, 12, 31))[1] == []
    assert build(files, shipped(), today=date(2023, 1, 1))[0] is None


def test_in_a_sandbox_a_bad_sender_is_a_warning_and_other_channels_are_free():
    text = company(sender="Azur-Drive").replace('api_key = "env:KEY"', 'api_key = "k"\nsandbox = true')
    assert [severity for *_, severity in found(text)] == ["warning"]
    assert found(company(sender="Azur-Drive").replace('"sms"', '"email"')) == []


def test_a_route_that_names_a_market_it_may_not_be_used_in_is_warned_of():
    files = {"outrider.toml": company(markets='"ES", "DE"')}
    built, [warning] = build(files, shipped(), today=date(2026, 11, 22))
    assert built is not None
    assert place(warning) == "outrider.toml:12:1"
    assert warning.message == (
        "in ES this route is not used: sender 'RENTAL' through smsmode is not registered in ES "
        "(the CNMC alias registry demands it)"
    )
    assert build({"outrider.toml": company(ROW, markets='"ES", "DE"')}, shipped(), today=date(2026, 11, 22))[1] == []
    assert build(files, shipped())[1] == []


def test_health_and_retries_have_defaults_and_are_read():
    assert (read_toml("")[0].health, read_toml("")[0].retries) == (HealthRules(), RetryRules())
    text = '[health]\nhalf_life = "10m"\nfloor = 0.1\nleast = 5\n\n[retries]\nshare = 0.1\nper_minute = 5\n'
    toml, problems = read_toml(text)
    assert problems == []
    assert (toml.health.half_life, toml.health.floor, toml.health.least) == (600.0, 0.1, 5)
    assert toml.retries == RetryRules(0.1, 5.0)


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ('[health]\nhalf_life = "soon"\n', "2:1", "expected a duration from 1 second to a day, found 'soon'"),
        ('[health]\ncalm = "2d"\n', "2:1", "expected a duration from 1 second to a day, found '2d'"),
        ("[health]\nfloor = 0\n", "2:1", "expected a share between 0 and 1, both excluded"),
        ("[health]\nstep_down = 1.0\n", "2:1", "expected a share between 0 and 1, both excluded"),
        ("[health]\nleast = 0\n", "2:1", "expected at least 1"),
        ("[retries]\nshare = 1.5\n", "2:1", "expected a share of first attempts from 0 to 1"),
        ("[retries]\nper_minute = 0\n", "2:1", "expected a number from 1 to 100000"),
        ("[retries]\nnan = 1\n", "2:1", "object contains unknown field `nan`"),
        ('[soft_bounces]\nwithin = "36h"\n', "2:1", "expected whole days, from 1d to 365d, found '36h'"),
        ('[soft_bounces]\nwithin = "53w"\n', "2:1", "expected whole days, from 1d to 365d, found '53w'"),
        (
            "[soft_bounces]\ndays = 31\n",
            "2:1",
            "expected a number of days from 0 (never) to 30, the days within which they count",
        ),
    ],
)
def test_what_is_out_of_range_is_refused_and_keeps_its_default(text, where, message):
    toml, [problem] = read_toml(text)
    assert (place(problem), problem.message) == (f"outrider.toml:{where}", message)
    assert (toml.health, toml.retries, toml.soft_bounces) == (HealthRules(), RetryRules(), BounceRules())


def test_soft_bounces_are_read_and_few_days_ask_for_few_bounces():
    toml, problems = read_toml('[soft_bounces]\ndays = 3\nwithin = "2w"\n')
    assert (toml.soft_bounces, problems) == (BounceRules(3, timedelta(days=14)), [])
    toml, problems = read_toml('[soft_bounces]\nwithin = "3d"\n')
    assert [problem.message for problem in problems] == [
        "expected a number of days from 0 (never) to 3, the days within which they count"
    ]
    assert toml.soft_bounces == BounceRules(3, timedelta(days=3))
    assert read_toml("[soft_bounces]\ndays = 0\n")[0].soft_bounces.days == 0


@pytest.mark.parametrize("written", ["soon", "1h", "3661d", "0d"])
def test_a_time_to_keep_out_of_range_is_told_at_its_key(written: str) -> None:
    toml, problems = read_toml(f'[retention]\norphan_receipts = "7d"\nprovider_ids = "{written}"\n')
    [problem] = problems
    assert (problem.line, problem.column) == (3, 1)
    assert problem.message == f"expected a duration from a day to ten years, found '{written}'"
    assert toml.kept_for == KeptFor(orphan_receipts=timedelta(days=7))
