"""`ringflow rate`: rate cards, their import, who goes by them, and what a call costs."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor
from ringflow.cli import rate_map
from ringflow.cli.ids import id_option
from ringflow.cli.moments import moment_ms
from ringflow.cli.operators import Operator
from ringflow.cli.out_file import ForSpreadsheet, Out, Overwrite, json_list, written_to
from ringflow.cli.output import Json, print_many, print_one
from ringflow.cli.page_options import DEFAULT_LIMIT, After, Limit, print_page, search_option, sort_option
from ringflow.cli.project import with_actor, with_reading, with_store
from ringflow.cli.rate_change import CardName, delete_command, delete_rate_command, set_rate_command
from ringflow.cli.rate_diff import diff_command
from ringflow.cli.rate_import import import_command, progress_bar
from ringflow.config import Config
from ringflow.errors import Refused
from ringflow.forms.rate import (
    AssignmentForm,
    LossForm,
    QuoteForm,
    RateCardForm,
    RateForm,
    TrunkQuoteForm,
    assignment_form,
    loss_form,
    quote_form,
    rate_card_form,
    rate_form,
    trunk_quote_form,
)
from ringflow.ledger.channel_limits import customer_subject
from ringflow.ledger.rates import card as rate_card
from ringflow.ledger.rates.card import (
    RATE_CARDS,
    RATES,
    BelowCost,
    RateCard,
    RateFilter,
    every_rate,
    get_card,
    get_uncounted,
    rate_card_page,
    rate_page,
    trunk_subject,
)
from ringflow.ledger.rates.comparison import Comparison, compare_trunk
from ringflow.ledger.rates.export import FIGURES, export_rates
from ringflow.ledger.rates.prefix import AS_KEYED, rate_prefix, rated_number
from ringflow.ledger.rates.quote import quote, quote_trunk
from ringflow.moments import system_now_ms
from ringflow.money import Rounding
from ringflow.output_file import named_file, new_table
from ringflow.plain_text import plain
from ringflow.store import Store
from ringflow.store.pages import Page, PageRequest
from ringflow.wording import counted

app = typer.Typer(help="Rate cards: what calls cost.", no_args_is_help=True)
app.command("import")(import_command)
app.command("set-rate")(set_rate_command)
app.command("delete-rate")(delete_rate_command)
app.command("delete")(delete_command)
app.command("diff")(diff_command)
app.add_typer(rate_map.app, name="map")

BelowCostOption = typer.Option(
    "--below-cost",
    help="What becomes of calls through trunks that cost more: `refuse` tries the next trunk, `warn` dials "
    "and logs, `allow` dials.",
)


@app.command("add")
def add_command(
    name: CardName,
    currency: Annotated[str, typer.Option("--currency", help="A code of ISO 4217, such as USD.")],
    operator: Operator,
    decimals: Annotated[int, typer.Option("--decimals", help="How many a charge keeps.")] = 4,
    rounding: Annotated[Rounding, typer.Option("--rounding", help="What becomes of the rest.")] = Rounding.UP,
    default: Annotated[bool, typer.Option("--default", help="For all customers of its currency.")] = False,
    below_cost: Annotated[BelowCost, BelowCostOption] = BelowCost.REFUSE,
    as_json: Json = False,
) -> None:
    """Make an empty rate card."""

    async def add(actor: Actor, config: Config) -> RateCard:
        return await rate_card.create_card(
            actor,
            name,
            currency,
            decimals=decimals,
            rounding=rounding,
            default=default,
            below_cost=below_cost,
        )

    print_one(rate_card_form(with_actor(operator, add)), as_json)


@app.command("set")
def set_command(
    name: CardName,
    below_cost: Annotated[BelowCost, BelowCostOption],
    operator: Operator,
    as_json: Json = False,
) -> None:
    """Change what becomes of calls below cost.

    It counts for customers who go by the card, from the next call on.
    """

    async def change(actor: Actor, config: Config) -> RateCard:
        return await rate_card.set_below_cost(actor, name, below_cost)

    print_one(rate_card_form(with_actor(operator, change)), as_json)


@app.command("list", context_settings={"allow_extra_args": True})
def list_command(
    ctx: typer.Context,
    search: Annotated[str | None, search_option("A part of the name.")] = None,
    sort: Annotated[str | None, sort_option(RATE_CARDS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
    as_json: Json = False,
) -> None:
    """List the rate cards."""
    if ctx.args:
        name = plain(shlex.quote(ctx.args[0]))
        raise Refused(
            "option.malformed",
            f"`rate list` lists the cards; the rates of one: ringflow rate show {name}",
            option="NAME",
        )
    asked = PageRequest(limit, after, sort)
    page = with_reading(lambda connection, config: rate_card_page(connection, asked, search))
    print_page(page.map(rate_card_form), RateCardForm, as_json)


@app.command("show")
def show_command(
    name: CardName,
    prefix: Annotated[str, typer.Option("--prefix", help="Only rates that begin with it.")] = "",
    blocked: Annotated[
        bool | None, typer.Option("--blocked/--open", help="Only destinations that are blocked, or are not.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="DATE|24h", help="Only rates in effect then.")
    ] = None,
    search: Annotated[str | None, search_option("A part of the destination's name.")] = None,
    sort: Annotated[str | None, sort_option(RATES)] = None,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
    as_json: Json = False,
) -> None:
    """Show a card's rates."""

    async def work(connection: AsyncConnection, config: Config) -> Page[RateForm]:
        card = await get_uncounted(connection, name)
        begins = rate_prefix(prefix, config.country) if prefix not in ("", AS_KEYED) else prefix
        wanted = RateFilter(prefix=begins, blocked=blocked, at_ms=moment_ms(at, "--at"), search=search)
        page = await rate_page(connection, card, wanted, PageRequest(limit, after, sort))
        return page.map(lambda one: rate_form(one, card.currency))

    print_page(with_reading(work), RateForm, as_json)


