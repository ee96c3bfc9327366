"""`ringflow customer login`: the e-mail addresses with which customers sign in."""

from __future__ import annotations

from typing import Annotated

import typer

from ringflow.accounts.customer_access import logins
from ringflow.accounts.customer_access.logins import LOGINS, LoginFilter, new_password_hash
from ringflow.accounts.passwords import Passwords
from ringflow.actor import Actor
from ringflow.cli.ids import id_argument, id_option
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_deleted, print_one
from ringflow.cli.page_options import Find, paged, search_option
from ringflow.cli.password_input import PasswordFile, read_password
from ringflow.cli.project import with_actor
from ringflow.config import Config
from ringflow.forms.customer_access import LoginForm, login_form

app = typer.Typer(help="The e-mail addresses with which customers sign in.", no_args_is_help=True)

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The address.")]


@app.command("add")
def add_command(
    customer_id: Annotated[int, id_argument("ID", "The customer's id.")],
    email: Email,
    operator: Operator,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Let a customer sign in over HTTP.

    Its password is asked for, or read from standard input or a file.
    """
    password = read_password(password_file)

    async def add(actor: Actor, config: Config) -> LoginForm:
        kept = await new_password_hash(Passwords(), password, email)
        return login_form(await logins.add(actor, customer_id, email, kept))

    print_one(with_actor(operator, add), as_json)


@paged(app, LOGINS, LoginForm, login_form)
def list_command(
    customer: Annotated[int | None, id_option("--customer", "Only this customer's.")] = None,
    search: Annotated[str | None, search_option("A part of the address.")] = None,
) -> Find:
    """List the logins."""
    wanted = LoginFilter(customer, search)
    return lambda connection, config, asked: logins.page(connection, wanted, asked)


@app.command("password")
def password_command(
    email: Email, operator: Operator, password_file: PasswordFile = None, as_json: Json = False
) -> None:
    """Set the password of a login.

    It is asked for, or read from standard input or a file. All that was signed in with the old one ends.
    """
    password = read_password(password_file)

    async def change(actor: Actor, config: Config) -> LoginForm:
        kept = await new_password_hash(Passwords(), password, email)
        login = await logins.show(actor.connection, email)
        return login_form(await logins.set_password(actor, login, kept))

    print_one(with_actor(operator, change), as_json)


@app.command("delete")
def delete_command(email: Email, operator: Operator, as_json: Json = False) -> None:
    """Take a login away, and end all that was signed in with it."""

    async def delete(actor: Actor, config: Config) -> None:
        await logins.delete(actor, await logins.show(actor.connection, email))

    with_actor(operator, delete)
    print_deleted("login", email, as_json)
