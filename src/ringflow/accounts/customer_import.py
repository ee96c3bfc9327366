"""Customers from a CSV file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, ClassVar

from sqlalchemy import bindparam, select

from ringflow.accounts.bulk_import import Cells, TableImport, customer_id, parts, raise_all
from ringflow.accounts.customers import COLUMNS, Customer, checked, next_id
from ringflow.accounts.directory_changes import Source, source_of
from ringflow.accounts.fields import Trying
from ringflow.errors import Conflict, Refused, RefusedTogether
from ringflow.money import AmountError
from ringflow.sheet_tables import TableRow
from ringflow.store.tables import customers


class CustomerImport(TableImport[int, Customer]):
    """A row without an id is a new customer, with the id after the highest."""

    subject = "customers"
    columns = ("id", "name", "status", "currency", "channels", "caller_id", "language")
    needed = ()
    aliases: ClassVar[Mapping[str, str]] = {"customer": "id", "customer_id": "id", "callerid": "caller_id"}
    emptied = ("channels", "caller_id", "language")

    _next = 0

    def key(self, row: TableRow) -> int | None:
        """The id; None where it is left out."""
        return customer_id(row["id"], "id") if row["id"] else None

    def name(self, key: int) -> str:
        """As in the audit log."""
        return f"customer {key}"

    async def existing(self, keys: Collection[int]) -> Mapping[int, Customer]:
        """Those that are there; then ids are given from the highest of all on."""
        found: dict[int, Customer] = {}
        for part in parts(keys):
            query = select(*COLUMNS).where(customers.c.id.in_(part))
            found |= {row[0]: Customer(*row) for row in await self.actor.connection.execute(query)}
        self._next = max(await next_id(self.actor), max(keys, default=0) + 1)
        return found

    def read(self, row: TableRow, key: int | None, old: Customer | None) -> Customer:
        """Defaults for what is left out, or what an old customer has."""
        trying = Trying()
        cells = Cells(row, trying)
        for column in ("name", "status", "currency"):
            cells.text(column)
        cells.number_or_none("channels")
        cells.text_or_none("caller_id")
        cells.text_or_none("language")
        fields: dict[str, Any] = cells.found
        start = old or Customer(self._next if key is None else key, source=source_of(self.actor))
        new = start
        with trying:
            new = _checked(replace(start, **fields), self.actor.country)
            if old is not None and new.currency != old.currency:
                what = f"the currency of customer {old.id} stays {old.currency}, its money is counted in it"
                raise Conflict(
                    "customer.currency_fixed", what, ("currency",), customer=old.id, currency=old.currency
                )
        raise_all(trying)
        self._next += key is None
        return new

    def source_of(self, old: Customer) -> Source:
        """Who made it."""
        return old.source

    def name_of(self, row: Customer) -> str:
        """As in the audit log."""
        return self.name(row.id)

    async def insert(self, rows: Sequence[Customer]) -> Sequence[Customer]:
        """Write new customers."""
        times = {"created_ms": self.actor.now_ms, "updated_ms": self.actor.now_ms}
        await self.actor.connection.execute(customers.insert(), [asdict(one) | times for one in rows])
        return rows

    async def rewrite(self, rows: Sequence[Customer]) -> None:
        """Write changed customers."""
        statement = customers.update().where(customers.c.id == bindparam("at"))
        names = ("name", "status", "channels", "caller_id", "language")
        statement = statement.values(
            {name: bindparam(f"new_{name}") for name in names} | {"updated_ms": self.actor.now_ms}
        )
        values = [{"at": one.id} | {f"new_{name}": getattr(one, name) for name in names} for one in rows]
        await self.actor.connection.execute(statement, values)


def _checked(customer: Customer, country: str) -> Customer:
    try:
        return checked(customer, country)
    except Refused as error:
        raise RefusedTogether(
            one.reworded(str(one), one.at or (("currency",) if isinstance(one, AmountError) else ()))
            for one in error.each
        ) from None
