"""Pages of a list, while rows come, go and change; and cursors that are of no use."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import Refused
from ringflow.store import Store
from ringflow.store.page_filters import ALL_ROWS, Between, Filters
from ringflow.store.pages import Count, Listing, Page, PageRequest, WrongCursor


@dataclass(frozen=True)
class Row:
    id: int
    name: str
    due_ms: int | None


things = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("due_ms", BigInteger),
    Column("notes", Text, nullable=False),
    Index("ix_things_name", "name", "id"),
)
FAR_MS = 2**62
LISTING = Listing(
    "things",
    {
        "id": (things.c.id,),
        "name": (things.c.name, things.c.id),
        "due": (func.coalesce(things.c.due_ms, FAR_MS), things.c.id),
    },
    first="id",
    reach=4,
)
SORTS = [f"{way}{name}" for name in LISTING.sorts for way in ("", "-")]
ALL = select(things.c.id, things.c.name, things.c.due_ms)
ODD = things.c.id % 2 == 1
FILTERS: dict[str, tuple[Filters, Callable[[Row], bool]]] = {
    "all": (ALL_ROWS, lambda row: True),
    "name": (Filters([(things.c.name, "b")]), lambda row: row.name == "b"),
    "odd": (Filters(tried=[ODD]), lambda row: row.id % 2 == 1),
    "both": (Filters([(things.c.name, "b")], [ODD]), lambda row: row.name == "b" and row.id % 2 == 1),
    "two": (
        Filters([(things.c.name, "b"), (func.coalesce(things.c.due_ms, FAR_MS), FAR_MS)]),
        lambda row: row.name == "b" and row.due_ms is None,
    ),
    "some": (Filters(between=Between(things.c.id, 8, 25)), lambda row: 8 <= row.id <= 25),
    "first": (
        Filters(tried=[ODD], between=Between(things.c.id, None, 9)),
        lambda row: row.id in {1, 3, 5, 7, 9},
    ),
    "last": (Filters(between=Between(things.c.id, 31, None)), lambda row: row.id >= 31),
    "none": (Filters(tried=[ODD], between=Between(things.c.id, 9, 8)), lambda row: False),
}
"""Which rows are wanted, in the words of the list and of Python."""

MOST_SEEN = 200
"""More than a walk can see: 40 rows, each of which is made and renamed a few times."""
NAMES = st.sampled_from(["a", "b", "B", "é", "", "a b", "\N{GRINNING FACE}", "~"])
DUES = st.sampled_from([None, -1, 0, 1, 2**40])


def row_of(cells: Sequence[Any]) -> Row:
    return Row(*cells)


ROWS = st.dictionaries(st.integers(1, 40), st.tuples(NAMES, DUES), max_size=25)
CHANGES = st.lists(
    st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.integers(1, 40), NAMES, DUES),
            st.tuples(st.just("delete"), st.integers(1, 40)),
            st.tuples(st.just("note"), st.integers(1, 40)),
            st.tuples(st.just("rename"), st.integers(1, 40), NAMES),
        ),
        max_size=4,
    ),
    max_size=8,
)


async def change(connection: AsyncConnection, there: dict[int, Row], steps: Sequence[Any]) -> set[int]:
    """Do the steps; give the ids of rows that were made, deleted or sorted elsewhere by them."""
    moved = set()
    for verb, which, *values in steps:
        if verb == "add" and which not in there:
            there[which] = Row(which, *values)
            await connection.execute(
                insert(things).values(id=which, name=values[0], due_ms=values[1], notes="")
            )
            moved.add(which)
        elif verb == "delete" and there.pop(which, None) is not None:
            await connection.execute(delete(things).where(things.c.id == which))
            moved.add(which)
        elif verb == "note":
            await connection.execute(update(things).where(things.c.id == which).values(notes="new"))
        elif verb == "rename" and which in there:
            there[which] = Row(which, values[0], there[which].due_ms)
            await connection.execute(update(things).where(things.c.id == which).values(name=values[0]))
            moved.add(which)
    return moved


@dataclass(frozen=True)
class Walk:
    """How a list is read page by page; `by_two`: as two queries."""

    limit: int
    sort: str
    by_two: bool
    wanted: str
    bounded: bool

    async def page(self, connection: AsyncConnection, asked: PageRequest) -> Page[Row]:
        queries = [ALL.where(ODD), ALL.where(~ODD)] if self.by_two else ALL
        filters, _ = FILTERS[self.wanted]
        return await LISTING.page(connection, queries, asked, row_of, filters)


WALKS = st.builds(
    Walk,
    st.integers(1, 7),
    st.sampled_from(SORTS),
    st.booleans(),
    st.sampled_from(sorted(FILTERS)),
    st.booleans(),
)


async def walk(url: str, rows: dict[int, Any], changes: Sequence[Any], how: Walk) -> None:
    store = await Store.open(url)
    try:
        async with store.writing() as connection:
            await connection.run_sync(things.drop, checkfirst=True)
            await connection.run_sync(things.create)
            there: dict[int, Row] = {}
            await change(connection, there, [("add", which, *values) for which, values in rows.items()])
            throughout, moved = dict(there), set[int]()
            seen: list[Row] = []
            after, rounds, pages = None, iter(changes), 0
            while True:
                page = await how.page(
                    connection, PageRequest(how.limit, after, how.sort, bounded=how.bounded)
                )
                assert len(page.items) <= how.limit
                seen += page.items
                pages += 1
                if page.next is None:
                    break
                assert how.bounded or len(page.items) == how.limit
                assert max(len(seen), pages) <= MOST_SEEN, "the list has no end"
                after = page.next
                moved |= await change(connection, there, next(rounds, ()))
        ids = [one.id for one in seen]
        again = {one for one in ids if ids.count(one) > 1}
        assert again <= moved, "a row that stayed where it was is on two pages"
        assert not (again and how.sort.endswith("id")), "an id never changes, so its row has one place"
        fits = FILTERS[how.wanted][1]
        assert all(fits(one) for one in seen)
        kept = {which for which, row in throughout.items() if fits(row)} - moved
        assert kept <= set(ids), "a row that was there throughout is left out"
        assert all(throughout[one.id] == one for one in seen if one.id in kept)
        if not moved:
            # The order is the database's own: with the same rows, that of one page.
            async with store.reading() as connection:
                whole = await how.page(connection, PageRequest(1000, None, how.sort))
            assert seen == list(whole.items)
    finally:
        await store.close()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, changes=CHANGES, how=WALKS)
def test_no_row_comes_twice_and_none_is_left_out_that_was_there_throughout(
    database_url: str, rows: dict[int, Any], changes: Sequence[Any], how: Walk
) -> None:
    asyncio.run(walk(database_url, rows, changes, how))


async def filled(store: Store) -> str:
    """Make ten rows; give the cursor after the first three by name."""
    async with store.writing() as connection:
        await connection.run_sync(things.drop, checkfirst=True)
        await connection.run_sync(things.create)
        values = [{"id": one, "name": "x", "due_ms": None, "notes": ""} for one in range(1, 11)]
        await connection.execute(insert(things), values)
    async with store.reading() as connection:
        page = await LISTING.page(connection, ALL, PageRequest(3, sort="name"), row_of)
    assert page.next is not None
    return page.next


def cursor(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


async def test_a_list_of_as_many_rows_as_a_page_has_no_next_page(store: Store) -> None:
    await filled(store)
    async with store.reading() as connection:
        for limit, more in ((9, True), (10, False), (11, False)):
            page = await LISTING.page(connection, ALL, PageRequest(limit), row_of)
            assert (len(page.items), page.next is not None) == (min(limit, 10), more)
        found = [one.id async for page in LISTING.all_pages(connection, ALL, row_of, "-due") for one in page]
    assert found == list(range(10, 0, -1))


async def test_a_cursor_goes_on_only_in_the_order_in_which_it_was_given(store: Store) -> None:
    after = await filled(store)
    async with store.reading() as connection:
        page = await LISTING.page(connection, ALL, PageRequest(3, after, "name"), row_of)
        assert [one.id for one in page.items] == [4, 5, 6]
        with pytest.raises(
            WrongCursor, match="of a list sorted by `name`, and this one is sorted by `-name`"
        ):
            await LISTING.page(connection, ALL, PageRequest(3, after, "-name"), row_of)
        with pytest.raises(
            WrongCursor, match="sorted by `name`, and this one is sorted by `id`: keep the sort"
        ):
            await LISTING.page(connection, ALL, PageRequest(3, after), row_of)
        other = Listing("others", LISTING.sorts, "id")
        with pytest.raises(WrongCursor, match="of a list of `things`, not of others: begin again without"):
            await other.page(connection, ALL, PageRequest(3, after, "name"), row_of)
        later = cursor(2, "things", "name", "x", 3)
        with pytest.raises(WrongCursor, match="of another version of Ringflow"):
            await LISTING.page(connection, ALL, PageRequest(3, later, "name"), row_of)


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "====", "é", "a b", "AAAA", "A" * 5000, cursor(), cursor(1), cursor(1, "things", "name"),
        cursor(1, "things", "name", "x"), cursor(1, "things", "name", "x", 3, 4),
        cursor(1, "things", "name", 3, 3), cursor(1, "things", "name", "x", "3"),
        cursor(1, "things", "name", "x", True), cursor(1, "things", "name", "x", 3.0),
        cursor(1, "things", "name", "x", None), cursor(1, "things", "name", "x", 2**31),
        cursor(1, "things", "name", "\0", 3), cursor(1, "things", "name", "\ud800", 3),
        cursor(1, "things", "name", ["x"], 3), cursor({"a": 1}, "things"), "bnVsbA", "e30", "WzE", "NaN",
        base64.urlsafe_b64encode(b"[" * 3000).decode().rstrip("="),
    ],
)  # fmt: skip
async def test_a_cursor_that_no_page_gave_is_refused_on_every_database(store: Store, text: str) -> None:
    await filled(store)
    async with store.reading() as connection:
        with pytest.raises(WrongCursor) as raised:
            await LISTING.page(connection, ALL, PageRequest(3, text, "name"), row_of)
    assert raised.value.at == ("after",)
    assert "cursor" in str(raised.value)


async def test_the_largest_numbers_that_a_cursor_may_have_are_taken_by_every_database(store: Store) -> None:
    await filled(store)
    async with store.reading() as connection:
        for due, which in ((2**63 - 1, 2**31 - 1), (-(2**63), -(2**31))):
            after = cursor(1, "things", "due", due, which)
            page = await LISTING.page(connection, ALL, PageRequest(3, after, "due"), row_of)
            assert len(page.items) == (0 if due > 0 else 3)


def test_a_sort_or_a_limit_that_there_is_not_is_refused() -> None:
    for sort, said in (
        ("nam", "did you mean `name`"),
        ("--id", "did you mean `id`"),
        ("size", "are sorted by"),
    ):
        with pytest.raises(Refused, match=said):
            LISTING.place(PageRequest(3, sort=sort))
    for limit in (0, -1, 10_000_001):
        with pytest.raises(Refused, match="a page has 1 to 10000000 rows"):
            LISTING.place(PageRequest(limit))
    place = LISTING.place(PageRequest(5, sort="-due"))
    assert (place.sort, place.descending, place.limit) == ("-due", True, 5)


async def test_rows_are_counted_up_to_a_bound_and_estimated_where_there_are_statistics(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with store.writing() as connection:
        await connection.run_sync(things.metadata.create_all)
        rows = [{"id": one, "name": f"n{one % 2}", "notes": ""} for one in range(30)]
        await connection.execute(insert(things), rows)
        if store.dialect == "postgresql":
            await connection.exec_driver_sql("ANALYZE things")
    half = ALL.where(things.c.name == "n1")
    exact, estimate = (PageRequest(1, count=one) for one in (Count.EXACT, Count.ESTIMATE))
    async with store.reading() as connection:
        assert (await LISTING.page(connection, half, exact, row_of)).count == 15
        assert (await LISTING.page(connection, half, PageRequest(1), row_of)).count is None
        if store.dialect == "postgresql":
            assert (await LISTING.page(connection, half, estimate, row_of)).count == 15
        else:
            with pytest.raises(Refused, match="only PostgreSQL keeps statistics"):
                await LISTING.page(connection, half, estimate, row_of)
        monkeypatch.setattr("ringflow.store.pages.MOST_COUNTED", 15)
        assert (await LISTING.page(connection, half, exact, row_of)).count == 15
        with pytest.raises(Refused, match="more than 15 rows"):
            await LISTING.page(connection, ALL, exact, row_of)
        capped = PageRequest(1, count=Count.CAPPED)
        assert (await LISTING.page(connection, half, capped, row_of)).count == 15
        assert (await LISTING.page(connection, ALL, capped, row_of)).count == 16
