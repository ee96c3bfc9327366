"""`ringflow rate map`: what the columns of carriers' sheets are, as `rate import --save-map` keeps it."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_deleted, print_many
from ringflow.cli.project import with_actor, with_reading
from ringflow.config import Config
from ringflow.forms.rate import RateMapForm, rate_map_form
from ringflow.ledger.rates.column_maps import delete_map, list_maps

app = typer.Typer(help="Saved maps of sheets' columns.", no_args_is_help=True)


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """List the saved maps."""

    async def find(connection: AsyncConnection, config: Config) -> list[RateMapForm]:
        return [rate_map_form(name, said) for name, said in await list_maps(connection)]

    print_many(with_reading(find), RateMapForm, as_json)


@app.command("delete")
def delete_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The map.")],
    operator: Operator,
    as_json: Json = False,
) -> None:
    """Forget a map."""

    async def forget(actor: Actor, config: Config) -> None:
        await delete_map(actor, name)

    with_actor(operator, forget)
    print_deleted("map", name, as_json)
