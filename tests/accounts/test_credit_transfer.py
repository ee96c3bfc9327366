"""Credit between a caller's own accounts: moved once under any race and any crash, and never borrowed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from sqlalchemy import select
from tests.ledger.mortal_store import Crashed, MortalStore

from ringflow.accounts import customers
from ringflow.accounts.caller_accounts import CallerAccounts
from ringflow.accounts.cards.authentication import Admitted
from ringflow.accounts.cards.card import Card
from ringflow.accounts.cards.credit_transfer import CreditTransfer
from ringflow.accounts.cards.refusal import Refusal, Why
from ringflow.accounts.directory import Directory
from ringflow.accounts.lockout import Caller
from ringflow.audit import EntryFilter, entry_page
from ringflow.errors import Refused
from ringflow.ledger.credit_limits import set_debit_limit
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.movement import Kind, Posted
from ringflow.ledger.payments import Purpose, check_key, transfer_unborrowed
from ringflow.ledger.statement import read_statement
from ringflow.money import MICROS_PER_UNIT as UNIT
from ringflow.store import Store
from ringflow.store.ledger_tables import ledger_movements
from ringflow.store.pages import PageRequest

HOME = Caller("carrier", "441910000001")


class Pair:
    """Two cards of one template, both in use, with 5.00 each."""

    def __init__(self, mint: Any, cards: list[Card]) -> None:
        self.mint = mint
        self.one, self.other = (card.redeemed_by or 0 for card in cards)
        self.cards = cards

    def caller_accounts(self, store: Store | None = None) -> CallerAccounts:
        store = store or self.mint.store
        return CallerAccounts(
            store, Directory(store, "US"), "US", lambda: self.mint.peppers, lambda: self.mint.now_ms
        )

    def moved(self, micros: int, key: str = "telephone:1", *, back: bool = False) -> CreditTransfer:
        """From the first account to the second, whose card the caller has named; or `back`."""
        ends = (self.other, self.one) if back else (self.one, self.other)
        return CreditTransfer(self.cards[1], *ends, micros, key)

    async def credits(self) -> tuple[int, int]:
        return await self.mint.credit(self.one), await self.mint.credit(self.other)

    async def transfers(self) -> int:
        query = select(ledger_movements.c.id).where(ledger_movements.c.kind == Kind.TRANSFER)
        async with self.mint.store.reading() as connection:
            return len((await connection.execute(query)).all())


@pytest.fixture
async def pair(mint: Any) -> Pair:
    opened = [await mint.cards.authenticate(*secret, HOME) for secret in await mint.make(count=2)]
    assert all(isinstance(one, Admitted) for one in opened)
    return Pair(mint, [one.card for one in opened])


@pytest.fixture
async def servers(database_url: str) -> AsyncIterator[list[Store]]:
    stores = [await Store.open(database_url) for _ in range(3)]
    yield stores
    for store in stores:
        await store.close()


async def test_it_stands_in_both_statements_and_in_the_audit_log_of_both(pair: Pair) -> None:
    posted = await pair.caller_accounts().move_credit(pair.moved(2 * UNIT))
    assert isinstance(posted, Posted)
    assert await pair.credits() == (3 * UNIT, 7 * UNIT)
    async with pair.mint.store.reading() as connection:
        for customer_id, micros in ((pair.one, -2 * UNIT), (pair.other, 2 * UNIT)):
            statement = await read_statement(connection, customer_id, None, None)
            assert statement is not None
            last = statement.entries[-1]
            assert (last.kind, last.micros) == (Kind.TRANSFER, micros)
            assert last.reason == f"moved by telephone with card {pair.cards[1].id}"
            noted = await entry_page(
                connection, EntryFilter(subject=f"customer {customer_id}"), PageRequest(1)
            )
            assert (noted.items[0].verb, noted.items[0].operator) == ("transfer", "by the caller")


async def test_calls_at_one_instant_on_three_servers_move_the_same_credit_once(
    pair: Pair, servers: list[Store]
) -> None:
    accounts_of_callers = [pair.caller_accounts(store) for store in servers]
    moves = [
        accounts_of_callers[number % 3].move_credit(pair.moved(5 * UNIT, f"telephone:{number}"))
        for number in range(12)
    ]
    found = await asyncio.gather(*moves)
    assert sum(isinstance(one, Posted) for one in found) == 1
    assert {one.why for one in found if isinstance(one, Refusal)} == {Why.NOT_ENOUGH}
    assert await pair.credits() == (0, 10 * UNIT)
    assert await pair.transfers() == 1


async def test_credit_that_goes_both_ways_at_once_is_neither_lost_nor_made(
    pair: Pair, servers: list[Store]
) -> None:
    accounts_of_callers = [pair.caller_accounts(store) for store in servers]
    found = await asyncio.gather(
        *(
            accounts_of_callers[number % 3].move_credit(
                pair.moved(UNIT, f"telephone:{number}", back=number % 2 == 1)
            )
            for number in range(24)
        )
    )
    there = sum(isinstance(one, Posted) for one in found[::2])
    back = sum(isinstance(one, Posted) for one in found[1::2])
    assert there + back == await pair.transfers()
    assert await pair.credits() == ((5 - there + back) * UNIT, (5 + there - back) * UNIT)


async def test_a_transfer_that_is_tried_again_moves_once_even_when_nothing_is_left(pair: Pair) -> None:
    moved = pair.moved(5 * UNIT)
    first, again = [await pair.caller_accounts().move_credit(moved) for _ in range(2)]
    assert isinstance(first, Posted)
    assert isinstance(again, Posted)
    assert (first.again, again.again, first.id) == (False, True, again.id)
    assert await pair.credits() == (0, 10 * UNIT)


async def test_a_server_that_dies_at_any_moment_leaves_all_moved_or_nothing(
    pair: Pair, database_url: str
) -> None:
    mortal = cast(MortalStore, await MortalStore.open(database_url))
    crashes = after_commit = 0
    for moments in range(1, 200):
        mortal.moments_left = moments
        moved = pair.moved(UNIT, f"telephone:{moments}", back=moments % 2 == 0)
        before, done = await pair.credits(), await pair.transfers()
        try:
            await pair.caller_accounts(mortal).move_credit(moved)
        except Crashed:
            crashes += 1
            kept = await pair.transfers() - done
            after_commit += kept
            assert (await pair.credits() == before) is (kept == 0)
            # The next server is asked for the same, as a caller would who confirmed it.
            assert isinstance(await pair.caller_accounts().move_credit(moved), Posted)
        else:
            break
        assert await pair.transfers() == done + 1
    await mortal.close()
    assert crashes > 15
    assert after_commit >= 1


async def test_credit_that_a_call_holds_is_not_moved(pair: Pair) -> None:
    ledger = Ledger(pair.mint.store, "a1", lambda: pair.mint.now_ms)
    await ledger.hold("call.1@1.1", pair.one, 4 * UNIT)
    caller_accounts = pair.caller_accounts()
    assert await caller_accounts.movable_micros(pair.one) == UNIT
    assert await caller_accounts.move_credit(pair.moved(UNIT + 1)) == Refusal(Why.NOT_ENOUGH)
    assert isinstance(await caller_accounts.move_credit(pair.moved(UNIT)), Posted)
    await ledger.settle("call.1@1.1", 0)
    await ledger.close()


@pytest.mark.parametrize(("limit", "movable"), [(3, 5), (0, 5), (-3, 2), (-6, 0)])
async def test_neither_an_overdraft_nor_a_reserve_is_moved(pair: Pair, limit: int, movable: int) -> None:
    async with pair.mint.acting() as actor:
        await set_debit_limit(actor, pair.one, limit * UNIT)
    caller_accounts = pair.caller_accounts()
    assert await caller_accounts.movable_micros(pair.one) == movable * UNIT
    assert await caller_accounts.move_credit(pair.moved(movable * UNIT + 1)) == Refusal(Why.NOT_ENOUGH)
    if movable:
        assert isinstance(await caller_accounts.move_credit(pair.moved(movable * UNIT)), Posted)


async def test_the_ledger_by_itself_moves_no_overdraft(pair: Pair) -> None:
    async with pair.mint.acting() as actor:
        await set_debit_limit(actor, pair.one, 3 * UNIT)
        with pytest.raises(Refused, match=r"has 5\.00 USD to move, and 6\.00 USD is wanted"):
            await transfer_unborrowed(actor, pair.one, pair.other, 6 * UNIT, Purpose("t", "a test"))


async def test_a_barred_account_neither_gives_nor_gets(pair: Pair) -> None:
    caller_accounts = pair.caller_accounts()
    for barred in (pair.one, pair.other):
        async with pair.mint.acting() as actor:
            await customers.alter(actor, barred, status="penalty")
        refused = Refusal(Why.CUSTOMER_NOT_ACTIVE)
        assert await caller_accounts.check_transfer(pair.cards[1], pair.one, pair.other) == refused
        assert await caller_accounts.move_credit(pair.moved(UNIT)) == refused
        async with pair.mint.acting() as actor:
            await customers.alter(actor, barred, status="active")
    assert caller_accounts.refusals[Why.CUSTOMER_NOT_ACTIVE] == 4
    assert await pair.credits() == (5 * UNIT, 5 * UNIT)


async def test_credit_stays_among_the_accounts_of_one_template_unless_the_batch_lets_it_go(
    pair: Pair,
) -> None:
    mint = pair.mint
    await mint.customer(80)
    caller_accounts = pair.caller_accounts()
    for name, top_up, why in (("strict", "same", Why.OTHER_CUSTOMER), ("open", "anyone", None)):
        ((card_id, pin),) = await mint.make(name, customer_id=80, top_up=top_up)
        opened = await mint.cards.authenticate(card_id, pin, HOME)
        ends = (opened.customer.id, pair.one)
        for from_id, to_id in (ends, ends[::-1]):
            found = await caller_accounts.check_transfer(opened.card, from_id, to_id)
            assert found == (None if why is None else Refusal(why))
            moved = await caller_accounts.move_credit(
                CreditTransfer(opened.card, from_id, to_id, UNIT, f"telephone:{name}{from_id}")
            )
            assert isinstance(moved, Posted if why is None else Refusal)


def test_nobody_chooses_a_key_that_telephones_make() -> None:
    with pytest.raises(Refused, match="Ringflow's own"):
        check_key("telephone:1")
