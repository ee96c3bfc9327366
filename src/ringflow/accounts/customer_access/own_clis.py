"""CLIs as their customers see them: found by id, removed, never those of anybody else."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import clis
from ringflow.accounts.clis import COLUMNS, Cli
from ringflow.accounts.directory_changes import MAX_INTEGER, lock_directory
from ringflow.actor import Actor
from ringflow.errors import Conflict, Unknown
from ringflow.store.tables import clis as table


async def show_own(connection: AsyncConnection, customer_id: int, cli_id: int) -> Cli:
    """Return a CLI of a customer. Raises `Unknown`, also for one of somebody else."""
    row = None
    if cli_id <= MAX_INTEGER:
        mine = (table.c.id == cli_id) & (table.c.customer_id == customer_id)
        row = (await connection.execute(select(*COLUMNS).where(mine))).one_or_none()
    if row is None:
        raise Unknown("cli.unknown", f"CLI {cli_id} does not exist", cli=str(cli_id))
    return Cli(*row)


async def remove_own(actor: Actor, customer_id: int, cli_id: int) -> None:
    """Delete a number of a customer. Raises `Refused`: unknown, a pattern, declared in the configuration."""
    await lock_directory(actor)
    cli = await show_own(actor.connection, customer_id, cli_id)
    if cli.number is None or cli.source == "config":
        raise Conflict(
            "cli.not_removable",
            "this one was set up for the account and is not removed here: ask who gave you the account",
            cli=str(cli_id),
        )
    await clis.remove(actor, cli)
