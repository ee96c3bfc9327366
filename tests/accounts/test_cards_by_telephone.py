"""Cards as callers use them: opened, redeemed once under any race, refused, topped up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import event, select

from ringflow.accounts import clis
from ringflow.accounts.caller_accounts import CallerAccounts, Remembering
from ringflow.accounts.cards.authentication import Admitted, ToppedUp
from ringflow.accounts.cards.card import Filter, card_page
from ringflow.accounts.cards.generation import Plan, generate
from ringflow.accounts.cards.refusal import Refusal, Why
from ringflow.accounts.directory import Directory
from ringflow.accounts.lockout import Caller
from ringflow.accounts.peppers import parse_peppers
from ringflow.actor import acting, shell_operator
from ringflow.audit import EntryFilter, entry_page
from ringflow.ledger.rates.card import assign_customer, assignments, create_card
from ringflow.store import Store
from ringflow.store.card_tables import cards as cards_table
from ringflow.store.ledger_tables import ledger_movements
from ringflow.store.pages import PageRequest
from ringflow.store.tables import customers as customers_table
from ringflow.store.tables import directory_revision

HOME = Caller("carrier", "441910000001")
OTHER = Caller("carrier", "441910000002")
MINUTE_MS = 60_000


async def count(store: Store, table: Any) -> int:
    async with store.reading() as connection:
        return len((await connection.execute(select(table))).all())


async def test_the_first_use_makes_a_customer_like_the_template_with_the_cards_credit(mint: Any) -> None:
    ((card_id, pin),) = await mint.make(units=5)
    async with acting(mint.store, shell_operator("ann"), "US", 1) as actor:
        rates = await create_card(actor, "retail", "USD")
        await assign_customer(actor, 7, rates)
        revision = (await actor.connection.execute(select(directory_revision.c.revision))).scalar()
    first = await mint.cards.authenticate(card_id, pin, HOME)
    assert isinstance(first, Admitted)
    assert first.first_use
    customer = first.customer
    assert (customer.name, customer.status, customer.currency) == (f"card {card_id}", "active", "USD")
    assert (customer.channels, customer.caller_id, customer.language) == (3, "18005550100", "es")
    assert await mint.credit(customer.id) == 5_000_000
    async with mint.store.reading() as connection:
        assert await assignments(connection, rates) == ["customer:7", f"customer:{customer.id}"]
        # A redeemed card must not make every server load its patterns and trunks again.
        assert (await connection.execute(select(directory_revision.c.revision))).scalar() == revision
    card = await mint.card(card_id)
    assert (card.status, card.redeemed_by, card.redeemed_as) == ("used", customer.id, "account")
    again = await mint.cards.authenticate(card_id, pin, HOME)
    assert isinstance(again, Admitted)
    assert (again.customer, again.first_use) == (customer, False)
    assert await mint.credit(customer.id) == 5_000_000


async def test_a_pin_alone_opens_only_cards_made_for_that(mint: Any) -> None:
    ((alone_id, alone_pin),) = await mint.make("alone", pin_length=12, pin_only=True)
    ((bound_id, bound_pin),) = await mint.make("bound", pin_length=12)
    found = await mint.cards.authenticate(None, alone_pin, HOME)
    assert isinstance(found, Admitted)
    assert found.card.id == alone_id
    with_id = await mint.cards.authenticate(alone_id, alone_pin, HOME)
    assert isinstance(with_id, Admitted)
    assert with_id.customer == found.customer
    assert await mint.cards.authenticate(None, bound_pin, HOME) == Refusal(Why.UNKNOWN)
    assert isinstance(await mint.cards.authenticate(bound_id, bound_pin, HOME), Admitted)


async def test_twenty_calls_at_once_redeem_a_card_once_and_all_are_let_in(
    mint: Any, database_url: str
) -> None:
    ((card_id, pin),) = await mint.make(units=5)
    stores = [await Store.open(database_url) for _ in range(3)]
    desks = [mint.desk(store=store) for store in stores]
    callers = [Caller("carrier", f"4419100000{number:02}") for number in range(20)]
    found = await asyncio.gather(
        *[desks[number % 3].authenticate(card_id, pin, caller) for number, caller in enumerate(callers)]
    )
    assert all(isinstance(one, Admitted) for one in found), found
    assert len({one.customer.id for one in found}) == 1
    assert [one.first_use for one in found].count(True) == 1
    assert await mint.credit(found[0].customer.id) == 5_000_000
    assert await count(mint.store, ledger_movements) == 1
    assert await count(mint.store, customers_table) == 2
    for store in stores:
        await store.close()


async def test_opening_and_topping_up_at_once_give_the_credit_to_one_of_them(mint: Any) -> None:
    made = await mint.make(units=5, count=10, top_up="anyone")
    await mint.customer(42)
    works = []
    for card_id, pin in made:
        works += [mint.cards.top_up(card_id, pin, 42, HOME), mint.cards.authenticate(card_id, pin, HOME)]
    found = await asyncio.gather(*works)
    won = sum(isinstance(one, ToppedUp) for one in found)
    opened = [one for one in found if isinstance(one, Admitted)]
    assert won + len(opened) == 10
    assert {one.why for one in found if isinstance(one, Refusal)} <= {Why.USED, Why.USED_ELSEWHERE}
    assert (await mint.credit(42) or 0) == won * 5_000_000
    assert await count(mint.store, ledger_movements) == 10


class Died(BaseException):
    """Stands for kill -9: nothing catches it on purpose."""


async def test_a_crash_before_any_statement_of_a_redemption_leaves_the_card_available(mint: Any) -> None:
    ((card_id, _),) = await mint.make(units=5)
    engine = mint.store._database._writer if mint.store.dialect == "sqlite" else mint.store._database._engine
    before = (await mint.card(card_id), await count(mint.store, customers_table))
    statements = 0
    die_at = 0

    def execute(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        nonlocal statements
        if statement.startswith(("PRAGMA", "BEGIN")):
            return
        statements += 1
        if statements == die_at:
            raise Died

    event.listen(engine.sync_engine, "before_cursor_execute", execute)
    crashes = 0
    for die_at in range(1, 100):  # noqa: B007 -- `execute` reads it
        statements = 0
        try:
            await mint.redeem(card_id)
        except Died:
            crashes += 1
            assert (await mint.card(card_id), await count(mint.store, customers_table)) == before
            assert await count(mint.store, ledger_movements) == 0
        else:
            break
    event.remove(engine.sync_engine, "before_cursor_execute", execute)
    assert crashes > 8
    card = await mint.card(card_id)
    assert card.status == "used"
    assert await mint.credit(card.redeemed_by) == 5_000_000
    assert await count(mint.store, ledger_movements) == 1


@pytest.mark.parametrize(
    ("card_id", "pin"),
    [
        ("106367704080", "123456"),
        ("10636770408", "123456"),
        ("1063677040899", "123456"),
        ("１０６３６７７０４０８９", "123456"),
        ("", "123456"),
        ("' OR 1=1 --", "123456"),
        (None, "123"),
        (None, "1234567890123"),
        (None, "12a456"),
        (None, ""),
        (None, "１２３４５６"),
    ],
)
async def test_what_cannot_be_a_card_or_a_pin_is_mistyped_and_held_against_nobody(
    mint: Any, card_id: str | None, pin: str
) -> None:
    for _ in range(5):
        assert await mint.cards.authenticate(card_id, pin, HOME) == Refusal(Why.MISTYPED)


async def test_disabled_and_expired_cards_and_inactive_customers_are_refused_to_the_right_pin_only(
    mint: Any,
) -> None:
    ((off_id, off_pin),) = await mint.make("off", status="disabled")
    ((old_id, old_pin),) = await mint.make("old", expires_ms=mint.now_ms + MINUTE_MS)
    ((used_id, used_pin),) = await mint.make("used")
    used = await mint.cards.authenticate(used_id, used_pin, HOME)
    async with mint.store.writing() as connection:
        barred = customers_table.c.id == used.customer.id
        await connection.execute(customers_table.update().where(barred).values(status="penalty"))
    mint.now_ms += MINUTE_MS
    assert await mint.cards.authenticate(off_id, off_pin, HOME) == Refusal(Why.DISABLED)
    assert await mint.cards.authenticate(old_id, old_pin, HOME) == Refusal(Why.EXPIRED)
    assert await mint.cards.authenticate(used_id, used_pin, HOME) == Refusal(Why.CUSTOMER_NOT_ACTIVE)
    wrong = "0000" if off_pin != "0000" else "0001"
    assert await mint.cards.authenticate(off_id, wrong, HOME) == Refusal(Why.WRONG_PIN)
    assert await mint.cards.top_up(old_id, old_pin, used.customer.id, HOME) == Refusal(Why.EXPIRED)
    assert await mint.credit(used.customer.id) == 5_000_000


async def test_a_card_tops_up_its_own_kind_in_its_own_currency_once(mint: Any) -> None:
    made = await mint.make(units=5, count=4)
    (any_id, any_pin), (second_id, second_pin) = await mint.make("any", count=2, top_up="anyone")
    await mint.customer(42)
    await mint.customer(43, currency="EUR")
    (own_id, own_pin), (card_id, pin), (third_id, third_pin), _ = made
    own = await mint.cards.authenticate(own_id, own_pin, HOME)
    assert await mint.cards.top_up(card_id, pin, 42, HOME) == Refusal(Why.OTHER_CUSTOMER)
    topped = await mint.cards.top_up(card_id, pin, own.customer.id, HOME)
    assert isinstance(topped, ToppedUp)
    assert topped.card.credit_micros == 5_000_000
    assert await mint.credit(own.customer.id) == 10_000_000
    assert await mint.cards.top_up(card_id, pin, own.customer.id, HOME) == Refusal(Why.USED)
    # Whoever finds the empty card does not get into the account that it topped up.
    assert await mint.cards.authenticate(card_id, pin, HOME) == Refusal(Why.USED_ELSEWHERE)
    assert await mint.cards.top_up(own_id, own_pin, 42, HOME) == Refusal(Why.USED)
    assert isinstance(await mint.cards.top_up(third_id, third_pin, 7, HOME), ToppedUp)
    assert isinstance(await mint.cards.top_up(any_id, any_pin, 42, HOME), ToppedUp)
    assert await mint.cards.top_up(second_id, second_pin, 43, HOME) == Refusal(Why.OTHER_CURRENCY)
    assert (await mint.credit(42), await mint.credit(43)) == (5_000_000, None)


async def test_a_card_without_credit_makes_a_customer_with_none(mint: Any) -> None:
    ((card_id, pin),) = await mint.make(units=0)
    found = await mint.cards.authenticate(card_id, pin, HOME)
    assert isinstance(found, Admitted)
    assert await mint.credit(found.customer.id) == 0


async def test_after_rotation_old_cards_open_and_move_to_the_newest_pepper(mint: Any) -> None:
    made = await mint.make("old", count=2) + await mint.make("alone", pin_length=12, pin_only=True)
    rotated = parse_peppers("v1:a-pepper-for-tests-only\nv2:another-pepper-for-tests", "the pepper")
    newest_only = parse_peppers("v2:another-pepper-for-tests", "the pepper")
    (card_id, pin), (left_id, left_pin), (alone_id, alone_pin) = made
    assert isinstance(await mint.desk(rotated).authenticate(card_id, pin, HOME), Admitted)
    assert isinstance(await mint.desk(rotated).authenticate(None, alone_pin, HOME), Admitted)
    async with mint.store.reading() as connection:
        rows = await connection.execute(select(cards_table.c.id, cards_table.c.pepper))
        assert dict(tuple(row) for row in rows) == {card_id: "v2", left_id: "v1", alone_id: "v2"}
    assert isinstance(await mint.desk(newest_only).authenticate(card_id, pin, HOME), Admitted)
    assert isinstance(await mint.desk(newest_only).authenticate(None, alone_pin, HOME), Admitted)
    assert await mint.desk(newest_only).authenticate(left_id, left_pin, OTHER) == Refusal(Why.WRONG_PIN)
    assert isinstance(await mint.desk(rotated).authenticate(left_id, left_pin, OTHER), Admitted)


async def test_opening_a_card_again_from_a_known_telephone_is_one_look_up_and_writes_nothing(
    mint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((card_id, pin),) = await mint.make()
    await mint.cards.authenticate(card_id, pin, HOME)
    look_ups = 0
    look_up = mint.store.look_up

    def counted(*values: Any) -> Any:
        nonlocal look_ups
        look_ups += 1
        return look_up(*values)

    monkeypatch.setattr(mint.store, "look_up", counted)
    monkeypatch.setattr(mint.store, "writing", lambda: pytest.fail("a write"))
    monkeypatch.setattr(mint.store, "reading", lambda: pytest.fail("a second round trip"))
    assert isinstance(await mint.cards.authenticate(card_id, pin, HOME), Admitted)
    monkeypatch.undo()
    assert look_ups == 1


async def test_cards_of_a_batch_that_is_not_ready_open_nothing(mint: Any) -> None:
    made: list[tuple[str, str]] = []
    batch = await generate(mint.acting, Plan("x", 7), mint.peppers, made.extend)
    ((card_id, pin),) = made
    assert await mint.cards.authenticate(card_id, pin, HOME) == Refusal(Why.UNKNOWN)
    async with mint.store.reading() as connection:
        assert (await card_page(connection, Filter(), PageRequest(9))).items == []
    await mint.open(batch)
    assert isinstance(await mint.cards.authenticate(card_id, pin, OTHER), Admitted)


async def test_what_callers_do_is_noted_as_the_callers_and_its_rows_are_no_configurations(mint: Any) -> None:
    ((card_id, pin), (other_id, other_pin)) = await mint.make(units=5, count=2)
    directory = Directory(mint.store, "US")
    caller_accounts = CallerAccounts(mint.store, directory, "US", lambda: mint.peppers, lambda: mint.now_ms)
    opened = await caller_accounts.open_card(card_id, pin, HOME)
    assert isinstance(opened, Admitted)
    assert await caller_accounts.remember(opened.customer.id, "441910000055") is Remembering.DONE
    assert isinstance(await caller_accounts.top_up(other_id, other_pin, opened.customer.id, HOME), ToppedUp)
    async with mint.store.reading() as connection:
        entries = (await entry_page(connection, EntryFilter(), PageRequest(100))).items
        (cli,) = await clis.every(connection, customer_id=opened.customer.id)
    of_callers = [one for one in entries if one.operator != "ann"]
    assert {(one.operator, one.acted_as, one.at_ms) for one in of_callers} == {
        ("by the caller", "caller", mint.now_ms)
    }
    assert [one.verb for one in of_callers] == ["redeem", "card", "add", "redeem", "card", "add"]
    assert cli.source == "operator"
