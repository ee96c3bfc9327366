"""What the columns of a carrier's sheets are, kept under a name so that its next sheet is read alike."""

from __future__ import annotations

import json
from dataclasses import asdict

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.errors import Refused, Unknown
from ringflow.ledger.rates.sheet_columns import ColumnMap
from ringflow.plain_text import plain
from ringflow.store.ledger_tables import rate_maps

MAX_NAME = 64
_OF_ONE_SHEET = frozenset(("from", "until", "last_day"))
"""Values that the next sheet will not share."""


async def list_maps(connection: AsyncConnection) -> list[tuple[str, ColumnMap]]:
    """All of them, by name."""
    query = select(rate_maps.c.name, rate_maps.c.facts).order_by(rate_maps.c.name)
    return [(name, _read(facts)) for name, facts in await connection.execute(query)]


async def get_map(connection: AsyncConnection, name: str) -> ColumnMap:
    """The map of this name. Raises `Refused` when there is none."""
    found = dict(await list_maps(connection))
    if name not in found:
        known = f"there are {', '.join(found)}" if found else "none was kept yet"
        raise Unknown("rate_map.unknown", f"there is no map `{plain(name)}`; {known}", map=name)
    return found[name]


async def save_map(actor: Actor, name: str, said: ColumnMap) -> None:
    """Keep a map, in place of one of this name. Dates that were set for one sheet are not kept."""
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise Refused(
            "rate_map.malformed_name", f"a map's name has 1 to {MAX_NAME} characters", most=MAX_NAME
        )
    kept = {of: value for of, value in said.values.items() if of not in _OF_ONE_SHEET}
    facts = {**asdict(said), "values": kept}
    before = next((asdict(one) for known, one in await list_maps(actor.connection) if known == name), None)
    await actor.connection.execute(delete(rate_maps).where(rate_maps.c.name == name))
    row = {"name": name, "facts": json.dumps(facts), "changed_ms": actor.now_ms}
    await actor.connection.execute(rate_maps.insert().values(**row))
    await note(actor, Verb.SET if before else Verb.ADD, f"rate map {name}", before, facts)


async def delete_map(actor: Actor, name: str) -> None:
    """Forget a map. Raises `Refused` when there is none."""
    before = await get_map(actor.connection, name)
    await actor.connection.execute(delete(rate_maps).where(rate_maps.c.name == name))
    await note(actor, Verb.DELETE, f"rate map {name}", asdict(before), None)


def _read(facts: str) -> ColumnMap:
    return ColumnMap(**json.loads(facts))
