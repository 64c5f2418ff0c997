"""Sender rules: the rows of the market packs by channel and country, and those of countries without a pack."""

from __future__ import annotations

from datetime import date

from outrider.domain.policy import Allowed, MarketRules, SenderRules
from outrider.domain.registration import ELSEWHERE, TEXT_CHANNELS, sender_rules

SMS = SenderRules("sms", Allowed.REGISTERED, Allowed.NO, source="A law.")
RCS = SenderRules("rcs", Allowed.YES, Allowed.YES)


def pack(code: str, *senders: SenderRules) -> MarketRules:
    return MarketRules(code, code, "Europe/Brussels", ("nl",), code, senders=senders)


def test_a_row_of_text_messages_counts_for_every_text_channel_without_its_own() -> None:
    found = sender_rules([pack("BE", SMS, RCS)])
    assert {channel: countries["BE"] for channel, countries in found.items()} == {"sms": SMS, "mms": SMS, "rcs": RCS}
    assert set(found) == TEXT_CHANNELS


def test_a_pack_without_a_row_demands_nothing() -> None:
    found = sender_rules([pack("BE"), pack("NL", RCS)])
    assert "BE" not in found["sms"] | found["rcs"]
    assert ("NL" in found["rcs"], "NL" in found["sms"]) == (True, False)


def test_a_pack_takes_the_place_of_what_is_known_without_one() -> None:
    assert sender_rules([])["sms"]["US"] == ELSEWHERE["US"][0]
    assert sender_rules([pack("US", SMS)])["sms"]["US"] == SMS


def test_rows_of_countries_without_a_pack_have_a_source_and_hold_since_ever() -> None:
    for rows in ELSEWHERE.values():
        assert all(row.source.endswith(".") and row.valid_from == date.min for row in rows)
