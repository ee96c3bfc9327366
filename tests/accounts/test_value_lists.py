"""Value lists: numbers and texts by the million, looked up by one query, on each database."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from ringflow.accounts.value_lists import entries, value_list
from ringflow.accounts.value_lists.entries import Entry
from ringflow.accounts.value_lists.entry_import import ImportedEntries, import_entries, read_entries
from ringflow.accounts.value_lists.entry_value import ListKind
from ringflow.accounts.value_lists.look_up import _ENTRIES, _MOST, ValueLists
from ringflow.accounts.value_lists.value_list import ENTRIES_AT_ONCE, ValueListFilter
from ringflow.actor import acting, shell_operator
from ringflow.audit import EntryFilter, entry_page
from ringflow.errors import Conflict, DocumentError, Refused, Unknown
from ringflow.store import Store
from ringflow.store.pages import PageRequest

ANN = shell_operator("ann")
BERLIN = ZoneInfo("Europe/Berlin")


class Lists:
    """What an operator of the United Kingdom does, and what calls ask."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.path = folder / "list.csv"

    def opener(self) -> Any:
        return acting(self.store, ANN, "GB", 1000)

    async def add(self, name: str, kind: ListKind, *values: str, expires_ms: int | None = None) -> None:
        async with self.opener() as actor:
            if await value_list.find(actor.connection, name) is None:
                await value_list.add(actor, name, kind)
            for value in values:
                await entries.add(actor, name, value, expires_ms=expires_ms)

    async def contains(self, name: str, value: str, now_ms: int = 1000) -> bool | None:
        return await ValueLists(self.store, "GB").contains(name, value, now_ms)

    async def values(self, name: str) -> list[Entry]:
        async with self.store.reading() as connection:
            which = await value_list.show(connection, name)
            return [one async for some in entries.every(connection, which) for one in some]

    async def load(self, name: str, content: str, dry_run: bool = False) -> ImportedEntries:
        self.path.write_text(content)
        return await import_entries(
            self.opener,
            name,
            lambda which: read_entries(self.path, which.kind, "GB", BERLIN),
            dry_run=dry_run,
        )

    async def wrong(self, name: str, content: str) -> list[str]:
        """What is wrong with the file; nothing is changed by it."""
        before = await self.values(name)
        with pytest.raises(DocumentError) as raised:
            await self.load(name, content)
        assert await self.values(name) == before
        return [str(one).removeprefix(f"{self.path}:") for one in raised.value.problems]

    async def audited(self) -> list[str]:
        async with self.store.reading() as connection:
            found = (await entry_page(connection, EntryFilter(), PageRequest(100))).items
        return [f"{one.verb} {one.subject}" for one in reversed(found)]


@pytest.fixture
def lists(store: Store, tmp_path: Path) -> Lists:
    return Lists(store, tmp_path)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("441910000001", True),
        ("+44 191 000 0001", True),
        ("01910000001", True),
        ("441910000002", False),
        ("18005550100", True),
        ("18005551234", True),
        ("1800666", False),
        ("5491112345678", True),
        ("anonymous", False),
        ("", False),
        ("1800555*", False),
    ],
)
async def test_a_number_is_found_however_it_is_written_and_by_how_it_begins(
    lists: Lists, value: str, found: bool
) -> None:
    await lists.add("us", ListKind.NUMBERS, "0191 000 0001", "+1 800 555*", "541112345678")
    await lists.add("other", ListKind.NUMBERS, "441910000002")
    assert await lists.contains("us", value) is found


async def test_text_is_found_as_it_is_written(lists: Lists) -> None:
    await lists.add("codes", ListKind.TEXT, " A1 ", "441910000001", "44*")
    for value, found in (("A1", True), ("a1", False), ("A1 ", True), ("441910000001", True)):
        assert await lists.contains("codes", value) is found, value
    assert await lists.contains("codes", "+441910000001") is False
    assert await lists.contains("codes", "442") is False


async def test_of_a_list_that_does_not_exist_nothing_is_said(lists: Lists) -> None:
    await lists.add("us", ListKind.NUMBERS)
    assert await lists.contains("us", "441910000001") is False
    assert await lists.contains("them", "441910000001") is None


async def test_an_entry_does_not_count_from_its_expiry_on(lists: Lists) -> None:
    await lists.add("us", ListKind.NUMBERS, "441910000001", expires_ms=5000)
    assert [await lists.contains("us", "441910000001", now) for now in (4999, 5000)] == [True, False]


async def test_what_no_list_can_have_is_in_none(lists: Lists) -> None:
    await lists.add("codes", ListKind.TEXT)
    for value in ("a\0b", "", " ", "a\nb", "x" * 201):
        assert await lists.contains("codes", value) is False, value
        assert await lists.contains("them", value) is None, value


