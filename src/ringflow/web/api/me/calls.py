"""A customer's own calls on record."""

from __future__ import annotations

from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Principal
from ringflow.errors import Unknown
from ringflow.forms.own import OwnCallForm, own_call_form
from ringflow.plain_text import plain
from ringflow.records.queries import CALLS, Filter, call_page, find_call
from ringflow.rights import Audience
from ringflow.store.pages import Page, PageRequest
from ringflow.web.api.me.customer import own_id
from ringflow.web.api.period import milliseconds
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input

RESOURCE = Resource("me", "/me/calls", "What is a customer's own, for its own programs.")


class OwnCallQuery(Input):
    """Which calls."""

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    """The first moment after."""
    did: str | None = None
    number: str | None = None
    """How the number begins that was called."""


@RESOURCE.get(Audience.CUSTOMER, listing=CALLS)
async def list_own_calls(
    connection: AsyncConnection, principal: Principal, query: OwnCallQuery, asked: PageRequest
) -> Page[OwnCallForm]:
    """List the customer's calls with what was called in them, the newest first."""
    wanted = Filter(
        since_ms=milliseconds(query.since),
        until_ms=milliseconds(query.until),
        did=query.did,
        number=query.number,
        customer=own_id(principal),
    )
    return (await call_page(connection, wanted, asked)).map(own_call_form)


@RESOURCE.get(Audience.CUSTOMER, "/{call}")
async def show_own_call(connection: AsyncConnection, principal: Principal, call: str) -> OwnCallForm:
    """Return a call of the customer's."""
    found, _ = await find_call(connection, call)
    if found.customer_id != own_id(principal):
        raise Unknown("call.unknown", f"call {plain(call)} is not on record", call=call)
    return own_call_form(found)
