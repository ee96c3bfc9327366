"""Imports of customers, CLIs, DIDs, speed dials and the values of lists, as jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ringflow.accounts.bulk_import import TableImport
from ringflow.accounts.cli_import import CliImport
from ringflow.accounts.customer_import import CustomerImport
from ringflow.accounts.did_import import DidImport
from ringflow.accounts.speed_dial_import import SpeedDialImport
from ringflow.accounts.value_lists.entry_import import ImportedEntries, import_entries, read_entries
from ringflow.rights import Right
from ringflow.web.jobs.kind import JobKind, JobWork
from ringflow.web.jobs.uploaded_file import uploaded_file


@dataclass(frozen=True, slots=True)
class TableOrder:
    """A file of rows that is to be imported, by the name that its sender gave it."""

    file: str
    update: bool
    dry_run: bool


@dataclass(frozen=True, slots=True)
class EntryOrder:
    """A file of values that is to be imported into a list."""

    list_name: str
    file: str
    dry_run: bool


def _table_kind(name: str, needed: Right, importing: type[TableImport[Any, Any]]) -> JobKind[TableOrder]:
    async def run(work: JobWork, given: TableOrder) -> None:
        async with uploaded_file(work, given.file) as file, work.acting() as actor:
            done = await importing(actor).run(file, update=given.update, dry_run=given.dry_run)
            await work.finish(actor, done)

    return JobKind(name, needed, TableOrder, run, apart=True)


async def _import_entries(work: JobWork, given: EntryOrder) -> ImportedEntries:
    config = work.services.config
    async with uploaded_file(work, given.file) as file:
        return await import_entries(
            work.opener,
            given.list_name,
            lambda which: read_entries(file, which.kind, config.country, config.zone),
            dry_run=given.dry_run,
            progress=work.report,
        )


CUSTOMER_IMPORT = _table_kind("customers.import", Right.CUSTOMERS_CHANGE, CustomerImport)
CLI_IMPORT = _table_kind("clis.import", Right.CUSTOMERS_CHANGE, CliImport)
DID_IMPORT = _table_kind("dids.import", Right.DIDS_CHANGE, DidImport)
SPEED_DIAL_IMPORT = _table_kind("speed-dials.import", Right.CUSTOMERS_CHANGE, SpeedDialImport)
ENTRY_IMPORT = JobKind("value-list.import", Right.LISTS_CHANGE, EntryOrder, _import_entries, apart=True)
