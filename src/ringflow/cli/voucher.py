"""`ringflow voucher`: codes that add to a customer's credit once."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.peppers import configured_peppers
from ringflow.accounts.vouchers import generation, redemption
from ringflow.accounts.vouchers.bulk import act_on_vouchers
from ringflow.accounts.vouchers.generation import Plan
from ringflow.accounts.vouchers.redemption import Redeemed
from ringflow.accounts.vouchers.voucher import (
    VOUCHERS,
    Kind,
    Status,
    Voucher,
    VoucherFilter,
    delete_voucher,
    set_enabled,
    show_voucher,
    voucher_page,
)
from ringflow.actor import Actor
from ringflow.cli.bulk import add_bulk_command
from ringflow.cli.ids import id_argument, id_option
from ringflow.cli.moments import operator_zone
from ringflow.cli.operators import Operator
from ringflow.cli.out_file import ForSpreadsheet, check_secrets_out
from ringflow.cli.output import Json, print_deleted, print_json, print_one
from ringflow.cli.page_options import Find, paged, search_option
from ringflow.cli.project import with_actor, with_reading
from ringflow.cli.values import Expires, currency_of, end_of_day_ms
from ringflow.config import Config
from ringflow.forms.voucher import VoucherForm, voucher_form
from ringflow.money import parse_amount
from ringflow.secret_table import SecretTable
from ringflow.wording import counted

app = typer.Typer(help="Vouchers.", no_args_is_help=True)
add_bulk_command(app, "vouchers", int, VoucherFilter, None, act_on_vouchers)

Id = Annotated[int, id_argument("NUMBER", "The voucher's number.")]
OfStatus = Annotated[Status | None, typer.Option("--status", help="Only of this status.")]


@app.command("generate")
def generate_command(
    operator: Operator,
    currency: Annotated[str, typer.Option("--currency", help="Of ISO 4217, such as USD.")],
    value: Annotated[str | None, typer.Option("--value", help="Credit by itself.")] = None,
    multiplier: Annotated[
        str | None, typer.Option("--multiplier", help="Of a payment: 1.1 adds 10 %.")
    ] = None,
    addition: Annotated[str | None, typer.Option("--addition", help="Added to a payment.")] = None,
    minimum: Annotated[str, typer.Option("--minimum", help="The smallest payment that it goes with.")] = "0",
    count: Annotated[int, typer.Option("--count", help="How many.")] = 1,
    batch: Annotated[
        str | None, typer.Option("--batch", metavar="NAME", help="Its name.", show_default="the time")
    ] = None,
    expires: Expires = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The file that gets the codes; only you can read it.")
    ] = None,
    for_spreadsheet: ForSpreadsheet = False,
    as_json: Json = False,
) -> None:
    """Make vouchers. Their codes are shown now, or written to --out, and never again."""
    check_secrets_out(out, count, "codes", for_spreadsheet)
    plan = Plan(
        batch=batch or datetime.now(operator_zone()).strftime("%Y-%m-%d %H:%M:%S"),
        currency=currency,
        count=count,
        value_micros=None if value is None else parse_amount(value, currency),
        multiplier_millionths=None if multiplier is None else generation.parse_multiplier(multiplier),
        addition_micros=None if addition is None else parse_amount(addition, currency),
        minimum_micros=parse_amount(minimum, currency),
        expires_ms=end_of_day_ms(expires),
    )

    async def make(actor: Actor, config: Config) -> list[tuple[int, str]]:
        return await generation.generate(actor, plan, configured_peppers(config))

    async def make_into_file(actor: Actor, config: Config) -> list[tuple[int, str]]:
        made = await make(actor, config)
        file.write(made)
        # Before the commit: a voucher of which nobody has the code would be worth nothing.
        file.keep()
        return made

    if out is None:
        _print(with_actor(operator, make), plan, None, as_json)
        return
    with SecretTable(out, ("id", "code"), for_spreadsheet) as file:
        made = with_actor(operator, make_into_file)
    _print(made, plan, out, as_json)


@paged(app, VOUCHERS, VoucherForm, zoned=voucher_form)
def list_command(
    status: OfStatus = None,
    batch: Annotated[str | None, typer.Option("--batch", help="Only of this batch.")] = None,
    redeemed_by: Annotated[int | None, id_option("--redeemed-by", "Only of this customer.")] = None,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Only of this kind.")] = None,
    search: Annotated[str | None, search_option("A part of the batch's name.")] = None,
) -> Find:
    """List the vouchers."""
    wanted = VoucherFilter(batch=batch, status=status, kind=kind, redeemed_by=redeemed_by, search=search)
    return lambda connection, config, asked: voucher_page(connection, wanted, asked)


@app.command("show")
def show_command(voucher_id: Id, as_json: Json = False) -> None:
    """Show a voucher."""

    async def find(connection: AsyncConnection, config: Config) -> Voucher:
        return await show_voucher(connection, voucher_id)

    print_one(voucher_form(with_reading(find), operator_zone()), as_json)


@app.command("disable")
def disable_command(voucher_id: Id, operator: Operator, as_json: Json = False) -> None:
    """Have a voucher give nothing until it is enabled again."""
    disabled = with_actor(operator, lambda actor, config: set_enabled(actor, voucher_id, enabled=False))
    print_one(voucher_form(disabled, operator_zone()), as_json)


@app.command("enable")
def enable_command(voucher_id: Id, operator: Operator, as_json: Json = False) -> None:
    """Make a disabled voucher available again."""
    enabled = with_actor(operator, lambda actor, config: set_enabled(actor, voucher_id, enabled=True))
    print_one(voucher_form(enabled, operator_zone()), as_json)


@app.command("delete")
def delete_command(voucher_id: Id, operator: Operator, as_json: Json = False) -> None:
    """Delete a voucher that was not used."""
    with_actor(operator, lambda actor, config: delete_voucher(actor, voucher_id))
    print_deleted("voucher", voucher_id, as_json)


@app.command("redeem")
def redeem_command(
    customer: Annotated[int, id_option("--customer", "Who gets the credit.")],
    operator: Operator,
    payment: Annotated[
        str | None, typer.Option("--payment", help="The payment that it goes with, which is booked too.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Redeem a voucher whose code is on standard input.

    As an argument the code would be visible in the list of processes.
    """
    code = _read_code()

    async def give(actor: Actor, config: Config) -> Redeemed:
        currency = await currency_of(actor.connection, customer)
        paid = 0 if payment is None else parse_amount(payment, currency)
        return await redemption.redeem(actor, code, customer, configured_peppers(config), paid)

    redeemed = with_actor(operator, give)
    print_one(voucher_form(redeemed.voucher, operator_zone()), as_json)


def _read_code() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("code", hide_input=True, err=True)).strip()
    return sys.stdin.readline(64).strip()


def _print(made: list[tuple[int, str]], plan: Plan, out: Path | None, as_json: bool) -> None:
    if as_json:
        codes = [{"id": number, "code": code} for number, code in made]
        where: dict[str, object] = {"file": str(out)} if out else {"secrets": codes}
        print_json({"batch": plan.batch, "count": len(made), **where})
        return
    for number, code in made if out is None else ():
        typer.echo(f"{number}  {code}")
    where_to = f"; their codes are in {out}" if out else ""
    typer.echo(f"batch `{plan.batch}`: {counted(len(made), 'voucher')}{where_to}", err=True)
