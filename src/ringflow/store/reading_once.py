"""One look into a database that may not be there, as when flows are checked without a server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import StartError
from ringflow.store.address import read_address
from ringflow.store.gone import StoreGone
from ringflow.store.store import Store

Result = TypeVar("Result")


async def read_once(url: str, read: Callable[[AsyncConnection], Awaitable[Result]]) -> Result | None:
    """What `read` finds; None where there is no database, it does not answer, or it is of another version.

    Nothing is made and nothing is migrated.
    """
    try:
        path = read_address(url).path
        if path is not None and not path.exists():
            return None
        store = await Store.open(url)
    except StartError:
        return None
    try:
        async with store.reading() as connection:
            return await read(connection)
    except (StoreGone, DBAPIError):
        return None
    finally:
        await store.close()
