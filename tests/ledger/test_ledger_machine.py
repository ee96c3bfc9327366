"""Random schedules of parallel calls, payments and crashes at every statement: two servers, one database.

`LEDGER_EXAMPLES=10000 pytest tests/ledger/test_ledger_machine.py` tries that many on each database.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, cast

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy import Dialect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.audit import Act
from ringflow.errors import Refused
from ringflow.ledger import Hold, HoldState, Ledger, NoCredit, Settlement, Terms
from ringflow.ledger.account import read_account
from ringflow.ledger.check import check_books
from ringflow.ledger.held import standing_holds
from ringflow.ledger.limiting import set_daily_limit, set_debit_limit
from ringflow.ledger.movement import Posted
from ringflow.ledger.paying import Order, adjust, pay_in, pay_out, refund, transfer
from ringflow.ledger.reaping import reap, say_alive
from ringflow.ledger.transaction import transact
from ringflow.store import DirectConnection, Store
from ringflow.store.ledger_tables import IMMUTABLE
from ringflow.store.tables import customers

UNIT = 1_000_000
UNIT_A_SECOND = Terms("USD", 60 * UNIT)
CUSTOMERS = (1, 2, 3)
CHANNELS = 1
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

Deed = tuple[Any, ...]
Work = Callable[[], Awaitable[None]]
Verb = Callable[[AsyncConnection, int, int, Order], Awaitable[Posted]]


class Crashed(Exception):
    """The server is dead: no statement of it reaches the database any more."""


class MortalStore(Store):
    """A store whose server dies at the k-th moment: before or after a statement, before or after a commit."""

    moments_left: int | None = None

    @property
    def dead(self) -> bool:
        return self.moments_left is not None and self.moments_left <= 0

    def writing(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._mortally(super().writing)

    def writing_directly(self) -> AbstractAsyncContextManager[DirectConnection]:
        return self._mortally(super().writing_directly)

    def writing_one_statement(self) -> AbstractAsyncContextManager[DirectConnection]:
        return self._mortally(super().writing_one_statement)

    @asynccontextmanager
    async def _mortally(self, opener: Callable[[], AbstractAsyncContextManager[Any]]) -> AsyncIterator[Any]:
        self.live()
        async with opener() as connection:
            yield (_Mortal if isinstance(connection, AsyncConnection) else _MortalDirect)(connection, self)
            self.live()
        self.live()

    def live(self) -> None:
        if self.moments_left is not None:
            self.moments_left -= 1
            if self.moments_left <= 0:
                raise Crashed


class _Mortal(AsyncConnection):
    """Stands in for a connection, all of whose own parts it uses."""

    def __init__(self, connection: AsyncConnection, store: MortalStore) -> None:
        super().__init__(connection.engine, connection.sync_connection)
        self._connection, self._store = connection, store

    async def execute(self, *arguments: Any) -> Any:  # type: ignore[override]
        self._store.live()
        result = await self._connection.execute(*arguments)
        self._store.live()
        return result


@dataclass
class _MortalDirect:
    connection: DirectConnection
    store: MortalStore

    @property
    def dialect(self) -> Dialect:
        return self.connection.dialect

    async def rows(self, sql: str, values: Sequence[object]) -> Sequence[Sequence[Any]]:
        self.store.live()
        rows = await self.connection.rows(sql, values)
        self.store.live()
        return rows


who = st.sampled_from(CUSTOMERS)
units = st.integers(0, 6)
number = st.integers(0, 30)
server = st.integers(0, 1)
death = st.none() | st.integers(1, 40)
deed = st.one_of(
    st.tuples(st.just("hold"), server, who, units, st.booleans()),
    st.tuples(st.just("hold"), server, who, units, st.booleans()),
    st.tuples(st.just("extend"), server, number, units, st.booleans()),
    st.tuples(st.just("settle"), server, number, units),
    st.tuples(st.just("settle"), server, number, units),
    st.tuples(st.just("release"), server, number),
    st.tuples(st.just("pay"), server, st.sampled_from([pay_in, pay_out]), who, units),
    st.tuples(st.just("pay"), server, st.just(adjust), who, st.integers(-4, 4)),
    st.tuples(st.just("transfer"), server, who, who, units),
    st.tuples(st.just("refund"), server, number, units),
    st.tuples(st.just("debit_limit"), server, who, st.integers(-3, 4)),
    st.tuples(st.just("daily_limit"), server, who, st.none() | units),
    st.tuples(st.just("occupy"), server, who),
    st.tuples(st.just("vacate"), server, number),
)


class Machine(RuleBasedStateMachine):
    """What must be true is kept here, apart from the database: what was answered, and nothing else."""

    runner: asyncio.Runner
    stores: tuple[MortalStore, MortalStore]

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 1_750_000_000_000
        self.names = count(1)
        self.gone: set[str] = set()
        self.asked: dict[str, set[int]] = {}  # every leg that was tried, and the charges asked for it
        self.up: dict[str, int] = {}  # legs that hold credit for sure, and their server
        self.calls: dict[str, int] = {}  # calls that are counted for sure, and their server
        self.settled: dict[str, Settlement] = {}
        self.posted: dict[str, Posted] = {}
        self.doubtful: list[Work] = []  # what a server died at; tried again with the same names and keys
        self.ledgers = [self.born(index) for index in (0, 1)]

    def born(self, index: int) -> Ledger:
        self.stores[index].moments_left = None
        return Ledger(self.stores[index], f"server {next(self.names)}", lambda: self.now_ms)

    @initialize(credit=st.tuples(units, units, units))
    def customers_have_credit(self, credit: tuple[int, int, int]) -> None:
        async def begin() -> None:
            await empty(self.stores[0])
            for ledger in self.ledgers:
                await say_alive(ledger)
            for one, amount in zip(CUSTOMERS, credit, strict=True):
                await self.do(("pay", 0, pay_in, one, amount))

        self.runner.run(begin())

    @rule(deeds=st.lists(deed, min_size=1, max_size=12), deaths=st.tuples(death, death))
    def all_at_once(self, deeds: list[Deed], deaths: tuple[int | None, int | None]) -> None:
        self.runner.run(self.schedule(deeds, deaths))

    async def schedule(self, deeds: list[Deed], deaths: tuple[int | None, int | None]) -> None:
        for store, moments in zip(self.stores, deaths, strict=True):
            store.moments_left = moments
        ended = await asyncio.gather(*[self.do(one) for one in deeds], return_exceptions=True)
        for ledger in self.ledgers:
            await ledger.close()
        # Raised only now: what were still under way would get into the next example.
        for error in ended:
            if error is not None:
                raise error
        dead = {index for index, store in enumerate(self.stores) if store.dead}
        for store in self.stores:
            store.moments_left = None
        if dead:
            await self.recover(dead)
        await self.prove()

    async def recover(self, dead: set[int]) -> None:
        """New servers replace dead ones, try again what was not answered, and reap what was left."""
        self.gone |= {self.ledgers[index].server for index in dead}
        for index in dead:
            self.ledgers[index] = self.born(index)
        self.now_ms += SILENT_MS + 1
        for ledger in self.ledgers:
            await say_alive(ledger)
        doubtful, self.doubtful = self.doubtful, []
        for work in doubtful:
            await self.attempt(work)
        assert self.doubtful == []

        async def talked_ms(hold: Hold) -> int:
            assert hold.server in self.gone, "the hold of a server that lives was reaped"
            self.asked[hold.leg_id].add(2 * UNIT)
            return 2000

        async def is_up(call_id: str) -> bool:
            return False

        reaped = await reap(self.ledgers[0], talked_ms, is_up, SILENT_MS)
        for settlement in reaped.settlements:
            self.note(settlement)
        self.calls = {call: index for call, index in self.calls.items() if index not in dead}

    async def prove(self) -> None:
        store = self.stores[0]
        assert await check_books(store, self.now_ms) == []
        balances: Counter[int] = Counter()
        for posted in self.posted.values():
            balances[posted.movement.credit_id] += posted.movement.micros
            balances[posted.movement.debit_id] -= posted.movement.micros
        for done in self.settled.values():
            balances[done.customer_id] -= done.charged_micros
            assert done.charged_micros + done.uncollected_micros in self.asked[done.leg_id]
        async with store.reading() as connection:
            assert {hold.leg_id for hold in await standing_holds(connection)} == set(self.up)
            assert set(await counted_calls(connection)) == set(self.calls)
            for one in CUSTOMERS:
                account = await read_account(connection, one, self.now_ms)
                assert (account.balance_micros if account else 0) == balances[one]

    async def do(self, deed: Deed) -> None:
        kind, index, *rest = deed
        if work := getattr(self, f"to_{kind}")(index, *rest):
            await self.attempt(work)

    async def attempt(self, work: Work) -> None:
        try:
            await work()
        except Crashed:
            self.doubtful.append(work)
        except Refused:
            pass

    def to_hold(self, index: int, customer: int, units: int, partly: bool) -> Work:
        leg, server = f"leg {next(self.names)}", self.ledgers[index]
        self.asked[leg] = {0}
        least = 1 if partly and units else units * UNIT

        async def work() -> None:
            if server.server in self.gone:
                return  # the caller died with its server: nobody asks for this leg again
            answer = await server.hold(leg, customer, units * UNIT, least_micros=least, terms=UNIT_A_SECOND)
            if isinstance(answer, Hold):
                assert least <= answer.micros <= units * UNIT
                self.up.update({leg: index} if leg not in self.settled else {})
            else:
                assert isinstance(answer, NoCredit)
                assert answer.available_micros < least

        return work

    def to_extend(self, index: int, number: int, units: int, partly: bool) -> Work | None:
        leg = pick(self.asked, number)
        least = 0 if partly else None
        return None if leg is None else partial(self.extend, index, leg, units * UNIT, least)

    async def extend(self, index: int, leg: str, micros: int, least: int | None) -> None:
        await self.ledgers[index].extend_hold(leg, micros, least_micros=least)

    def to_settle(self, index: int, number: int, seconds: int) -> Work | None:
        leg = pick(self.asked, number)
        return None if leg is None else partial(self.settle, index, leg, seconds)

    async def settle(self, index: int, leg: str, seconds: int) -> None:
        self.asked[leg].add(seconds * UNIT)
        self.note(await self.ledgers[index].settle_talk(leg, seconds * 1000))

    def to_release(self, index: int, number: int) -> Work | None:
        leg = pick(self.asked, number)
        return None if leg is None else partial(self.release, index, leg)

    async def release(self, index: int, leg: str) -> None:
        self.note(await self.ledgers[index].release(leg))

    def note(self, settlement: Settlement) -> None:
        assert settlement.state is not HoldState.HELD
        assert self.settled.setdefault(settlement.leg_id, settlement) == settlement, "charged a second time"
        self.up.pop(settlement.leg_id, None)

    def to_pay(self, index: int, verb: Verb, customer: int, units: int) -> Work:
        return self.posting(index, lambda connection, order: verb(connection, customer, units * UNIT, order))

    def to_transfer(self, index: int, one: int, other: int, units: int) -> Work:
        return self.posting(
            index, lambda connection, order: transfer(connection, one, other, units * UNIT, order)
        )

    def to_refund(self, index: int, number: int, units: int) -> Work | None:
        leg = pick(self.settled, number)
        return (
            None
            if leg is None
            else self.posting(
                index, lambda connection, order: refund(connection, leg, units * UNIT or None, order)
            )
        )

    def posting(self, index: int, post: Callable[[AsyncConnection, Order], Awaitable[Posted]]) -> Work:
        order = Order(f"key {next(self.names)}", "a test", "ann", self.now_ms)

        async def work() -> None:
            posted = await transact(self.stores[index].writing, lambda connection: post(connection, order))
            self.posted[order.key] = posted

        return work

    def to_debit_limit(self, index: int, customer: int, units: int) -> Work:
        async def work() -> None:
            await transact(
                self.stores[index].writing,
                lambda connection: set_debit_limit(
                    Act(connection, "ann", self.now_ms), customer, units * UNIT
                ),
            )

        return work

    def to_daily_limit(self, index: int, customer: int, units: int | None) -> Work:
        async def work() -> None:
            limit = None if units is None else units * UNIT
            await transact(
                self.stores[index].writing,
                lambda connection: set_daily_limit(Act(connection, "ann", self.now_ms), customer, limit),
            )

        return work

    def to_occupy(self, index: int, customer: int) -> Work:
        call, server = f"call {next(self.names)}", self.ledgers[index]

        async def work() -> None:
            if server.server not in self.gone and await server.take_channel(customer, call, CHANNELS):
                self.calls[call] = index

        return work

    def to_vacate(self, index: int, number: int) -> Work | None:
        call = pick(self.calls, number)
        return None if call is None else partial(self.vacate, index, call)

    async def vacate(self, index: int, call: str) -> None:
        self.calls.pop(call, None)
        await self.ledgers[index].vacate(call)


def pick(names: Iterable[str], number: int) -> str | None:
    """One of the newest names."""
    newest = list(names)[-8:]
    return newest[number % len(newest)] if newest else None


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


async def open_stores(url: str) -> tuple[MortalStore, ...]:
    stores = [await MortalStore.open(url) for _ in range(2)]
    async with stores[0].writing() as connection:
        row = {"name": "", "status": "active", "currency": "USD", "source": "operator"}
        times = {"created_ms": 0, "updated_ms": 0}
        await connection.execute(customers.insert(), [{"id": one, **row, **times} for one in CUSTOMERS])
    return tuple(cast(MortalStore, store) for store in stores)


async def close_stores(stores: Iterable[Store]) -> None:
    for store in stores:
        await store.close()
