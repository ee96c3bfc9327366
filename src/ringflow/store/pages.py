"""Pages of lists: some rows at a time, in an order that an index has, from a place that a cursor names.

A page begins after the last row of the page before it (keyset paging), not after a number of rows. So it is
as quick at the end of a million rows as at their beginning. While rows come and go no row is on two pages,
and none is left out that was there throughout. A row whose sorted value changes meanwhile may come again, or
not at all: the first sort of every list is by values that never change.

Each sort of a list is a row of columns, the last of which no two rows share, and needs an index of just
these. None of them may be NULL: what may be is wrapped in `coalesce`, in the index too.

Of the filters of a list one may have an index in which its rows stand in the order of the sort: the page is
read along it. Or an index of its own finds few rows, which are sorted. All others are tried row by row along
the order (`page_filters.py` finds out which is which). A `bounded` page ends after a number of rows that were
tried, with the cursor of the last one: where few rows fit it has fewer items than its limit, or none.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    SelectBase,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import Refused
from ringflow.store.page_filters import ALL_ROWS, Between, Columns, Filters
from ringflow.wording import did_you_mean, known_words, quoted

Item = TypeVar("Item")
Other = TypeVar("Other")

MAX_LIMIT = 10_000_000
MOST_COUNTED = 10_000
"""So many rows are counted at most: more would take longer than a page does."""
COUNTED_REACHES = 5
"""How many times as many rows as for a page are read for a count: so many that most may be of the 10,000."""
REACH = 3_000
"""So many rows are tried at most for a bounded page: more would take longer than anybody waits for it."""
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
    `count`: whether the rows of all pages are to be counted too, and how. `bounded`: whether the page may end
    with fewer rows, though not at the end of the list, where few of those that were tried fit.
    """

    limit: int
    after: str | None = None
    sort: str | None = None
    count: Count | None = None
    bounded: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some rows of a list, and the cursor by which the next page is asked for; None: this is the last.

    A page that was asked for as `bounded` may have few items, or none, and still a cursor.
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
    """Where a page begins and ends, in which order it goes on, and how long it is: a request, understood.

    All values are those of the sort's columns. The rows of the page come after `after`, or are not before
    `first`, which is of the first column alone; and none is beyond `last`, which may be of the first column
    alone too.
    """

    listing: str
    sort: str
    columns: Columns
    descending: bool
    after: tuple[str | int, ...] | None
    limit: int
    first: str | int | None = None
    last: tuple[str | int, ...] | None = None

    def within(self, between: Between | None) -> Place | None:
        """Return the place with only such rows; None: there is none after the cursor."""
        if between is None:
            return self
        first, last = (between.high, between.low) if self.descending else (between.low, between.high)
        if self.after is not None:
            reached = self.after[0]
            if first is not None and self._is_before(reached, first):
                return replace(self, after=None).within(between)
            if last is not None and self._is_before(last, reached):
                return None
            first = None
        if first is not None and last is not None and self._is_before(last, first):
            return None
        return replace(self, first=first, last=None if last is None else (last,))

    def _is_before(self, one: Any, other: Any) -> bool:
        return bool(one > other if self.descending else one < other)

    def of_each(self, queries: Sequence[Select[Any]]) -> Select[Any]:
        """Return the query for this page of several queries together, which share no row.

        It finds one row more, and the columns of the sort behind the queries' own. Each of them is read in
        the order of its own index, where one query with OR would be sorted.
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
            for same, conditions in self._ranges()
        ]

    def all_rows(self, queries: Sequence[Select[Any]]) -> list[Select[Any]]:
        """Return queries for all rows of this place, whatever its limit, in any order."""
        return [query.where(*conditions) for query in queries for _, conditions in self._ranges()]

    def ends_after(self, query: Select[Any], rows: int) -> list[Select[Any]]:
        """Return queries for the row up to which so many rows of a query are read.

        They are to be asked one after the other until one finds a row. Where none does, fewer rows are left.
        """
        query = (
            cast("Select[Any]", query.with_only_columns(*self.columns, maintain_column_froms=True))
            .offset(rows - 1)
            .limit(1)
        )
        return [
            query.where(*conditions).order_by(*self._order(self.columns[same:]))
            for same, conditions in self._ranges()
        ]

    def _ranges(self) -> Iterator[tuple[int, Sequence[ColumnElement[bool]]]]:
        """Yield the conditions of the rows, in their order: each is fulfilled by one range of an index.

        Before each stands how many of the columns have one value in all of its rows.
        """
        # Not as a row of values: SQLite finds the first of them alone by its index where one is an expression
        # or the row's own number. And it would sort rows by an expression that has one value in all of them.
        after, last = self._literals(self.after), self._literals(self.last)
        common = 0
        for one, other in zip(self.after or (), self.last or (), strict=False):
            if one != other:
                break
            common += 1
        if common == len(self.columns):
            return
        for same in range(len(after) - 1, common, -1):
            yield same, (*self._equal(after[:same]), self._beyond(same, after[same]))
        between = self._equal(after[:common])
        if after:
            between.append(self._beyond(common, after[common]))
        elif self.first is not None:
            (first,) = self._literals((self.first,))
            between.append(self.columns[0] <= first if self.descending else self.columns[0] >= first)
        if common < len(last):
            between.append(self._not_beyond(common, last[common], is_last=common == len(last) - 1))
        yield common, between
        for same in range(common + 1, len(last)):
            yield (
                same,
                (
                    *self._equal(last[:same]),
                    self._not_beyond(same, last[same], is_last=same == len(last) - 1),
                ),
            )

    def _literals(self, values: Sequence[str | int] | None) -> list[ColumnElement[Any]]:
        typed = zip(values or (), self.columns, strict=False)
        return [literal(value, column.type) for value, column in typed]

    def _equal(self, values: Sequence[ColumnElement[Any]]) -> list[ColumnElement[bool]]:
        return [column == value for column, value in zip(self.columns, values, strict=False)]

    def _beyond(self, index: int, value: ColumnElement[Any]) -> ColumnElement[bool]:
        column = self.columns[index]
        return column < value if self.descending else column > value

    def _not_beyond(self, index: int, value: ColumnElement[Any], *, is_last: bool) -> ColumnElement[bool]:
        """Return the condition that the column comes before the value or, `is_last`, is the value."""
        column = self.columns[index]
        if is_last:
            return column >= value if self.descending else column <= value
        return column > value if self.descending else column < value

    async def read(
        self, connection: AsyncConnection, query: Select[Any], item: Callable[[Sequence[Any]], Item]
    ) -> Page[Item]:
        """Run what `of_each` returned; `item` makes a value of the columns that were asked for."""
        rows = (await connection.execute(query)).all()
        own = -len(self.columns)
        items = [item(row[:own]) for row in rows[: self.limit]]
        if len(rows) <= self.limit:
            return Page(items, None)
        return Page(items, self.cursor(rows[self.limit - 1][own:]))

    def cursor(self, values: Sequence[str | int]) -> str:
        """Return the cursor after the row that has these values in the columns of the sort."""
        return _write_cursor(self.listing, self.sort, values)

    def _order(self, columns: Columns) -> list[ColumnElement[Any]]:
        return [column.desc() if self.descending else column.asc() for column in columns]


class Listing:
    """A list that is read page by page: its name, and the sorts it has.

    `sorts`: the columns of each. `first`: the sort of those who name none, such as `-started`. `reach`: how
    many rows are tried for a bounded page; `COUNTED_REACHES` times as many are read for a
    count.
    """

    def __init__(self, name: str, sorts: Mapping[str, Columns], first: str, reach: int = REACH) -> None:
        self.name = name
        self.sorts = sorts
        self.first = first
        self.reach = reach

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
        query: Select[Any] | Sequence[Select[Any]],
        asked: PageRequest,
        item: Callable[[Sequence[Any]], Item],
        filters: Filters = ALL_ROWS,
    ) -> Page[Item]:
        """Read a page of the rows of a query that fit; `item` makes a value of each. Raises as `place`.

        Instead of one query there may be several that share no row, each of which has an index in the order
        of the list. Conditions of the query's own are fulfilled by that index, or by nearly all rows.
        """
        place = self.place(asked)
        queries = [query] if isinstance(query, Select) else query
        looked_at = await filters.looked_at(connection, place.columns)
        found = [one.where(*looked_at.found) for one in queries]
        within = place.within(looked_at.between)
        page: Page[Item] = Page([], None)
        if within is not None:
            end = None
            if asked.bounded and looked_at.is_long:
                end = await _end(connection, within, found, self.reach)
            upto = within if end is None else replace(within, last=end)
            tried = [one.where(*looked_at.tried) for one in found]
            page = await upto.read(connection, upto.of_each(tried), item)
            if end is not None and page.next is None:
                page = replace(page, next=upto.cursor(end))
        if asked.count is None:
            return page
        count = await self._count(connection, queries, asked.count, filters, is_bounded=asked.bounded)
        return replace(page, count=count)

    async def _count(
        self,
        connection: AsyncConnection,
        queries: Sequence[Select[Any]],
        how: Count,
        filters: Filters,
        *,
        is_bounded: bool,
    ) -> int:
        """Return how many rows there are that fit. Raises `Refused` where that is not cheap."""
        # In the first order, whatever that of the page is: rows are likely to lie in it.
        place = self.place(PageRequest(1))
        looked_at = await filters.looked_at(connection, place.columns)
        whole = place.within(looked_at.between)
        if whole is None:
            return 0
        found = [one.where(*looked_at.found) for one in queries]
        counted = [
            one.where(*looked_at.tried).with_only_columns(literal(1).label("one"), maintain_column_froms=True)
            for one in found
        ]
        if how is Count.ESTIMATE:
            each = whole.all_rows(counted)
            return await _estimated(connection, each[0] if len(each) == 1 else union_all(*each))
        most_read = COUNTED_REACHES * self.reach
        end = None
        if is_bounded and looked_at.is_long:
            end = await _end(connection, whole, found, most_read)
        upto = whole if end is None else replace(whole, last=end)
        count = await _counted(connection, upto.all_rows(counted))
        if count <= MOST_COUNTED and end is not None:
            raise Refused(
                "list.too_many_to_count",
                f"more than {most_read} rows would be read to count those that fit: ask without a count, or "
                "for fewer by another filter, such as a shorter period",
                ("count",),
                most=most_read,
            )
        if count > MOST_COUNTED and how is Count.EXACT:
            raise Refused(
                "list.too_many_to_count",
                f"more than {MOST_COUNTED} rows are not counted one by one: ask for an estimate, or fewer",
                ("count",),
                most=MOST_COUNTED,
            )
        return count

    async def all_pages(
        self,
        connection: AsyncConnection,
        query: Select[Any],
        item: Callable[[Sequence[Any]], Item],
        sort: str | None = None,
        filters: Filters = ALL_ROWS,
    ) -> AsyncIterator[Sequence[Item]]:
        """Read all rows of a query, page by page: any number of them takes no more memory than a page."""
        after = None
        while True:
            asked = PageRequest(ROWS_AT_ONCE, after, sort)
            page = await self.page(connection, query, asked, item, filters)
            if page.items:
                yield page.items
            after = page.next
            if after is None:
                return


async def _end(
    connection: AsyncConnection, place: Place, queries: Sequence[Select[Any]], rows: int
) -> tuple[str | int, ...] | None:
    """Return the row, by the columns of the sort, up to which so many rows of a query are read.

    None: fewer are left. Up to twice as many are read where the sort has two columns.
    """
    ends = []
    for query in queries:
        for ending in place.ends_after(query, rows):
            if row := (await connection.execute(ending)).one_or_none():
                ends.append(tuple(row))
                break
    if not ends:
        return None
    # The nearest of them, or where the database has another order of texts than Python, one as good.
    return max(ends) if place.descending else min(ends)


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


async def _counted(connection: AsyncConnection, queries: Sequence[Select[Any]]) -> int:
    """Return how many rows queries find together, or one more than are counted."""
    some = [select(one.limit(MOST_COUNTED + 1).subquery()) for one in queries]
    counts = select(func.count()).select_from((some[0] if len(some) == 1 else union_all(*some)).subquery())
    return min(MOST_COUNTED + 1, int((await connection.execute(counts)).scalar_one()))


async def _estimated(connection: AsyncConnection, query: SelectBase) -> int:
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
