"""`ringflow audit`: who changed what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.audit import ENTRIES, EntryFilter, entry_page
from ringflow.cli.moments import period_ms
from ringflow.cli.output import Json, print_json
from ringflow.cli.page_options import DEFAULT_LIMIT, After, Limit, print_page, search_option, sort_option
from ringflow.cli.project import with_reading
from ringflow.config import Config
from ringflow.forms.audit_entry import AuditEntryForm, audit_entry_form
from ringflow.moments import Moment
from ringflow.store.pages import Page, PageRequest

app = typer.Typer(help="The audit log: who changed what, with before and after.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A change as it is printed: of a thing that was changed, only the fields that differ."""

    at: Moment
    operator: str
    what: str
    before: str
    after: str


@app.command("list")
def list_command(
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE|24h", help="Changes from then on.")
    ] = None,
    operator: Annotated[str | None, typer.Option("--operator", metavar="NAME", help="By whom.")] = None,
    subject: Annotated[
        str | None,
        typer.Option("--subject", metavar="TEXT", help="Of what, or how that begins: `customer 42`."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE|24h", help="Changes before then.")
    ] = None,
    verb: Annotated[str | None, typer.Option("--verb", metavar="WORD", help="What was done: set.")] = None,
    search: Annotated[str | None, search_option("A part of what was changed.")] = None,
    sort: Annotated[str | None, sort_option(ENTRIES)] = None,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
    as_json: Json = False,
) -> None:
    """List changes, the newest first."""
    since_ms, until_ms = period_ms(since, until)
    wanted = EntryFilter(since_ms, until_ms, operator, verb, subject, search)

    async def find(connection: AsyncConnection, config: Config) -> Page[AuditEntryForm]:
        page = await entry_page(connection, wanted, PageRequest(limit, after, sort))
        return page.map(lambda entry: audit_entry_form(entry, config.zone))

    page = with_reading(find)
    if as_json:
        print_json(page)
    else:
        print_page(page.map(entry_row), EntryRow, False)


def entry_row(entry: AuditEntryForm) -> EntryRow:
    """The change with its fields as text."""
    before, after = entry.before or {}, entry.after or {}
    both = entry.before is not None and entry.after is not None
    names = [name for name in {**before, **after} if not both or before.get(name) != after.get(name)]
    return EntryRow(
        at=entry.at,
        operator=entry.operator if entry.token is None else f"{entry.operator} ({entry.token})",
        what=f"{entry.verb} {entry.subject}",
        before=_text(before, names),
        after=_text(after, names),
    )


def _text(fields: Mapping[str, object], names: list[str]) -> str:
    return "\n".join(
        f"{name}: {json.dumps(fields[name], ensure_ascii=False)}" for name in names if name in fields
    )
