"""A leg whose hold was perhaps made is ended for good, also where the hold comes later."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
from sqlalchemy import make_url

from ringflow.errors import Refused
from ringflow.ledger.hold import HoldState, LegTaken
from ringflow.ledger.ledger import Ledger
from ringflow.store import Store, StoreLocked

if TYPE_CHECKING:
    from tests.ledger.conftest import Bank

UNIT = 1_000_000


async def test_a_voided_leg_gives_its_hold_back_and_stays_ended(bank: Bank) -> None:
    await bank.customer(42, 5)
    await bank.ledger.hold("leg", 42, 5 * UNIT)
    first = await bank.ledger.void("leg", 42)
    assert (first.state, first.charged_micros) == (HoldState.RELEASED, 0)
    assert (await bank.account(42)).held_micros == 0
    bank.now_ms += 1
    assert await bank.ledger.void("leg", 42) == first
    assert await bank.ledger.settle("leg", UNIT) == first


@pytest.mark.parametrize("units", [0, 5])
async def test_no_hold_is_made_for_a_leg_that_was_voided_before(bank: Bank, units: int) -> None:
    await bank.customer(42, units)
    assert (await bank.ledger.void("leg", 42)).state is HoldState.RELEASED
    for micros in (0, UNIT):
        with pytest.raises(LegTaken, match="leg leg has ended"):
            await bank.ledger.hold("leg", 42, micros)
    assert (await bank.account(42)).held_micros == 0
    with pytest.raises(Refused, match="customer 7 does not exist"):
        await bank.ledger.void("other", 7)


async def test_what_was_settled_before_stays_settled(bank: Bank) -> None:
    await bank.customer(42, 5)
    await bank.ledger.hold("leg", 42, 5 * UNIT)
    settled = await bank.ledger.settle("leg", 2 * UNIT)
    assert await bank.ledger.void("leg", 42) == settled


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_transaction_that_is_still_on_its_way_counts_no_call_that_has_left(
    bank: Bank, database_url: str
) -> None:
    await bank.customer(42)
    plain = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    for subject in ("customer:42", "did:never seen before"):
        # What another server does whose answer is lost: the commit comes after the call was counted out.
        lost = await asyncpg.connect(plain)
        transaction = lost.transaction()
        await transaction.start()
        await lost.execute(
            "INSERT INTO ledger_occupancy VALUES ($1, 1) ON CONFLICT (subject) DO UPDATE SET used = 1",
            subject,
        )
        await lost.execute("INSERT INTO ledger_marks VALUES ('call', $1, 'lost', 0)", subject)
        leaving = asyncio.create_task(bank.ledger.vacate("call", [subject]))
        await asyncio.sleep(0.1)
        assert not leaving.done()
        await transaction.commit()
        await leaving
        left = await lost.fetch("SELECT subject FROM ledger_marks")
        counted = await lost.fetchval("SELECT used FROM ledger_occupancy WHERE subject = $1", subject)
        await lost.close()
        assert (left, counted) == ([], 0)


async def test_those_who_wait_behind_a_batch_that_fails_late_fail_with_it(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/x.db", busy_s=1.5)
    await store.migrate()
    ledger = Ledger(store, "here")
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    first = asyncio.create_task(ledger.vacate("first"))
    # Whoever behind it tried for himself would find the lock free.
    first.add_done_callback(lambda _: other.execute("COMMIT"))
    await asyncio.sleep(0.1)
    behind = [asyncio.create_task(ledger.vacate(f"{number}")) for number in range(600)]
    ends = await asyncio.gather(first, *behind, return_exceptions=True)
    assert {type(one) for one in ends} == {StoreLocked}
    await ledger.vacate("later")
    other.close()
    await ledger.close()
    await store.close()
