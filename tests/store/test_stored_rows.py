"""Values to rows and back, and rows of people who were forgotten."""

from __future__ import annotations

import pytest

from outrider.domain.attempt import AttemptState, Reason
from outrider.domain.decision import Recent
from outrider.domain.enrollment import Wait
from outrider.domain.outbox import Past
from outrider.domain.profile import ConsentState
from outrider.domain.purpose import Lane, Purpose
from outrider.domain.work import Timer
from outrider.lib.seal import KeyRing
from outrider.store import rows
from outrider.store.vault import Vault
from outrider.testing import builders
from outrider.testing.builders import changed
from outrider.testing.memory_subject import HandClock

AT = HandClock().at
WHO = builders.stream("anna")
KEYS = KeyRing({1: b"k" * 32})

PROFILE = (
    "stream",
    "kind",
    "market",
    "locale",
    "zone",
    "traits",
    "consents",
    "data_key",
    "key_id",
    "sealed",
    "version",
)
MESSAGE = (
    *("id", "stream", "journey", "template", "purpose", "channel", "market", "status", "status_at", "not_before"),
    *("not_after", "awaited", "config", "root", "address", "sealed", "lane"),
)
ENROLLMENT = (
    *("id", "round", "stream", "journey", "config", "about", "node", "started_at", "ended_at", "end_reason", "key_id"),
    "sealed",
)


@pytest.fixture
def vault():
    made = Vault(KEYS)
    made.new_person(WHO)
    return made


def named(names, row, **more):
    return {**dict(zip(names, row, strict=True)), **more}


def test_a_new_profile_gets_a_key_and_comes_back_in_another_process():
    profile = builders.profile(
        WHO, AT, traits={"tier": "gold"}, consents={"commercial/sms": ConsentState.GRANTED}, version=3
    )
    row = named(PROFILE, rows.profile_row(profile, Vault(KEYS)), created_at=AT)
    found = rows.read_profile(row, Vault(KEYS))
    assert changed(found, data_key=b"", key_id=0) == profile
    assert found.data_key
    again = named(PROFILE, rows.profile_row(found, Vault(KEYS)), created_at=AT)
    assert again["data_key"] == found.data_key, "a person keeps the key"


def test_nothing_personal_stands_in_a_row_in_clear():
    profile = builders.profile(WHO, AT)
    number = profile.identity.addresses[0].value
    written = [*rows.profile_row(profile, vault := Vault(KEYS)), *rows.message_row(builders.message(WHO, AT), vault)]
    text = b" ".join(one if isinstance(one, bytes) else str(one).encode() for one in written)
    for secret in ("Zoé", number, "+33600000000"):
        assert secret.encode() not in text


@pytest.mark.parametrize("changes", [{}, {"root": b"r" * 16, "awaited": True}, {"purpose": Purpose.SAFETY}])
def test_a_message_comes_back_with_the_lane_of_its_purpose(vault, changes):
    message = builders.message(WHO, AT, **changes)
    row = named(MESSAGE, rows.message_row(message, vault))
    assert rows.read_message(row, vault) == message
    assert Lane(row["lane"]) is message.lane


@pytest.mark.parametrize("changes", [{}, {"wait": Wait(1, AT, AT), "data": {"n": [1, {"a": None}]}, "ended_at": AT}])
def test_an_enrollment_comes_back(vault, changes):
    enrollment = builders.enrollment(WHO, AT, **changes)
    assert rows.read_enrollment(named(ENROLLMENT, rows.enrollment_row(enrollment, vault)), vault) == enrollment


def test_an_object_comes_back(vault):
    thing = builders.thing(builders.stream("car"), traits={"plate": "AB"})
    row = named(("stream", "kind", "version", "key_id", "sealed"), rows.object_row(thing, vault))
    assert rows.read_object(row, vault) == thing


def test_a_relation_without_dates_holds_for_ever():
    row = rows.relation_row(WHO, b"v" * 16, builders.relation())
    assert row == (WHO, b"v" * 16, "person", "vehicle", "driver", rows.NEVER, rows.EVER)
    assert rows.relation_row(WHO, WHO, builders.relation(valid_from=AT, valid_to=AT))[-2:] == (AT, AT)


@pytest.mark.parametrize(
    ("reason", "label"), [(None, None), ("throttled", None), (None, "resend_once: attempt 1 stayed in doubt")]
)
def test_an_attempt_comes_back(reason, label):
    row = {"number": 2, "route": "a", "state": "refused", "at": AT, "reason": reason, "label": label}
    expected = Past(2, "a", AttemptState.REFUSED, AT, Reason.THROTTLED if reason else None, label or "")
    assert rows.read_past(row) == expected


def test_timers_and_slots_come_back():
    row = {"owner": b"o", "kind": "wait", "due_at": AT, "stream": WHO, "token": 3}
    assert rows.read_timer(row) == Timer(b"o", "wait", AT, WHO, 3)
    assert rows.read_recent({"channel": "sms", "purpose": "legal", "at": AT}) == Recent("sms", Purpose.LEGAL, AT)


def test_columns_turn_rows_around():
    assert rows.columns([(1, "a"), (2, "b")], 2) == [[1, 2], ["a", "b"]]
    assert rows.columns([], 3) == [[], [], []]
    with pytest.raises(ValueError, match="zip"):
        rows.columns([(1, 2), (3,)], 2)


def test_rows_of_forgotten_people_and_of_their_former_lives_hold_nothing(vault):
    row = named(MESSAGE, rows.message_row(builders.message(WHO, AT), vault))
    assert rows.opened(rows.read_message, row, vault) is not None
    vault.forget(WHO)
    assert rows.opened(rows.read_message, row, vault) is None
    vault.new_person(WHO)
    assert rows.opened(rows.read_message, row, vault) is None
