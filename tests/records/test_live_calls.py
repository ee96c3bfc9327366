"""The calls in progress, as the drafts of all servers say."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.calls import events
from ringflow.records.drafts import Drafts
from ringflow.records.live_calls import LiveCallSummary, live_call_page, live_revisions
from ringflow.store import Store
from ringflow.store.ledger_tables import ledger_servers
from ringflow.store.pages import PageRequest

from .conftest import BEGAN_MS, CALL
from .test_recovery import DIED_MS, SILENT_MS, Live, drafts, in_second_leg, live

__all__ = ["drafts", "live"]


async def page(connection: AsyncConnection, now_ms: int, limit: int = 10) -> list[LiveCallSummary]:
    found = await live_call_page(connection, now_ms, SILENT_MS, PageRequest(limit))
    return [*found.items]


async def listed(store: Store, now_ms: int = DIED_MS) -> list[LiveCallSummary]:
    async with store.reading() as connection:
        return await page(connection, now_ms)


async def test_a_call_in_progress_is_listed_with_its_slot_and_the_leg_under_way(
    store: Store, drafts: Drafts, live: dict[str, Live]
) -> None:
    await drafts.keep()
    assert await listed(store) == [
        LiveCallSummary(
            call_id="01a",
            server="here",
            started_ms=BEGAN_MS,
            did=CALL.did,
            cli=CALL.cli,
            customer_id=42,
            app="card",
            slot="destination[2]",
            dialled="441234567890",
            trunk="second",
        )
    ]
    history = live["01a"].history
    history.add(events.LegEnded(history.place, 9, 5000, 2, CALL.legs[1]))
    await drafts.keep()
    (call,) = await listed(store)
    assert (call.slot, call.dialled, call.trunk) == ("destination[2]", None, None)


async def test_calls_of_servers_that_are_silent_or_gone_are_not_in_progress(
    store: Store, drafts: Drafts
) -> None:
    await drafts.keep()
    assert len(await listed(store, DIED_MS + SILENT_MS)) == 1
    assert await listed(store, DIED_MS + SILENT_MS + 1) == []
    async with store.writing() as connection:
        await connection.execute(ledger_servers.update().values(ended_ms=DIED_MS))
    assert await listed(store) == []


async def test_calls_are_listed_in_the_order_of_their_arrival_page_by_page(
    store: Store, drafts: Drafts, live: dict[str, Live]
) -> None:
    live["02b"] = in_second_leg("02b")
    await drafts.keep()
    async with store.reading() as connection:
        first = await live_call_page(connection, DIED_MS, SILENT_MS, PageRequest(1))
        second = await live_call_page(connection, DIED_MS, SILENT_MS, PageRequest(1, first.next))
    assert [one.call_id for one in (*first.items, *second.items)] == ["01a", "02b"]
    assert second.next is None


async def test_calls_are_counted_by_the_revision_of_each_app_that_they_are_in(
    store: Store, drafts: Drafts, live: dict[str, Live]
) -> None:
    called, back = in_second_leg("02b"), in_second_leg("03c")
    for one in (called, back):
        inner = replace(one.history.place, app="ask", revision="a7", slot="ivr[1]", depth=1)
        one.history.add(events.SlotEntered(inner, 9, 5000, "ivr"))
    # This one has returned, and is by a newer text in what it came to then.
    after = replace(back.history.place, app="card", revision="r2", slot="audio[3]", depth=0)
    back.history.add(events.SlotEntered(after, 10, 6000, "audio"))
    live |= {"02b": called, "03c": back}
    await drafts.keep()

    async def counted(app: str, now_ms: int = DIED_MS) -> dict[str, int]:
        async with store.reading() as connection:
            return dict(await live_revisions(connection, app, now_ms, SILENT_MS))

    assert await counted("card") == {"r1": 2, "r2": 1}
    assert await counted("ask") == {"a7": 1}
    assert await counted("other") == {}
    assert await counted("card", DIED_MS + SILENT_MS + 1) == {}
