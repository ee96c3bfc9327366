"""A transaction that is begun again when the database broke a ring of waiting by ending it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.store import Store

MAX_TRIES = 10

# PostgreSQL, appendix A: serialization_failure, deadlock_detected. Nothing of such a transaction was kept.
_AGAIN = frozenset({"40001", "40P01"})

Result = TypeVar("Result")


async def transact(store: Store, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
    """Do `work` in a transaction, and answer after its commit; `work` may be done more than once.

    The ledger takes its locks in one order, but an account that is opened by two servers at once, or a
    caller's own rows before it, can still make a ring.
    """
    for tries_left in reversed(range(MAX_TRIES)):
        try:
            async with store.writing() as connection:
                return await work(connection)
        except DBAPIError as error:
            if not tries_left or getattr(error.orig, "sqlstate", None) not in _AGAIN:
                raise
    raise AssertionError("the last try returns or raises")
