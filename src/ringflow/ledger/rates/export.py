"""A card's rates as a table that `sheet_import` reads: exported, edited, and put in place again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import Conflict
from ringflow.ledger.rates.card import Rate, RateCard, RateFilter, every_rate, get_uncounted, rate_page
from ringflow.ledger.rates.sheet_import import BLOCKED, COLUMNS, Progress
from ringflow.moments import iso_utc
from ringflow.money import format_amount
from ringflow.spreadsheets import Table
from ringflow.store import Store
from ringflow.store.pages import ROWS_AT_ONCE, PageRequest

FIGURES = ("price", "connection", "minimum_s", "increment_s", "grace_s")
"""The columns that people add up."""


async def export_rates(
    connection: AsyncConnection, card: RateCard, table: Table, progress: Progress | None = None
) -> int:
    """Write the card's rates by prefix and date; return how many there are."""
    table.write([COLUMNS])
    written = 0
    async for page in every_rate(connection, card):
        table.write(_cells(rate, card.currency) for rate in page)
        written += len(page)
        if progress:
            progress(len(page))
    return written


async def rate_parts(store: Store, name: str) -> AsyncIterator[Sequence[Sequence[str | int]]]:
    """Read the same some thousand rates at a time, the columns' names first. Raises as `unchanged_rates`."""
    yield [COLUMNS]
    async for card, found in unchanged_rates(store, name, RateFilter()):
        yield [_cells(rate, card.currency) for rate in found]


async def unchanged_rates(
    store: Store, name: str, wanted: RateFilter
) -> AsyncIterator[tuple[RateCard, Sequence[Rate]]]:
    """Read rates of a card by prefix and date, some thousand at a time, each part by itself.

    No connection is held between two parts. Raises `Conflict` where the card is changed meanwhile: what was
    read until then is no card that there ever was.
    """
    revision, after = None, None
    while True:
        async with store.reading() as connection:
            card = await get_uncounted(connection, name)
            if revision is not None and card.revision != revision:
                raise Conflict(
                    "rate_card.changed_meanwhile",
                    f"rate card `{name}` was changed while it was read; read it again",
                    card=name,
                )
            page = await rate_page(connection, card, wanted, PageRequest(ROWS_AT_ONCE, after))
        revision, after = card.revision, page.next
        yield card, page.items
        if after is None:
            return


def _cells(rate: Rate, currency: str) -> tuple[str | int, ...]:
    return (
        rate.prefix,
        format_amount(rate.price_micros, currency),
        format_amount(rate.connection_micros, currency),
        rate.minimum_s,
        rate.increment_s,
        rate.grace_s,
        iso_utc(rate.from_ms, "auto") if rate.from_ms else "",
        "" if rate.until_ms is None else iso_utc(rate.until_ms, "auto"),
        _shown(rate.destination),
        BLOCKED if rate.blocked else "",
    )


def _shown(destination: str) -> str:
    """The name as `read_destination` takes it, to which a first apostrophe is no part of the name."""
    return f"'{destination}" if destination.startswith("'") else destination
