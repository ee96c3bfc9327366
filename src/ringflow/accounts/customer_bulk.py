"""Customers as bulk actions find, check and remove them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from ringflow.accounts import customer_overview, customers
from ringflow.accounts.bulk_actions import BulkKind, missing, refuse_all
from ringflow.accounts.customer_import import CustomerImport
from ringflow.accounts.customer_overview import CustomerFilter
from ringflow.accounts.customers import Customer
from ringflow.accounts.directory_changes import MAX_INTEGER
from ringflow.actor import Actor
from ringflow.errors import Refused, Unknown
from ringflow.store import tables


class CustomerBulk(BulkKind[int, Customer, CustomerFilter]):
    """Customers, by their ids."""

    subject = "customers"
    most_deleted = 1_000
    """Each of them has much that is looked at."""

    def __init__(self, actor: Actor) -> None:
        super().__init__(actor, CustomerImport(actor))

    async def named(self, ids: Collection[int]) -> Sequence[Customer]:
        """Those with these ids."""
        found = await self.rows.existing([one for one in ids if 1 <= one <= MAX_INTEGER])
        missing(ids, found, _unknown)
        return list(found.values())

    async def fitting(self, wanted: CustomerFilter, most: int) -> Sequence[Customer]:
        """Those that a list with this filter has."""
        query = select(*customers.COLUMNS).where(*customer_overview.fitting(wanted))
        rows = await self.actor.connection.execute(query.order_by(tables.customers.c.id).limit(most))
        return [Customer(*row) for row in rows]

    def changed(self, row: Customer, changes: Mapping[str, Any]) -> Customer:
        """With its fields checked."""
        return customers.checked(replace(row, **changes), self.actor.country)

    async def remove(self, rows: Sequence[Customer], cascade: bool) -> None:
        """Delete them with all that is theirs; those with a history must stay."""
        refused: list[Refused] = []
        for row in rows:
            try:
                await customers.delete(self.actor, row.id, cascade=cascade)
            except Refused as error:
                refused += error.each
        refuse_all(refused)


def _unknown(customer_id: int) -> Unknown:
    what = f"customer {customer_id} does not exist"
    return Unknown("customer.unknown", what, ("ids",), customer=customer_id)
