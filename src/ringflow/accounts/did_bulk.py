"""DIDs as bulk actions find, check and remove them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from ringflow.accounts import dids
from ringflow.accounts.bulk_actions import Action, BulkKind, check_new_customer, missing
from ringflow.accounts.bulk_import import parts
from ringflow.accounts.did_import import DidImport
from ringflow.accounts.dids import Did, DidFilter
from ringflow.accounts.directory_changes import note_changes
from ringflow.actor import Actor
from ringflow.audit import Verb
from ringflow.errors import Unknown
from ringflow.plain_text import plain
from ringflow.store import tables


class DidBulk(BulkKind[str, Did, DidFilter]):
    """DIDs, by their numbers in any form."""

    subject = "DIDs"
    actions = tuple(Action)

    def __init__(self, actor: Actor) -> None:
        super().__init__(actor, DidImport(actor))

    async def named(self, ids: Collection[str]) -> Sequence[Did]:
        """Those with these numbers."""
        found: dict[str, Did] = {}
        for text in ids:
            if (did := await dids.find(self.actor.connection, text, self.actor.country)) is not None:
                found[text] = did
        missing(
            ids,
            found,
            lambda one: Unknown("did.unknown", f"DID {plain(one)} does not exist", ("ids",), did=one),
        )
        return list({did.number: did for did in found.values()}.values())

    async def fitting(self, wanted: DidFilter, most: int) -> Sequence[Did]:
        """Those that a list with this filter has."""
        query = select(*dids.COLUMNS).where(*dids.fitting(wanted)).order_by(tables.dids.c.number).limit(most)
        return [Did(*row) for row in await self.actor.connection.execute(query)]

    async def prepare(self, changes: Mapping[str, Any]) -> None:
        """Their new customer is there."""
        await check_new_customer(self.actor, changes)

    def changed(self, row: Did, changes: Mapping[str, Any]) -> Did:
        """With its fields checked."""
        new = dids.with_variable(replace(row, **changes))
        dids.check_fields(new)
        return new

    async def remove(self, rows: Sequence[Did], cascade: bool) -> None:
        """Delete them."""
        for some in parts(rows):
            numbers = [one.number for one in some]
            gone = tables.dids.delete().where(tables.dids.c.number.in_(numbers))
            await self.actor.connection.execute(gone)
            await note_changes(self.actor, Verb.DELETE, [(f"DID {one.number}", one, None) for one in some])
