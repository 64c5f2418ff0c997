"""Where a route may be used: demands of countries against registrations, and the form of senders."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.delivery.legality import Legality, country_flaw, form_flaw
from outrider.domain.policy import Allowed, SenderRules
from outrider.domain.registration import Registration, RegistrationStatus, sender_rules
from outrider.domain.route import Route
from outrider.lib.discover import plugins

DAY = date(2026, 11, 22)
RULES = sender_rules(plugins("outrider.markets", "MARKET").values())
REGISTERED = RegistrationStatus.REGISTERED


def route(sender="RENTAL", **changes):
    return Route("a", changes.pop("channel", "sms"), changes.pop("account", "main"), sender, **changes)


def row(country="ES", sender="RENTAL", status=REGISTERED, **changes):
    return Registration(country, sender, changes.pop("provider", "smsmode"), status, "number 17", **changes)


def barred(*rows, on=DAY, simulated=(), **changes):
    legality = Legality(rows, {"main": "smsmode", "other": "twilio"}, frozenset(simulated), changes.pop("rules", RULES))
    return legality.barred(route(**changes), on)


def test_without_any_row_the_countries_with_a_registry_are_closed():
    found = barred()
    assert found["ES"] == (
        "sender 'RENTAL' through smsmode is not registered in ES (the CNMC alias registry demands it)"
    )
    assert found["IT"].endswith("(the AGCOM alias registry demands it)")
    assert found["US"] == "sender 'RENTAL': in US no sender of letters is delivered"
    assert "FR" not in found


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (row(), None),
        (row(status=RegistrationStatus.NOT_NEEDED), None),
        (row(expires=DAY), None),
        (row(expires=date(2026, 11, 21)), "ended on 2026-11-21"),
        (row(status=RegistrationStatus.PENDING), "is pending"),
        (row(status=RegistrationStatus.REFUSED), "was refused"),
        (row(sender="Rental"), "is not registered"),
        (row(provider="twilio"), "is not registered"),
        (row(country="IT"), "is not registered"),
    ],
)
def test_a_row_opens_its_country_for_its_sender_and_its_provider_only(one, reason):
    found = barred(one).get("ES")
    assert found is None if reason is None else reason in found


def test_a_demand_holds_from_its_day_on():
    assert "ES" not in barred(on=date(2026, 6, 6))
    assert "ES" in barred(on=date(2026, 6, 7))


def test_a_refusal_closes_a_country_that_demands_nothing():
    one = row("DE", "rental", RegistrationStatus.REFUSED)
    assert barred(one)["DE"] == "sender 'RENTAL' through smsmode was refused registration in DE"
    assert "DE" not in barred(row("DE", status=RegistrationStatus.PENDING))


@pytest.mark.parametrize("changes", [{"channel": "push"}, {"simulated": ("main",)}])
def test_other_channels_and_simulated_accounts_are_free(changes):
    assert barred(**changes) == {}


def test_an_account_nobody_knows_is_named_by_itself():
    assert "through lost is not registered" in barred(account="lost")["ES"]


@pytest.mark.parametrize(
    ("sender", "closed"),
    [
        ("+34600000000", set()),
        ("36180", set()),
        ("0612345678", {"FR"}),
        ("+33712345678", {"FR"}),
        ("0033612345678", {"FR"}),
        ("33612345678", {"FR"}),
    ],
)
def test_numbers_need_no_alias_but_french_mobile_ones_are_forbidden(sender, closed):
    assert set(barred(sender=sender)) == closed | {"PT", "US"}


def test_a_registry_of_numbers_wants_a_row_like_one_of_names():
    assert barred(sender="+12025550123")["US"] == (
        "sender '+12025550123' through smsmode is not registered in US "
        "(the carriers' registry of numbers (10DLC, toll-free) demands it)"
    )
    assert "US" not in barred(row("US", "+12025550123"), sender="+12025550123")


def test_a_reason_says_when_nobody_confirmed_the_rule():
    assert barred(sender="36180")["PT"] == (
        "sender '36180': in PT no sender that is a number is delivered (unconfirmed)"
    )


@pytest.mark.parametrize(
    ("sender", "rules", "part"),
    [
        ("RENTAL", SenderRules("sms", Allowed.NO, Allowed.YES), "no sender of letters is delivered"),
        ("RENTAL", SenderRules("sms", Allowed.YES, Allowed.YES, longest=5), "at most 5 characters"),
        ("RENTAL", SenderRules("sms", Allowed.REGISTERED, Allowed.YES), "(the country's registry demands it)"),
        ("12345", SenderRules("sms", Allowed.YES, Allowed.NO), "no sender that is a number"),
        ("12345", SenderRules("sms", Allowed.NO, Allowed.REPLACED), None),
        ("RENTAL", SenderRules("sms", Allowed.YES, Allowed.NO), None),
        ("RENTAL", SenderRules("sms", Allowed.NO, Allowed.NO, valid_from=date(2027, 1, 1)), None),
    ],
)
def test_any_row_of_a_pack_counts(sender, rules, part):
    found = barred(sender=sender, rules={"sms": {"XX": rules}})
    assert found == {} if part is None else part in found["XX"]


def test_a_row_holds_on_its_last_day_and_no_longer():
    legality = Legality([row(expires=DAY)], {"main": "smsmode"}, rules=RULES)
    assert "ES" not in legality.barred(route(), DAY)
    assert "ES" in legality.barred(route(), date(2026, 11, 23))


def test_closed_countries_name_their_routes():
    legality = Legality([row()], {"main": "smsmode", "other": "twilio"}, rules=RULES)
    second = Route("b", "sms", "other", "RENTAL")
    assert legality.closed([route(), second], DAY) == {"ES": {"b"}, "IT": {"a", "b"}, "US": {"a", "b"}}
    assert legality.closed([], DAY) == {}


@pytest.mark.parametrize(
    ("sender", "part"),
    [
        ("Rental Cars", None),
        ("+33612345678", None),
        ("36180", None),
        ("1234567890123456", "at most 15 digits"),
        ("Azur-Drive", "'-' in a sender"),
        ("Zoé", "'é'"),
        ("", "it is empty"),
        ("TwelveLetter", "at most 11 characters, this one 12"),
    ],
)
def test_the_form_of_a_sender(sender, part):
    flaw = form_flaw(sender)
    assert flaw is None if part is None else (part in flaw.what and flaw.fix)


def test_an_italian_sender_does_not_begin_with_a_digit():
    assert country_flaw("4Rent", "IT", RULES["sms"]["IT"]).what == "in IT a sender must not begin with a digit"
    assert country_flaw("Rent4", "IT", RULES["sms"]["IT"]) is None
    assert "begin with a digit" in barred(sender="4Rent")["IT"]


@given(st.text(max_size=14), st.sampled_from(sorted(RULES["sms"])))
def test_any_text_is_sound_or_has_a_flaw_with_a_fix(sender, country):
    for flaw in (form_flaw(sender), country_flaw(sender, country, RULES["sms"][country])):
        assert flaw is None or (flaw.what and flaw.fix)


@given(
    st.lists(
        st.builds(
            row,
            st.sampled_from(["ES", "IT", "DE"]),
            st.sampled_from(["RENTAL", "Rental"]),
            st.sampled_from(RegistrationStatus),
            expires=st.none() | st.dates(),
        ),
        max_size=6,
    )
)
def test_a_registry_country_is_open_only_with_a_standing_row(rows):
    found = barred(*rows)
    for country in ("ES", "IT"):
        mine = [one for one in rows if one.country == country and one.sender == "RENTAL"][:1]
        stands = any(
            one.status in (REGISTERED, RegistrationStatus.NOT_NEEDED) and (one.expires is None or one.expires >= DAY)
            for one in mine
        )
        assert (country not in found) == stands
