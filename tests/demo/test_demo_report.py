"""What the result says when parts disagree, and whose conversations are shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import pytest

from outrider.cli.demo import _summary
from outrider.demo.audit import Audit, Sums
from outrider.demo.counting import Tally
from outrider.demo.feeding import Feeder
from outrider.demo.show import Report, Result, disagreements, sums
from outrider.demo.story import Told
from outrider.demo.watching import Person, people_of
from outrider.domain.message import Status

NOW = datetime(2026, 7, 14, tzinfo=UTC)
AGREED = Audit(taken=5, accepted=5, lost=0, duplicates=0, in_doubt=0)


def found(stored: int = 7, ahead: int = 0, audited: Audit = AGREED) -> list[str]:
    feeder = Feeder(cast(Any, None), cast(Any, None), "", "", accepted=7)
    return disagreements(feeder, stored, Tally({}, (), (), (), 0, ahead), audited)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"stored": 6}, "the API accepted 7 events, the store has 6"),
        ({"audited": Audit(5, 5, 1, 0, 0)}, "store and sandbox disagree on 1 messages"),
        ({"audited": Audit(6, 5, 0, 0, 0)}, "the store has 5 accepted attempts, the sandbox took 6 messages"),
        (
            {"audited": Audit(5, 5, 0, 0, 0, Sums({"FR": 1.5}, 2), Sums({"FR": 1.4}, 1))},
            "the store counts 2 fallbacks and 1.50 EUR, the ledger 1 fallbacks and 1.40 EUR",
        ),
        ({"audited": Audit(5, 5, 0, 2, 0)}, "2 messages went out twice without a rule that allows it"),
        ({"ahead": 3}, "3 waits, messages or entries did not come to rest"),
    ],
)
def test_each_disagreement_is_a_sentence(arguments: dict[str, Any], sentence: str) -> None:
    assert found(**arguments) == [sentence]


def test_agreement_says_nothing_and_a_taken_attempt_in_doubt_is_none() -> None:
    assert found() == []
    sums = (Sums({"FR": 1.5}, 2), Sums({"FR": 1.55}, 2))
    assert found(audited=Audit(6, 5, 0, 0, 1, *sums)) == []


COUNTS = Result(
    events=9,
    considered=20,
    messages=17,
    delivered=6,
    accepted=4,
    failed=3,
    held=2,
    canceled=1,
    moving=1,
    dropped=3,
    failovers=1,
    fallbacks=1,
    cost_eur={"FR": 1.25, "GB": 0.5},
    duplicates=0,
    lost=0,
    seconds=12.5,
)


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        ({}, []),
        ({"held": 3}, ["17 messages are not 6 + 4 + 3 + 3 + 1 + 1"]),
        ({"dropped": 4}, ["20 considered are not 17 messages + 4 dropped"]),
        (
            {"considered": 19, "moving": 0},
            ["17 messages are not 6 + 4 + 3 + 2 + 1 + 0", "19 considered are not 17 messages + 3 dropped"],
        ),
    ],
)
def test_counts_that_do_not_add_up_are_told(changes: dict[str, int], sentences: list[str]) -> None:
    assert sums(msgspec.structs.replace(COUNTS, **changes)) == sentences


def test_the_summary_is_three_lines_whose_numbers_add_up() -> None:
    assert _summary(Report(COUNTS, ())).splitlines() == [
        "9 events; 20 considered = 17 messages + 3 dropped",
        "17 messages = 6 delivered + 4 accepted, no report yet + 3 failed + 2 held + 1 canceled + 1 on their way",
        "1 failover, 1 fallback; 1.75 EUR; 0 lost, 0 twice; 12.5 s",
    ]


def test_every_status_is_counted_once() -> None:
    tally = Tally({str(status): 1 for status in Status}, (), (), (), 0, 0)
    parts = (tally.delivered, tally.accepted, tally.failed, tally.held, tally.canceled, tally.moving)
    assert sum(parts) == tally.messages == len(Status)


def test_the_people_shown_are_those_who_made_the_bookings() -> None:
    def told(kind: str, booking: str) -> Told:
        customer = {"id": f"c-{booking}", "first_name": "Zoé", "last_name": "Girard"}
        return Told(NOW, {"type": kind, "data": {"market": "FR", "booking": {"id": booking}, "customer": customer}})

    day = [told("booking.confirmed", "b-1"), told("booking.returned", "b-2"), told("booking.confirmed", "b-3")]
    assert people_of(day, ["b-3", "b-2", "b-1"]) == [
        Person("c-b-3", "Zoé Girard", "FR"),
        Person("c-b-1", "Zoé Girard", "FR"),
    ]
