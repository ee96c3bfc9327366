"""Trunks over HTTP: the ways out to carriers."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import trunks
from ringflow.accounts.trunks import TRUNKS, Rated, TrunkFilter
from ringflow.forms.trunk import TrunkForm, trunk_form
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
    return (await trunks.page(connection, wanted, asked)).map(trunk_form)


@RESOURCE.get(Right.TRUNKS_READ, "/{trunk}")
async def show_trunk(connection: AsyncConnection, trunk: str) -> TrunkForm:
    """Return a trunk."""
    return trunk_form(await trunks.show(connection, trunk))
