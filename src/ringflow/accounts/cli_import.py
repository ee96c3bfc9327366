"""CLIs from a file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import bindparam, func, select

from ringflow.accounts.bulk_import import (
    Cells,
    TableImport,
    check_customer,
    customer_id,
    known_customers,
    parts,
    raise_all,
)
from ringflow.accounts.clis import COLUMNS, Cli, check_pattern, cli_number, refuse_shared
from ringflow.accounts.directory_changes import Source, source_of
from ringflow.accounts.fields import Trying, check_text
from ringflow.errors import Refused
from ringflow.plain_text import plain
from ringflow.sheet_tables import TableRow
from ringflow.store.caller_tables import cli_codes
from ringflow.store.tables import clis


class CliKey(NamedTuple):
    """What a CLI is found by: one of the two."""

    number: str | None
    pattern: str | None


class CliImport(TableImport[CliKey, Cli]):
    """A row has a number or a pattern. With `update` a CLI may go to another customer."""

    subject = "CLIs"
    columns = ("number", "pattern", "customer", "notes")
    needed = ("customer",)
    aliases: ClassVar[Mapping[str, str]] = {"cli": "number", "phone": "number", "customer_id": "customer"}
    ignored = ("id", "source")

    _customers: frozenset[int] = frozenset()
    _sharing: Mapping[str, int] = {}

    def key(self, row: TableRow) -> CliKey:
        """The number in the form that identifies, or the pattern."""
        if row["number"] and row["pattern"]:
            raise Refused("cli.number_and_pattern", "write a number or a pattern, not both", ("pattern",))
        if row["pattern"]:
            try:
                check_pattern(row["pattern"])
            except Refused as error:
                raise error.reworded(str(error), ("pattern",)) from None
            return CliKey(None, row["pattern"])
        if not row["number"]:
            raise Refused(
                "field.empty",
                "is empty; write the number from which the customer calls, or a pattern",
                ("number",),
                field="number",
            )
        return CliKey(cli_number(row["number"], self.actor.country), None)

    def name(self, key: CliKey) -> str:
        """As in the audit log."""
        return f"CLI {key.number}" if key.number is not None else f"CLI pattern {plain(key.pattern or '')}"

    async def existing(self, keys: Collection[CliKey]) -> Mapping[CliKey, Cli]:
        """Those that are there."""
        found: dict[CliKey, Cli] = {}
        for column, values in (
            (clis.c.number, [key.number for key in keys if key.number is not None]),
            (clis.c.pattern, [key.pattern for key in keys if key.pattern is not None]),
        ):
            for part in parts(values):
                rows = await self.actor.connection.execute(select(*COLUMNS).where(column.in_(part)))
                found |= {CliKey(cli.number, cli.pattern): cli for cli in (Cli(*row) for row in rows)}
        self._sharing = await self._shared([key.number for key in keys if key.number is not None])
        return found

    async def _shared(self, numbers: Collection[str]) -> Mapping[str, int]:
        """How many customers share each of the numbers that are shared."""
        found: dict[str, int] = {}
        for part in parts(numbers):
            query = select(cli_codes.c.number, func.count()).where(cli_codes.c.number.in_(part))
            rows = await self.actor.connection.execute(query.group_by(cli_codes.c.number))
            found |= {row[0]: row[1] for row in rows}
        return found

    async def prepare(self, rows: Sequence[TableRow]) -> None:
        """Which of the customers are there."""
        self._customers = await known_customers(self.actor, {row["customer"] for row in rows})

    def read(self, row: TableRow, key: CliKey | None, old: Cli | None) -> Cli:
        """Defaults for what is left out, or what an old CLI has."""
        assert key is not None, "every CLI has a key"
        trying = Trying()
        cells = Cells(row, trying)
        cells.text("notes")
        fields: dict[str, Any] = cells.found
        with trying:
            if row["customer"]:
                fields["customer_id"] = customer_id(row["customer"], "customer")
                check_customer(fields["customer_id"], self._customers)
            elif old is None:
                raise Refused(
                    "field.empty",
                    "is empty; write the id of the customer whom it identifies",
                    ("customer",),
                    field="customer",
                )
        with trying:
            check_text(fields.get("notes", ""), "notes")
        with trying:
            refuse_shared(key.number or "", self._sharing.get(key.number or "", 0))
        raise_all(trying)
        start = old or Cli(0, 0, key.number, key.pattern, source=source_of(self.actor))
        return replace(start, **fields)

    def source_of(self, old: Cli) -> Source:
        """Who made it."""
        return old.source

    def name_of(self, row: Cli) -> str:
        """As in the audit log."""
        return str(row)

    async def insert(self, rows: Sequence[Cli]) -> Sequence[Cli]:
        """Write new CLIs; the order of the file is that in which patterns are tried."""
        values = [
            {
                "customer_id": one.customer_id,
                "number": one.number,
                "pattern": one.pattern,
                "notes": one.notes,
                "source": one.source,
                "created_ms": self.actor.now_ms,
                "updated_ms": self.actor.now_ms,
            }
            for one in rows
        ]
        statement = clis.insert().returning(clis.c.id, sort_by_parameter_order=True)
        ids = (await self.actor.connection.execute(statement, values)).scalars()
        return [replace(one, id=given) for one, given in zip(rows, ids, strict=True)]

    async def rewrite(self, rows: Sequence[Cli]) -> None:
        """Write changed CLIs."""
        statement = (
            clis.update()
            .where(clis.c.id == bindparam("at"))
            .values(
                customer_id=bindparam("new_customer_id"),
                notes=bindparam("new_notes"),
                updated_ms=self.actor.now_ms,
            )
        )
        values = [{"at": one.id, "new_customer_id": one.customer_id, "new_notes": one.notes} for one in rows]
        await self.actor.connection.execute(statement, values)
