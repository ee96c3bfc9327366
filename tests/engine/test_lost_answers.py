"""PostgreSQL does what was asked, and its answer is lost: whichever answer it is, nothing is left over.

A whole charged call goes by way of a proxy that cuts the connection at the n-th answer, for every n: quote,
count in, hold, extend, draft, settle, count out, record; after it a payment, and a card that is redeemed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from sqlalchemy import func, select
from tests.accounts.conftest import Mint
from tests.engine.test_charged_calls import DID, NOW_MS, UNIT, Server
from tests.paying_customers import add_card, as_ann, give_credit, rate
from tests.postgres_proxy import Cut, PostgresProxy

from ringflow.accounts.cards import redemption
from ringflow.accounts.cards.refusal import CardRefused, Why
from ringflow.accounts.declarations import apply_declarations
from ringflow.actor import acting, shell_operator
from ringflow.config import Config, CustomerDeclaration, DidDeclaration, TrunkDeclaration
from ringflow.errors import StartError
from ringflow.ledger.account import read_account
from ringflow.ledger.check import check_books
from ringflow.ledger.payments import Purpose, pay_in, post_once
from ringflow.records.drafts import Drafts
from ringflow.records.recorder import Recorder
from ringflow.store import Store, StoreGone
from ringflow.store.ledger_tables import ledger_holds, ledger_marks, ledger_movements
from ringflow.store.record_tables import call_drafts, call_records
from ringflow.store.tables import customers

AT_ONCE = 8
MOST = 160
CREDIT, PAYMENT, ON_CARD = 20 * UNIT, 7 * UNIT, 5 * UNIT

Result = TypeVar("Result")

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
]


class House:
    """A customer, a CLI and a card for each trial, in one database."""

    def __init__(self, store: Store, url: str) -> None:
        self.store = store
        self.url = url
        self.cards: list[str] = []

    async def furnish(self, customers: int = MOST) -> None:
        config = Config(
            customers=tuple(
                CustomerDeclaration(id=one, clis=(self.cli(one),), channels=1)
                for one in range(1, customers + 1)
            ),
            dids=(DidDeclaration(number=DID, app="tested", channels=10 * MOST),),
            trunks=(TrunkDeclaration(name="carrier", dial="PJSIP/{number}@carrier"),),
        )
        await apply_declarations(self.store, config)
        async with as_ann(self.store, NOW_MS) as ann:
            for one in range(1, customers + 1):
                await give_credit(ann, one, CREDIT)
            await add_card(ann, rate(UNIT, increment_s=60))
        mint = Mint(self.store)
        await mint.customer(100_000)
        made = await mint.make(units=5, customer_id=100_000, count=customers)
        self.cards = [card_id for card_id, _ in made]

    @staticmethod
    def cli(customer: int) -> str:
        return f"44191{customer:07}"

    async def try_call(self, customer: int, proxy: PostgresProxy) -> None:
        """Everything once, on a server of its own, as its parts do it: what failed is done again."""
        store = await again(lambda: Store.open(proxy.url))
        server = Server(store, f"server {customer}", prolongs=True)
        recorder = Recorder(store, "here", linger_s=0)
        drafts = Drafts(store, "here", server.charging.ledger.server, lambda: server.calls())

        async def draft() -> None:
            await asyncio.gather(drafts.keep(), return_exceptions=True)

        record = await server.call(
            cli=self.cli(customer), talk_ms=150_000, observers=[recorder], in_talk=[(30_000, draft)]
        )
        await recorder.written()
        await again(drafts.keep)
        purpose = Purpose(f"payment {customer}", "a test")
        await again(lambda: pay(store, customer, purpose))
        await again(lambda: redeem(store, self.cards[customer - 1]))
        async with asyncio.timeout(60):
            while len(server.charging.retries):  # noqa: ASYNC110 -- it is owed in the background
                await asyncio.sleep(0.02)
        await server.charging.close()
        await store.close()
        minutes = sum(-(-leg.talked_ms // 60_000) for leg in record.legs)
        assert minutes == 3 or record.outcome in {"error", "completed"}
        await self.prove(customer, minutes * UNIT)

    async def prove(self, customer: int, charged: int) -> None:
        async with self.store.reading() as connection:
            held = select(func.count()).select_from(ledger_holds)
            held = held.where(ledger_holds.c.account_id == customer, ledger_holds.c.state == "held")
            assert (await connection.execute(held)).scalar_one() == 0, "a hold is left over"
            marks = select(func.count()).select_from(ledger_marks)
            marks = marks.where(ledger_marks.c.server == f"server {customer}")
            assert (await connection.execute(marks)).scalar_one() == 0, "a mark is left over"
            records = select(func.count()).select_from(call_records)
            records = records.where(call_records.c.cli == self.cli(customer))
            assert (await connection.execute(records)).scalar_one() == 1, "records"
            drafts = select(func.count()).select_from(call_drafts)
            drafts = drafts.where(call_drafts.c.server == f"server {customer}")
            assert (await connection.execute(drafts)).scalar_one() == 0, "a draft is left over"
            movements = select(func.coalesce(func.sum(ledger_movements.c.micros), 0))
            movements = movements.where(ledger_movements.c.debit_id == customer)
            assert (await connection.execute(movements)).scalar_one() == charged, "what was talked is charged"
            account = await read_account(connection, customer, NOW_MS)
            assert account is not None
            assert (account.balance_micros, account.held_micros) == (CREDIT + PAYMENT - charged, 0)

    async def prove_all(self, customers_tried: int) -> None:
        assert await check_books(self.store, NOW_MS) == []
        async with self.store.reading() as connection:
            made = await connection.execute(select(customers.c.id).where(customers.c.id > 100_000))
            balances = [await read_account(connection, one, NOW_MS) for one in made.scalars()]
        assert [one.balance_micros for one in balances if one] == [ON_CARD] * customers_tried


async def again(work: Callable[[], Awaitable[Result]]) -> Result:
    """Do it until its answer comes: a proxy loses one answer only."""
    for _ in range(3):
        try:
            return await work()
        except (StoreGone, StartError):
            continue
    return await work()


async def pay(store: Store, customer: int, purpose: Purpose) -> None:
    async with acting(store, shell_operator("ann"), "US", NOW_MS) as actor:
        await pay_in(actor, customer, PAYMENT, purpose)


async def redeem(store: Store, card_id: str) -> None:
    try:
        async with acting(store, shell_operator("ann"), "US", NOW_MS) as actor:
            await redemption.redeem(actor, card_id)
    except CardRefused as error:
        # Its first redemption was committed, and the answer lost.
        if error.why is not Why.USED:
            raise


@pytest.mark.parametrize("cut", Cut)
async def test_no_answer_that_is_lost_leaves_a_hold_a_mark_or_a_record_over_or_charges_twice(
    store: Store, database_url: str, cut: Cut
) -> None:
    house = House(store, database_url)
    await house.furnish()
    async with PostgresProxy(database_url).running() as proxy:
        await house.try_call(1, proxy)
    answers = proxy.answers
    assert 40 < answers < MOST, "from the first connection to the last answer"
    tried = 1
    turn = asyncio.Semaphore(AT_ONCE)

    async def trial(customer: int, cut_at: int) -> None:
        async with turn, PostgresProxy(database_url, cut, cut_at).running() as cutting:
            try:
                await house.try_call(customer, cutting)
            except Exception as error:
                raise AssertionError(f"cut {cut} answer {cut_at} of {answers}") from error

    async with asyncio.TaskGroup() as trials:
        # Every answer is lost once; cuts within and after one need not be at each.
        for cut_at in range(1, answers + 1, 1 if cut is Cut.INSTEAD else 8):
            tried += 1
            trials.create_task(trial(tried, cut_at))
    await house.prove_all(tried)


async def test_a_payment_by_command_is_made_once_whichever_answer_is_lost(
    store: Store, database_url: str
) -> None:
    house = House(store, database_url)
    await house.furnish(customers=1)

    async def post(number: int, proxy: PostgresProxy) -> None:
        purpose = Purpose(f"cli:{number}", "a test")
        opened = await again(lambda: Store.open(proxy.url))
        posted = await post_once(
            lambda: acting(opened, shell_operator("ann"), "US", NOW_MS),
            lambda actor: pay_in(actor, 1, UNIT, purpose),
            purpose.key,
        )
        assert posted.movement.micros == UNIT
        await opened.close()

    async with PostgresProxy(database_url).running() as proxy:
        await post(0, proxy)
    for cut_at in range(1, proxy.answers + 1):
        async with PostgresProxy(database_url, Cut.INSTEAD, cut_at).running() as cutting:
            await post(cut_at, cutting)
    async with store.reading() as connection:
        account = await read_account(connection, 1, NOW_MS)
    assert account is not None
    assert account.balance_micros == CREDIT + (proxy.answers + 1) * UNIT
