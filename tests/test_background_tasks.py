"""A long-lived task that dies is logged and begun again."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from ringflow.background_tasks import BackgroundTasks


class Work:
    """Fails `faults` times, and then goes on until it is cancelled."""

    def __init__(self, faults: int) -> None:
        self.begun = 0
        self.lives = asyncio.Event()
        self.ended = False
        self._faults = faults

    async def __call__(self) -> None:
        self.begun += 1
        if self.begun <= self._faults:
            raise ZeroDivisionError("a bug of ours")
        self.lives.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = True


async def test_a_task_that_dies_is_logged_by_its_name_and_begun_again() -> None:
    tasks, work = BackgroundTasks(restart_s=0), Work(faults=2)
    with capture_logs() as logs:
        tasks.start("reaper", work)
        async with asyncio.timeout(10):
            await work.lives.wait()
    assert [(line["event"], line["task"], line["log_level"]) for line in logs] == [
        ("background task failed", "reaper", "error")
    ] * 2
    assert (work.begun, work.ended) == (3, False)
    await tasks.close()
    assert work.ended


async def test_a_task_that_is_done_is_not_begun_again() -> None:
    tasks, done = BackgroundTasks(restart_s=0), 0

    async def work() -> None:
        nonlocal done
        done += 1

    tasks.start("once", work)
    for _ in range(5):
        await asyncio.sleep(0)
    await tasks.close()
    assert done == 1


async def test_one_that_is_closed_while_it_waits_to_begin_again_stays_ended() -> None:
    tasks, work = BackgroundTasks(restart_s=3600), Work(faults=1)
    tasks.start("reaper", work)
    await asyncio.sleep(0)
    await tasks.close()
    assert work.begun == 1
