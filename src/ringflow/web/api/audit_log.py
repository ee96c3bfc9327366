"""The audit log over HTTP: who changed what."""

from __future__ import annotations

from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.audit import ENTRIES, EntryFilter, entry_page
from ringflow.forms.audit_entry import AuditEntryForm, audit_entry_form
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.api.period import milliseconds
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.services import Services

RESOURCE = Resource("audit", "/audit", "Who changed what.")


class AuditQuery(Input):
    """Which changes."""

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    """The first moment after."""
    operator: str | None = None
    verb: str | None = None
    subject: str | None = None
    """Of what, or how that begins: customer 42."""
    q: str | None = None
    """A part of what was changed."""


@RESOURCE.get(Right.AUDIT_READ, listing=ENTRIES)
async def list_changes(
    connection: AsyncConnection, services: Services, query: AuditQuery, asked: PageRequest
) -> Page[AuditEntryForm]:
    """List changes, the newest first."""
    wanted = EntryFilter(
        milliseconds(query.since),
        milliseconds(query.until),
        query.operator,
        query.verb,
        query.subject,
        query.q,
    )
    page = await entry_page(connection, wanted, asked)
    return page.map(lambda entry: audit_entry_form(entry, services.config.zone))
