"""What callers may ask about the numbers that they dial: those under their keys, and the last one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Integer, bindparam, literal_column, select

from ringflow.accounts import speed_dials
from ringflow.accounts.speed_dials import SpeedDial
from ringflow.actor import CALLER, acting
from ringflow.errors import Refused
from ringflow.numbers import normalise_number
from ringflow.store import LookUp, Store
from ringflow.store.record_tables import call_legs, call_records
from ringflow.store.speed_dial_tables import speed_dials as table

CALLS_LOOKED_AT = 20
"""Among so many of a customer's latest calls the last number is looked for."""

_customer_id = bindparam("customer_id", type_=Integer)

NUMBER = LookUp(
    select(table.c.number).where(
        table.c.customer_id == _customer_id, table.c.place == bindparam("place", type_=Integer)
    ),
    ["customer_id", "place"],
)

_latest = (
    select(call_records.c.call_id, call_records.c.started_ms)
    .where(call_records.c.customer_id == _customer_id)
    .order_by(call_records.c.started_ms.desc(), call_records.c.call_id.desc())
    .limit(literal_column(str(CALLS_LOOKED_AT)))
    # Without it SQLAlchemy binds a parameter of its own for SQLite.
    .offset(literal_column("0"))
    .subquery("latest")
)
LAST_DIALLED = LookUp(
    select(call_legs.c.keyed, call_legs.c.dialled, call_legs.c.status, call_legs.c.trunk)
    .select_from(_latest.join(call_legs, call_legs.c.call_id == _latest.c.call_id))
    .order_by(_latest.c.started_ms.desc(), _latest.c.call_id.desc(), call_legs.c.position.desc()),
    ["customer_id"],
)


class PhoneBook:
    """`now_ms`: milliseconds since 1970. Methods raise `StoreGone`."""

    def __init__(self, store: Store, country: str, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._country = country
        self._now_ms = now_ms

    async def number(self, customer_id: int, place: int) -> str | None:
        """The number under a key, as it is dialled; None where there is none."""
        rows = await self._store.look_up(NUMBER, customer_id, place)
        return None if not rows else _dialled_form(rows[0][0], self._country)

    async def every(self, customer_id: int) -> Sequence[SpeedDial]:
        """All that a customer has, in the order of their keys."""
        async with self._store.reading() as connection:
            return await speed_dials.of_customer(connection, customer_id)

    async def keep(self, customer_id: int, place: int, number: str) -> bool:
        """Keep a number under a key, in place of what was there; False: it is no number."""
        try:
            async with acting(self._store, CALLER, self._country, self._now_ms()) as actor:
                await speed_dials.keep(actor, SpeedDial(customer_id, place, number))
        except Refused:
            return False
        return True

    async def forget(self, customer_id: int, place: int) -> bool:
        """Forget the number under a key; False: there was none."""
        async with self._store.writing() as connection:
            return await speed_dials.forget(connection, customer_id, place) > 0

    async def last_number(
        self, customer_id: int, undialled: frozenset[str], without_number: frozenset[str]
    ) -> str | None:
        """The number that the customer dialled last in a call that is over, as it was keyed.

        Legs whose status is among `undialled` do not count, nor those whose trunk is among `without_number`.
        None: none is on record.
        """
        rows = await self._store.look_up(LAST_DIALLED, customer_id)
        dialled = (
            keyed or number
            for keyed, number, status, trunk in rows
            if status not in undialled and trunk not in without_number
        )
        return next((one for one in dialled if "@" not in one), None)


def _dialled_form(number: str, country: str) -> str:
    """A kept number as it is dialled: with a plus where it is E.164, so that it is read as nothing else."""
    return f"+{number}" if normalise_number(f"+{number}", country) == number else number
