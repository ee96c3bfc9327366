"""`ringflow card`: calling cards, made in batches, searched, changed, redeemed, archived."""

from __future__ import annotations

from dataclasses import astuple, fields
from datetime import tzinfo
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.cards import alteration
from ringflow.accounts.cards.alteration import Altered, CardChanges, Selection
from ringflow.accounts.cards.batch import BATCHES, BatchFilter, batch_page
from ringflow.accounts.cards.card import CARDS, Filter, Status, card_page, every_card, show_card
from ringflow.accounts.cards.generation import discard_batch
from ringflow.accounts.cards.redemption import redeem, top_up
from ringflow.actor import Actor
from ringflow.cli import card_pepper
from ringflow.cli.card_generate import generate_command
from ringflow.cli.ids import id_option
from ringflow.cli.operators import Operator
from ringflow.cli.out_file import ForSpreadsheet, Out, Overwrite, json_list, written_to
from ringflow.cli.output import Json, print_deleted, print_one
from ringflow.cli.page_options import Find, paged, search_option
from ringflow.cli.project import opener, with_actor, with_reading, with_store
from ringflow.cli.values import Expires, end_of_day_ms
from ringflow.config import Config
from ringflow.forms.card import BatchForm, CardForm, batch_form, card_form
from ringflow.moments import Moment
from ringflow.money import parse_amount
from ringflow.output_file import named_file, new_table
from ringflow.spreadsheets import Cell

app = typer.Typer(help="Calling cards.", no_args_is_help=True)
app.add_typer(card_pepper.app, name="pepper")
app.command("generate")(generate_command)

