"""`ringflow ledger`: customers' credit, and the proof that the books are right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor
from ringflow.cli.csv_file import Csv, write_csv
from ringflow.cli.empty_options import EMPTY
from ringflow.cli.ids import id_argument, id_option
from ringflow.cli.ledger_rows import verdict
from ringflow.cli.moments import operator_zone, period_ms
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_json, print_many, print_one
from ringflow.cli.page_options import Find, paged, search_option
from ringflow.cli.project import opener, with_actor, with_reading, with_store
from ringflow.cli.statement_rows import CSV_COLUMNS, csv_lines, statement_foot, statement_head
from ringflow.config import Config
from ringflow.errors import Refused
from ringflow.forms.account import HoldForm, MovementForm, account_form, books_form, hold_form, movement_form
from ringflow.forms.json_value import json_object
from ringflow.forms.statement import StatementEntryForm, statement_entry_form, statement_form
from ringflow.ledger.account import Account, account_of
from ringflow.ledger.check import Finding, books_until_ms, check_books
from ringflow.ledger.hold import HOLDS, HoldFilter, hold_page
from ringflow.ledger.limit_order import LimitOrder, set_limits
from ringflow.ledger.movement import MOVEMENTS, Kind, MovementFilter, Posted, movement_page
from ringflow.ledger.payment_orders import (
    Order,
    PaymentOrder,
    RefundOrder,
    TransferOrder,
    carry_out,
    movement_key,
)
from ringflow.ledger.payments import Purpose
from ringflow.ledger.statement import AccountStatement, check_explained, statement_of
from ringflow.moments import system_now_ms
from ringflow.store import Store
from ringflow.store.pages import PageRequest

app = typer.Typer(help="Credit: pay in, correct, move, refund, and prove the books.", no_args_is_help=True)

Customer = Annotated[int, id_argument("CUSTOMER", "The customer's id.")]
Amount = Annotated[str, typer.Argument(metavar="AMOUNT", help="In the customer's currency, such as 5.00.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the books.")]
Key = Annotated[
    str | None, typer.Option("--key", help="Does it once, however often it is tried with the same key.")
]
Since = Annotated[str | None, typer.Option("--since", metavar="DATE|24h", help="Movements from then on.")]
Until = Annotated[str | None, typer.Option("--until", metavar="DATE|24h", help="Movements before then.")]
Movements = Annotated[int, typer.Option("--movements", min=0, max=10_000, help="How many to list.")]
DebitLimit = Annotated[
    str | None, typer.Option("--debit", help="0: prepaid; above: overdraft; below: kept back.")
]
DailyLimit = Annotated[
    str | None, typer.Option("--daily", help="What calls may cost in a UTC day, or `none`.")
]

# So that `-5.00` is an amount, to be taken or refused as such, and not an option.
_SIGNED: dict[str, bool] = {"ignore_unknown_options": True}


@app.command("check")
def check_command(as_json: Json = False) -> None:
    """Prove the books.

    Says up to when they go. Where they are not right: says what is wrong, and exits 1.
    """

    async def check(store: Store, config: Config) -> tuple[list[Finding], int | None]:
        async with store.reading() as connection:
            until_ms = await books_until_ms(connection)
        return await check_books(store, system_now_ms()), until_ms

    findings, until_ms = with_store(check)
    if as_json:
        print_json(books_form(findings, until_ms))
    else:
        for one in findings:
            typer.echo(str(one))
        typer.echo(verdict(len(findings), until_ms, operator_zone()))
    if findings:
        raise typer.Exit(1)


@app.command("show")
def show_command(customer: Customer, movements: Movements = 0, as_json: Json = False) -> None:
    """Show a customer's credit, and its newest movements."""

    async def show(connection: AsyncConnection, config: Config) -> tuple[Account, Sequence[Posted]]:
        account = await account_of(connection, customer, system_now_ms())
        if not movements:
            return account, []
        of_customer = MovementFilter(customer_id=customer)
        return account, (await movement_page(connection, of_customer, PageRequest(movements))).items

    account, posted = with_reading(show)
    if as_json and movements:
        print_json(
            {**json_object(account_form(account)), "movements": [movement_form(one) for one in posted]}
        )
        return
    print_one(account_form(account), as_json)
    if movements:
        print_many([movement_form(one) for one in posted], MovementForm, as_json)


@app.command("statement")
def statement_command(
    customer: Customer,
    since: Since = None,
    until: Until = None,
    csv: Csv = None,
    as_json: Json = False,
) -> None:
    """Show each movement of a customer's credit.

    Between the balance before the period and the one after it.
    """
    since_ms, until_ms = period_ms(since, until)

    async def read(connection: AsyncConnection, config: Config) -> AccountStatement:
        return await statement_of(connection, customer, since_ms, until_ms)

    statement = with_reading(read)
    if csv is not None:
        write_csv(csv, CSV_COLUMNS, csv_lines(statement, since_ms, until_ms, operator_zone()))
    elif as_json:
        print_json(statement_form(statement, since_ms, until_ms))
    else:
        typer.echo(statement_head(statement, since_ms, until_ms, operator_zone()))
        entries = [statement_entry_form(one, statement.currency) for one in statement.entries]
        print_many(entries, StatementEntryForm, False)
        typer.echo(statement_foot(statement))
    check_explained(statement)


