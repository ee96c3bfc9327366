"""Pages of lists: some rows at a time, in an order that an index has, from a place that a cursor names.

A page begins after the last row of the page before it (keyset paging), not after a number of rows. So it is
as quick at the end of a million rows as at their beginning. While rows come and go no row is on two pages,
and none is left out that was there throughout. A row whose sorted value changes meanwhile may come again, or
not at all: the first sort of every list is by values that never change.

Each sort of a list is a row of columns, the last of which no two rows share, and needs an index of just
these. None of them may be NULL: what may be is wrapped in `coalesce`, in the index too.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Generic, TypeAlias, TypeVar

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import Refused
from ringflow.wording import did_you_mean, known_words, quoted

Item = TypeVar("Item")
Other = TypeVar("Other")
Columns: TypeAlias = Sequence[ColumnElement[Any]]

MAX_LIMIT = 10_000_000
MOST_COUNTED = 10_000
"""So many rows are counted at most: more would take longer than a page does."""
ROWS_AT_ONCE = 5000
"""How many rows `Listing.all_pages` reads at a time."""

VERSION = 1
"""Of cursors: one of another version is refused."""
MAX_CURSOR_LENGTH = 4096
_AGAIN = "begin again without a cursor"


class Count(StrEnum):
    """How the rows of a list are counted."""

    EXACT = "exact"
    """One by one, `MOST_COUNTED` of them at most."""
    CAPPED = "capped"
    """The same, but where there are more of them the count is `MOST_COUNTED + 1`, instead of a refusal."""
    ESTIMATE = "estimate"
    """As the database's statistics have it, which SQLite keeps none of."""


class WrongCursor(Refused):
    """A cursor that this list did not give, or gave in another order."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page of a list: at most `limit` rows after a cursor.

    `sort` names one of the list's sorts, with a `-` before it the other way round; None: the list's first.
    `count`: whether the rows of all pages are to be counted too, and how.
    """

    limit: int
    after: str | None = None
    sort: str | None = None
    count: Count | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some rows of a list, and the cursor by which the next page is asked for; None: this is the last.

    `count`: how many rows all pages have, where that was asked for.
    """

    items: Sequence[Item]
    next: str | None
    count: int | None = None

    def map(self, form: Callable[[Item], Other]) -> Page[Other]:
        """Return the same page of other values."""
        return Page([form(one) for one in self.items], self.next, self.count)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins, in which order it goes on, and how long it is: a request, understood."""

    listing: str
    sort: str
    columns: Columns
    descending: bool
    after: tuple[str | int, ...] | None
    limit: int

    def of(self, query: Select[Any]) -> Select[Any]:
        """Return the query for this page, with one row more and the columns of the sort behind its own."""
        return self.of_each([query])

    def of_each(self, queries: Sequence[Select[Any]]) -> Select[Any]:
        """Return the query for this page of several queries together, which share no row.

        Each of them is read in the order of its own index, where one query with OR would be sorted.
        """
        branches = [branch for query in queries for branch in self.branches(query)]
        if len(branches) == 1:
            return branches[0]
        together = union_all(*[select(branch.subquery()) for branch in branches]).subquery()
        columns = [together.c[_label(index)] for index in range(len(self.columns))]
        return select(together).order_by(*self._order(columns)).limit(self.limit + 1)

    def branches(self, query: Select[Any]) -> list[Select[Any]]:
        """Return the queries of which this page is put together, each of which finds its rows by index."""
        labelled = [column.label(_label(index)) for index, column in enumerate(self.columns)]
        query = query.add_columns(*labelled).limit(self.limit + 1)
        return [
            query.where(*conditions).order_by(*self._order(self.columns[same:]))
            for same, conditions in self._beyond()
        ]

    def _beyond(self) -> Iterator[tuple[int, Sequence[ColumnElement[bool]]]]:
        """Yield the conditions of the rows after the cursor, each of which one range of an index fulfils.

        Before each stands how many of the columns are the cursor's in all of its rows.
        """
        if self.after is None:
            yield 0, ()
            return
        values = [literal(value, column.type) for value, column in zip(self.after, self.columns, strict=True)]
        # Not as a row of values: SQLite finds the first of them alone by its index where one is an expression
        # or the row's own number. And it would sort rows by an expression that has one value in all of them.
        equal: list[ColumnElement[bool]] = []
        for column, value in zip(self.columns, values, strict=True):
            yield len(equal), (*equal, column < value if self.descending else column > value)
            equal.append(column == value)

    async def read(
        self, connection: AsyncConnection, query: Select[Any], item: Callable[[Sequence[Any]], Item]
    ) -> Page[Item]:
        """Run what `of` or `of_each` returned; `item` makes a value of the columns that were asked for."""
        rows = (await connection.execute(query)).all()
        own = -len(self.columns)
        items = [item(row[:own]) for row in rows[: self.limit]]
        if len(rows) <= self.limit:
            return Page(items, None)
        return Page(items, _write_cursor(self.listing, self.sort, rows[self.limit - 1][own:]))

    def _order(self, columns: Columns) -> list[ColumnElement[Any]]:
        return [column.desc() if self.descending else column.asc() for column in columns]


