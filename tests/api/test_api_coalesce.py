"""Group commit: one transaction at a time, answers to their callers, errors to all of a batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.api.coalesce import Coalescer, NotStored


class Ledger:
    """Takes numbers in transactions that end one step after they began; chosen ones fail."""

    def __init__(self, failing: frozenset[int] = frozenset()) -> None:
        self.batches: list[list[int]] = []
        self.running = 0
        self.failing = failing

    async def run(self, items: list[int]) -> Sequence[int]:
        self.running += 1
        assert self.running == 1, "two transactions at once"
        self.batches.append(items)
        number = len(self.batches) - 1
        await asyncio.sleep(0)
        self.running -= 1
        if number in self.failing:
            raise OSError("nobody answers")
        return [item * 10 for item in items]


@given(
    callers=st.lists(st.lists(st.integers(), max_size=5), max_size=30),
    most=st.integers(1, 8),
    failing=st.frozensets(st.integers(0, 12)),
)
def test_each_caller_gets_its_own_answers_or_the_error_of_its_batch(
    callers: list[list[int]], most: int, failing: frozenset[int]
) -> None:
    ledger = Ledger(failing)
    coalescer: Coalescer[int, int] = Coalescer("ledger", ledger.run, most)

    async def caller(number: int) -> Sequence[int] | NotStored:
        for _ in range(number % 7):
            await asyncio.sleep(0)
        try:
            return await coalescer.put(callers[number])
        except NotStored as error:
            return error

    async def all_of_them() -> list[Sequence[int] | NotStored]:
        return await asyncio.gather(*(caller(number) for number in range(len(callers))))

    answers = asyncio.run(all_of_them())
    stored = [item for n, batch in enumerate(ledger.batches) if n not in failing for item in batch]
    answered = [n for n, answer in enumerate(answers) if not isinstance(answer, NotStored)]
    assert sorted(stored) == sorted(item for n in answered for item in callers[n])
    for number in answered:
        assert answers[number] == [item * 10 for item in callers[number]]
    longest = max((len(each) for each in callers), default=0)
    assert all(len(batch) <= max(most, longest) for batch in ledger.batches)
    assert sum(map(len, ledger.batches)) == sum(map(len, callers)), "every item goes into exactly one transaction"


def test_what_comes_while_a_transaction_runs_goes_into_the_next_one_together() -> None:
    ledger = Ledger()
    coalescer: Coalescer[int, int] = Coalescer("ledger", ledger.run, 1000)

    async def go() -> None:
        first = asyncio.create_task(coalescer.put([1]))
        while not ledger.batches:
            await asyncio.sleep(0)
        await asyncio.gather(first, *(coalescer.put([n]) for n in range(2, 50)))

    asyncio.run(go())
    assert [len(batch) for batch in ledger.batches] == [1, 48]


def test_a_caller_that_goes_away_changes_nothing_for_the_others() -> None:
    ledger = Ledger()
    coalescer: Coalescer[int, int] = Coalescer("ledger", ledger.run, 1000)

    async def go() -> Sequence[int]:
        leaving = asyncio.create_task(coalescer.put([1]))
        staying = asyncio.create_task(coalescer.put([2]))
        await asyncio.sleep(0)
        leaving.cancel()
        return await staying

    assert asyncio.run(go()) == [20]
    assert ledger.batches == [[1, 2]]


def test_nobody_is_left_waiting_when_the_process_ends() -> None:
    async def forever(items: list[int]) -> Sequence[int]:
        await asyncio.Event().wait()
        return items

    async def go() -> list[object]:
        coalescer: Coalescer[int, int] = Coalescer("ledger", forever, 1)
        waiting = [asyncio.create_task(coalescer.put([n])) for n in range(3)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert coalescer._task is not None
        coalescer._task.cancel()
        return list(await asyncio.gather(*waiting, return_exceptions=True))

    results = asyncio.run(go())
    assert len(results) == 3
    assert all(isinstance(each, NotStored) for each in results)


def test_errors_say_what_did_not_confirm() -> None:
    coalescer: Coalescer[int, int] = Coalescer("event log", Ledger(frozenset({0})).run, 1)
    with pytest.raises(NotStored, match="the event log did not confirm"):
        asyncio.run(coalescer.put([1]))
