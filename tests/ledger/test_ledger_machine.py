"""Random schedules of parallel calls, payments and crashes at every statement: two servers, one database.

`LEDGER_EXAMPLES=10000 pytest tests/ledger/test_ledger_machine.py` tries that many on each database.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterable
from typing import cast

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.paying_customers import add_customer, as_ann

from ringflow.ledger.abandoned import reap, say_alive
from ringflow.ledger.account import read_account
from ringflow.ledger.channel_limits import AbandonedCall
from ringflow.ledger.check import check_books
from ringflow.ledger.hold import Hold, standing_holds
from ringflow.ledger.payments import pay_in
from ringflow.store import Store
from ringflow.store.ledger_tables import IMMUTABLE

from .mortal_store import MortalStore
from .world import CHANNELS, CUSTOMERS, UNIT, Deed, World, death, deed, units

EXAMPLES = int(os.environ.get("LEDGER_EXAMPLES", "30"))
SILENT_MS = 1000
EMPTIED = (
    "ledger_marks",
    "ledger_occupancy",
    "ledger_servers",
    "ledger_movements",
    "ledger_holds",
    "ledger_accounts",
)


class Machine(RuleBasedStateMachine):
    """Schedules for a world of two servers, after each of which the books are compared with it."""

    runner: asyncio.Runner
    stores: tuple[MortalStore, MortalStore]

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.stores)

    @initialize(credit=st.tuples(units, units, units))
    def customers_have_credit(self, credit: tuple[int, int, int]) -> None:
        async def begin() -> None:
            await empty(self.world.stores[0])
            for ledger in self.world.ledgers:
                await say_alive(ledger)
            for one, amount in zip(CUSTOMERS, credit, strict=True):
                await self.world.do(("pay", 0, pay_in, one, amount))

        self.runner.run(begin())

    @rule(deeds=st.lists(deed, min_size=1, max_size=12), deaths=st.tuples(death, death))
    def all_at_once(self, deeds: list[Deed], deaths: tuple[int | None, int | None]) -> None:
        self.runner.run(self.schedule(deeds, deaths))

    async def schedule(self, deeds: list[Deed], deaths: tuple[int | None, int | None]) -> None:
        world = self.world
        for store, moments in zip(world.stores, deaths, strict=True):
            store.moments_left = moments
        ended = await asyncio.gather(*[world.do(one) for one in deeds], return_exceptions=True)
        for ledger in world.ledgers:
            await ledger.close()
        # Raised only now: what were still under way would get into the next example.
        for error in ended:
            if error is not None:
                raise error
        dead = {index for index, store in enumerate(world.stores) if store.dead}
        for store in world.stores:
            store.moments_left = None
        if dead:
            await self.recover(dead)
        await self.prove()

    async def recover(self, dead: set[int]) -> None:
        """New servers replace dead ones, try again what was not answered, and reap what was left."""
        world = self.world
        world.gone |= {world.ledgers[index].server for index in dead}
        for index in dead:
            world.ledgers[index] = world.born(index)
        world.now_ms += SILENT_MS + 1
        for ledger in world.ledgers:
            await say_alive(ledger)
        doubtful, world.doubtful = world.doubtful, []
        for work in doubtful:
            await world.attempt(work)
        assert world.doubtful == []

        async def talked_ms(hold: Hold) -> int:
            assert hold.server in world.gone, "the hold of a server that lives was reaped"
            world.asked[hold.leg_id] |= {0, UNIT, 2 * UNIT}
            return 2000

        async def is_up(call: AbandonedCall) -> bool:
            return False

        reaped = await reap(world.ledgers[0], talked_ms, is_up, SILENT_MS)
        for settlement in reaped.settlements:
            world.note(settlement)
            assert settlement.uncollected_micros == 0, "a talk was charged beyond its hold"
        world.calls = {call: index for call, index in world.calls.items() if index not in dead}

    async def prove(self) -> None:
        world = self.world
        store = world.stores[0]
        assert await check_books(store, world.now_ms) == []
        balances: Counter[int] = Counter()
        for posted in world.posted.values():
            balances[posted.movement.credit_id] += posted.movement.micros
            balances[posted.movement.debit_id] -= posted.movement.micros
        for done in world.settled.values():
            balances[done.customer_id] -= done.charged_micros
            assert done.charged_micros + done.uncollected_micros in world.asked[done.leg_id]
        async with store.reading() as connection:
            assert {hold.leg_id for hold in await standing_holds(connection)} == set(world.up)
            assert set(await counted_calls(connection)) == set(world.calls)
            for one in CUSTOMERS:
                account = await read_account(connection, one, world.now_ms)
                assert (account.balance_micros if account else 0) == balances[one]


async def counted_calls(connection: AsyncConnection) -> list[str]:
    rows = (await connection.execute(text("SELECT call_id, subject FROM ledger_marks"))).all()
    assert all(count <= CHANNELS for count in Counter(row.subject for row in rows).values())
    return [row.call_id for row in rows]


async def empty(store: Store) -> None:
    """Take everything away, which only one who switches the triggers off can do."""
    async with store.writing() as connection:
        if store.dialect == "postgresql":
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            await connection.execute(text("DROP TRIGGER ledger_movements_delete"))
        for table in EMPTIED:
            await connection.execute(text(f"DELETE FROM {table}"))
        if store.dialect == "sqlite":
            await connection.execute(text(IMMUTABLE["sqlite"][1]))


def test_books_are_right_whatever_dies_whenever(database_url: str) -> None:
    with asyncio.Runner() as runner:
        stores = runner.run(open_stores(database_url))
        machine = type("Machine", (Machine,), {"runner": runner, "stores": stores})
        try:
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=EXAMPLES,
                    stateful_step_count=6,
                    deadline=None,
                    database=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(close_stores(stores))


async def open_stores(url: str) -> tuple[MortalStore, MortalStore]:
    one, other = [cast(MortalStore, await MortalStore.open(url)) for _ in range(2)]
    async with as_ann(one) as ann:
        for customer in CUSTOMERS:
            await add_customer(ann, customer)
    return one, other


async def close_stores(stores: Iterable[Store]) -> None:
    for store in stores:
        await store.close()
