"""Tables of the domain that other parts rely on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from outrider.domain.attempt import SCOPES, Reason, Refused
from outrider.domain.message import CANCELABLE, FINAL, Status
from outrider.domain.purpose import PURPOSES, Lane, Purpose, WhenQuiet, WhenUnknown
from outrider.domain.stops import (
    ENDING_SCOPES,
    PAUSE_SCOPES,
    address_key,
    consent_key,
    opt_out_key,
    pause_key,
    profile_key,
    stop_keys,
)
from outrider.domain.work import GROUPS, group_of
from outrider.testing import builders
from outrider.testing.memory_subject import HandClock

AT = HandClock().at
IGNORE, HOLD, LATE = WhenQuiet.IGNORE, WhenQuiet.HOLD, WhenQuiet.HOLD_UNLESS_LATE
W, L = WhenUnknown, Lane

#: As promised: consent, quiet hours, obeys and counts toward caps, lane, doubt, seconds for proof, copies.
PROMISED = {
    Purpose.SAFETY: (False, IGNORE, False, False, L.EXPRESS, W.RESEND_ELSEWHERE, 3, 3),
    Purpose.SECURITY: (False, IGNORE, False, False, L.EXPRESS, W.RESEND_ELSEWHERE, 3, 3),
    Purpose.LEGAL: (False, LATE, False, False, L.NORMAL, W.RESEND_ELSEWHERE, 1800, 3),
    Purpose.TRANSACTIONAL: (False, HOLD, False, True, L.EXPRESS, W.RESEND_ONCE, 120, 2),
    Purpose.SERVICE: (False, HOLD, True, True, L.NORMAL, W.RESEND_IF_ABSENT, 1800, 2),
    Purpose.COMMERCIAL: (True, HOLD, True, True, L.BULK, W.NEVER, 1800, 1),
}


@pytest.mark.parametrize("purpose", list(Purpose))
def test_purposes_follow_the_promised_table(purpose):
    rules = PURPOSES[purpose]
    caps = (rules.obeys_caps, rules.counts_toward_caps)
    doubt = (rules.when_unknown, rules.resolve_within.total_seconds(), rules.most_copies)
    assert (rules.needs_consent, rules.quiet_hours, *caps, rules.lane, *doubt) == PROMISED[purpose]
    assert rules.valid_for > rules.resolve_within > timedelta(0)


def test_lanes_are_ordered_express_before_normal_before_bulk():
    assert sorted(Lane) == [Lane.EXPRESS, Lane.NORMAL, Lane.BULK]


def test_every_reason_has_a_scope():
    assert set(SCOPES) == set(Reason)
    assert all(Refused(reason).scope is SCOPES[reason] for reason in Reason)


def test_what_may_be_canceled_is_never_final():
    assert {Status.HELD, Status.QUEUED} == CANCELABLE
    assert not CANCELABLE & FINAL
    assert set(Status) - FINAL - CANCELABLE == {Status.SENDING, Status.UNKNOWN, Status.ACCEPTED}


def test_every_shard_has_one_group_and_every_group_eight_neighbors():
    groups = [group_of(bytes((shard,)) + bytes(15)) for shard in range(256)]
    assert groups == sorted(groups)
    assert [groups.count(group) for group in range(GROUPS)] == [8] * GROUPS


def test_a_message_is_stopped_by_every_key_that_concerns_it_and_by_no_other():
    who = builders.stream("anna")
    message = builders.message(who, AT, purpose=Purpose.COMMERCIAL)
    keys = stop_keys(message, "main")
    concerned = [
        address_key(message.address),
        opt_out_key(message.address),
        consent_key(who, "commercial"),
        consent_key(who, "commercial", "sms"),
        profile_key(who),
        pause_key("journey", "rental"),
        pause_key("channel", "sms"),
        pause_key("purpose", "commercial"),
        pause_key("account", "main"),
        pause_key("everything", ""),
    ]
    assert list(keys) == concerned
    others = stop_keys(builders.message(builders.stream("bert"), AT, journey="x", channel="push"), "other")
    assert set(keys) & set(others) == {pause_key("everything", "")}
    assert {key.partition(":")[0] for key in keys} == ENDING_SCOPES | PAUSE_SCOPES
    assert not ENDING_SCOPES & PAUSE_SCOPES
