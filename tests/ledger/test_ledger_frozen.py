"""A server that is frozen in a transaction costs the others no more than the calls of what it has locked."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from sqlalchemy import make_url, text

from ringflow.calls.charging import Charging
from ringflow.ledger.account import House, house_id
from ringflow.ledger.hold import Hold
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.settlement import Settlement
from ringflow.store import Store, StoreGone, StoreLocked
from ringflow.web.readiness import PartState, readiness

from .world import take_channel

if TYPE_CHECKING:
    from tests.ledger.conftest import Bank

UNIT = 1_000_000
HANGS_S = 120.0
"""After this a test hangs. How long a frozen server costs the others anything is PostgreSQL's to say."""

MANY = 20
"""Calls: too many for each to wait for a lock before PostgreSQL ends the frozen server's transaction."""

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
]

# A server of ours that comes no further than this in its transaction.
FROZEN = """
import asyncio, sys
from sqlalchemy import text
from ringflow.store import Store

async def main():
    store = await Store.open(sys.argv[1])
    if sys.argv[2] == "directly":
        async with store.writing_directly() as connection:
            await connection.rows(sys.argv[3], [])
            print("locked", flush=True)
            await asyncio.sleep(600)
    async with store.writing() as connection:
        await connection.execute(text(sys.argv[3]))
        print("locked", flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@asynccontextmanager
async def frozen(url: str, sql: str, way: str = "directly") -> AsyncIterator[None]:
    """Another process that has begun a transaction with this statement, and is stopped in it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FROZEN, url, way, sql, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        assert (await process.stdout.readline()).strip() == b"locked"
        os.kill(process.pid, signal.SIGSTOP)
        yield
    finally:
        process.kill()
        await process.wait()


def keeping(account_id: int) -> str:
    return f"UPDATE ledger_accounts SET held_micros = held_micros + 1 WHERE id = {account_id}"


async def database_part(store: Store, charging: Charging) -> tuple[PartState, PartState]:
    # Only these two probes: the server's other parts are not there.
    nothing: Any = None
    probes = readiness(
        store=store,
        book=nothing,
        flows=nothing,
        fastagi=nothing,
        ami=None,
        asterisk=None,
        dialplan=nothing,
        charging=charging,
        reaper=nothing,
        recorder=None,
        calendar_upkeep=nothing,
        is_draining=lambda: False,
    )
    return await probes["database"](), await probes["ledger"]()


