"""DIDs over HTTP: the numbers that callers dial."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import dids
from ringflow.accounts.dids import DIDS, Did, DidChanges, DidFilter, Identify, Withheld
from ringflow.accounts.directory_changes import lock_directory
from ringflow.actor import Actor
from ringflow.forms.did import DidForm, did_form
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.rest.conditions import IfMatch
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input, Patch, unchanged
from ringflow.web.rest.services import Services

RESOURCE = Resource("dids", "/dids", "The numbers that callers dial.")


class DidQuery(Input):
    """Which DIDs."""

    customer: int | None = None
    app: str | None = None
    enabled: bool | None = None
    q: str | None = None
    """How a number begins, or a part of the app's name."""


class NewDid(Input):
    """A DID that is to be made."""

    number: str
    """A telephone number in any form, an extension such as 100, or 5061999{number}."""
    app: str
    identify: Identify = "cli"
    customer: int | None = None
    enabled: bool = True
    channels: int | None = None
    reject_code: int = 403
    withheld: Withheld = "identify"
    variable: str | None = None
    script: str | None = None
    """The script that runs before the app."""
    script_timeout_s: float | None = None
    script_fallback: str | None = None
    """What becomes of a call whose script fails: `app`, or a SIP code and a reason."""
    script_vars: str | None = None
    """What the script is given as vars: a JSON object, as text."""
    hangup_script: str | None = None
    """The script that is told of each call that is over."""
    hangup_script_timeout_s: float | None = None
    hangup_script_vars: str | None = None


class DidPatch(Patch):
    """What is to be changed of a DID: the fields that are there."""

    app: str = unchanged()
    identify: Identify = unchanged()
    customer: int | None = unchanged()
    enabled: bool = unchanged()
    channels: int | None = unchanged()
    reject_code: int = unchanged()
    withheld: Withheld = unchanged()
    variable: str | None = unchanged()
    script: str | None = unchanged()
    script_timeout_s: float | None = unchanged()
    script_fallback: str | None = unchanged()
    script_vars: str | None = unchanged()
    hangup_script: str | None = unchanged()
    hangup_script_timeout_s: float | None = unchanged()
    hangup_script_vars: str | None = unchanged()


@RESOURCE.get(Right.DIDS_READ, listing=DIDS)
async def list_dids(connection: AsyncConnection, query: DidQuery, asked: PageRequest) -> Page[DidForm]:
    """List DIDs."""
    wanted = DidFilter(query.customer, query.app, query.enabled, search=query.q)
    return (await dids.page(connection, wanted, asked)).map(did_form)


@RESOURCE.post(Right.DIDS_CHANGE)
async def add_did(actor: Actor, body: NewDid) -> DidForm:
    """Lead a number to an app."""
    fields = body.model_dump()
    return did_form(await dids.add(actor, Did(customer_id=fields.pop("customer"), **fields)))


@RESOURCE.get(Right.DIDS_READ, "/{number}", tagged=True)
async def show_did(connection: AsyncConnection, services: Services, number: str) -> DidForm:
    """Return the DID of a number."""
    return did_form(await dids.show(connection, number, services.config.country))


@RESOURCE.patch(Right.DIDS_CHANGE, "/{number}")
async def alter_did(actor: Actor, number: str, match: IfMatch, body: DidPatch) -> DidForm:
    """Change the fields that the body has; the others stay."""
    await lock_directory(actor)
    match.require(did_form(await dids.show(actor.connection, number, actor.country)))
    fields = body.changes()
    if "customer" in fields:
        fields["customer_id"] = fields.pop("customer")
    changes: DidChanges = fields  # type: ignore[assignment]
    return did_form(await dids.alter(actor, number, **changes))


@RESOURCE.delete(Right.DIDS_CHANGE, "/{number}")
async def delete_did(actor: Actor, number: str, match: IfMatch) -> None:
    """Delete a DID."""
    await lock_directory(actor)
    match.require(did_form(await dids.show(actor.connection, number, actor.country)))
    await dids.delete(actor, number)
