"""`ringflow operator`: who may act by the REST API and the console."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import operators
from ringflow.accounts.access import password_links, second_factor, sessions
from ringflow.accounts.operators import OPERATORS, OperatorChanges, OperatorFilter, new_password_hash
from ringflow.accounts.passwords import Passwords
from ringflow.actor import Actor
from ringflow.cli.empty_options import given
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_json, print_one
from ringflow.cli.page_options import Find, paged, search_option
from ringflow.cli.password_input import PasswordFile, read_password
from ringflow.cli.project import with_actor, with_reading
from ringflow.config import Config
from ringflow.errors import Refused
from ringflow.forms.operator import (
    NewPasswordLinkForm,
    OperatorForm,
    new_password_link_form,
    operator_form,
)

app = typer.Typer(help="Who may act by the REST API and the console.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The operator's name.")]
RoleName = Annotated[
    str, typer.Option("--role", metavar="ROLE", help="What it may do: `ringflow role list`.")
]
NewRoleName = Annotated[
    str | None, typer.Option("--role", metavar="ROLE", help="What it may do: `ringflow role list`.")
]
Email = Annotated[
    str | None,
    typer.Option("--email", metavar="ADDRESS", help="Where links are sent by which it sets its password."),
]
Notes = Annotated[str | None, typer.Option("--notes", help="A line for people.")]


@app.command("add")
def add_command(
    name: Name,
    role: RoleName,
    operator: Operator,
    notes: Notes = None,
    email: Email = None,
    password_file: PasswordFile = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="A program: it acts by tokens and never logs in.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Add an operator.

    Its password is asked for, or read from standard input or a file.
    """
    if no_password and password_file is not None:
        raise Refused(
            "option.malformed", "--no-password and --password-file exclude each other", option="--no-password"
        )
    password = None if no_password else read_password(password_file)
    wanted = operators.Operator(name, role, notes=notes or "", email=email)

    async def add(actor: Actor, config: Config) -> operators.Operator:
        kept = None if password is None else await new_password_hash(Passwords(), password, name)
        return await operators.add(actor, wanted, kept)

    print_one(operator_form(with_actor(operator, add)), as_json)


@app.command("invite")
def invite_command(
    name: Name,
    role: RoleName,
    operator: Operator,
    notes: Notes = None,
    email: Email = None,
    as_json: Json = False,
) -> None:
    """Add an operator, and print a link by which it sets its password.

    The link is good once, for a week.
    """
    wanted = operators.Operator(name, role, notes=notes or "", email=email)

    async def invite(actor: Actor, config: Config) -> NewPasswordLinkForm:
        link, text = await password_links.invite(actor, wanted)
        return new_password_link_form(link, password_links.link_url(config, text))

    _print_link(with_actor(operator, invite), as_json)


@app.command("reset")
def reset_command(
    name: Name,
    operator: Operator,
    factor: Annotated[bool, typer.Option("--second-factor", help="Take its second factor away too.")] = False,
    as_json: Json = False,
) -> None:
    """Print a link by which an operator sets another password.

    The link is good once, for an hour. Until then the password of before is good.
    """

    async def reset(actor: Actor, config: Config) -> NewPasswordLinkForm:
        link, text = await password_links.make_reset_link(actor, name)
        if factor:
            await second_factor.remove(actor, name)
        return new_password_link_form(link, password_links.link_url(config, text))

    _print_link(with_actor(operator, reset), as_json)


@app.command("sign-out")
def sign_out_command(name: Name, operator: Operator, as_json: Json = False) -> None:
    """End all sessions of an operator."""

    async def end(actor: Actor, config: Config) -> operators.Operator:
        await sessions.end_others(actor, (await operators.changeable(actor, name)).name)
        return await operators.show(actor.connection, name)

    print_one(operator_form(with_actor(operator, end)), as_json)


def _print_link(made: NewPasswordLinkForm, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    typer.echo(made.link)
    typer.echo(
        f"send it to {made.operator}: it is good once, until {made.link_expires_at}, and not shown again",
        err=True,
    )


@paged(app, OPERATORS, OperatorForm, operator_form)
def list_command(
    role: Annotated[str | None, typer.Option("--role", metavar="ROLE", help="Only of this role.")] = None,
    enabled: Annotated[
        bool | None, typer.Option("--enabled/--disabled", help="Only those that may act, or may not.")
    ] = None,
    search: Annotated[str | None, search_option("A part of the name or the notes.")] = None,
) -> Find:
    """List the operators."""
    wanted = OperatorFilter(role, enabled, search)
    return lambda connection, config, asked: operators.page(connection, wanted, asked)


@app.command("show")
def show_command(name: Name, as_json: Json = False) -> None:
    """Show an operator."""

    async def find(connection: AsyncConnection, config: Config) -> OperatorForm:
        return operator_form(await operators.show(connection, name))

    print_one(with_reading(find), as_json)


@app.command("change")
def change_command(
    name: Name,
    operator: Operator,
    role: NewRoleName = None,
    notes: Notes = None,
    email: Email = None,
    as_json: Json = False,
) -> None:
    """Change what is given; the rest stays. An empty `--email` takes the address away."""
    changes: OperatorChanges = given(role=role, notes=notes)
    if email is not None:
        changes["email"] = email or None
    changed = with_actor(operator, lambda actor, config: operators.alter(actor, name, **changes))
    print_one(operator_form(changed), as_json)


@app.command("disable")
def disable_command(name: Name, operator: Operator, as_json: Json = False) -> None:
    """Let an operator act no more.

    It cannot log in, and its tokens do not work, until it is enabled again.
    """
    disabled = with_actor(operator, lambda actor, config: operators.set_enabled(actor, name, enabled=False))
    print_one(operator_form(disabled), as_json)


@app.command("enable")
def enable_command(name: Name, operator: Operator, as_json: Json = False) -> None:
    """Let a disabled operator act again."""
    enabled = with_actor(operator, lambda actor, config: operators.set_enabled(actor, name, enabled=True))
    print_one(operator_form(enabled), as_json)


@app.command("password")
def password_command(
    name: Name,
    operator: Operator,
    password_file: PasswordFile = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take the password away: it acts by tokens only then.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Set an operator's password.

    It is asked for, or read from standard input or a file.
    """
    if remove and password_file is not None:
        raise Refused(
            "option.malformed", "--remove and --password-file exclude each other", option="--remove"
        )
    password = None if remove else read_password(password_file)

    async def change(actor: Actor, config: Config) -> operators.Operator:
        kept = None if password is None else await new_password_hash(Passwords(), password, name)
        return await operators.set_password(actor, name, kept)

    print_one(operator_form(with_actor(operator, change)), as_json)
