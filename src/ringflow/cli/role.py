"""`ringflow role`: bundles of rights for operators and tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import roles
from ringflow.accounts.roles import Role, RoleChanges, read_rights
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_deleted, print_json, print_many, print_one
from ringflow.cli.project import with_actor, with_reading
from ringflow.config import Config
from ringflow.forms.operator import RoleForm, role_form
from ringflow.rights import Right

app = typer.Typer(help="Bundles of rights for operators and tokens.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The role's name.")]
Rights = Annotated[
    list[str], typer.Option("--right", metavar="RIGHT", help="A right that it has; may be given repeatedly.")
]
NewRights = Annotated[
    list[str] | None,
    typer.Option("--right", metavar="RIGHT", help="All rights that it has then; may be given repeatedly."),
]
Notes = Annotated[str | None, typer.Option("--notes", help="A line for people.")]


@app.command("add")
def add_command(
    name: Name, right: Rights, operator: Operator, notes: Notes = None, as_json: Json = False
) -> None:
    """Add a role with the rights that are given."""
    role = Role(name, read_rights(right), notes or "")
    print_one(role_form(with_actor(operator, lambda actor, config: roles.add(actor, role))), as_json)


@dataclass(frozen=True, slots=True)
class RoleRow:
    """A role in a list for people, who see its rights one by one with `role show`."""

    name: str
    rights: str
    built_in: bool
    notes: str


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """List the roles."""

    async def find(connection: AsyncConnection, config: Config) -> list[RoleForm]:
        return [role_form(one) for one in await roles.every(connection)]

    found = with_reading(find)
    if as_json:
        print_json(found)
        return
    rows = [RoleRow(one.name, f"{len(one.rights)} of {len(Right)}", one.built_in, one.notes) for one in found]
    print_many(rows, RoleRow, False)


@app.command("show")
def show_command(name: Name, as_json: Json = False) -> None:
    """Show a role with its rights."""

    async def find(connection: AsyncConnection, config: Config) -> RoleForm:
        return role_form(await roles.show(connection, name))

    print_one(with_reading(find), as_json)


@app.command("change")
def change_command(
    name: Name, operator: Operator, right: NewRights = None, notes: Notes = None, as_json: Json = False
) -> None:
    """Change what is given; the rest stays."""
    changes: RoleChanges = {}
    if right:
        changes["rights"] = read_rights(right)
    if notes is not None:
        changes["notes"] = notes
    changed = with_actor(operator, lambda actor, config: roles.alter(actor, name, **changes))
    print_one(role_form(changed), as_json)


@app.command("delete")
def delete_command(name: Name, operator: Operator, as_json: Json = False) -> None:
    """Delete a role that nobody has."""
    with_actor(operator, lambda actor, config: roles.delete(actor, name))
    print_deleted("role", name, as_json)
