"""Speed dials from a CSV file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import bindparam, select

from ringflow.accounts.bulk_import import (
    Cells,
    TableImport,
    check_customer,
    customer_id,
    known_customers,
    parts,
    raise_all,
    whole_number,
)
from ringflow.accounts.directory_changes import Source, source_of
from ringflow.accounts.fields import Trying
from ringflow.accounts.speed_dials import COLUMNS, SpeedDial, check_fields, insert
from ringflow.errors import Refused
from ringflow.sheet_tables import TableRow
from ringflow.store.speed_dial_tables import speed_dials


class SpeedDialKey(NamedTuple):
    """What a speed dial is found by."""

    customer_id: int
    place: int


class SpeedDialImport(TableImport[SpeedDialKey, SpeedDial]):
    """A row has a customer, a key and a number."""

    subject = "speed dials"
    columns = ("customer", "place", "number", "name")
    needed = ("customer", "place", "number")
    aliases: ClassVar[Mapping[str, str]] = {"customer_id": "customer", "key": "place", "phone": "number"}

    _customers: frozenset[int] = frozenset()

    def key(self, row: TableRow) -> SpeedDialKey:
        """The customer and the key."""
        for column in ("customer", "place"):
            if not row[column]:
                raise Refused("field.empty", "is empty; write a number", (column,), field=column)
        return SpeedDialKey(customer_id(row["customer"], "customer"), whole_number(row["place"], "place"))

    def name(self, key: SpeedDialKey) -> str:
        """As in the audit log."""
        return str(SpeedDial(*key, number=""))

    async def existing(self, keys: Collection[SpeedDialKey]) -> Mapping[SpeedDialKey, SpeedDial]:
        """Those that are there."""
        found: dict[SpeedDialKey, SpeedDial] = {}
        for part in parts(sorted({key.customer_id for key in keys})):
            query = select(*COLUMNS).where(speed_dials.c.customer_id.in_(part))
            rows = [SpeedDial(*row) for row in await self.actor.connection.execute(query)]
            found |= {SpeedDialKey(one.customer_id, one.place): one for one in rows}
        return {key: one for key, one in found.items() if key in keys}

    async def prepare(self, rows: Sequence[TableRow]) -> None:
        """Which of the customers are there."""
        self._customers = await known_customers(self.actor, {row["customer"] for row in rows})

    def read(self, row: TableRow, key: SpeedDialKey | None, old: SpeedDial | None) -> SpeedDial:
        """What the row says, and what an old one has."""
        assert key is not None, "every speed dial has a key"
        trying = Trying()
        cells = Cells(row, trying)
        cells.text("number")
        cells.text("name")
        fields: dict[str, Any] = cells.found
        new = replace(old or SpeedDial(*key, number=""), **fields)
        with trying:
            check_customer(key.customer_id, self._customers)
        with trying:
            if not new.number:
                what = "is empty; write the number that the key dials"
                raise Refused("field.empty", what, ("number",), field="number")
            new = check_fields(new, self.actor.country)
        raise_all(trying)
        return new

    def source_of(self, old: SpeedDial) -> Source:
        """No file but this one declares any."""
        return source_of(self.actor)

    def name_of(self, row: SpeedDial) -> str:
        """As in the audit log."""
        return str(row)

    def noted(self, row: SpeedDial) -> SpeedDial:
        """Whom customers call is no matter of the audit log."""
        return row.masked

    async def insert(self, rows: Sequence[SpeedDial]) -> Sequence[SpeedDial]:
        """Write new ones."""
        await insert(self.actor, rows)
        return rows

    async def rewrite(self, rows: Sequence[SpeedDial]) -> None:
        """Write changed ones."""
        mine = (speed_dials.c.customer_id == bindparam("of")) & (speed_dials.c.place == bindparam("at"))
        values: dict[str, Any] = {"number": bindparam("new_number"), "name": bindparam("new_name")}
        statement = speed_dials.update().where(mine).values(values | {"updated_ms": self.actor.now_ms})
        await self.actor.connection.execute(
            statement,
            [
                {"of": one.customer_id, "at": one.place, "new_number": one.number, "new_name": one.name}
                for one in rows
            ],
        )
