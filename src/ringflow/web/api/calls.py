"""Calls over HTTP: those on record."""

from __future__ import annotations

from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Principal
from ringflow.calls.outcome import LegStatus
from ringflow.forms.call import CallForm, call_form
from ringflow.forms.whole_call import WholeCallForm, whole_call_form
from ringflow.records.queries import CALLS, Filter, call_page
from ringflow.records.whole_call import find_whole_call
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.api.period import milliseconds
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input

RESOURCE = Resource("calls", "/calls", "Calls on record, and calls that are made.")


class CallQuery(Input):
    """Which calls. `trunk`, `number` and `status` ask for a leg that fits all of them."""

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    """The first moment after."""
    did: str | None = None
    cli: str | None = None
    customer: int | None = None
    card: str | None = None
    app: str | None = None
    outcome: str | None = None
    trunk: str | None = None
    number: str | None = None
    """How the dialled number begins."""
    status: LegStatus | None = None
    refused: bool = False
    """Only calls that were rejected, or of which a leg was not dialled."""
    unpaid: bool = False
    """Only calls with a charge of which a part could not be taken."""
    q: str | None = None
    """A call's ID, or the number that called or was called."""


@RESOURCE.get(Right.CALLS_READ, listing=CALLS)
async def list_calls(connection: AsyncConnection, query: CallQuery, asked: PageRequest) -> Page[CallForm]:
    """List calls with their legs, the newest first."""
    fields = query.model_dump(exclude={"since", "until", "q"})
    wanted = Filter(
        since_ms=milliseconds(query.since), until_ms=milliseconds(query.until), search=query.q, **fields
    )
    return (await call_page(connection, wanted, asked)).map(call_form)


@RESOURCE.get(Right.CALLS_READ, "/{call}")
async def show_call(connection: AsyncConnection, principal: Principal, call: str) -> WholeCallForm:
    """Return a call with its slots, its legs, its money, and what happened in order.

    `holds` and `movements` are null without the right `money.read`.
    """
    whole = await find_whole_call(connection, call)
    return whole_call_form(whole, with_money=Right.MONEY_READ in principal.rights)
