"""How commands open the configuration and the database, and close them again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor, Opener, acting, shell_operator
from ringflow.config import Config, load_config
from ringflow.errors import StartError
from ringflow.store import Store, StoreGone
from ringflow.store.address import read_address

Result = TypeVar("Result")


def require_database(config: Config) -> None:
    """Raise `StartError` where the database is a file that is not there: only `serve` and `init` make one.

    A file that was moved, or a disk that is not mounted, would else be an empty database in silence.
    """
    path = read_address(config.database_url).path
    if path is not None and not path.exists():
        raise StartError(
            f"there is no database {path}: `ringflow serve` makes it, and so does `ringflow init`; where you "
            "had one, look whether `database.url` is right and its disk is mounted"
        )


def with_store(work: Callable[[Store, Config], Awaitable[Result]]) -> Result:
    """Run `work` on the database that the configuration names, with its tables brought up to date.

    Raises `StartError` also when the database is lost in between: a command has nobody else to tell.
    """

    async def run() -> Result:
        config = load_config()
        require_database(config)
        store = await Store.open(config.database_url)
        try:
            await store.migrate()
            return await work(store, config)
        except StoreGone as error:
            raise StartError(str(error), error.code, **error.fields) from error
        finally:
            await store.close()

    return asyncio.run(run())


def with_reading(work: Callable[[AsyncConnection, Config], Awaitable[Result]]) -> Result:
    """Run `work` on a connection that reads the directory."""

    async def read(store: Store, config: Config) -> Result:
        async with store.reading() as connection:
            return await work(connection, config)

    return with_store(read)


def with_actor(operator: str, work: Callable[[Actor, Config], Awaitable[Result]]) -> Result:
    """Run `work` in a transaction in the operator's name."""

    async def act(store: Store, config: Config) -> Result:
        async with opener(store, config, operator)() as actor:
            return await work(actor, config)

    return with_store(act)


def opener(store: Store, config: Config, operator: str) -> Opener:
    """Return what begins a transaction in the operator's name."""
    principal = shell_operator(operator)
    return lambda: acting(store, principal, config.country)
