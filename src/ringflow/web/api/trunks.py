"""Trunks over HTTP: the ways out to carriers."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import trunks
from ringflow.accounts.trunks import TRUNKS, Rated, TrunkFilter
from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.forms.trunk import TrunkForm, TrunkHeadersForm, masked_trunk_form
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.reading import Input

RESOURCE = Resource("trunks", "/trunks", "The ways out to carriers.")


class TrunkQuery(Input):
    """Which trunks."""

    enabled: bool | None = None
    rated: Rated | None = None
    q: str | None = None
    """A part of the name or of what is dialled."""


@RESOURCE.get(Right.TRUNKS_READ, listing=TRUNKS)
async def list_trunks(connection: AsyncConnection, query: TrunkQuery, asked: PageRequest) -> Page[TrunkForm]:
    """List trunks, in the order in which they are tried."""
    wanted = TrunkFilter(query.enabled, query.rated, search=query.q)
    return (await trunks.page(connection, wanted, asked)).map(masked_trunk_form)


@RESOURCE.get(Right.TRUNKS_READ, "/{trunk}")
async def show_trunk(connection: AsyncConnection, trunk: str) -> TrunkForm:
    """Return a trunk."""
    return masked_trunk_form(await trunks.show(connection, trunk))


@RESOURCE.get(Right.SECRETS_READ, "/{trunk}/headers")
async def show_trunk_headers(actor: Actor, trunk: str) -> TrunkHeadersForm:
    """Return a trunk's headers with their values.

    Elsewhere these are masked, for they may be credentials. The audit log says who read them.
    """
    found = await trunks.show(actor.connection, trunk)
    await note(actor, Verb.READ, f"trunk {found.name}", {"headers": sorted(found.headers)}, None)
    return TrunkHeadersForm(found.name, found.headers)
