"""Jobs about rates: a carrier's sheet into a card, and which prefixes of a card lose money on a trunk."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from ringflow.actor import Actor
from ringflow.errors import DocumentError
from ringflow.forms.rate import (
    ComparisonForm,
    ImportedRatesForm,
    RateSheetForm,
    comparison_form,
    difference_columns,
    difference_form,
    loss_form,
    rate_card_difference_form,
    rate_sheet_form,
)
from ringflow.jobs.queue import OutputFile
from ringflow.ledger.rates.card import RateCard, get_card
from ringflow.ledger.rates.card_difference import Difference, card_differences
from ringflow.ledger.rates.column_maps import get_map, save_map
from ringflow.ledger.rates.comparison import compare_trunk
from ringflow.ledger.rates.edition import Pause, discard, import_sheet
from ringflow.ledger.rates.sheet_columns import ColumnMap
from ringflow.ledger.rates.sheet_import import RateFile, read_rates, without_rates_of
from ringflow.rights import Right
from ringflow.spreadsheets import csv_cell, csv_text
from ringflow.web.jobs.kind import JobKind, JobWork
from ringflow.web.jobs.uploaded_file import uploaded_file

LINES_AT_ONCE = 5_000
SHOWN = 10
"""So many rows a preview has."""


@dataclass(frozen=True, slots=True)
class RateSheetOrder:
    """A sheet that is to be read for a card. `said`: what its sender says of its columns.

    `use_map`: the name of what was said of such sheets before; `keep_as`: under which name it is kept.
    """

    rate_card: str
    file: str
    said: ColumnMap
    replace: bool = False
    skip_bad: bool = False
    dry_run: bool = False
    use_map: str | None = None
    keep_as: str | None = None


@dataclass(frozen=True, slots=True)
class ComparisonOrder:
    """Which card is compared with the card of which trunk."""

    rate_card: str
    trunk: str


@dataclass(frozen=True, slots=True)
class DifferenceOrder:
    """Which two cards are compared, by their rates at a moment; None: when the job is done."""

    rate_card: str
    new_rate_card: str
    at_ms: int | None


async def _import(work: JobWork, given: RateSheetOrder) -> RateSheetForm | None:
    async with work.services.store.reading() as connection:
        card = await get_card(connection, given.rate_card)
        said = given.said
        if given.use_map is not None:
            said = said.over(await get_map(connection, given.use_map))
    async with uploaded_file(work, given.file) as file:
        read = read_rates(file, card.currency, work.services.config.country, None, said)
        if given.dry_run:
            return await _preview(work, given, card, read)
        await _put_in(work, given, read, said)
    return None


async def _put_in(work: JobWork, given: RateSheetOrder, read: RateFile, said: ColumnMap) -> None:
    done = 0

    def progress(rows: int) -> None:
        nonlocal done
        done += rows
        work.report(done, len(read.rows))

    async def last(actor: Actor, done: RateFile) -> None:
        if given.keep_as is not None:
            await save_map(actor, given.keep_as, said)
        await work.finish(actor, ImportedRatesForm(given.rate_card, len(done.rows), len(done.problems)))

    async def begun(actor: Actor, edition_id: int) -> None:
        await work.leave_trace(actor, {"edition": edition_id})

    await import_sheet(
        work.services.store,
        work.opener,
        given.rate_card,
        read,
        replace=given.replace,
        skip_bad=given.skip_bad,
        progress=progress,
        last=last,
        begun=begun,
    )


async def _preview(work: JobWork, given: RateSheetOrder, card: RateCard, read: RateFile) -> RateSheetForm:
    if not given.replace:
        async with work.services.store.reading() as connection:
            read = await without_rates_of(connection, card, read)
    if read.problems and not given.skip_bad:
        raise DocumentError(read.problems)
    return rate_sheet_form(card, read, SHOWN)


async def _clean_up(work: JobWork, trace: Any) -> None:
    await discard(work.opener, trace["edition"], Pause(work.services.store))


async def _compare(work: JobWork, given: ComparisonOrder) -> ComparisonForm | None:
    async with work.services.store.reading() as connection:
        sell = await get_card(connection, given.rate_card)
        found = await compare_trunk(connection, sell, given.trunk, work.services.now_ms())
    lines = [asdict(loss_form(found, one)) for one in found.losing]
    async with work.acting() as actor:
        if lines:
            rows = [[csv_cell(_text(value)) for value in line.values()] for line in lines]
            text = "".join(f"{','.join(row)}\n" for row in [[*lines[0]], *rows])
            await work.write(actor, text.encode())
        file = OutputFile("losses.csv", "text/csv; charset=utf-8") if lines else None
        await work.finish(actor, comparison_form(sell.name, found), file)
    return None


async def _diff(work: JobWork, given: DifferenceOrder) -> None:
    async with work.services.store.reading() as connection:
        old, new = (
            await get_card(connection, given.rate_card),
            await get_card(connection, given.new_rate_card),
        )
    at_ms = work.services.now_ms() if given.at_ms is None else given.at_ms
    counts: Counter[Difference] = Counter()
    lines = [difference_columns()]
    async for one in card_differences(work.services.store, old, new, at_ms):
        counts[one.difference] += 1
        lines.append(difference_columns(difference_form(one)))
        if len(lines) == LINES_AT_ONCE:
            async with work.acting() as actor:
                await work.write_alone(actor, csv_text(lines).encode())
            lines = []
            work.report(counts.total())
    work.report(counts.total())
    async with work.acting() as actor:
        await work.write_alone(actor, csv_text(lines).encode())
        file = OutputFile("differences.csv", "text/csv; charset=utf-8")
        await work.finish(actor, rate_card_difference_form(old.name, new.name, counts), file)


def _text(value: object) -> str:
    return " ".join(value) if isinstance(value, tuple) else str(value)


RATE_IMPORT = JobKind("rates.import", Right.RATES_CHANGE, RateSheetOrder, _import, _clean_up, apart=True)
RATE_DIFFERENCE = JobKind("rates.diff", Right.RATES_READ, DifferenceOrder, _diff, apart=True)
RATE_COMPARISON = JobKind("rates.compare", Right.RATES_READ, ComparisonOrder, _compare, apart=True)
