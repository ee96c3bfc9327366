"""A transaction that is begun again when the database broke a ring of waiting by ending it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

MAX_TRIES = 10

# PostgreSQL, appendix A: serialization_failure, deadlock_detected. Nothing of such a transaction was kept.
_AGAIN = frozenset({"40001", "40P01"})

Connection = TypeVar("Connection")
Result = TypeVar("Result")


async def transact(
    opener: Callable[[], AbstractAsyncContextManager[Connection]],
    work: Callable[[Connection], Awaitable[Result]],
) -> Result:
    """Do `work` in a transaction, and answer after its commit; `work` may be done more than once.

    `opener` begins one: `store.writing` or `store.writing_directly`. The ledger takes its locks in one
    order, but an account that is opened by two servers at once, or a caller's own rows before it, can still
    make a ring.
    """
    for tries_left in reversed(range(MAX_TRIES)):
        try:
            async with opener() as connection:
                return await work(connection)
        except Exception as error:
            # SQLAlchemy wraps the driver's error.
            if not tries_left or getattr(getattr(error, "orig", error), "sqlstate", None) not in _AGAIN:
                raise
    raise AssertionError("the last try returns or raises")
