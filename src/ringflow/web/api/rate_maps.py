"""Maps of carriers' sheets over HTTP: which column is what, kept so that the next sheet is read alike."""

from __future__ import annotations

from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor
from ringflow.forms.rate import RateMapForm, rate_map_form
from ringflow.ledger.rates.column_maps import delete_map, get_map, list_maps, save_map
from ringflow.ledger.rates.sheet_columns import column_map
from ringflow.rights import Right
from ringflow.store.pages import Page
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input

RESOURCE = Resource("rates", "/rate-maps", "What calls cost.")


class MapText(Input):
    """What the columns of a sheet are. Everything may be left out that the sheet tells by itself."""

    columns: str = ""
    """Which column is what: prefix=Code,price="Rate USD"; #3 is the third."""
    values: str = ""
    """What counts for all rows: increment=60/60."""
    dates: Literal["", "dmy", "mdy", "ymd"] = ""
    """What 03/04/2026 is."""
    decimal: Literal["", "point", "comma"] = ""
    encoding: str = ""
    """Such as cp1250; empty: by its bytes."""
    sheet: str = ""
    """The worksheet of a workbook."""


@RESOURCE.get(Right.RATES_READ)
async def list_rate_maps(connection: AsyncConnection) -> Page[RateMapForm]:
    """List the maps. All of it is one page."""
    return Page([rate_map_form(name, said) for name, said in await list_maps(connection)], None)


@RESOURCE.get(Right.RATES_READ, "/{rate_map}")
async def show_rate_map(connection: AsyncConnection, rate_map: str) -> RateMapForm:
    """Return a map."""
    return rate_map_form(rate_map, await get_map(connection, rate_map))


@RESOURCE.put(Right.RATES_CHANGE, "/{rate_map}")
async def put_rate_map(actor: Actor, rate_map: str, body: MapText) -> RateMapForm:
    """Keep a map, in the place of one of this name. Dates that were set for one sheet are not kept."""
    said = column_map(body.columns, body.values, body.dates, body.decimal, body.encoding, body.sheet)
    await save_map(actor, rate_map, said)
    return rate_map_form(rate_map, await get_map(actor.connection, rate_map))


@RESOURCE.delete(Right.RATES_CHANGE, "/{rate_map}")
async def delete_rate_map(actor: Actor, rate_map: str) -> None:
    """Forget a map."""
    await delete_map(actor, rate_map)
