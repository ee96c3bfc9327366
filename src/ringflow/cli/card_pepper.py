"""`ringflow card pepper`: the key ring under which PINs and voucher codes are digested."""

from __future__ import annotations

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.pepper_file import PepperVersion, new_pepper, pepper_file, pepper_versions
from ringflow.accounts.peppers import configured_peppers
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_json, print_many
from ringflow.cli.project import with_actor, with_reading
from ringflow.config import Config, load_config

app = typer.Typer(help="The key ring of PINs and voucher codes.", no_args_is_help=True)


@app.command("new")
def new_command(operator: Operator, as_json: Json = False) -> None:
    """Add a pepper to the ring's file.

    It is the first, or the next, under which all that is new is digested.
    """
    path = pepper_file(load_config())
    version = with_actor(operator, lambda actor, config: new_pepper(actor, path))
    if as_json:
        print_json({"version": version, "file": path})
    else:
        typer.echo(f"pepper {version} is in {path}; keep a copy in a safe place: without it no card opens")
        typer.echo("servers that read this file use it from the next card on; others need a copy of the file")


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """List the versions.

    They are those of the ring and of the database, with how much still needs each.
    """

    async def count(connection: AsyncConnection, config: Config) -> list[PepperVersion]:
        return await pepper_versions(connection, configured_peppers(config))

    print_many(with_reading(count), PepperVersion, as_json)
