"""One message to several devices: what its one attempt came to, case by case and for any answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.delivery.together import together
from outrider.domain.attempt import Accepted, Outcome, Reason, Refused, Unknown

A, B, C = b"a", b"b", b"c"
TAKEN, DOUBT = Accepted("p-1"), Unknown("reset")
DEAD, BUSY, LATER = Refused(Reason.DEAD_ADDRESS), Refused(Reason.UNAVAILABLE), Refused(Reason.THROTTLED, "", 60.0)
BAD, LOCKED = Refused(Reason.BAD_REQUEST), Refused(Reason.UNAUTHORIZED)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        pytest.param([TAKEN], TAKEN, id="one device"),
        pytest.param([TAKEN, Accepted("p-2")], TAKEN, id="all devices: the first one's id"),
        pytest.param([BUSY, DOUBT, Accepted("p-2")], Accepted("p-2"), id="one of them is enough"),
        pytest.param([DEAD, TAKEN, DEAD], Accepted("p-1", dead=(A, C)), id="dead ones are told beside it"),
        pytest.param([DOUBT, BUSY, DEAD], Unknown("reset", dead=(C,)), id="a doubt, and none was taken"),
        pytest.param([DEAD, BUSY], Refused(Reason.UNAVAILABLE, dead=(A,)), id="the same route may take it later"),
        pytest.param([BUSY, LATER], Refused(Reason.UNAVAILABLE, "", 60.0), id="after the longest wait"),
        pytest.param([BAD, LOCKED], LOCKED, id="another route may take it"),
        pytest.param([DEAD, BAD], Refused(Reason.BAD_REQUEST, dead=(A,)), id="only a dead one of two"),
        pytest.param([DEAD, DEAD, DEAD], Refused(Reason.DEAD_ADDRESS, dead=(B, C)), id="all are dead"),
        pytest.param([Refused(Reason.EXPIRED), DEAD], Refused(Reason.EXPIRED, dead=(B,)), id="a living one counts"),
    ],
)
def test_the_attempt_came_to(outcomes: list[Outcome], expected: Outcome) -> None:
    assert together(list(zip((A, B, C), outcomes, strict=False))) == expected


ANSWERS = st.sampled_from([TAKEN, DOUBT, DEAD, BUSY, LATER, BAD, LOCKED])


@given(st.lists(ANSWERS, min_size=1, max_size=6))
def test_what_one_device_took_is_never_sent_again_and_every_dead_one_is_told(answers: list[Outcome]) -> None:
    outcomes = [(bytes([number]), answer) for number, answer in enumerate(answers)]
    found = together(outcomes)
    assert isinstance(found, Accepted) is (TAKEN in answers)
    assert isinstance(found, Refused) is (not {TAKEN, DOUBT} & set(answers))
    dead = {address for address, answer in outcomes if answer is DEAD}
    own = {outcomes[0][0]} if isinstance(found, Refused) and found.reason is Reason.DEAD_ADDRESS else set()
    assert {*found.dead} | own == dead
