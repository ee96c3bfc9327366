from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.ledger.transaction import transact

if TYPE_CHECKING:
    from tests.ledger.conftest import Bank


async def test_two_that_wait_for_each_other_are_both_done_once(bank: Bank) -> None:
    for customer in (1, 2):
        await bank.customer(customer, 5)
    both_began = asyncio.Barrier(2)
    tries = 0

    async def limit(connection: AsyncConnection, customer: int) -> None:
        change = (
            f"UPDATE ledger_accounts SET debit_limit_micros = debit_limit_micros + 1 WHERE id = {customer}"
        )
        await connection.execute(text(change))

    async def both(connection: AsyncConnection, first: int, second: int) -> None:
        nonlocal tries
        tries += 1
        await limit(connection, first)
        # SQLite lets only one of them begin.
        if tries <= 2 and bank.store.dialect == "postgresql":
            await both_began.wait()
        await limit(connection, second)

    await asyncio.gather(
        transact(bank.store.writing, lambda connection: both(connection, 1, 2)),
        transact(bank.store.writing, lambda connection: both(connection, 2, 1)),
    )
    assert tries > 2 if bank.store.dialect == "postgresql" else tries == 2
    assert [(await bank.account(one)).debit_limit_micros for one in (1, 2)] == [2, 2]


async def test_what_fails_otherwise_is_not_tried_again(bank: Bank) -> None:
    tries = 0

    async def wrong(connection: AsyncConnection) -> None:
        nonlocal tries
        tries += 1
        await connection.execute(text("INSERT INTO ledger_occupancy (subject, used) VALUES ('x', -1)"))

    with pytest.raises(DBAPIError):
        await transact(bank.store.writing, wrong)
    assert tries == 1