class Listing:
    """A list that is read page by page: its name, and the sorts it has.

    `sorts`: the columns of each. `first`: the sort of those who name none, such as `-started`.
    """

    def __init__(self, name: str, sorts: Mapping[str, Columns], first: str) -> None:
        self.name = name
        self.sorts = sorts
        self.first = first

    def place(self, asked: PageRequest) -> Place:
        """Understand a request. Raises `Refused` for a sort or a limit that there is not, `WrongCursor`."""
        sort = asked.sort or self.first
        name = sort.removeprefix("-")
        if name not in self.sorts:
            mend = did_you_mean(name, self.sorts, f"{self.name} are sorted by {known_words(self.sorts)}")
            raise Refused(
                "list.unknown_sort", f"sort {quoted(sort)} is not known ({mend})", ("sort",), sort=sort
            )
        if not 1 <= asked.limit <= MAX_LIMIT:
            raise Refused(
                "field.out_of_range",
                f"a page has 1 to {MAX_LIMIT} rows, not {asked.limit}",
                ("limit",),
                field="limit",
                low=1,
                high=MAX_LIMIT,
            )
        columns = self.sorts[name]
        after = None if asked.after is None else _read_cursor(asked.after, self.name, sort, columns)
        return Place(self.name, sort, columns, sort.startswith("-"), after, asked.limit)

    def cursor(self, sort: str, values: Sequence[str | int]) -> str:
        """Return the cursor after the row that has these values in the columns of a sort."""
        return _write_cursor(self.name, sort, values)

    async def page(
        self,
        connection: AsyncConnection,
        query: Select[Any],
        asked: PageRequest,
        item: Callable[[Sequence[Any]], Item],
    ) -> Page[Item]:
        """Read a page of the rows of a query; `item` makes a value of each. Raises as `place`."""
        place = self.place(asked)
        page = await place.read(connection, place.of(query), item)
        if asked.count is None:
            return page
        return replace(page, count=await _counted(connection, query, asked.count))

    async def all_pages(
        self,
        connection: AsyncConnection,
        query: Select[Any],
        item: Callable[[Sequence[Any]], Item],
        sort: str | None = None,
    ) -> AsyncIterator[Sequence[Item]]:
        """Read all rows of a query, page by page: any number of them takes no more memory than a page."""
        after = None
        while True:
            page = await self.page(connection, query, PageRequest(ROWS_AT_ONCE, after, sort), item)
            if page.items:
                yield page.items
            after = page.next
            if after is None:
                return


def page_of_all(listing: Listing, items: Iterable[tuple[str, Item]], asked: PageRequest) -> Page[Item]:
    """Return a page of things that are in memory, each with the text that it is sorted by.

    The list has one sort, of one column. Raises as `Listing.place`.
    """
    place = listing.place(asked)
    rows = sorted(items, key=lambda row: row[0], reverse=place.descending)
    if place.after is not None:
        (after,) = map(str, place.after)
        rows = [row for row in rows if (row[0] < after if place.descending else row[0] > after)]
    found = [item for _, item in rows[: place.limit]]
    if len(rows) <= place.limit:
        return Page(found, None)
    return Page(found, _write_cursor(listing.name, place.sort, [rows[place.limit - 1][0]]))


