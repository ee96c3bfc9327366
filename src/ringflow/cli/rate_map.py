"""`ringflow rate map`: what the columns of carriers' sheets are, as `rate import --save-map` keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_deleted, print_many
from ringflow.cli.project import with_actor, with_reading
from ringflow.config import Config
from ringflow.ledger.rates.column_maps import delete_map, list_maps
from ringflow.ledger.rates.sheet_columns import argument

app = typer.Typer(help="Saved maps of sheets' columns.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class MapRow:
    """A map as it is printed."""

    name: str
    columns: str
    values: str
    dates: str
    decimal: str
    encoding: str
    sheet: str


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """List the saved maps."""

    async def find(connection: AsyncConnection, config: Config) -> list[MapRow]:
        return [
            MapRow(
                name=name,
                columns=",".join(
                    f"{of}={argument(one)}" for of, all_of in said.columns.items() for one in all_of
                ),
                values=",".join(f"{of}={value}" for of, value in said.values.items()),
                dates=said.dates,
                decimal=said.decimal,
                encoding=said.encoding,
                sheet=said.worksheet,
            )
            for name, said in await list_maps(connection)
        ]

    print_many(with_reading(find), MapRow, as_json)


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
