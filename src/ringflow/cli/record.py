"""`ringflow record`: what calls were made, what became of them, and what they cost."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.calls.outcome import LegStatus
from ringflow.cli.ids import id_option
from ringflow.cli.moments import moment_ms, operator_zone
from ringflow.cli.out_file import ForSpreadsheet, Out, Overwrite, json_list, written_to
from ringflow.cli.output import Json, print_json
from ringflow.cli.page_options import DEFAULT_LIMIT, After, Limit, print_page, search_option, sort_option
from ringflow.cli.project import with_reading, with_store
from ringflow.cli.record_rows import CallRow, call_lines, call_row
from ringflow.config import Config
from ringflow.errors import Refused
from ringflow.forms.call import CallForm, call_detail_form, call_form
from ringflow.forms.whole_call import whole_call_form
from ringflow.output_file import named_file, new_table
from ringflow.plain_text import plain
from ringflow.records.export import FIGURES, export_calls
from ringflow.records.filter_words import outcome_meant, with_numbers
from ringflow.records.queries import (
    CALLS,
    Filter,
    RecordedCall,
    call_page,
    every_call,
    read_slots,
)
from ringflow.records.slot_export import export_slots
from ringflow.records.whole_call import WholeCall, find_whole_call
from ringflow.store import Store
from ringflow.store.pages import Page, PageRequest
from ringflow.wording import counted

app = typer.Typer(help="Records of calls: list, show, export.", no_args_is_help=True)

Since = Annotated[str | None, typer.Option("--since", metavar="DATE|24h", help="Calls from then on.")]
Until = Annotated[str | None, typer.Option("--until", metavar="DATE|24h", help="Calls before then.")]
Did = Annotated[str | None, typer.Option("--did", metavar="NUMBER", help="The number that was called.")]
Cli = Annotated[str | None, typer.Option("--cli", metavar="NUMBER", help="The number that called.")]
Customer = Annotated[int | None, id_option("--customer", "Who paid.")]
Card = Annotated[str | None, typer.Option("--card", metavar="ID", help="The card it was made by.")]
App = Annotated[str | None, typer.Option("--app", metavar="NAME", help="The app it began with.")]
Outcome = Annotated[
    str | None,
    typer.Option(
        "--outcome",
        metavar="WORD",
        help="How it ended: completed, abandoned, rejected, or an exit such as busy.",
    ),
]
Status = Annotated[
    LegStatus | None,
    typer.Option("--status", metavar="WORD", help="What became of a leg: answered, busy, no_credit."),
]
IsRefused = Annotated[
    bool, typer.Option("--refused", help="Rejected before answer, or with a leg that Ringflow did not dial.")
]
IsUnpaid = Annotated[bool, typer.Option("--unpaid", help="With a charge of which a part could not be taken.")]
Search = Annotated[str | None, search_option("A call's ID, or the number that called or was called.")]
Trunk = Annotated[str | None, typer.Option("--trunk", metavar="NAME", help="A trunk that it was tried on.")]
Number = Annotated[
    str | None, typer.Option("--number", metavar="PREFIX", help="What was dialled begins with it.")
]


@app.command("list")
def list_command(
    ctx: typer.Context,
    since: Since = None,
    until: Until = None,
    did: Did = None,
    cli: Cli = None,
    customer: Customer = None,
    card: Card = None,
    app: App = None,
    outcome: Outcome = None,
    trunk: Trunk = None,
    number: Number = None,
    status: Status = None,
    refused: IsRefused = False,
    unpaid: IsUnpaid = False,
    search: Search = None,
    sort: Annotated[str | None, sort_option(CALLS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
    as_json: Json = False,
) -> None:
    """List the calls, the newest first."""

    async def work(connection: AsyncConnection, config: Config) -> Page[RecordedCall]:
        await _check_outcome(connection, outcome)
        return await call_page(connection, _filter(ctx.params, config), PageRequest(limit, after, sort))

    page = with_reading(work)
    if not page.items:
        _name_legs(outcome, status)
    if as_json:
        print_json(page.map(call_form))
    else:
        print_page(page.map(call_row), CallRow, False)


@app.command("show")
def show_command(
    call_id: Annotated[str, typer.Argument(metavar="CALL_ID", help="As `record list` and the log have it.")],
    as_json: Json = False,
) -> None:
    """Show a call with its slots, its legs and their money."""

    async def work(connection: AsyncConnection, config: Config) -> WholeCall:
        return await find_whole_call(connection, call_id)

    whole = with_reading(work)
    if as_json:
        print_json(whole_call_form(whole))
        return
    console = Console(highlight=False)
    for line in call_lines(whole, operator_zone()):
        console.print(escape(line), soft_wrap=True)


@app.command("export")
def export_command(
    ctx: typer.Context,
    out: Out = None,
    overwrite: Overwrite = False,
    since: Since = None,
    until: Until = None,
    did: Did = None,
    cli: Cli = None,
    customer: Customer = None,
    card: Card = None,
    app: App = None,
    outcome: Outcome = None,
    trunk: Trunk = None,
    number: Number = None,
    status: Status = None,
    refused: IsRefused = False,
    unpaid: IsUnpaid = False,
    search: Search = None,
    slots: Annotated[
        bool, typer.Option("--slots", help="A line for each slot that a call went through instead.")
    ] = False,
    for_spreadsheet: ForSpreadsheet = False,
    as_json: Json = False,
) -> None:
    """Write calls to a CSV file or a workbook.

    A line for each leg, the oldest call first. With --json and --out - a list of calls.
    """
    write = export_slots if slots else export_calls

    async def work(store: Store, config: Config) -> int:
        async with store.reading() as connection:
            await _check_outcome(connection, outcome)
        if as_json and named_file(out) is None:
            calls = 0
            with json_list() as listed:
                async for page in every_call(store, _filter(ctx.params, config)):
                    listed.write(await _objects(store, page, slots))
                    calls += len(page)
            return calls
        bar = Progress(console=Console(stderr=True), disable=not sys.stderr.isatty())
        # Records name callers: nobody else on the machine needs to read them.
        with (
            new_table(out, for_spreadsheet, FIGURES, overwrite=overwrite, mode=0o600) as table,
            bar as progress,
        ):
            writing = progress.add_task("write", total=None)
            return await write(
                store,
                _filter(ctx.params, config),
                table,
                lambda lines: progress.advance(writing, lines),
                config.zone,
            )

    lines = with_store(work)
    if not lines:
        _name_legs(outcome, status)
    written_to(out, lines, as_json)
    if not as_json:
        typer.echo(f"{counted(lines, 'line')} written", err=True)


async def _objects(store: Store, calls: Sequence[RecordedCall], slots: bool) -> Sequence[CallForm]:
    """Return the forms of calls, with the slots that they went through where those are wanted."""
    if not slots:
        return [call_form(call) for call in calls]
    async with store.reading() as connection:
        found = await read_slots(connection, [call.call_id for call in calls])
    return [call_detail_form(call, found.get(call.call_id, [])) for call in calls]


async def _check_outcome(connection: AsyncConnection, word: str | None) -> None:
    mend = await outcome_meant(connection, word)
    if word is None or mend is None:
        return
    if word in set(LegStatus):
        mend = f"it is what becomes of a leg: ask for `--status {word}`"
    raise Refused("option.malformed", f"--outcome {plain(word)}: no call ends so; {mend}", option="--outcome")


def _name_legs(outcome: str | None, status: LegStatus | None) -> None:
    """Say where a word is found that no call ended as, but that legs may have."""
    if status is None and outcome in set(LegStatus):
        typer.echo(f"no call ended so; legs: --status {outcome}", err=True)


def _filter(given: dict[str, Any], config: Config) -> Filter:
    names = (
        "did",
        "cli",
        "customer",
        "card",
        "app",
        "outcome",
        "refused",
        "unpaid",
        "trunk",
        "search",
        "number",
    )
    wanted = Filter(
        since_ms=moment_ms(given["since"], "--since"),
        until_ms=moment_ms(given["until"], "--until"),
        status=None if given["status"] is None else LegStatus(given["status"]),
        **{name: given[name] for name in names},
    )
    return with_numbers(wanted, config.country)
