"""`ringflow report`: what calls came to in a period."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.cli.csv_file import Csv, write_csv
from ringflow.cli.ids import id_option
from ringflow.cli.moments import period_ms
from ringflow.cli.output import Json, print_json, print_many
from ringflow.cli.project import with_reading
from ringflow.cli.report_rows import ROWS, csv_columns, csv_lines, report_row
from ringflow.config import Config
from ringflow.forms.report import report_form
from ringflow.records.reports import By, Calls, Line, report_calls

app = typer.Typer(help="Reports: attempts, answers, minutes and money.", no_args_is_help=True)


@app.callback()
def _noun() -> None:
    """Keep `calls` a word of the command while it is the only report."""


@app.command("calls")
def calls_command(
    by: Annotated[By, typer.Option("--by", help="What has a line of its own.")],
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE|24h", help="Calls from then on.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE|24h", help="Calls before then.")
    ] = None,
    customer: Annotated[int | None, id_option("--customer", "Only what this customer paid for.")] = None,
    trunk: Annotated[str | None, typer.Option("--trunk", metavar="NAME", help="Only this trunk.")] = None,
    csv: Csv = None,
    as_json: Json = False,
) -> None:
    """Report attempts, answers, minutes, charges and costs.

    Several currencies are shown apart.
    """
    since_ms, until_ms = period_ms(since, until)

    async def read(connection: AsyncConnection, config: Config) -> list[Line]:
        return await report_calls(connection, by, Calls(since_ms, until_ms, customer, trunk), config.zone)

    lines = with_reading(read)
    if csv is not None:
        write_csv(csv, csv_columns(by), csv_lines(by, lines))
    elif as_json:
        print_json([report_form(by, line) for line in lines])
    else:
        print_many([report_row(by, line) for line in lines], ROWS[by], False)
