"""Questions of many, asked together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from ringflow.errors import RingflowError
from ringflow.ledger.rates.shared_lookups import MAX_GATHERED, SharedLookUps
from ringflow.store import StoreGone


class Oracle:
    """Doubles numbers when it is let; `asked` are the questions it was put."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.was_asked = asyncio.Event()
        self.let = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.asked.append(list(numbers))
        self.was_asked.set()
        await self.let.wait()
        if self.error is not None:
            raise self.error
        return [2 * number for number in numbers]


async def test_what_is_asked_while_an_answer_is_on_its_way_goes_together() -> None:
    oracle = Oracle()
    gathering = SharedLookUps(oracle)
    first = asyncio.create_task(gathering.ask(1))
    await oracle.was_asked.wait()
    rest = asyncio.gather(*[gathering.ask(number) for number in range(2, MAX_GATHERED + 3)])
    await asyncio.sleep(0)
    oracle.let.set()
    assert [await first, *await rest] == [2 * number for number in range(1, MAX_GATHERED + 3)]
    assert [len(asked) for asked in oracle.asked] == [1, MAX_GATHERED, 1]


async def test_a_lost_database_is_told_to_each_and_asked_again_by_the_next() -> None:
    oracle = Oracle()
    oracle.let.set()
    oracle.error = StoreGone("away")
    gathering = SharedLookUps(oracle)
    lost = await asyncio.gather(gathering.ask(1), gathering.ask(2), return_exceptions=True)
    assert [(type(one), str(one)) for one in lost] == [(StoreGone, "away")] * 2
    assert lost[0] is not lost[1]
    oracle.error = None
    assert await gathering.ask(3) == 6


async def test_what_some_break_is_logged_and_the_next_are_answered() -> None:
    oracle = Oracle()
    oracle.let.set()
    oracle.error = ZeroDivisionError("a bug of ours")
    shared = SharedLookUps(oracle)
    with capture_logs() as logs:
        (broken,) = await asyncio.gather(shared.ask(1), return_exceptions=True)
        assert (type(broken), str(broken)) == (RingflowError, "a bug of ours")
        oracle.error = None
        assert await shared.ask(3) == 6
    assert [(line["event"], line["questions"]) for line in logs] == [("look-ups failed", 1)]


async def test_one_who_gives_up_leaves_the_others_their_answers() -> None:
    oracle = Oracle()
    gathering = SharedLookUps(oracle)
    given_up, other = (asyncio.create_task(gathering.ask(number)) for number in (1, 2))
    await oracle.was_asked.wait()
    given_up.cancel()
    oracle.let.set()
    assert await other == 4
    with pytest.raises(asyncio.CancelledError):
        await given_up


async def test_nobody_waits_for_an_answer_that_will_not_come() -> None:
    oracle = Oracle()
    gathering = SharedLookUps(oracle)
    waiting = asyncio.create_task(gathering.ask(1))
    await oracle.was_asked.wait()
    (finder,) = (task for task in asyncio.all_tasks() if task.get_name() == "gathered look-ups")
    finder.cancel()
    with pytest.raises(RingflowError):
        await waiting
