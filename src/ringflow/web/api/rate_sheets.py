"""Carriers' sheets of rates over HTTP: imported, compared and exported."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import trunks
from ringflow.actor import Actor
from ringflow.jobs.job import Job
from ringflow.ledger.rates.card import get_card, get_uncounted
from ringflow.ledger.rates.card_difference import require_one_currency
from ringflow.ledger.rates.column_maps import get_map
from ringflow.ledger.rates.export import rate_parts
from ringflow.ledger.rates.sheet_columns import column_map
from ringflow.rights import Right
from ringflow.spreadsheets import csv_text
from ringflow.web.api.period import milliseconds
from ringflow.web.api.sheets import CSV, SHEET, SheetQuery, sheet_of
from ringflow.web.jobs.rate_jobs import (
    RATE_COMPARISON,
    RATE_DIFFERENCE,
    RATE_IMPORT,
    ComparisonOrder,
    DifferenceOrder,
    RateSheetOrder,
)
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.raw_body import RawBody
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.services import Services
from ringflow.web.rest.stream import Stream

RESOURCE = Resource("rates", "/rate-cards/{rate_card_name}", "What calls cost.")


class RateSheetQuery(SheetQuery):
    """How a sheet is read, where it does not tell by itself, and what becomes of the card's rates."""

    replace: bool = False
    """In place of all rates that the card has."""
    skip_bad: bool = False
    """Leave bad rows out."""
    columns: str = ""
    """Which column is what: prefix=Code,price="Rate USD"; #3 is the third."""
    values: str = ""
    """What counts for all rows: increment=60/60."""
    dates: Literal["", "dmy", "mdy", "ymd"] = ""
    decimal: Literal["", "point", "comma"] = ""
    encoding: str = ""
    sheet: str = ""
    """The worksheet of a workbook."""
    use_map: str | None = None
    """The map by which such sheets were read before; what is said here counts first."""
    save_map: str | None = None
    """Keep what is said here under this name."""


class ComparedTrunk(Input):
    """With whose card."""

    trunk: str


class NewCard(Input):
    """With which card, and of which moment the rates are; null: now."""

    rate_card: str
    at: AwareDatetime | None = None


@RESOURCE.post(Right.RATES_CHANGE, ":import", upload=SHEET)
async def import_rate_sheet(actor: Actor, rate_card_name: str, body: RawBody, query: RateSheetQuery) -> Job:
    """Add the rates of a carrier's sheet to a card, as a job: all of them, or none where a row is bad.

    With `dry_run` the job's result says what the columns were taken for, how the first rows would be read,
    and how many would be added. Where rows are bad the job fails with every one of them, in `problems`.
    """
    card = await get_card(actor.connection, rate_card_name)
    said = column_map(query.columns, query.values, query.dates, query.decimal, query.encoding, query.sheet)
    if query.use_map is not None:
        await get_map(actor.connection, query.use_map)
    order = RateSheetOrder(
        card.name,
        query.file,
        said,
        query.replace,
        query.skip_bad,
        query.dry_run,
        query.use_map,
        query.save_map,
    )
    return await RATE_IMPORT.start(actor, order, f"rate card {card.name}", await sheet_of(body, query.file))


@RESOURCE.post(Right.RATES_READ, ":compare")
async def compare_rate_card(actor: Actor, rate_card_name: str, body: ComparedTrunk) -> Job:
    """Find the prefixes of a card that lose money on a trunk now, as a job. They are the job's file, as CSV.

    By the longest prefix of each side: a trunk's longer prefix counts, and so does a longer one of the card.
    """
    card = await get_card(actor.connection, rate_card_name)
    trunk = await trunks.show(actor.connection, body.trunk)
    order = ComparisonOrder(card.name, trunk.name)
    return await RATE_COMPARISON.start(actor, order, f"rate card {card.name} and trunk {trunk.name}")


@RESOURCE.post(Right.RATES_READ, ":diff")
async def diff_rate_cards(actor: Actor, rate_card_name: str, body: NewCard) -> Job:
    """Find how calls would be charged by another card instead, as a job. The prefixes are its file, as CSV.

    They are those that only one of the cards has, and those that become dearer or cheaper, by the longest
    prefix of each card.
    """
    old, new = [await get_card(actor.connection, name) for name in (rate_card_name, body.rate_card)]
    require_one_currency(old, new)
    order = DifferenceOrder(old.name, new.name, milliseconds(body.at))
    return await RATE_DIFFERENCE.start(actor, order, f"rate cards {old.name} and {new.name}")


@RESOURCE.get(Right.RATES_READ, ":export", media=(CSV,))
async def export_rate_card(connection: AsyncConnection, services: Services, rate_card_name: str) -> Stream:
    """Return all rates of a card as CSV, as `:import` reads them."""
    await get_uncounted(connection, rate_card_name)

    async def pieces() -> AsyncIterator[bytes]:
        async for rows in rate_parts(services.store, rate_card_name):
            yield csv_text(rows).encode()

    return Stream("text/csv; charset=utf-8", pieces(), f"{rate_card_name}.csv")