@pytest.mark.parametrize("way", ["directly", "by SQLAlchemy"])
async def test_a_frozen_server_with_a_customers_account_stops_that_customers_calls_only(
    bank: Bank, database_url: str, way: str
) -> None:
    for customer in (41, 42, 43):
        await bank.customer(customer, 9)
    charging = Charging(bank.ledger)
    async with frozen(database_url, keeping(42), way):
        stuck = asyncio.create_task(bank.ledger.hold("stuck", 42, UNIT))
        async with asyncio.timeout(HANGS_S):
            await asyncio.gather(*[bank.ledger.hold(f"{who} a", who, UNIT) for who in (41, 43)])
        assert not stuck.done()
        while not bank.ledger.put_off and not stuck.done():  # noqa: ASYNC110 -- it is put off in silence
            await asyncio.sleep(0.01)
        assert not stuck.done()
        # Now that it is known nobody waits, however many calls of the customer come.
        also = [asyncio.create_task(bank.ledger.hold(f"stuck {one}", 42, UNIT)) for one in range(5)]
        for number in range(MANY):
            assert isinstance(await bank.ledger.hold(f"41 {number}", 41, UNIT // 10), Hold)
            assert isinstance(await bank.ledger.settle(f"41 {number}", UNIT // 10), Settlement)
        assert not stuck.done()
        database, ledger = await database_part(bank.store, charging)
        assert (database.ready, ledger.ready) == (True, False)
        assert "wait for accounts that another transaction keeps locked" in ledger.detail
        async with asyncio.timeout(HANGS_S):
            ends = await asyncio.gather(stuck, *also, return_exceptions=True)
        assert all(isinstance(one, Hold | StoreLocked) for one in ends), ends
        # PostgreSQL has ended the frozen server's transaction, or is about to.
        async with asyncio.timeout(HANGS_S):
            while isinstance(await attempt(bank, "later"), StoreGone):
                pass
    for leg, customer in (("41 a", 41), ("43 a", 43), ("later", 42), ("stuck", 42)):
        await bank.ledger.void(leg, customer)
    for one in range(5):
        await bank.ledger.void(f"stuck {one}", 42)
    for customer in (41, 42, 43):
        assert (await bank.account(customer)).held_micros == 0
    await charging.close()


async def attempt(bank: Bank, leg: str) -> object:
    try:
        return await bank.ledger.hold(leg, 42, UNIT)
    except StoreGone as error:
        return error


async def test_what_somebody_keeps_locked_for_long_is_given_up_and_the_rest_goes_on(
    bank: Bank, database_url: str
) -> None:
    for customer in (41, 42):
        await bank.customer(customer, 9)
    # A session of somebody's own, whose transactions PostgreSQL does not end.
    plain = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    other = await asyncpg.connect(plain)
    transaction = other.transaction()
    await transaction.start()
    await other.execute(keeping(42))
    async with asyncio.timeout(HANGS_S):
        with pytest.raises(StoreLocked, match="another transaction keeps what leg:stuck is about locked"):
            await bank.ledger.hold("stuck", 42, UNIT)
    assert isinstance(await bank.ledger.hold("free", 41, UNIT), Hold)
    await transaction.rollback()
    await other.close()
    await bank.ledger.void("stuck", 42)
    await bank.ledger.release("free")
    assert (await bank.account(42)).held_micros == 0


async def test_a_frozen_server_with_the_houses_account_keeps_charges_waiting_and_no_hold(
    bank: Bank, database_url: str
) -> None:
    for customer in (41, 42):
        await bank.customer(customer, 9)
    await bank.ledger.hold("talked", 41, UNIT)
    async with frozen(database_url, keeping(house_id(House.REVENUE, "USD")).replace("held", "balance")):
        settling = asyncio.create_task(charge(bank))
        async with asyncio.timeout(HANGS_S):
            assert isinstance(await bank.ledger.hold("first", 42, UNIT), Hold)
        for number in range(MANY):
            assert isinstance(await bank.ledger.hold(f"{number}", 42, UNIT // 10), Hold)
            await bank.ledger.release(f"{number}")
        assert not settling.done()
        async with asyncio.timeout(HANGS_S):
            assert (await settling).charged_micros == UNIT
    await bank.ledger.release("first")


async def charge(bank: Bank) -> Settlement:
    while True:
        try:
            return await bank.ledger.settle("talked", UNIT)
        except StoreLocked:
            continue


async def test_a_frozen_server_with_a_count_stops_only_the_calls_that_are_counted_there(
    bank: Bank, database_url: str
) -> None:
    for customer in (41, 42):
        await bank.customer(customer)
        assert await take_channel(bank.ledger, customer, f"one of {customer}", 3)
    async with frozen(database_url, "UPDATE ledger_occupancy SET used = 0 WHERE subject = 'customer:42'"):
        stuck = asyncio.create_task(take_channel(bank.ledger, 42, "two of 42", 3))
        leaving = asyncio.create_task(bank.ledger.vacate("one of 42"))
        async with asyncio.timeout(HANGS_S):
            assert await take_channel(bank.ledger, 41, "two of 41", 3)
        assert await take_channel(bank.ledger, 41, "three of 41", 3)
        assert not await take_channel(bank.ledger, 41, "four of 41", 3)
        await bank.ledger.vacate("two of 41")
        assert not stuck.done()
        async with asyncio.timeout(HANGS_S):
            ends = await asyncio.gather(stuck, leaving, return_exceptions=True)
        assert all(one is None or one is True or isinstance(one, StoreLocked) for one in ends), ends
        async with asyncio.timeout(HANGS_S):
            while not await left(bank, "two of 42") or not await left(bank, "one of 42"):
                pass
    for call in ("one of 41", "three of 41"):
        await bank.ledger.vacate(call)
    async with bank.store.reading() as connection:
        counts = await connection.execute(text("SELECT DISTINCT used FROM ledger_occupancy"))
        assert counts.scalars().all() == [0]


async def left(bank: Bank, call: str) -> bool:
    try:
        await bank.ledger.vacate(call)
    except StoreLocked:
        return False
    return True


async def test_a_database_that_lets_nobody_write_is_not_ready(bank: Bank, database_url: str) -> None:
    name = database_url.rpartition("/")[2]
    async with bank.store.writing() as connection:
        await connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    store = await Store.open(database_url)
    charging = Charging(Ledger(store, "reader"))
    database, _ = await database_part(store, charging)
    assert not database.ready
    assert "read-only transaction" in database.detail
    await charging.close()
    await store.close()
