"""An agenda is the sorted list of its keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from outrider.testing.memory_agenda import Agenda

START = datetime(2026, 1, 1, tzinfo=UTC)
CHANGES = st.lists(st.tuples(st.binary(max_size=1), st.none() | st.integers(0, 5)))


@given(CHANGES, st.integers(-1, 6))
def test_keys_come_in_the_order_of_their_times_whatever_was_set_and_dropped(
    changes: list[tuple[bytes, int | None]], seconds: int
) -> None:
    agenda: Agenda[bytes] = Agenda()
    model: dict[bytes, datetime] = {}
    for key, due in changes:
        if due is None:
            agenda.drop(key)
            model.pop(key, None)
        else:
            model[key] = START + timedelta(seconds=due)
            agenda.set(key, model[key])
    now = START + timedelta(seconds=seconds)
    ordered = sorted(model, key=lambda key: (model[key], key))
    assert list(agenda) == ordered
    assert list(agenda.due(now)) == [key for key in ordered if model[key] <= now]
    assert agenda.first() == (min(model.values()) if model else None)
    assert len(agenda) == len(model)
    assert all(key in agenda and agenda.at(key) == due for key, due in model.items())
