"""Calls in progress as server-sent events: of one call from its beginning, or of all from now on."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from ringflow.config import Config
from ringflow.store import Store
from ringflow.store.live_tables import call_watches, watched_events
from ringflow.store.record_tables import call_records
from ringflow.web.api.routes import PREFIX
from ringflow.web.rest.event_feed import LastEventId, OpenFeeds
from ringflow.web.rest.refusals import RequestRefused

from .conftest import Pages, pages_of
from .test_media import blocks


@pytest.fixture
async def pages(_sqlite_template: Path, server_config: Config, tmp_path: Path) -> AsyncIterator[Pages]:
    database = Path(shutil.copy(_sqlite_template, tmp_path / "live.db"))
    async with pages_of(server_config, database) as one:
        yield one


async def happen(store: Store, *numbers: int, call: str = "c1", last: str = "slot_entered") -> None:
    """Write events of a call for whoever watches, as its server does."""
    watch = None
    while watch is None:
        await asyncio.sleep(0)
        async with store.reading() as connection:
            watch = (await connection.execute(select(call_watches.c.id))).scalar()
    async with store.writing() as connection:
        for number in numbers:
            kind = last if number == numbers[-1] else "slot_entered"
            event = {"type": kind, "call_id": call, "number": number, "at": f"2026-07-01T06:00:0{number}Z"}
            row = {"watch_id": watch, "call_id": call, "number": number, "kept_ms": 0}
            await connection.execute(insert(watched_events).values(**row, event=json.dumps(event)))


async def test_a_call_is_watched_to_its_end_and_after_a_break_from_there(pages: Pages) -> None:
    client = await pages.client("viewer")
    headers = {"Authorization": f"Bearer {client.token}"}
    path = f"{PREFIX}/live/c1/events"
    async with pages.http.get(path, headers=headers | {"Last-Event-ID": "1"}) as answer:
        await happen(pages.store, 2, 1, 3, last="call_ended")
        found = [one async for one in blocks(answer) if "event" in one]
    assert [(one["event"], one.get("id")) for one in found] == [
        ("slot_entered", "2"),
        ("call_ended", "3"),
        ("end", None),
    ]
    assert json.loads(found[0]["data"])["call_id"] == "c1"
    async with pages.store.reading() as connection:
        assert (await connection.execute(select(call_watches.c.id))).first() is None


def test_a_last_id_that_is_none_of_ours_has_the_feed_begin_at_its_beginning() -> None:
    for value in (None, "", "unknown", "-1", "\u0661", "1" * 5000):
        assert LastEventId(value).number == 0
    assert LastEventId("12").number == 12


def test_one_operator_does_not_take_all_feeds() -> None:
    feeds = OpenFeeds(most=3, most_of_one=2)
    first, _ = feeds.enter("ann"), feeds.enter("ann")
    with pytest.raises(RequestRefused, match="2 feeds of events of ann"):
        feeds.enter("ann")
    feeds.enter("bob")
    with pytest.raises(RequestRefused, match="3 feeds of events are open"):
        feeds.enter("bob")
    feeds.leave(first)
    feeds.enter("ann")
    assert feeds.count == 3


async def test_all_calls_are_watched_until_the_reader_goes(pages: Pages) -> None:
    client = await pages.client("viewer")
    headers = {"Authorization": f"Bearer {client.token}"}
    async with pages.http.get(f"{PREFIX}/live/events", headers=headers) as answer:
        await happen(pages.store, 1, call="c2", last="call_started")
        feed = blocks(answer)
        await anext(feed)
        one = await anext(feed)
        assert (one["event"], "id" in one, json.loads(one["data"])["call_id"]) == (
            "call_started",
            False,
            "c2",
        )


async def test_a_call_that_is_over_is_not_watched(pages: Pages) -> None:
    async with pages.store.writing() as connection:
        row = {
            "call_id": "c9",
            "server": "s",
            "started_ms": 1,
            "duration_ms": 1,
            "did": "1",
            "outcome": "completed",
            "reason": "",
        }
        await connection.execute(insert(call_records).values(**row))
    client = await pages.client("viewer")
    over = await client("GET", "/live/c9/events")
    assert (over.status, over.json["code"]) == (404, "call.not_live")
    assert "GET /calls/c9" in over.json["detail"]
    finance = await client("POST", "/live/c1:say", {"text": "Hello"})
    assert finance.status == 403
