"""What operators say about opening hours: until when, seen by whom, and who said it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from ringflow import audit
from ringflow.actor import acting, shell_operator
from ringflow.audit import EntryFilter
from ringflow.calendars import overrides
from ringflow.calendars.local_time import LocalTime
from ringflow.calendars.override_end import read_end
from ringflow.errors import Refused, Unknown
from ringflow.store import Store
from ringflow.store.pages import PageRequest

MONDAY = datetime(2026, 11, 30, 10, tzinfo=UTC)
NOW_MS = round(MONDAY.timestamp() * 1000)
HOUR_MS = 3_600_000


def end(text: str, zone: str = "America/New_York", now: datetime = MONDAY) -> str:
    """The end of an override in UTC, as it was written in a zone."""
    found = read_end(text, LocalTime(now, ZoneInfo(zone)))
    return "never" if found is None else datetime.fromtimestamp(found / 1000, UTC).isoformat()


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("end_of_day", "2026-12-01T05:00:00+00:00"),
        ("further_notice", "never"),
        ("18:00", "2026-11-30T23:00:00+00:00"),
        ("1800", "2026-11-30T23:00:00+00:00"),
        ("24:00", "2026-12-01T05:00:00+00:00"),
        ("00:30", "2026-11-30T05:30:00+00:00"),
        ("2026-12-26", "2026-12-27T05:00:00+00:00"),
        ("2026-12-26T18:00", "2026-12-26T23:00:00+00:00"),
    ],
)
def test_an_end_is_one_of_the_schedules_own_day(text: str, utc: str) -> None:
    assert end(text) == utc


def test_an_end_on_the_day_when_clocks_are_changed_is_what_they_show() -> None:
    day = datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert end("end_of_day", now=day) == "2026-11-02T05:00:00+00:00"
    # 01:30 comes twice: it counts until the second time.
    assert end("01:30", now=day) == "2026-11-01T06:30:00+00:00"
    assert end("02:30", now=datetime(2026, 3, 8, 5, tzinfo=UTC)) == "2026-03-08T07:00:00+00:00"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "6pm",
        "25:00",
        "24:30",
        "18:60",
        "180",
        "tomorrow",
        "26.12.2026",
        "2026-13-01",
        "9999-12-31",
        "0001-01-01T00:00",
    ],
)
def test_what_is_no_end_is_refused(text: str) -> None:
    with pytest.raises(Refused) as raised:
        end(text)
    assert raised.value.code == "override.malformed_end"


async def put(
    store: Store, state: str, until_ms: int | None, now_ms: int = NOW_MS, name: str = "office"
) -> None:
    async with acting(store, shell_operator("ann"), "GB", now_ms) as actor:
        await overrides.put(actor, name, state, until_ms)


async def state(store: Store, now_ms: int = NOW_MS) -> str | None:
    found = await overrides.look_up(store, "office", now_ms)
    return found.state if found is not None else None


async def test_an_override_counts_until_its_end_and_on_every_server_at_once(
    store: Store, database_url: str
) -> None:
    other = await Store.open(database_url)
    assert await state(other) is None
    await put(store, "closed", NOW_MS + HOUR_MS)
    assert [await state(other), await state(other, NOW_MS + HOUR_MS - 1)] == ["closed", "closed"]
    assert await state(other, NOW_MS + HOUR_MS) is None
    await put(other, "open", None)
    assert await state(store, NOW_MS + 1000 * HOUR_MS) == "open"
    async with acting(store, shell_operator("bob"), "GB", NOW_MS) as actor:
        await overrides.clear(actor, "office")
    assert await state(other) is None
    await other.close()


async def test_one_that_is_over_is_neither_listed_nor_cleared_nor_the_one_before_the_next(
    store: Store,
) -> None:
    later = NOW_MS + 2 * HOUR_MS
    await put(store, "closed", NOW_MS + HOUR_MS)
    await put(store, "open", None, name="warehouse")
    async with store.reading() as connection:
        listed = await overrides.page(connection, later, PageRequest(10))
        assert [one.name for one in listed.items] == ["warehouse"]
        both = await overrides.page(connection, NOW_MS, PageRequest(10))
        assert [one.name for one in both.items] == ["office", "warehouse"]
    with pytest.raises(Unknown):
        async with acting(store, shell_operator("ann"), "GB", later) as actor:
            await overrides.clear(actor, "office")
    await put(store, "open", None, later)
    await put(store, "closed", None, later)
    async with store.reading() as connection:
        wanted = EntryFilter(subject="override office")
        log = (await audit.entry_page(connection, wanted, PageRequest(10, sort="at"))).items
    states = [(one.before and one.before["state"], one.after and one.after["state"]) for one in log]
    assert states == [(None, "closed"), (None, "open"), ("open", "closed")]


async def test_one_that_would_be_over_already_changes_nothing(store: Store) -> None:
    await put(store, "open", None)
    with pytest.raises(Refused) as raised:
        await put(store, "closed", NOW_MS)
    assert raised.value.code == "override.over"
    assert await state(store) == "open"
