"""Filters of lists: by which of them the rows of a page are found, and which are tried row by row.

Nothing of this is left to the databases' planners to guess. SQLite has no statistics unless somebody runs
ANALYZE: it would take any index that fits a condition, also one by which it reads a million rows and sorts
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Boolean, Column, ColumnElement, Index, Select, Table, TextClause, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType

from ringflow.store.conditions import equal
from ringflow.store.tables import is_in_order_of_bytes, rows_of

Columns: TypeAlias = Sequence[ColumnElement[Any]]
Conditions: TypeAlias = Sequence[ColumnElement[bool]]

FEW_ROWS = 1000
"""So many rows at most are found by an index of their own, and then sorted."""


@dataclass(frozen=True, slots=True)
class OwnIndex:
    """Rows that an index finds in another order than the list's: `keys` reads the values of their `key`."""

    key: ColumnElement[Any]
    keys: Select[Any]


@dataclass(frozen=True, slots=True)
class PartialIndex:
    """Rows that have an index to themselves, in an order: they fit `condition`, written as it is there."""

    condition: ColumnElement[bool] | TextClause
    order: Columns


@dataclass(frozen=True, slots=True)
class Between:
    """Rows whose column is not below `low` and not above `high`, where these are given.

    The values are whole numbers or digits, which have one order in Python and in all languages of a database.
    """

    column: ColumnElement[Any]
    low: str | int | None = None
    high: str | int | None = None

    def of_rows(self) -> list[ColumnElement[bool]]:
        """Return the conditions."""
        low = [] if self.low is None else [self.column >= self.low]
        return low if self.high is None else [*low, self.column <= self.high]


def since_until(column: ColumnElement[Any], since_ms: int | None, until_ms: int | None) -> Between:
    """Return the rows of a period, in milliseconds since 1970, `until_ms` excluded."""
    return Between(column, since_ms, None if until_ms is None else until_ms - 1)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which rows of a list are wanted: those that fit all of these.

    `equal`: columns with the value that they have (None: any), the one that leaves fewest rows first.
    `tried`: conditions of other kinds. The others say how rows are found that are `tried` too: `few` by an
    index that has another order than the list, if they are no more than `FEW_ROWS`, and `partial` by one that
    has the order. What is `between` needs not be tried.
    """

    equal: Sequence[tuple[ColumnElement[Any], object]] = ()
    tried: Conditions = ()
    few: Sequence[OwnIndex] = ()
    partial: Sequence[PartialIndex] = ()
    between: Between | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions of all rows that fit, however they are found."""
        between = [] if self.between is None else self.between.of_rows()
        return [*equal(self.equal), *self.tried, *between]

    async def looked_at(self, connection: AsyncConnection, order: Columns) -> LookedAt:
        """Return how the rows are found where they are read in this order."""
        given = [(column, value) for column, value in self.equal if value is not None]
        others = [*self.tried]
        between = self.between
        if between is not None and between.column is not order[0]:
            others += between.of_rows()
            between = None
        for own in (*self.few, *_of_own_index(given, order)):
            keys = (await connection.execute(own.keys.limit(FEW_ROWS + 1))).scalars().all()
            if len(keys) <= FEW_ROWS:
                # The text of the statement has as many places as values: few such texts are kept prepared.
                padded = [*keys, *keys[-1:] * (_power_of_two(len(keys)) - len(keys))]
                rest = equal(given)
                return LookedAt([own.key.in_(padded)], _tried(*rest, *others), between, are_few=True)
        own_rows = [one.condition for one in self.partial if _names(one.order) == _names(order)]
        along = None if own_rows else next((one for one in given if _has_index(one[0], order)), None)
        found = own_rows[:1] if along is None else [along[0] == along[1]]
        rest = equal(one for one in given if one is not along)
        return LookedAt(found, _tried(*rest, *others), between, are_few=False)


ALL_ROWS = Filters()


@dataclass(frozen=True, slots=True)
class LookedAt:
    """How rows are found: by the conditions `found` and an index, and by those `tried` with each of them.

    `between`: the first column of the order is.
    """

    found: Sequence[ColumnElement[bool] | TextClause]
    tried: Conditions
    between: Between | None
    are_few: bool

    @property
    def is_long(self) -> bool:
        """Return whether any number of rows may be tried in vain."""
        return bool(self.tried) and not self.are_few


def _of_own_index(equal: Sequence[tuple[ColumnElement[Any], object]], order: Columns) -> Iterator[OwnIndex]:
    """Yield how to find rows by columns that have an index, but none in this order."""
    if any(_has_index(column, order) for column, _ in equal):
        return
    for column, value in equal:
        if not isinstance(column, Column):
            continue
        table = column.table
        if isinstance(table, Table) and len(table.primary_key.columns) == 1 and _leads(column, table):
            (key,) = table.primary_key.columns
            yield OwnIndex(key, select(key).where(column == value))


def _leads(column: Column[Any], table: Table) -> bool:
    return any(next(iter(index.expressions), None) is column for index in _indexes(column, table))


def _has_index(column: ColumnElement[Any], order: Columns) -> bool:
    """Return whether an index has the rows of each value of a column in this order."""
    if column is order[0]:
        return True
    if not isinstance(column, Column) or not isinstance(column.table, Table):
        return False
    wanted = _names((column, *order))
    return any(
        _names(index.expressions) == wanted and not is_in_order_of_bytes(index)
        for index in _indexes(column, column.table)
    )


def _indexes(column: Column[Any], table: Table) -> Iterator[Index]:
    """Yield the indexes that have all rows in which the column has a value."""
    for index in table.indexes:
        if rows_of(index) in (None, f"{column.name} IS NOT NULL"):
            yield index


def _names(columns: Iterable[Any]) -> list[str]:
    return [str(one) for one in columns]


def _power_of_two(count: int) -> int:
    return 1 << (count - 1).bit_length() if count else 0


def _tried(*conditions: ColumnElement[bool]) -> Conditions:
    return [_Tried(one) for one in conditions]


class _Tried(FunctionElement[bool]):
    """A condition that is only tried: no database looks for an index for it, or joins what it asks for."""

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: OperatorType | None = None) -> _Tried:
        """Return itself: SQLAlchemy would have SQLite ask whether it is 1."""
        return self


@compiles(_Tried)
def _without_join(element: _Tried, compiler: SQLCompiler, **kw: Any) -> str:
    return f"({compiler.process(next(iter(element.clauses)), **kw)}) IS TRUE"


@compiles(_Tried, "sqlite")
def _without_index(element: _Tried, compiler: SQLCompiler, **kw: Any) -> str:
    return f"+({compiler.process(next(iter(element.clauses)), **kw)})"
