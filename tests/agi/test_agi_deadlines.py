"""One timer for many deadlines."""

from __future__ import annotations

import asyncio

from ringflow.agi.deadlines import Deadlines


async def test_what_is_not_discarded_in_time_expires_once_and_in_order() -> None:
    loop = asyncio.get_running_loop()
    expired: list[str] = []
    all_gone = loop.create_future()

    def expire(item: str) -> None:
        expired.append(item)
        if item == "last":
            all_gone.set_result(None)

    deadlines = Deadlines(0.01, expire)
    began = loop.time()
    for item in ("first", "kept", "moved", "second"):
        deadlines.add(item, loop)
    deadlines.discard("kept")
    deadlines.discard("unknown")
    deadlines.add("moved", loop)
    await asyncio.sleep(0.005)
    deadlines.add("last", loop)
    await all_gone
    assert expired == ["first", "second", "moved", "last"]
    assert loop.time() - began >= 0.014


async def test_nothing_expires_after_stop() -> None:
    expired: list[str] = []
    deadlines = Deadlines(0.005, expired.append)
    deadlines.add("one", asyncio.get_running_loop())
    deadlines.stop()
    await asyncio.sleep(0.02)
    assert expired == []