@app.command("pay-in", context_settings=_SIGNED)
def pay_in_command(
    customer: Customer,
    amount: Amount,
    reason: Reason,
    operator: Operator,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Enter a payment: the customer's credit rises."""
    _carry_out(PaymentOrder(Kind.PAY_IN, customer, amount), reason, operator, key, as_json)


@app.command("pay-out", context_settings=_SIGNED)
def pay_out_command(
    customer: Customer,
    amount: Amount,
    reason: Reason,
    operator: Operator,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Enter a payment back: the customer's credit falls.

    It falls at most to its limit.
    """
    _carry_out(PaymentOrder(Kind.PAY_OUT, customer, amount), reason, operator, key, as_json)


@app.command("adjust", context_settings=_SIGNED)
def adjust_command(
    customer: Customer,
    amount: Amount,
    reason: Reason,
    operator: Operator,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Correct a customer's credit: up, or down (-5.00).

    Down at most to its limit.
    """
    _carry_out(PaymentOrder(Kind.ADJUSTMENT, customer, amount), reason, operator, key, as_json)


@app.command("transfer", context_settings=_SIGNED)
def transfer_command(
    customer: Customer,
    to: Annotated[int, id_argument("TO", "The customer who gets it.")],
    amount: Amount,
    reason: Reason,
    operator: Operator,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Move credit from one customer to another of the same currency."""
    _carry_out(TransferOrder(customer, to, amount), reason, operator, key, as_json)


@app.command("refund", context_settings=_SIGNED)
def refund_command(
    leg: Annotated[str, typer.Argument(metavar="LEG", help="The leg's id, as its record shows it.")],
    amount: Annotated[
        str | None, typer.Argument(metavar="AMOUNT", help="In the leg's currency.", show_default="all of it")
    ] = None,
    *,
    reason: Reason,
    operator: Operator,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Give back what a leg was charged, or a part of it."""
    _carry_out(RefundOrder(leg, amount), reason, operator, key, as_json)


@app.command("limit", context_settings=_SIGNED)
def limit_command(
    customer: Customer,
    operator: Operator,
    debit: DebitLimit = None,
    daily: DailyLimit = None,
    as_json: Json = False,
) -> None:
    """Set a customer's limits.

    How far below zero it may go, and what its calls may cost in a day.
    """

    async def limit(actor: Actor, config: Config) -> Account:
        no_daily = daily == EMPTY
        order = LimitOrder(debit, None if no_daily else daily, no_daily)
        account = await set_limits(actor, customer, order)
        if account is None:
            raise Refused(
                "option.missing",
                f"customer {customer} has no account; give --debit or --daily",
                option="--debit",
            )
        return account

    print_one(account_form(with_actor(operator, limit)), as_json)


@paged(app, MOVEMENTS, MovementForm, movement_form, name="movements")
def movements_command(
    customer: Annotated[int | None, id_option("--customer", "Whose credit rose or fell.")] = None,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Only of this kind.")] = None,
    operator: Annotated[str | None, typer.Option("--operator", metavar="NAME", help="By whom.")] = None,
    since: Since = None,
    until: Until = None,
    search: Annotated[str | None, search_option("A part of the reason.")] = None,
) -> Find:
    """List movements of money, the newest first."""
    wanted = MovementFilter(customer, kind, operator, *period_ms(since, until), search)
    return lambda connection, config, asked: movement_page(connection, wanted, asked)


@paged(app, HOLDS, HoldForm, hold_form, name="holds")
def holds_command(
    customer: Annotated[int | None, id_option("--customer", "Whose credit it is.")] = None,
    server: Annotated[
        str | None, typer.Option("--server", metavar="NAME", help="Only of this server.")
    ] = None,
    search: Annotated[str | None, search_option("How the leg's id begins.")] = None,
) -> Find:
    """List the holds that stand: the credit of calls in progress."""
    wanted = HoldFilter(customer, server, search)
    return lambda connection, config, asked: hold_page(connection, wanted, asked)


def _carry_out(order: Order, reason: str, operator: str, key: str | None, as_json: bool) -> None:
    """Have one movement made in a transaction of its own, and print it."""
    purpose = Purpose(movement_key(key, "cli"), reason)

    async def write(store: Store, config: Config) -> Posted:
        return await carry_out(opener(store, config, operator), order, purpose)

    print_one(movement_form(with_store(write)), as_json)
