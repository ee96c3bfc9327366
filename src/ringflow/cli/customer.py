"""`ringflow customer`: the accounts that pay."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from ringflow.accounts import customers, service_passwords
from ringflow.accounts.bulk_actions import carry_out
from ringflow.accounts.cards.pin import MAX_PIN_DIGITS, MIN_PIN_DIGITS
from ringflow.accounts.customer_bulk import CustomerBulk
from ringflow.accounts.customer_import import CustomerImport
from ringflow.accounts.customer_overview import CUSTOMERS, CustomerFilter, customer_page, overview
from ringflow.accounts.customers import Customer, CustomerChanges
from ringflow.accounts.peppers import configured_peppers
from ringflow.accounts.service_passwords import DEFAULT_PASSWORD_DIGITS
from ringflow.actor import Actor
from ringflow.cli import customer_login, customer_token
from ringflow.cli.bulk import add_bulk_command
from ringflow.cli.empty_options import given, given_as, number_or_none, text_or_none
from ringflow.cli.ids import id_argument, id_option
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_deleted, print_json, print_one
from ringflow.cli.page_options import Find, paged, search_option
from ringflow.cli.project import with_actor, with_reading
from ringflow.cli.table_import import add_import_command
from ringflow.config import Config, CustomerStatus
from ringflow.forms.caller_secret import NewServicePasswordForm, new_service_password_form
from ringflow.forms.customer import CustomerForm, customer_detail_form, customer_form
from ringflow.moments import system_now_ms

app = typer.Typer(help="The accounts that pay.", no_args_is_help=True)
app.add_typer(customer_login.app, name="login")
app.add_typer(customer_token.app, name="token")

Id = Annotated[int, id_argument("ID", "The customer's id.")]
Status = Annotated[CustomerStatus | None, typer.Option("--status", help="Only active customers may call.")]
Name = Annotated[str | None, typer.Option("--name", help="A name for people.")]
Channels = Annotated[
    str | None, typer.Option("--channels", metavar="N|none", help="How many calls at once; none: no limit.")
]
CallerId = Annotated[
    str | None,
    typer.Option(
        "--caller-id",
        metavar="NUMBER|own|withheld|none",
        help="What callees see: a number, the caller's own, or nothing; none: what the trunk says.",
    ),
]
Language = Annotated[
    str | None,
    typer.Option("--language", metavar="CODE|none", help="In which its callers are spoken to, such as es."),
]


@app.command("add")
def add_command(
    operator: Operator,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name for people.")] = "",
    customer_id: Annotated[
        int | None, id_option("--id", "Its id.", show_default="the one after the highest")
    ] = None,
    status: Status = "active",
    currency: Annotated[str, typer.Option("--currency", help="Three capitals; it stays for ever.")] = "USD",
    channels: Channels = None,
    caller_id: CallerId = None,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Add a customer."""
    limit = number_or_none(channels, "--channels") if channels is not None else None
    shown_as = text_or_none(caller_id) if caller_id is not None else None
    spoken = text_or_none(language) if language is not None else None

    async def add(actor: Actor, config: Config) -> Customer:
        identifier = customer_id if customer_id is not None else await customers.next_id(actor)
        return await customers.add(
            actor, Customer(identifier, name, status or "active", currency, limit, shown_as, spoken)
        )

    print_one(with_actor(operator, add), as_json)


add_import_command(app, CustomerImport, "customers")
add_bulk_command(
    app,
    "customers",
    int,
    CustomerFilter,
    CustomerChanges,
    lambda actor, order: carry_out(CustomerBulk(actor), order),
    cascades=True,
)


@paged(app, CUSTOMERS, CustomerForm, lambda one: customer_form(*one))
def list_command(
    search: Annotated[str | None, search_option("An id, or a part of the name in any capitals.")] = None,
    status: Annotated[CustomerStatus | None, typer.Option("--status", help="Only of this status.")] = None,
    currency: Annotated[str | None, typer.Option("--currency", help="Only of this currency.")] = None,
) -> Find:
    """List the customers, with their balances."""
    wanted = CustomerFilter(search=search, status=status, currency=currency)
    return lambda connection, config, asked: customer_page(connection, wanted, asked)


@app.command("show")
def show_command(customer_id: Id, as_json: Json = False) -> None:
    """Show a customer and what it has.

    Its balance, CLIs, DIDs and cards.
    """
    found = with_reading(lambda connection, config: overview(connection, customer_id, system_now_ms()))
    print_one(customer_detail_form(found), as_json)


@app.command("set")
def set_command(
    operator: Operator,
    customer_id: Id,
    name: Name = None,
    status: Status = None,
    currency: Annotated[
        str | None, typer.Option("--currency", help="Refused unless it is what it is.")
    ] = None,
    channels: Channels = None,
    caller_id: CallerId = None,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Change what is given; the rest stays."""
    changes: CustomerChanges = (
        given(name=name, status=status, currency=currency)
        | given_as(partial(number_or_none, option="--channels"), channels=channels)
        | given_as(text_or_none, caller_id=caller_id, language=language)
    )
    print_one(
        with_actor(operator, lambda actor, config: customers.alter(actor, customer_id, **changes)), as_json
    )


@app.command("password")
def password_command(
    operator: Operator,
    customer_id: Id,
    digits: Annotated[
        int,
        typer.Option("--digits", min=MIN_PIN_DIGITS, max=MAX_PIN_DIGITS, help="How long the password is."),
    ] = DEFAULT_PASSWORD_DIGITS,
    remove: Annotated[bool, typer.Option("--remove", help="Take the password away.")] = False,
    as_json: Json = False,
) -> None:
    """Make a service password, which flows ask for besides a PIN.

    It takes the place of any other; it is shown now, and never again.
    """

    async def make(actor: Actor, config: Config) -> NewServicePasswordForm:
        made = await service_passwords.set_password(actor, customer_id, digits, configured_peppers(config))
        return new_service_password_form(*made)

    if remove:
        with_actor(operator, lambda actor, config: service_passwords.remove_password(actor, customer_id))
        print_deleted("service password of customer", customer_id, as_json)
        return
    made = with_actor(operator, make)
    if as_json:
        print_json(made)
        return
    typer.echo(made.password)
    typer.echo(f"service password of customer {made.customer}: keep it, it is not shown again", err=True)


@app.command("delete")
def delete_command(
    operator: Operator,
    customer_id: Id,
    cascade: Annotated[bool, typer.Option("--cascade", help="Its CLIs and DIDs too.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a customer."""
    with_actor(operator, lambda actor, config: customers.delete(actor, customer_id, cascade=cascade))
    print_deleted("customer", customer_id, as_json)