async def test_a_look_up_reads_nothing_but_keys(lists: Lists) -> None:
    await lists.add("us", ListKind.NUMBERS, "441910000001")
    sql, order = _ENTRIES.compile(lists.store._database.dialect)
    given = ["us", 1, *["441910000001"] * _MOST]
    async with lists.store.reading() as connection:
        if lists.store.dialect == "postgresql":
            await connection.execute(text("SET enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN" if lists.store.dialect == "sqlite" else "EXPLAIN"
        plan = await connection.exec_driver_sql(f"{explain} {sql}", tuple(given[index] for index in order))
        lines = [str(row[-1]) for row in plan.all()]
    assert not [line for line in lines if "SCAN" in line or "Seq Scan" in line], lines


async def test_adding_a_value_again_changes_its_notes(lists: Lists) -> None:
    await lists.add("us", ListKind.NUMBERS, "441910000001")
    async with lists.opener() as actor:
        await entries.add(actor, "us", "+44 1910000001", "home", 7)
        await entries.add(actor, "us", "+44 1910000001", "home", 7)
    assert await lists.values("us") == [Entry("441910000001", "home", 7)]
    assert await lists.audited() == ["add list us", "add list us: 441910000001", "set list us: 441910000001"]


async def test_a_value_is_taken_out_in_any_form(lists: Lists) -> None:
    await lists.add("us", ListKind.NUMBERS, "441910000001", "4419*")
    async with lists.opener() as actor:
        await entries.remove(actor, "us", "01910000001")
        with pytest.raises(Unknown, match="441910000001 is not in list us"):
            await entries.remove(actor, "us", "441910000001")
    assert await lists.values("us") == [Entry("4419*")]


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (ListKind.NUMBERS, "abc", "is not a telephone number"),
        (ListKind.NUMBERS, "019*", "is not how numbers begin: write the country code first"),
        (ListKind.NUMBERS, "*", "is not how numbers begin"),
        (ListKind.TEXT, "  ", "write one line of 1 to 200 printable characters"),
        (ListKind.TEXT, "x" * 201, "write one line of 1 to 200 printable characters"),
        (ListKind.TEXT, "a\nb", "write one line of 1 to 200 printable characters"),
    ],
)
async def test_what_a_list_cannot_hold_is_refused(
    lists: Lists, kind: ListKind, value: str, message: str
) -> None:
    with pytest.raises(Refused, match=message):
        await lists.add("us", kind, value)


@pytest.mark.parametrize("name", ["", "Us", "1us", "us list", "us\n", "u" * 65])
async def test_a_name_that_no_flow_could_write_is_refused(lists: Lists, name: str) -> None:
    with pytest.raises(Refused, match="write up to 64 small letters"):
        await lists.add(name, ListKind.NUMBERS)


async def test_a_list_takes_the_place_of_another_by_its_name(lists: Lists) -> None:
    await lists.add("us", ListKind.NUMBERS, "441910000001")
    await lists.add("us-new", ListKind.NUMBERS, "441910000002")
    async with lists.opener() as actor:
        with pytest.raises(Conflict, match="list us exists already"):
            await value_list.alter(actor, "us-new", name="us")
    async with lists.opener() as actor:
        await value_list.alter(actor, "us", name="us-old")
        await value_list.alter(actor, "us-new", name="us", notes="of today")
        page = await value_list.page(actor.connection, ValueListFilter(search="today"), PageRequest(10))
        assert [one.name for one in page.items] == ["us"]
    assert await lists.contains("us", "441910000002") is True
    assert await lists.contains("us", "441910000001") is False


async def test_a_list_with_entries_is_deleted_only_with_them(lists: Lists) -> None:
    await lists.add("us", ListKind.NUMBERS)
    await lists.load("us", "\n".join(f"4420{number:08}" for number in range(ENTRIES_AT_ONCE + 2)))
    await lists.add("them", ListKind.NUMBERS, "442000000001")
    with pytest.raises(Conflict, match="list us has entries"):
        await value_list.delete(lists.opener, "us")
    assert await value_list.delete(lists.opener, "us", with_entries=True) == ENTRIES_AT_ONCE + 2
    assert await lists.contains("us", "442000000001") is None
    assert await lists.contains("them", "442000000001") is True
    async with lists.opener() as actor:
        await entries.remove(actor, "them", "442000000001")
    assert await value_list.delete(lists.opener, "them") == 0
    assert (await lists.audited())[-1] == "delete list them"


async def test_a_file_of_numbers_alone_is_imported_in_parts_and_again_without_effect(lists: Lists) -> None:
    await lists.add("us", ListKind.NUMBERS, "442000000000")
    numbers = "\n".join(f"+44 20 {number:08}" for number in range(2 * ENTRIES_AT_ONCE))
    done = await lists.load("us", f"{numbers}\n442000000005\n")
    assert done == ImportedEntries("list.csv", 2 * ENTRIES_AT_ONCE - 1, 0, 1, 1, dry_run=False)
    again = await lists.load("us", numbers)
    assert (again.added, again.changed, again.unchanged) == (0, 0, 2 * ENTRIES_AT_ONCE)
    assert len(await lists.values("us")) == 2 * ENTRIES_AT_ONCE
    assert (await lists.audited())[-2:] == ["import list us", "import list us"]


