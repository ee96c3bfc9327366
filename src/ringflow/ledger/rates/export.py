"""A card's rates as a table that `sheet_import` reads: exported, edited, and put in place again."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.ledger.rates.card import Rate, RateCard, every_rate
from ringflow.ledger.rates.sheet_import import BLOCKED, COLUMNS, Progress
from ringflow.moments import iso_utc
from ringflow.money import format_amount
from ringflow.spreadsheets import Table

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