Id = Annotated[str, typer.Argument(metavar="ID", help="The card's 12 digits.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="The cards' IDs.")]
Batch = Annotated[str | None, typer.Option("--batch", help="The batch's name.")]
Customer = Annotated[int | None, id_option("--customer", "The template customer.")]
OfStatus = Annotated[Status | None, typer.Option("--status", help="Only of this status.")]
RedeemedBy = Annotated[int | None, id_option("--redeemed-by", "Whose credit it became.")]
Prefix = Annotated[str | None, typer.Option("--id", help="How the ID begins.")]
Search = Annotated[str | None, search_option("How an ID begins, or else a part of a batch's name.")]
Archived = Annotated[bool, typer.Option("--archived", help="Those in the archive.")]


@paged(app, CARDS, CardForm, zoned=card_form)
def list_command(
    status: OfStatus = None,
    batch: Batch = None,
    customer: Customer = None,
    redeemed_by: RedeemedBy = None,
    prefix: Prefix = None,
    search: Search = None,
    archived: Archived = False,
) -> Find:
    """List the cards that fit all that is given."""
    wanted = Filter(status, batch, customer, redeemed_by, prefix, search, archived)
    return lambda connection, config, asked: card_page(connection, wanted, asked)


@app.command("export")
def export_command(
    status: OfStatus = None,
    batch: Batch = None,
    customer: Customer = None,
    redeemed_by: RedeemedBy = None,
    prefix: Prefix = None,
    search: Search = None,
    archived: Archived = False,
    out: Out = None,
    overwrite: Overwrite = False,
    for_spreadsheet: ForSpreadsheet = False,
    as_json: Json = False,
) -> None:
    """Write the cards that fit by ID, as CSV, a workbook or JSON. Nobody has their PINs any more."""
    wanted = Filter(status, batch, customer, redeemed_by, prefix, search, archived)

    async def export(connection: AsyncConnection, config: Config) -> int:
        written = 0
        if as_json and named_file(out) is None:
            with json_list() as listed:
                async for page in every_card(connection, wanted):
                    listed.write(card_form(one, config.zone) for one in page)
            return written
        with new_table(out, for_spreadsheet, ("credit",), overwrite=overwrite) as table:
            table.write([[field.name for field in fields(CardForm)]])
            async for page in every_card(connection, wanted):
                table.write(_cells(card_form(one, config.zone), config.zone) for one in page)
                written += len(page)
        return written

    written_to(out, with_reading(export), as_json)


def _cells(row: CardForm, zone: tzinfo) -> list[Cell]:
    """Times are in the operator's zone, each with its offset."""
    return [value.shown_in(zone) if isinstance(value, Moment) else value for value in astuple(row)]


@app.command("show")
def show_command(card_id: Id, as_json: Json = False) -> None:
    """Show a card, archived or not."""

    async def find(connection: AsyncConnection, config: Config) -> CardForm:
        return card_form(await show_card(connection, card_id), config.zone)

    print_one(with_reading(find), as_json)


@app.command("set")
def set_command(
    operator: Operator,
    ids: Ids = None,
    batch: Batch = None,
    credit: Annotated[str | None, typer.Option("--credit", help="In the cards' currency.")] = None,
    customer: Customer = None,
    expires: Expires = None,
    as_json: Json = False,
) -> None:
    """Change cards; of those that are redeemed only the expiry."""
    changes: CardChanges = {}
    if customer is not None:
        changes["customer_id"] = customer
    if expires is not None:
        changes["expires_ms"] = end_of_day_ms(expires)

    selection = Selection(tuple(ids or ()), batch)

    async def alter(actor: Actor, config: Config) -> Altered:
        if credit is not None:
            currency = await alteration.credit_currency(actor, selection, customer)
            changes["credit_micros"] = parse_amount(credit, currency)
        return await alteration.alter(actor, selection, changes)

    print_one(with_actor(operator, alter), as_json)


@app.command("disable")
def disable_command(operator: Operator, ids: Ids = None, batch: Batch = None, as_json: Json = False) -> None:
    """Have cards open nothing until they are enabled again."""
    selection = Selection(tuple(ids or ()), batch)
    print_one(with_actor(operator, lambda actor, config: alteration.disable(actor, selection)), as_json)


@app.command("enable")
def enable_command(operator: Operator, ids: Ids = None, batch: Batch = None, as_json: Json = False) -> None:
    """Have disabled cards be again what they were: available, or used."""
    selection = Selection(tuple(ids or ()), batch)
    print_one(with_actor(operator, lambda actor, config: alteration.enable(actor, selection)), as_json)


@app.command("delete")
def delete_command(
    operator: Operator,
    ids: Ids = None,
    batch: Batch = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Delete cards; those that were redeemed are archived."""
    if not (yes or as_json):
        what = f"all cards of batch `{batch}`" if batch else f"{len(ids or ())} cards"
        typer.confirm(f"delete {what}?", abort=True, err=True)
    selection = Selection(tuple(ids or ()), batch)
    print_one(with_actor(operator, lambda actor, config: alteration.remove(actor, selection)), as_json)


@app.command("redeem")
def redeem_command(
    card_id: Id,
    operator: Operator,
    into: Annotated[
        int | None,
        typer.Option("--into", metavar="ID", help="An account to top up.", show_default="one of its own"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Give a card's credit away, without its PIN.

    It goes to an account of its own, or with --into to one that is there.
    """

    async def give(actor: Actor, config: Config) -> CardForm:
        if into is None:
            await redeem(actor, card_id)
        else:
            await top_up(actor, card_id, into)
        return card_form(await show_card(actor.connection, card_id), config.zone)

    print_one(with_actor(operator, give), as_json)


@paged(app, BATCHES, BatchForm, zoned=batch_form, name="batches")
def batches_command(
    customer: Customer = None,
    is_ready: Annotated[
        bool | None,
        typer.Option("--ready/--unready", help="Only those whose cards are all made, or are not."),
    ] = None,
    search: Annotated[str | None, search_option("A part of the name.")] = None,
) -> Find:
    """List the batches, the newest first."""
    wanted = BatchFilter(customer_id=customer, is_ready=is_ready, search=search)
    return lambda connection, config, asked: batch_page(connection, wanted, asked)


@app.command("discard")
def discard_command(
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="The batch's name.")],
    operator: Operator,
    as_json: Json = False,
) -> None:
    """Remove a batch whose making was killed.

    A making in progress is stopped by it.
    """
    with_store(lambda store, config: discard_batch(opener(store, config, operator), batch))
    print_deleted("batch", batch, as_json)
