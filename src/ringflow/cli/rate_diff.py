"""`ringflow rate diff`: how two rate cards differ in what calls cost."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from ringflow.cli.moments import moment_ms
from ringflow.cli.out_file import ForSpreadsheet, Out, Overwrite, json_list, written_to
from ringflow.cli.output import Json
from ringflow.cli.project import with_store
from ringflow.config import Config
from ringflow.forms.rate import DIFFERENCE_FIGURES, difference_columns, difference_form
from ringflow.ledger.rates.card import get_card
from ringflow.ledger.rates.card_difference import Difference, card_differences
from ringflow.moments import system_now_ms
from ringflow.output_file import named_file, new_table
from ringflow.store import Store


def diff_command(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A rate card.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="What may take its place.")],
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="DATE|24h", help="Compare the rates in effect then, instead of now."),
    ] = None,
    out: Out = None,
    overwrite: Overwrite = False,
    for_spreadsheet: ForSpreadsheet = False,
    as_json: Json = False,
) -> None:
    """Write by which prefixes two cards differ.

    Those that only one of them has, and those that become dearer or cheaper, by the longest prefix of each
    card that fits.
    """
    at_ms = moment_ms(at, "--at")

    async def compare(store: Store, config: Config) -> Counter[Difference]:
        async with store.reading() as connection:
            cards = await get_card(connection, old), await get_card(connection, new)
        found: Counter[Difference] = Counter()
        differences = card_differences(store, *cards, system_now_ms() if at_ms is None else at_ms)
        if as_json and named_file(out) is None:
            with json_list() as listed:
                async for one in differences:
                    found[one.difference] += 1
                    listed.write([difference_form(one)])
            return found
        with new_table(out, for_spreadsheet, DIFFERENCE_FIGURES, overwrite=overwrite) as table:
            table.write([difference_columns()])
            async for one in differences:
                found[one.difference] += 1
                table.write([difference_columns(difference_form(one))])
        return found

    found = with_store(compare)
    written_to(out, found.total(), as_json)
    shown = ", ".join(f"{found[one]} {one.value.replace('_', ' ')}" for one in Difference if found[one])
    typer.echo(f"{old} and {new}: {shown or 'no difference'}", err=True)
