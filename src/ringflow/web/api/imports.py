"""Imports over HTTP, as jobs: customers, CLIs, DIDs, speed dials and values of lists, from sheets."""

from __future__ import annotations

from ringflow.accounts.value_lists import value_list
from ringflow.actor import Actor
from ringflow.jobs.job import Job
from ringflow.rights import Right
from ringflow.web.api.sheets import SHEET, TABLE, SheetQuery, sheet_of
from ringflow.web.jobs.kind import JobKind
from ringflow.web.jobs.table_import import (
    CLI_IMPORT,
    CUSTOMER_IMPORT,
    DID_IMPORT,
    ENTRY_IMPORT,
    SPEED_DIAL_IMPORT,
    EntryOrder,
    TableOrder,
)
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.raw_body import RawBody

CUSTOMERS = Resource("customers", "/customers:import", "The accounts that pay.")
CLIS = Resource("clis", "/clis:import", "The calling numbers that identify customers.")
DIDS = Resource("dids", "/dids:import", "The numbers that callers dial.")
SPEED_DIALS = Resource("speed dials", "/speed-dials:import", "The numbers that customers keep.")
ENTRIES = Resource("value lists", "/value-lists/{list_name}/entries:import", "Values of lists.")


class TableQuery(SheetQuery):
    """How rows are imported."""

    update: bool = False
    """Change those that are there already; else such a line is refused."""


@CUSTOMERS.post(Right.CUSTOMERS_CHANGE, upload=TABLE)
async def import_customers(actor: Actor, body: RawBody, query: TableQuery) -> Job:
    """Add customers from a sheet or NDJSON, as a job: all, or none where a line is wrong; each is named.

    Columns: id, name, status, currency, channels, caller_id, language.
    """
    return await _table(actor, CUSTOMER_IMPORT, body, query)


@CLIS.post(Right.CUSTOMERS_CHANGE, upload=TABLE)
async def import_clis(actor: Actor, body: RawBody, query: TableQuery) -> Job:
    """Add CLIs from a sheet or NDJSON, as a job: all of them, or none where a line is wrong; each is named.

    Columns: number, pattern, customer, notes.
    """
    return await _table(actor, CLI_IMPORT, body, query)


@DIDS.post(Right.DIDS_CHANGE, upload=TABLE)
async def import_dids(actor: Actor, body: RawBody, query: TableQuery) -> Job:
    """Add DIDs from a sheet or NDJSON, as a job: all of them, or none where a line is wrong; each is named.

    Columns: those of a DID's form. What stands in `source` is ignored.
    """
    return await _table(actor, DID_IMPORT, body, query)


@SPEED_DIALS.post(Right.CUSTOMERS_CHANGE, upload=TABLE)
async def import_speed_dials(actor: Actor, body: RawBody, query: TableQuery) -> Job:
    """Add speed dials from a sheet or NDJSON, as a job: all of them, or none where a line is wrong.

    Columns: customer, place, number, name.
    """
    return await _table(actor, SPEED_DIAL_IMPORT, body, query)


@ENTRIES.post(Right.LISTS_CHANGE, upload=SHEET)
async def import_value_list_entries(actor: Actor, list_name: str, body: RawBody, query: SheetQuery) -> Job:
    """Add the values of a sheet to a list, by the million, as a job: none where a line is wrong.

    A value stands on each line, or there are columns entry, notes, expires.
    """
    await value_list.show(actor.connection, list_name)
    order = EntryOrder(list_name, query.file, query.dry_run)
    return await ENTRY_IMPORT.start(actor, order, f"list {list_name}", await sheet_of(body, query.file))


async def _table(actor: Actor, kind: JobKind[TableOrder], body: RawBody, query: TableQuery) -> Job:
    order = TableOrder(query.file, query.update, query.dry_run)
    return await kind.start(actor, order, query.file, await sheet_of(body, query.file))
