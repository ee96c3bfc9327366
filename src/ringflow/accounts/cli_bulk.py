"""CLIs as bulk actions find, check and remove them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from ringflow.accounts import clis
from ringflow.accounts.bulk_actions import BulkKind, check_new_customer, missing
from ringflow.accounts.bulk_import import parts
from ringflow.accounts.cli_import import CliImport
from ringflow.accounts.clis import Cli, CliFilter
from ringflow.accounts.directory_changes import MAX_INTEGER, note_changes
from ringflow.accounts.fields import check_text
from ringflow.actor import Actor
from ringflow.audit import Verb
from ringflow.errors import Unknown
from ringflow.store import tables


class CliBulk(BulkKind[int, Cli, CliFilter]):
    """CLIs, by their ids."""

    subject = "CLIs"

    def __init__(self, actor: Actor) -> None:
        super().__init__(actor, CliImport(actor))

    async def named(self, ids: Collection[int]) -> Sequence[Cli]:
        """Those with these ids."""
        found: dict[int, Cli] = {}
        for some in parts([one for one in ids if 1 <= one <= MAX_INTEGER]):
            query = select(*clis.COLUMNS).where(tables.clis.c.id.in_(some))
            found |= {row[0]: Cli(*row) for row in await self.actor.connection.execute(query)}
        missing(
            ids,
            found,
            lambda one: Unknown("cli.unknown", f"CLI {one} does not exist", ("ids",), cli=str(one)),
        )
        return list(found.values())

    async def fitting(self, wanted: CliFilter, most: int) -> Sequence[Cli]:
        """Those that a list with this filter has."""
        query = select(*clis.COLUMNS).where(*clis.fitting(wanted)).order_by(tables.clis.c.id).limit(most)
        return [Cli(*row) for row in await self.actor.connection.execute(query)]

    async def prepare(self, changes: Mapping[str, Any]) -> None:
        """Their new customer is there."""
        await check_new_customer(self.actor, changes)

    def changed(self, row: Cli, changes: Mapping[str, Any]) -> Cli:
        """With its notes checked."""
        new = replace(row, **changes)
        check_text(new.notes, "notes")
        return new

    async def remove(self, rows: Sequence[Cli], cascade: bool) -> None:
        """Delete them."""
        for some in parts(rows):
            ids = [one.id for one in some]
            await self.actor.connection.execute(tables.clis.delete().where(tables.clis.c.id.in_(ids)))
            await note_changes(self.actor, Verb.DELETE, [(str(one), one, None) for one in some])
