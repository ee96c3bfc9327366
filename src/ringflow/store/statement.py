"""One SQL text for SQLite and PostgreSQL, which may take a whole list of rows as one parameter.

These statements work on sets, so that a batch of a hundred calls takes as many statements as one call.
The rows travel as a JSON text, of which `json_each` (SQLite) or `json_to_recordset` (PostgreSQL) makes the
table `v`: the only word in which the two databases differ here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, overload

from sqlalchemy import BigInteger, Dialect, Row, TextClause, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text, TypeEngine

from ringflow.store.database import DirectConnection

Kind: TypeAlias = Literal["bigint", "text"]
# `json.dumps` with separators makes an encoder for every text.
_ENCODER = json.JSONEncoder(separators=(",", ":"))
_TYPES: dict[str, TypeEngine[Any]] = {"bigint": BigInteger(), "text": Text()}


class Statement:
    """`{rows}` in the text stands for the rows, known as `v`; `values` are its other parameters.

    `{lock}` at the end of a SELECT locks its rows until the commit; SQLite has one writer at a time anyway.
    """

    def __init__(self, sql: str, rows: Mapping[str, Kind] | None = None, **values: Kind) -> None:
        self._sql = sql
        self._rows = rows
        self._values = values
        self._made: dict[str, _Made] = {}

    @overload
    async def run(
        self,
        connection: AsyncConnection,
        rows: Sequence[Mapping[str, object]] | None = None,
        **values: object,
    ) -> Sequence[Row[Any]]: ...

    @overload
    async def run(
        self,
        connection: AsyncConnection | DirectConnection,
        rows: Sequence[Mapping[str, object]] | None = None,
        **values: object,
    ) -> Sequence[Sequence[Any]]: ...

    async def run(
        self,
        connection: AsyncConnection | DirectConnection,
        rows: Sequence[Mapping[str, object]] | None = None,
        **values: object,
    ) -> Sequence[Sequence[Any]]:
        """Run it; gives what it returns, or nothing for a statement that returns no rows."""
        dialect = connection.dialect
        made = self._made.get(dialect.name) or self._make(dialect)
        given = values if rows is None else {"rows": _ENCODER.encode(rows), **values}
        if not isinstance(connection, AsyncConnection):
            return await connection.rows(made.sql, [given[name] for name in made.order])
        result = await connection.execute(made.clause, given)
        return result.all() if result.returns_rows else ()

    def _make(self, dialect: Dialect) -> _Made:
        lock = "FOR NO KEY UPDATE" if dialect.name == "postgresql" else ""
        sql, kinds = self._sql.replace("{lock}", lock), dict(self._values)
        if self._rows is not None:
            sql = sql.replace("{rows}", _source(dialect.name, self._rows))
            kinds["rows"] = "text"
        clause = text(sql).bindparams(*[bindparam(name, type_=_TYPES[kind]) for name, kind in kinds.items()])
        compiled = clause.compile(dialect=dialect)
        made = self._made[dialect.name] = _Made(clause, str(compiled), tuple(compiled.positiontup or ()))
        return made


@dataclass(frozen=True, slots=True)
class _Made:
    """A statement for one kind of database. `order`: the parameters of `sql`, which is for the driver."""

    clause: TextClause
    sql: str
    order: tuple[str, ...]


def _source(dialect: str, columns: Mapping[str, Kind]) -> str:
    if dialect == "postgresql":
        described = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        return f"json_to_recordset(CAST(:rows AS json)) AS v({described})"
    selected = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in columns)
    return f"(SELECT {selected} FROM json_each(:rows)) AS v"  # noqa: S608 -- our own column names
