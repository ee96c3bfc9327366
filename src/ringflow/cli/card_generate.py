"""`ringflow card generate`: makes cards, and hands their PINs out, once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ringflow.accounts.cards.batch import Batch, TopUp
from ringflow.accounts.cards.generation import Plan, Secret
from ringflow.accounts.cards.job import CardJob, SecretsList
from ringflow.accounts.peppers import configured_peppers
from ringflow.cli.ids import id_option
from ringflow.cli.moments import operator_zone
from ringflow.cli.operators import Operator
from ringflow.cli.out_file import ForSpreadsheet, check_secrets_out
from ringflow.cli.output import Json, print_json
from ringflow.cli.project import opener, with_store
from ringflow.cli.values import Expires, currency_of, end_of_day_ms
from ringflow.config import Config
from ringflow.forms.card import batch_form
from ringflow.forms.json_value import json_object
from ringflow.money import parse_amount
from ringflow.secret_table import SecretTable
from ringflow.store import Store
from ringflow.wording import counted

Status = Literal["available", "disabled"]


def generate_command(
    customer: Annotated[int, id_option("--customer", "The template customer.")],
    operator: Operator,
    credit: Annotated[str, typer.Option("--credit", help="Of each card, in its currency.")] = "0",
    count: Annotated[int, typer.Option("--count", help="How many cards.")] = 1,
    status: Annotated[Status, typer.Option("--status", help="Disabled ones open nothing yet.")] = "available",
    batch: Annotated[
        str | None, typer.Option("--batch", metavar="NAME", help="Its name.", show_default="the time")
    ] = None,
    pin_length: Annotated[int, typer.Option("--pin-length", help="Digits of a PIN, 4 to 12.")] = 6,
    pin_only: Annotated[
        bool, typer.Option("--pin-only", help="The PIN alone opens the card; 8 digits at least.")
    ] = False,
    top_up: Annotated[TopUp, typer.Option("--top-up", help="Whose accounts a card may top up.")] = "same",
    expires: Expires = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The file that gets the PINs; only you can read it.")
    ] = None,
    for_spreadsheet: ForSpreadsheet = False,
    as_json: Json = False,
) -> None:
    """Make cards. Their PINs are shown now, or written to --out, and never again."""
    check_secrets_out(out, count, "PINs", for_spreadsheet)
    plan = Plan(
        name=batch or datetime.now(operator_zone()).strftime("%Y-%m-%d %H:%M:%S"),
        customer_id=customer,
        count=count,
        status=status,
        pin_length=pin_length,
        pin_only=pin_only,
        top_up=top_up,
        expires_ms=end_of_day_ms(expires),
    )

    async def make(store: Store, config: Config) -> tuple[Batch, list[Secret]]:
        async with store.reading() as connection:
            currency = await currency_of(connection, customer)
        priced = replace(plan, credit_micros=parse_amount(credit, currency))
        printed = SecretsList()
        with (
            SecretTable(out, ("id", "pin"), for_spreadsheet) if out else nullcontext(printed) as receiver,
            showing_progress(count) as progress,
        ):
            job = CardJob(opener(store, config, operator), priced, configured_peppers(config), receiver)
            return await job.run(progress), printed.secrets

    made, printed = with_store(make)
    _print(made, printed, out, as_json)


class _Bar:
    def __init__(self, progress: Progress, count: int) -> None:
        self._progress = progress
        self._task = progress.add_task("cards", total=count)

    def __call__(self, made: int) -> None:
        self._progress.update(self._task, completed=made)


@contextmanager
def showing_progress(count: int) -> Iterator[_Bar]:
    """A progress bar on the terminal, if there is one, to be told how many cards are made."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield _Bar(progress, count)


def _print(batch: Batch, printed: Sequence[Secret], out: Path | None, as_json: bool) -> None:
    if as_json:
        secrets = [{"id": one, "pin": pin} for one, pin in printed]
        where: dict[str, object] = {"file": str(out)} if out else {"secrets": secrets}
        print_json({**json_object(batch_form(batch, operator_zone())), **where})
        return
    for card_id, pin in printed:
        typer.echo(f"{card_id}  {pin}")
    where_to = f"; their PINs are in {out}" if out else ""
    typer.echo(f"batch `{batch.name}`: {counted(batch.count, 'card')}, {batch.status}{where_to}", err=True)
