"""What the columns of a carrier's sheets are, kept under a name so that its next sheet is read alike."""

from __future__ import annotations

import json
from dataclasses import asdict

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.audit import Act, note
from ringflow.errors import Refused
from ringflow.ledger.rates.sheet_columns import ColumnMap
from ringflow.plain_text import plain
from ringflow.store.ledger_tables import rate_maps

MAX_NAME = 64
_OF_ONE_SHEET = frozenset(("from", "until", "last_day"))
"""Values that the next sheet will not share."""


async def list_maps(connection: AsyncConnection) -> list[tuple[str, ColumnMap]]:
    """All of them, by name."""
    query = select(rate_maps.c.name, rate_maps.c.facts).order_by(rate_maps.c.name)
    return [(name, _read(facts)) for name, facts in (await connection.execute(query)).tuples()]


async def get_map(connection: AsyncConnection, name: str) -> ColumnMap:
    """The map of this name. Raises `Refused` when there is none."""
    found = dict(await list_maps(connection))
    if name not in found:
        known = f"there are {', '.join(found)}" if found else "`--save-map NAME` keeps one"
        raise Refused(f"there is no map `{plain(name)}`; {known}")
    return found[name]


async def save_map(act: Act, name: str, said: ColumnMap) -> None:
    """Keep a map, in place of one of this name. Dates that were set for one sheet are not kept."""
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise Refused(f"a map's name has 1 to {MAX_NAME} characters")
    kept = {of: value for of, value in said.values.items() if of not in _OF_ONE_SHEET}
    facts = {**asdict(said), "values": kept}
    before = next((asdict(one) for known, one in await list_maps(act.connection) if known == name), None)
    await act.connection.execute(delete(rate_maps).where(rate_maps.c.name == name))
    row = {"name": name, "facts": json.dumps(facts), "changed_ms": act.now_ms}
    await act.connection.execute(rate_maps.insert().values(**row))
    await note(act, "set" if before else "add", f"rate map {name}", before, facts)


async def delete_map(act: Act, name: str) -> None:
    """Forget a map. Raises `Refused` when there is none."""
    before = await get_map(act.connection, name)
    await act.connection.execute(delete(rate_maps).where(rate_maps.c.name == name))
    await note(act, "delete", f"rate map {name}", asdict(before), None)


def _read(facts: str) -> ColumnMap:
    return ColumnMap(**json.loads(facts))
