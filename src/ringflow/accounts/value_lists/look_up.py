"""Whether a value stands in an operators' list: one query by index, for calls.

What is looked for depends on whether the list holds numbers or texts, and only the database knows that. So
the query asks for what either would hold, some thirty values, and the rows say which of them counts.
"""

from __future__ import annotations

from sqlalchemy import and_, bindparam, or_, select

from ringflow.accounts.value_lists import entries, value_list
from ringflow.accounts.value_lists.entry_value import ListKind, entry_value, values_that_match
from ringflow.actor import CALLER, acting
from ringflow.store import Store
from ringflow.store.database import LookUp
from ringflow.store.list_tables import value_list_entries, value_lists

_MOST = 48
"""One text, and a number of 15 digits in three forms with all their beginnings."""
_VALUES = [f"value_{number}" for number in range(_MOST)]

_ENTRIES = LookUp(
    select(value_lists.c.kind, value_list_entries.c.value)
    .select_from(value_lists)
    .outerjoin(
        value_list_entries,
        and_(
            value_list_entries.c.list_id == value_lists.c.id,
            value_list_entries.c.value.in_([bindparam(name) for name in _VALUES]),
            or_(
                value_list_entries.c.expires_ms.is_(None),
                value_list_entries.c.expires_ms > bindparam("now_ms"),
            ),
        ),
    )
    .where(value_lists.c.name == bindparam("name")),
    ["name", "now_ms", *_VALUES],
)


class ValueLists:
    """The lists of a database. `country` is where national numbers belong."""

    def __init__(self, store: Store, country: str) -> None:
        self._store = store
        self._country = country

    async def contains(self, name: str, text: str, now_ms: int) -> bool | None:
        """Whether a list has a text, or the number that it is; None where there is no such list.

        Entries that have expired by `now_ms` do not count. Raises `StoreGone`.
        """
        matching = {kind: values_that_match(kind, text, self._country) for kind in ListKind}
        values = list(dict.fromkeys(value for found in matching.values() for value in found))[:_MOST]
        # No entry is empty.
        padded = values + (values[-1:] or [""]) * (_MOST - len(values))
        rows = await self._store.look_up(_ENTRIES, name, now_ms, *padded)
        if not rows:
            return None
        return any(value in matching[ListKind(kind)] for kind, value in rows)

    async def keep(self, name: str, number: str, notes: str, now_ms: int) -> None:
        """Have the caller put a number in E.164 digits on a list. Raises `Refused` and `StoreGone`."""
        async with acting(self._store, CALLER, self._country, now_ms) as actor:
            found = await value_list.show(actor.connection, name)
            await entries.add(actor, name, _written(found.kind, number), notes)

    async def drop(self, name: str, number: str, now_ms: int) -> None:
        """Have the caller take a number off a list; one that is not there is no error. Raises as `keep`."""
        async with acting(self._store, CALLER, self._country, now_ms) as actor:
            found = await value_list.show(actor.connection, name)
            text = _written(found.kind, number)
            value = entry_value(found.kind, text, self._country)
            if await entries.find_exact(actor.connection, found, value) is not None:
                await entries.remove(actor, name, text)


def _written(kind: ListKind, number: str) -> str:
    """How E.164 digits are written so that no country's own forms are meant."""
    return f"+{number}" if kind is ListKind.NUMBERS else number