async def test_a_file_with_columns_brings_notes_and_last_days(lists: Lists) -> None:
    await lists.add("us", ListKind.NUMBERS, "441910000001", "441910000002")
    content = (
        "Expiry;Number;Note\n2026-07-31;01910000001;her\n;4419*;\n2026-08-01T12:00:00+02:00;441910000002;\n"
    )
    dry = await lists.load("us", content, dry_run=True)
    assert (dry.added, dry.changed) == (1, 2)
    assert await lists.values("us") == [Entry("441910000001"), Entry("441910000002")]
    done = await lists.load("us", content)
    assert (done.added, done.changed, done.unchanged) == (1, 2, 0)
    end_of_july_in_berlin_ms, noon_ms = 1785535200000, 1785578400000
    assert {one.value: one for one in await lists.values("us")} == {
        "4419*": Entry("4419*"),
        "441910000001": Entry("441910000001", "her", end_of_july_in_berlin_ms),
        "441910000002": Entry("441910000002", "", noon_ms),
    }


async def test_text_that_a_spreadsheet_would_calculate_comes_back_as_it_was(lists: Lists) -> None:
    await lists.add("codes", ListKind.TEXT)
    await lists.load("codes", "entry\n'+44\n'quoted\n")
    assert {one.value for one in await lists.values("codes")} == {"+44", "'quoted"}


@pytest.mark.parametrize(
    ("kind", "content", "problems"),
    [
        (
            ListKind.NUMBERS,
            "441910000001\nabc\n\n44191\n",
            [
                (
                    "2:1: `abc` is not a telephone number: write its digits alone, with the country code, "
                    "or a name around them as in Ann <441910000001>"
                ),
                "4:1: `44191` is not a telephone number: write its country code too, as in +441910000001",
            ],
        ),
        (
            ListKind.NUMBERS,
            "number,expires\n441910000001,soon\n,2027-01-01\n",
            [
                "2:2: expires `soon`: write the last day, such as 2027-12-31",
                "3:1: is empty; write a value, or take the line out",
            ],
        ),
        (
            ListKind.NUMBERS,
            "number,colour\n441910000001,red\n",
            ["1:2: unknown column `colour` (known: entry, notes, expires)"],
        ),
        (
            ListKind.NUMBERS,
            "who,notes\n441910000001,red\n",
            ["1:1: the column `entry` is missing (known: entry, notes, expires)"],
        ),
        (
            ListKind.NUMBERS,
            "number,cli\n441910000001,441910000002\n",
            ["1:2: the column `entry` stands here a second time (keep one of them)"],
        ),
        (
            ListKind.NUMBERS,
            "441910000001;441910000002\n",
            ["1:1: the column `entry` is missing (known: entry, notes, expires)"],
        ),
        (
            ListKind.TEXT,
            "entry,notes\nA1,one,two\n",
            ["2:1: there are 3 cells; put quotes around text that has a separator in it"],
        ),
        (
            ListKind.TEXT,
            'entry\n"A1\n',
            ["2:1: is not CSV: unexpected end of data; close the quotes on this line"],
        ),
    ],
)
async def test_every_wrong_line_is_named_and_nothing_is_changed(
    lists: Lists, kind: ListKind, content: str, problems: list[str]
) -> None:
    await lists.add("us", kind)
    assert await lists.wrong("us", content) == problems


async def test_a_file_without_lines_is_refused(lists: Lists) -> None:
    await lists.add("us", ListKind.NUMBERS)
    (problem,) = await lists.wrong("us", "number\n")
    assert problem.endswith("has no lines (write one value on each)")


async def test_pages_of_entries_go_on_after_each_other(lists: Lists) -> None:
    await lists.add(
        "us", ListKind.NUMBERS, *(f"44191000000{digit}" for digit in range(5)), "4419*", "4920123456"
    )
    async with lists.store.reading() as connection:
        which = await value_list.show(connection, "us")
        first = await entries.page(connection, which, "+4419", PageRequest(4))
        second = await entries.page(connection, which, "+4419", PageRequest(4, first.next))
        everything = {one.value for one in (*first.items, *second.items)}
        assert everything == {"4419*", *(f"44191000000{digit}" for digit in range(5))}
        assert (len(first.items), len(second.items), second.next) == (4, 2, None)
        assert await value_list.count(connection, which) == 7


async def test_of_a_list_that_was_half_deleted_no_call_finds_the_rest(lists: Lists) -> None:
    await lists.add("us", ListKind.NUMBERS, "441910000001", "441910000002")
    opened = 0

    def opener() -> Any:
        nonlocal opened
        opened += 1
        if opened > 1:
            raise KeyboardInterrupt
        return lists.opener()

    with pytest.raises(KeyboardInterrupt):
        await value_list.delete(opener, "us", with_entries=True)
    assert await lists.contains("us", "441910000001") is None
    async with lists.store.reading() as connection:
        (left,) = (await value_list.page(connection, ValueListFilter(), PageRequest(10))).items
    assert left.name.startswith("us deleted ")
    assert await value_list.delete(lists.opener, left.name, with_entries=True) == 2
