"""`import` of customers, CLIs and DIDs: the options that they share, and how they run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from ringflow.accounts.bulk_import import Imported, TableImport
from ringflow.actor import Actor
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_one
from ringflow.cli.project import with_actor
from ringflow.config import Config

TableFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="CSV or xlsx, whose first line names the columns, or NDJSON.")
]
Update = Annotated[bool, typer.Option("--update", help="Change those that exist already.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check the file, and change nothing.")]

Kind = TypeVar("Kind", bound=TableImport[Any, Any])


def add_import_command(
    app: typer.Typer, kind: type[Kind], things: str, afterwards: Callable[[Kind], None] = lambda done: None
) -> None:
    """Give a noun its `import`. `afterwards` is called with the import that is done."""
    rule = "All of them, or none where a line is wrong; every wrong line is named."

    @app.command("import", help=f"Add {things} from a file.\n\n{rule}")
    def import_command(
        operator: Operator,
        file: TableFile,
        update: Update = False,
        dry_run: DryRun = False,
        as_json: Json = False,
    ) -> None:
        afterwards(_import_table(kind, operator, file, update, dry_run, as_json))


def _import_table(
    kind: type[Kind], operator: str, file: Path, update: bool, dry_run: bool, as_json: bool
) -> Kind:
    """Import a file and print what came of it. Raises `DocumentError` with every line that is wrong."""

    async def run(actor: Actor, config: Config) -> tuple[Kind, Imported]:
        importing = kind(actor)
        return importing, await importing.run(file, update=update, dry_run=dry_run)

    importing, done = with_actor(operator, run)
    print_one(done, as_json)
    return importing