async def _counted(connection: AsyncConnection, query: Select[Any], count: Count) -> int:
    """Return how many rows a query has. Raises `Refused` where that is not cheap."""
    if count is Count.ESTIMATE:
        return await _estimated(connection, query)
    some = query.order_by(None).limit(MOST_COUNTED + 1).subquery()
    found = int((await connection.execute(select(func.count()).select_from(some))).scalar_one())
    if found > MOST_COUNTED and count is Count.EXACT:
        raise Refused(
            "list.too_many_to_count",
            f"more than {MOST_COUNTED} rows are not counted one by one: ask for an estimate, or for fewer",
            ("count",),
            most=MOST_COUNTED,
        )
    return found


async def _estimated(connection: AsyncConnection, query: Select[Any]) -> int:
    if connection.dialect.name != "postgresql":
        raise Refused(
            "list.no_estimate",
            f"only PostgreSQL keeps statistics to estimate by; up to {MOST_COUNTED} rows can be counted",
            ("count",),
        )
    compiled = query.compile(dialect=connection.dialect)
    values = tuple(compiled.params[name] for name in compiled.positiontup or ())
    found = (await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {compiled}", values)).scalar_one()
    plan = json.loads(found) if isinstance(found, str) else found
    return int(plan[0]["Plan"]["Plan Rows"])


def _label(index: int) -> str:
    return f"sorted_by_{index}"


def _write_cursor(listing: str, sort: str, values: Sequence[str | int]) -> str:
    text = json.dumps([VERSION, listing, sort, *values], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode("ascii").rstrip("=")


def _read_cursor(text: str, listing: str, sort: str, columns: Columns) -> tuple[str | int, ...]:
    version, *rest = _decode(text)
    if version != VERSION:
        raise WrongCursor(
            "list.wrong_cursor", f"the cursor is of another version of Ringflow: {_AGAIN}", ("after",)
        )
    if len(rest) < 2:
        raise _malformed()
    of_listing, of_sort, *values = rest
    if of_listing != listing:
        raise WrongCursor(
            "list.wrong_cursor",
            f"the cursor is of a list of {quoted(of_listing)}, not of {listing}: {_AGAIN}",
            ("after",),
        )
    if of_sort != sort:
        what = f"the cursor is of a list sorted by {quoted(of_sort)}, and this one is sorted by `{sort}`"
        raise WrongCursor("list.wrong_cursor", f"{what}: keep the sort, or {_AGAIN}", ("after",))
    if len(values) != len(columns):
        raise _malformed()
    if not all(_fits(value, column) for value, column in zip(values, columns, strict=True)):
        raise _malformed()
    return tuple(values)


def _decode(text: str) -> list[Any]:
    """Return what a cursor is made of: at least one value. Raises `WrongCursor`."""
    if not text.isascii() or len(text) > MAX_CURSOR_LENGTH:
        raise _malformed()
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        found = json.loads(raw)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise _malformed() from error
    if not isinstance(found, list) or not found:
        raise _malformed()
    return found


def _fits(value: object, column: ColumnElement[Any]) -> bool:
    """Whether the value can be compared with the column, on every database."""
    if isinstance(column.type, Integer):
        bits = 63 if isinstance(column.type, BigInteger) else 31
        return isinstance(value, int) and not isinstance(value, bool) and -(2**bits) <= value < 2**bits
    # PostgreSQL takes no NUL, and no half of a surrogate pair.
    return isinstance(value, str) and "\0" not in value and value.encode(errors="ignore").decode() == value


def _malformed() -> WrongCursor:
    return WrongCursor(
        "list.wrong_cursor",
        f"the cursor is not one that a page gave: take the last page's, or {_AGAIN}",
        ("after",),
    )
