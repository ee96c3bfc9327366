"""DIDs from a CSV file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, ClassVar

from sqlalchemy import bindparam, select

from ringflow.accounts.bulk_import import (
    Cells,
    TableImport,
    check_customer,
    known_customers,
    parts,
    raise_all,
)
from ringflow.accounts.dids import COLUMNS, Did, check_fields, did_number, with_variable
from ringflow.accounts.directory_changes import Source, source_of
from ringflow.accounts.fields import Trying
from ringflow.actor import Actor
from ringflow.errors import Refused
from ringflow.sheet_tables import TableRow
from ringflow.store.tables import dids

_SCRIPT_TEXTS = ("script", "script_fallback", "script_vars", "hangup_script", "hangup_script_vars")
_SCRIPT_SECONDS = ("script_timeout_s", "hangup_script_timeout_s")


class DidImport(TableImport[str, Did]):
    """A row of a new DID needs a number and an app."""

    subject = "DIDs"
    columns = (
        "number",
        "app",
        "identify",
        "customer",
        "enabled",
        "channels",
        "reject_code",
        "withheld",
        "variable",
        "script",
        "script_timeout_s",
        "script_fallback",
        "script_vars",
        "hangup_script",
        "hangup_script_timeout_s",
        "hangup_script_vars",
    )
    needed = ("number",)
    aliases: ClassVar[Mapping[str, str]] = {"did": "number", "customer_id": "customer", "flow": "app"}
    ignored = ("source",)
    emptied = ("customer", "channels", "variable", *_SCRIPT_TEXTS, *_SCRIPT_SECONDS)

    _customers: frozenset[int] = frozenset()

    def __init__(self, actor: Actor) -> None:
        super().__init__(actor)
        self.apps: set[str] = set()
        """The apps that the file's DIDs lead to."""

    def key(self, row: TableRow) -> str:
        """The number as it is kept."""
        if not row["number"]:
            raise Refused(
                "field.empty", "is empty; write the number that callers dial", ("number",), field="number"
            )
        return did_number(row["number"], self.actor.country)

    def name(self, key: str) -> str:
        """As in the audit log."""
        return f"DID {key}"

    async def existing(self, keys: Collection[str]) -> Mapping[str, Did]:
        """Those that are there."""
        found: dict[str, Did] = {}
        for part in parts(keys):
            query = select(*COLUMNS).where(dids.c.number.in_(part))
            found |= {row[0]: Did(*row) for row in await self.actor.connection.execute(query)}
        return found

    async def prepare(self, rows: Sequence[TableRow]) -> None:
        """Which of the customers are there."""
        self._customers = await known_customers(self.actor, {row["customer"] for row in rows})

    def read(self, row: TableRow, key: str | None, old: Did | None) -> Did:
        """Defaults for what is left out, or what an old DID has."""
        assert key is not None, "every DID has a key"
        trying = Trying()
        cells = Cells(row, trying)
        for column in ("app", "identify", "withheld"):
            cells.text(column)
        cells.number_or_none("customer", "customer_id")
        cells.yes_or_no("enabled")
        cells.number_or_none("channels")
        cells.number("reject_code")
        for column in ("variable", *_SCRIPT_TEXTS):
            cells.text_or_none(column)
        for column in _SCRIPT_SECONDS:
            cells.seconds_or_none(column)
        fields: dict[str, Any] = cells.found
        with trying:
            if fields.get("customer_id") is not None:
                check_customer(fields["customer_id"], self._customers)
        start = old or Did(key, "", source=source_of(self.actor))
        new = with_variable(replace(start, **fields))
        with trying:
            if not new.app:
                raise Refused(
                    "field.empty", "is empty; write the app that callers reach", ("app",), field="app"
                )
            check_fields(new)
        raise_all(trying)
        self.apps.add(new.app)
        return new

    def source_of(self, old: Did) -> Source:
        """Who made it."""
        return old.source

    def name_of(self, row: Did) -> str:
        """As in the audit log."""
        return self.name(row.number)

    async def insert(self, rows: Sequence[Did]) -> Sequence[Did]:
        """Write new DIDs."""
        times = {"created_ms": self.actor.now_ms, "updated_ms": self.actor.now_ms}
        await self.actor.connection.execute(dids.insert(), [asdict(one) | times for one in rows])
        return rows

    async def rewrite(self, rows: Sequence[Did]) -> None:
        """Write changed DIDs."""
        names = (
            "app",
            "identify",
            "customer_id",
            "enabled",
            "channels",
            "reject_code",
            "withheld",
            "variable",
            "script",
            "script_timeout_s",
            "script_fallback",
            "script_vars",
            "hangup_script",
            "hangup_script_timeout_s",
            "hangup_script_vars",
        )
        statement = dids.update().where(dids.c.number == bindparam("at"))
        statement = statement.values(
            {name: bindparam(f"new_{name}") for name in names} | {"updated_ms": self.actor.now_ms}
        )
        values = [{"at": one.number} | {f"new_{name}": getattr(one, name) for name in names} for one in rows]
        await self.actor.connection.execute(statement, values)
