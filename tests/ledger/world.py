"""Two servers on one database, as random schedules use them: what they are asked, and what they answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from itertools import count
from typing import Any

from hypothesis import strategies as st

from ringflow.actor import Actor, Opener, acting, shell_operator
from ringflow.errors import Refused
from ringflow.ledger.channel_limits import customer_subject
from ringflow.ledger.credit_limits import set_daily_limit, set_debit_limit
from ringflow.ledger.hold import Hold, HoldState, NoCredit
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.movement import Posted
from ringflow.ledger.payments import Purpose, adjust, pay_in, pay_out, refund, transfer
from ringflow.ledger.settlement import Settlement
from ringflow.ledger.terms import Terms
from ringflow.ledger.transaction import transact

from .mortal_store import Crashed, MortalStore

UNIT = 1_000_000
UNIT_A_SECOND = Terms("USD", 60 * UNIT)
CUSTOMERS = (1, 2, 3)
CHANNELS = 1

Deed = tuple[Any, ...]
Work = Callable[[], Awaitable[None]]
Move = Callable[[Actor, int, int, Purpose], Awaitable[Posted]]

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
    st.tuples(st.just("settle_talk"), server, number, units),
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


async def take_channel(ledger: Ledger, customer_id: int, call_id: str, limit: int | None) -> bool:
    """Count a call of the customer, unless there are `limit` already."""
    return await ledger.occupy(call_id, {customer_subject(customer_id): limit}) is None


class World:
    """What must be true is kept here, apart from the database: what was answered, and nothing else."""

    def __init__(self, stores: tuple[MortalStore, MortalStore]) -> None:
        self.stores = stores
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
        self.note(await self.ledgers[index].settle(leg, seconds * UNIT))

    def to_settle_talk(self, index: int, number: int, seconds: int) -> Work | None:
        leg = pick(self.asked, number)
        return None if leg is None else partial(self.settle_talk, index, leg, seconds)

    async def settle_talk(self, index: int, leg: str, seconds: int) -> None:
        # A talk is charged as far as the hold pays for it, so any lower price may be its charge.
        self.asked[leg] |= {paid * UNIT for paid in range(seconds + 1)}
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

    def to_pay(self, index: int, move: Move, customer: int, units: int) -> Work:
        return self.posting(index, lambda actor, purpose: move(actor, customer, units * UNIT, purpose))

    def to_transfer(self, index: int, one: int, other: int, units: int) -> Work:
        return self.posting(index, lambda actor, purpose: transfer(actor, one, other, units * UNIT, purpose))

    def to_refund(self, index: int, number: int, units: int) -> Work | None:
        leg = pick(self.settled, number)
        return (
            None
            if leg is None
            else self.posting(index, lambda actor, purpose: refund(actor, leg, units * UNIT or None, purpose))
        )

    def opener(self, index: int) -> Opener:
        return lambda: acting(self.stores[index], shell_operator("ann"), "US", self.now_ms)

    def posting(self, index: int, post: Callable[[Actor, Purpose], Awaitable[Posted]]) -> Work:
        purpose = Purpose(f"key {next(self.names)}", "a test")

        async def work() -> None:
            posted = await transact(self.opener(index), lambda actor: post(actor, purpose))
            self.posted[purpose.key] = posted

        return work

    def to_debit_limit(self, index: int, customer: int, units: int) -> Work:
        async def work() -> None:
            await transact(self.opener(index), lambda actor: set_debit_limit(actor, customer, units * UNIT))

        return work

    def to_daily_limit(self, index: int, customer: int, units: int | None) -> Work:
        async def work() -> None:
            limit = None if units is None else units * UNIT
            await transact(self.opener(index), lambda actor: set_daily_limit(actor, customer, limit))

        return work

    def to_occupy(self, index: int, customer: int) -> Work:
        call, server = f"call {next(self.names)}", self.ledgers[index]

        async def work() -> None:
            if server.server not in self.gone and await take_channel(server, customer, call, CHANNELS):
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