@app.command("export")
def export_command(
    name: CardName,
    out: Out = None,
    overwrite: Overwrite = False,
    for_spreadsheet: ForSpreadsheet = False,
    as_json: Json = False,
) -> None:
    """Write all rates of a card as CSV, or as a workbook.

    Edited, `import --replace` puts them in place again.
    """

    async def export(connection: AsyncConnection, config: Config) -> int:
        card = await get_card(connection, name)
        if as_json and named_file(out) is None:
            with json_list() as listed:
                async for page in every_rate(connection, card):
                    listed.write(rate_form(one, card.currency) for one in page)
            return card.rows
        with new_table(out, for_spreadsheet, FIGURES, overwrite=overwrite) as table, progress_bar() as bar:
            writing = bar.add_task("write", total=card.rows)
            return await export_rates(connection, card, table, lambda rows: bar.advance(writing, rows))

    rates = with_reading(export)
    written_to(out, rates, as_json)
    if not as_json:
        typer.echo(f"{counted(rates, 'rate')} written", err=True)


@app.command("assign")
def assign_command(
    name: CardName,
    operator: Operator,
    customer: Annotated[int | None, id_option("--customer", "Who goes by it.")] = None,
    trunk: Annotated[str | None, typer.Option("--trunk", metavar="NAME", help="Whose owner has it.")] = None,
    default: Annotated[bool, typer.Option("--default", help="For all customers of its currency.")] = False,
    as_json: Json = False,
) -> None:
    """Have a customer or a trunk go by a card; list who does.

    With --default: all customers of its currency that have none of their own.
    """

    async def assign(actor: Actor, config: Config) -> list[str]:
        card = await get_card(actor.connection, name)
        if customer is not None:
            await rate_card.assign_customer(actor, customer, card)
        if trunk is not None:
            await rate_card.assign_trunk(actor, trunk, card)
        if default:
            await rate_card.set_default(actor, name)
        return await rate_card.assignments(actor.connection, card)

    subjects = with_actor(operator, assign)
    print_many([assignment_form(subject, name) for subject in subjects], AssignmentForm, as_json)


@app.command("unassign")
def unassign_command(
    operator: Operator,
    customer: Annotated[int | None, id_option("--customer", "Who had it.")] = None,
    trunk: Annotated[str | None, typer.Option("--trunk", metavar="NAME", help="Whose owner had it.")] = None,
    as_json: Json = False,
) -> None:
    """Take its own card from a customer or a trunk.

    A customer then goes by its currency's default.
    """

    async def take(actor: Actor, config: Config) -> AssignmentForm:
        if customer is not None and trunk is None:
            subject = customer_subject(customer)
        elif trunk is not None and customer is None:
            subject = trunk_subject(trunk)
        else:
            raise Refused("option.missing", "say whose: --customer ID or --trunk NAME", option="--customer")
        return assignment_form(subject, await rate_card.unassign(actor, subject))

    print_one(with_actor(operator, take), as_json)


@app.command("quote")
def quote_command(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="A telephone number in any form.")],
    customer: Annotated[int | None, id_option("--customer", "Who pays.")] = None,
    trunk: Annotated[str | None, typer.Option("--trunk", metavar="NAME", help="Whose owner we pay.")] = None,
    as_json: Json = False,
) -> None:
    """Say what a call costs a customer, or us on a trunk.

    For a customer also how long it can afford to talk.
    """

    async def work(store: Store, config: Config) -> QuoteForm | TrunkQuoteForm:
        digits, now_ms = rated_number(number, config.country), system_now_ms()
        if customer is not None and trunk is None:
            return quote_form(await quote(store, digits, customer, now_ms))
        if trunk is not None and customer is None:
            return trunk_quote_form(digits, trunk, *await quote_trunk(store, digits, trunk, now_ms))
        raise Refused(
            "option.missing",
            "say who pays: --customer ID, or --trunk NAME for what its owner charges us",
            option="--customer",
        )

    print_one(with_store(work), as_json)


@app.command("compare")
def compare_command(
    sell: Annotated[str, typer.Argument(metavar="SELL", help="The rate card that customers go by.")],
    trunks: Annotated[list[str], typer.Argument(metavar="TRUNK...", help="Trunks that have a rate card.")],
    as_json: Json = False,
) -> None:
    """List the prefixes that lose money on trunks now.

    By the longest prefix of each side: a trunk's longer prefix counts, and so does a longer one of the card.
    """

    async def work(connection: AsyncConnection, config: Config) -> list[Comparison]:
        card, now_ms = await get_card(connection, sell), system_now_ms()
        return [await compare_trunk(connection, card, trunk, now_ms) for trunk in dict.fromkeys(trunks)]

    found = with_reading(work)
    print_many([loss_form(one, losing) for one in found for losing in one.losing], LossForm, as_json)
    for one in found:
        unknown = f"; {one.without_cost} sold without a known cost" if one.without_cost else ""
        compared = f"{len(one.losing)} of {counted(one.compared, 'rate')} may lose money{unknown}"
        typer.echo(f"{one.trunk} ({one.card}): {compared}", err=True)
