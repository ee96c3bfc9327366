"""Calendars that operators keep: by hand, from files, and kept fresh from a URL beside the calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

from ringflow import audit
from ringflow.actor import Actor, acting, shell_operator
from ringflow.audit import EntryFilter
from ringflow.calendars import calendar
from ringflow.calendars.calendar_files import CalendarFiles
from ringflow.calendars.calendar_upkeep import TRY_AGAIN_MS, CalendarUpkeep
from ringflow.calendars.calendars import Calendars
from ringflow.calendars.day_set import EXAMPLES
from ringflow.calendars.local_time import LocalTime
from ringflow.errors import DocumentError, Forbidden, Refused, Unknown
from ringflow.http_client.allowed_hosts import AllowedHosts
from ringflow.store import Store
from ringflow.store.pages import PageRequest

from .icalendars import CHRISTMAS, event
from .icalendars import calendar as ics
from .test_calendar_fetch import fetch_at, serving

NOW_MS = round(datetime(2026, 11, 30, 10, tzinfo=UTC).timestamp() * 1000)
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
NOWHERE = AllowedHosts()
WITH_YEAR = "write year, month, day: 2026-12-25, or 12-25 for every year"
LONDON = ZoneInfo("Europe/London")


def actor(store: Store) -> AbstractAsyncContextManager[Actor]:
    return acting(store, shell_operator("ann"), "GB", NOW_MS)


async def entries(store: Store, name: str = "england") -> list[tuple[str, str, str]]:
    async with store.reading() as connection:
        page = await calendar.entry_page(connection, name, None, PageRequest(100))
    return [(one.entry.begins, one.entry.ends, one.entry.title) for one in page.items]


async def shown(store: Store, name: str = "england") -> calendar.Calendar:
    async with store.reading() as connection:
        return await calendar.show(connection, name)


async def add(store: Store, name: str = "england", url: str | None = None) -> None:
    allowed = NOWHERE if url is None else AllowedHosts(frozenset({url.split("/")[2]}))
    async with actor(store) as ann:
        await calendar.add(ann, name, url, "", allowed)


async def test_an_import_replaces_what_was_imported_and_leaves_what_was_added_by_hand(store: Store) -> None:
    await add(store)
    async with actor(store) as ann:
        await calendar.add_days(ann, "england", date(2026, 12, 24), date(2026, 12, 26), "by hand")
        await calendar.import_source(ann, "england", b"day,title\n12-26,Boxing Day\n", "a.csv")
    assert await entries(store) == [
        ("2026-12-24", "2026-12-26", "by hand"),
        *((f"{year}-12-26", f"{year}-12-26", "Boxing Day") for year in (2026, 2027, 2028)),
    ]
    async with actor(store) as ann:
        await calendar.import_source(ann, "england", CHRISTMAS, "b.ICS")
    assert [title for _, _, title in await entries(store)] == ["by hand", *["Christmas Day"] * 3]


async def test_a_file_of_which_a_line_is_wrong_changes_nothing_and_every_line_is_named(store: Store) -> None:
    await add(store)
    raw = b"Tag;Name\n# Feiertage\n2026-12-25;Weihnachten\n25.12.2026;x\n\n2026-02-30;y\nsun;z\n"
    with pytest.raises(DocumentError) as raised:
        async with actor(store) as ann:
            await calendar.import_source(ann, "england", raw, "/somewhere/feiertage.csv")
    assert [str(one) for one in raised.value.problems] == [
        f"feiertage.csv:4:1: `25.12.2026` is no day ({WITH_YEAR})",
        f"feiertage.csv:6:1: there is no day `2026-02-30` ({EXAMPLES})",
        "feiertage.csv:7:1: `sun` is no date (write 2026-12-25, 12-25 or 2026-12-24 to 2026-12-26)",
    ]
    assert await entries(store) == []


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"2026-12-25,No\xebl\n", "a.csv:1:1: is not UTF-8 (save it as UTF-8)"),
        (
            CHRISTMAS,
            "a.csv:1:1: `BEGIN:VCALENDAR` begins an iCalendar file (give it a name that ends in .ics)",
        ),
        (b"2026-12-25\0\n", "a.csv: has a zero byte in it (save it as text, in UTF-8)"),
        (b"2026-12-25,x\n" * 30_000, "a.csv: has more than 20000 lines (shorten it)"),
        (b"x" * 3_000_000, "a.csv: has more than 2097152 bytes (shorten it)"),
        (
            b"\n".join(b"2026-12-25,%d" % number for number in range(6000)),
            "a.csv: has more than 5000 entries (divide it into several calendars)",
        ),
    ],
)
async def test_a_list_that_is_none_is_told_as_what_it_is(store: Store, raw: bytes, said: str) -> None:
    await add(store)
    with pytest.raises(DocumentError) as raised:
        async with actor(store) as ann:
            await calendar.import_source(ann, "england", raw, "a.csv")
    assert [str(one) for one in raised.value.problems] == [said]


async def refusal(store: Store, work: Callable[[Actor], Awaitable[object]]) -> Refused:
    with pytest.raises(Refused) as raised:
        async with actor(store) as ann:
            await work(ann)
    return raised.value


async def test_what_cannot_be_is_refused_with_a_code(store: Store) -> None:
    await add(store)
    await add(store, "uk", "https://www.gov.uk/a.ics")
    day = date(2026, 12, 25)
    async with actor(store) as ann:
        await calendar.import_source(ann, "england", b"2026-12-25\n", "a.csv")

    cases: dict[str, Callable[[Actor], Awaitable[object]]] = {
        "calendar.taken": lambda ann: calendar.add(ann, "uk", None, "", NOWHERE),
        "calendar.malformed_name": lambda ann: calendar.add(ann, "../uk", None, "", NOWHERE),
        "calendar.host_not_allowed": lambda ann: calendar.add(ann, "x", "https://a.test/", "", NOWHERE),
        "calendar.malformed_url": lambda ann: calendar.add(ann, "x", "a.test", "", NOWHERE),
        "calendar.unknown": lambda ann: calendar.delete(ann, "x"),
        "calendar.kept_fresh": lambda ann: calendar.add_days(ann, "uk", day, day, ""),
        "calendar.kept_by_hand": lambda ann: calendar.alter(
            ann, "england", AllowedHosts(frozenset({"a.test"})), url="https://a.test/"
        ),
        "calendar.ends_before_it_begins": lambda ann: calendar.add_days(
            ann, "england", day, date(2026, 12, 24), ""
        ),
        "field.out_of_range": lambda ann: calendar.add_days(ann, "england", day, date(9999, 12, 31), ""),
        "calendar.unknown_entry": lambda ann: calendar.delete_entry(ann, "england", 99),
        "calendar.imported_entry": lambda ann: calendar.delete_entry(ann, "england", 1),
        "calendar.no_url": lambda ann: calendar.note_refresh(ann, "england"),
        "field.malformed_text": lambda ann: calendar.add(ann, "x", None, "a\nb", NOWHERE),
    }
    assert {code: (await refusal(store, work)).code for code, work in cases.items()} == {
        code: code for code in cases
    }


async def test_a_calendar_that_is_full_takes_no_more(store: Store) -> None:
    await add(store)
    lines = b"\n".join(b"2026-12-25,%d" % number for number in range(5000))
    async with actor(store) as ann:
        await calendar.import_source(ann, "england", lines, "a.csv")
    day = date(2026, 12, 25)
    error = await refusal(store, lambda ann: calendar.add_days(ann, "england", day, day, ""))
    assert error.code == "calendar.full"


async def test_a_call_finds_the_entry_that_it_is_in(store: Store, tmp_path: Path) -> None:
    await add(store)
    async with actor(store) as ann:
        await calendar.import_source(
            ann,
            "england",
            ics(
                event("DTSTART;VALUE=DATE:20261225", "SUMMARY:a day", uid="a"),
                event("DTSTART:20261210T090000Z", "DURATION:PT1H", "SUMMARY:a moment", uid="b"),
            ),
            "a.ics",
        )
    asked = Calendars(store, CalendarFiles(tmp_path))

    async def title(moment: str, zone: str = "Europe/London") -> str | None:
        at = LocalTime(datetime.fromisoformat(moment).replace(tzinfo=UTC), ZoneInfo(zone))
        return await asked.title_at("england", at)

    assert await title("2026-12-24T11:00") is None
    assert await title("2026-12-24T11:00", "Pacific/Auckland") == "a day"
    assert await title("2026-12-25T11:00", "Pacific/Auckland") is None
    assert await title("2026-12-10T09:00", "Pacific/Auckland") == "a moment"
    assert await title("2026-12-10T10:00") is None
    with pytest.raises(Unknown):
        await asked.title_at("wales", LocalTime.of(0, LONDON))


@dataclass
class Feed:
    """A calendar on a server that may fail."""

    raw: bytes = CHRISTMAS
    status: int = 200
    asked: int = field(default=0, init=False)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        if self.status == 200 and request.headers.get("If-None-Match") == f'"{len(self.raw)}"':
            return web.Response(status=304)
        return web.Response(status=self.status, body=self.raw, headers={"ETag": f'"{len(self.raw)}"'})


@dataclass
class Hour:
    """A clock that tests set."""

    now_ms: int = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


async def test_a_calendar_is_fetched_at_once_and_then_each_hour(store: Store) -> None:
    feed, clock = Feed(), Hour()
    async with serving(feed.answer) as port:
        await add(store, url=f"http://calendar.test:{port}/a.ics")
        upkeep = CalendarUpkeep(store, fetch_at(port), clock, HOUR_MS, 2 * DAY_MS)
        assert [await upkeep.look(), await upkeep.look(), feed.asked] == [1, 0, 1]
        assert [begins for begins, _, _ in await entries(store)] == ["2026-12-25", "2027-12-25", "2028-12-25"]
        clock.now_ms += HOUR_MS
        assert await upkeep.look() == 1
        assert (await shown(store)).fetched_ms == clock.now_ms
        assert upkeep.outcomes == {"fresh": 1, "unchanged": 1}
        feed.raw = ics(event("DTSTART;VALUE=DATE:20261231", "SUMMARY:New Year's Eve"))
        clock.now_ms += HOUR_MS
        await upkeep.look()
    assert await entries(store) == [("2026-12-31", "2026-12-31", "New Year's Eve")]


async def test_a_calendar_that_breaks_goes_on_with_its_last_good_copy_and_says_so(store: Store) -> None:
    feed, clock = Feed(), Hour()
    async with serving(feed.answer) as port:
        await add(store, url=f"http://calendar.test:{port}/a.ics")
        upkeep = CalendarUpkeep(store, fetch_at(port), clock, HOUR_MS, 2 * DAY_MS)
        await upkeep.look()
        good = await entries(store)
        feed.status = 500
        clock.now_ms += HOUR_MS
        await upkeep.look()
        assert (await shown(store)).problem == "the calendar cannot be fetched: it answers 500"
        # It is tried again sooner, and is no trouble as long as the copy is not old.
        assert await upkeep.troubles() == {}
        clock.now_ms += TRY_AGAIN_MS
        feed.status, feed.raw = 200, b"<html>"
        assert await upkeep.look() == 1
        clock.now_ms += 2 * DAY_MS
        assert await upkeep.troubles() == {
            "england": "its last good copy is 2 days old: the calendar cannot be read: it is no "
            "iCalendar file: it begins with `<html>` and not with BEGIN:VCALENDAR"
        }
        assert await entries(store) == good
        assert upkeep.outcomes == {"fresh": 1, "failed": 2}
        feed.raw = CHRISTMAS
        await upkeep.look()
    assert ((await shown(store)).problem, await upkeep.troubles()) == ("", {})


async def test_one_that_never_came_is_told_as_such(store: Store) -> None:
    feed, clock = Feed(status=404), Hour()
    async with serving(feed.answer) as port:
        await add(store, url=f"http://calendar.test:{port}/a.ics")
        upkeep = CalendarUpkeep(store, fetch_at(port), clock, HOUR_MS, 2 * DAY_MS)
        assert await upkeep.troubles() == {}
        await upkeep.look()
    assert await upkeep.troubles() == {
        "england": "it was never fetched: the calendar cannot be fetched: it answers 404"
    }


async def test_servers_that_share_a_database_take_turns(store: Store) -> None:
    feed = Feed()
    async with serving(feed.answer) as port:
        await add(store, url=f"http://calendar.test:{port}/a.ics")
        first, second = (CalendarUpkeep(store, fetch_at(port), Hour(), HOUR_MS, DAY_MS) for _ in range(2))
        (due,) = await second.due()
        assert await first.look() == 1
        assert not await second.take(due)
    assert feed.asked == 1


async def test_an_answer_that_is_older_than_what_came_meanwhile_is_not_kept(store: Store) -> None:
    asked = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        if asked > 1:
            return web.Response(body=ics(event("DTSTART;VALUE=DATE:20261231", "SUMMARY:newer")))
        await CalendarUpkeep(store, fetch_at(port), Hour(), HOUR_MS, DAY_MS).refresh("england")
        return web.Response(body=CHRISTMAS)

    async with serving(answer) as port:
        await add(store, url=f"http://calendar.test:{port}/a.ics")
        await CalendarUpkeep(store, fetch_at(port), Hour(), HOUR_MS, DAY_MS).look()
    assert (asked, [title for _, _, title in await entries(store)]) == (2, ["newer"])


async def test_an_answer_for_a_url_that_was_changed_meanwhile_is_not_kept(store: Store) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        allowed = AllowedHosts(frozenset({f"calendar.test:{port}"}))
        async with actor(store) as ann:
            await calendar.alter(ann, "england", allowed, url=f"http://calendar.test:{port}/b.ics")
        return web.Response(body=CHRISTMAS)

    async with serving(answer) as port:
        await add(store, url=f"http://calendar.test:{port}/a.ics")
        await CalendarUpkeep(store, fetch_at(port), Hour(), HOUR_MS, DAY_MS).look()
    found = await shown(store)
    assert (found.url, found.fetched_ms, found.tried_ms) == (f"http://calendar.test:{port}/b.ics", None, 0)
    assert await entries(store) == []


async def test_another_url_is_not_asked_whether_it_still_has_the_text_of_the_old_one(store: Store) -> None:
    feed = Feed()
    async with serving(feed.answer) as port:
        await add(store, url=f"http://calendar.test:{port}/a.ics")
        upkeep = CalendarUpkeep(store, fetch_at(port), Hour(), HOUR_MS, DAY_MS)
        await upkeep.look()
        async with actor(store) as ann:
            allowed = AllowedHosts(frozenset({f"calendar.test:{port}"}))
            await calendar.alter(ann, "england", allowed, url=f"http://calendar.test:{port}/b.ics")
        await upkeep.look()
    assert upkeep.outcomes == {"fresh": 2}


async def test_a_host_that_is_listed_no_more_is_not_asked(store: Store) -> None:
    feed = Feed()
    async with serving(feed.answer) as port:
        await add(store, url="http://www.gov.uk/a.ics")
        upkeep = CalendarUpkeep(store, fetch_at(port), Hour(), HOUR_MS, DAY_MS)
        await upkeep.look()
        with pytest.raises(Forbidden):
            await upkeep.refresh("england")
    assert feed.asked == 0
    assert "may not be fetched from www.gov.uk" in (await shown(store)).problem


async def test_what_repeats_is_read_further_ahead_as_time_goes_by(store: Store) -> None:
    await add(store)
    clock = Hour()
    async with actor(store) as ann:
        await calendar.import_source(ann, "england", CHRISTMAS, "a.ics")
        await calendar.add_days(ann, "england", date(2026, 12, 24), date(2026, 12, 24), "by hand")
    upkeep = CalendarUpkeep(store, fetch_at(1), clock, HOUR_MS, DAY_MS)
    clock.now_ms += 29 * DAY_MS
    assert await upkeep.look() == 0
    clock.now_ms += 400 * DAY_MS
    assert await upkeep.look() == 1
    assert [begins for begins, _, _ in await entries(store)] == [
        "2026-12-24",
        "2028-12-25",
        "2029-12-25",
        "2030-12-25",
    ]
    assert await upkeep.look() == 0


async def test_a_file_is_read_again_when_it_is_changed_and_the_old_one_counts_meanwhile(
    tmp_path: Path,
) -> None:
    files, file = CalendarFiles(tmp_path, logs=False), tmp_path / "shutdown.csv"

    async def titles() -> list[str]:
        return [one.title for one in await files.entries("shutdown.csv", NOW_MS)]

    with pytest.raises(Refused, match=r"calendar file shutdown\.csv: No such file"):
        await titles()
    file.write_text("2026-12-24,first\n")
    assert await titles() == ["first"]
    file.write_text("2026-12-24,second one\n")
    assert await titles() == ["second one"]
    file.write_text("24.12.2026\n")
    assert await titles() == ["second one"]
    assert "`24.12.2026` is no day" in await files.problem("shutdown.csv", NOW_MS)
    file.unlink()
    assert await titles() == ["second one"]


async def test_a_file_is_read_further_ahead_as_time_goes_by(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("12-25\n")
    files = CalendarFiles(tmp_path)
    assert [one.begins[:4] for one in await files.entries("a.csv", NOW_MS)] == ["2026", "2027", "2028"]
    later = await files.entries("a.csv", NOW_MS + 400 * DAY_MS)
    assert [one.begins[:4] for one in later] == ["2028", "2029", "2030"]


async def test_no_file_outside_of_the_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "calendars").mkdir()
    (tmp_path / "secret.csv").write_text("2026-12-24\n")
    (tmp_path / "calendars" / "link.csv").symlink_to(tmp_path / "secret.csv")
    (tmp_path / "calendars" / "folder.csv").mkdir()
    files = CalendarFiles(tmp_path / "calendars", logs=False)
    assert "leads out of the folder" in await files.problem("link.csv", NOW_MS)
    assert "is not a file" in await files.problem("folder.csv", NOW_MS)


async def test_a_calendar_goes_with_all_of_its_entries(store: Store) -> None:
    await add(store)
    async with actor(store) as ann:
        await calendar.import_source(ann, "england", CHRISTMAS, "a.ics")
        await calendar.delete(ann, "england")
    async with store.reading() as connection:
        assert await calendar.find(connection, "england") is None
        asked = PageRequest(10, sort="at")
        log = (await audit.entry_page(connection, EntryFilter(subject="calendar england"), asked)).items
    assert [(one.verb, one.operator) for one in log] == [("add", "ann"), ("import", "ann"), ("delete", "ann")]
    assert log[1].after == {"file": "a.ics", "entries": 3}
