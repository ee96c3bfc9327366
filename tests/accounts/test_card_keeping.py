"""Cards as operators keep them: searched, changed, disabled, redeemed, deleted, archived."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import inspect, select, text

from ringflow.accounts.cards import alteration
from ringflow.accounts.cards.alteration import Altered, CardChanges, Selection
from ringflow.accounts.cards.authentication import Admitted
from ringflow.accounts.cards.batch import find_batch
from ringflow.accounts.cards.refusal import CardRefused, Refusal, Why
from ringflow.accounts.customers import delete as delete_customer
from ringflow.accounts.lockout import Caller
from ringflow.actor import acting, shell_operator
from ringflow.errors import Refused
from ringflow.store.audit_tables import audit_log

HOME = Caller("carrier", "441910000001")
UNIT = 1_000_000


async def test_cards_are_filtered_searched_and_sorted(mint: Any) -> None:
    await mint.customer(8, currency="EUR")
    spring = await mint.make("spring sale", count=2)
    await mint.make("summer", units=1, count=2, customer_id=8, status="disabled")
    used, pin = spring[0]
    opened = await mint.cards.authenticate(used, pin, HOME)
    assert [card.id for card in await mint.listed(status="used")] == [used]
    assert [card.id for card in await mint.listed(redeemed_by=opened.customer.id)] == [used]
    assert {card.batch for card in await mint.listed(customer_id=8)} == {"summer"}
    assert {card.batch for card in await mint.listed(search="SPRING")} == {"spring sale"}
    assert [card.id for card in await mint.listed(search=used[:8])] == [used]
    assert [card.id for card in await mint.listed(id_prefix=used)] == [used]
    assert await mint.listed(search="%") == []
    with pytest.raises(Refused, match="beginning of a card ID"):
        await mint.listed(id_prefix="1' OR")
    assert await mint.listed(id_prefix=used, search="spring sale") != []
    assert await mint.listed(batch="spring") == []
    for sort in ("id", "created", "customer", "status", "expires", "redeemed"):
        ids = [card.id for card in await mint.listed(sort)]
        assert [card.id for card in await mint.listed(f"-{sort}")] == ids[::-1]
    assert [card.batch for card in await mint.listed("created")] == ["spring sale"] * 2 + ["summer"] * 2
    assert (await mint.listed("-redeemed"))[0].id == used
    with pytest.raises(Refused, match="sort `pin_digest` is not known"):
        await mint.listed("pin_digest")


async def test_an_available_card_can_be_changed_and_a_redeemed_one_only_in_its_expiry(mint: Any) -> None:
    await mint.customer(8)
    await mint.customer(9, currency="EUR")
    (card_id, pin), (used, used_pin) = await mint.make(count=2)
    await mint.cards.authenticate(used, used_pin, HOME)
    async with mint.acting() as actor:
        done = await alteration.alter(
            actor, Selection((card_id,)), {"credit_micros": 9 * UNIT, "customer_id": 8}
        )
        assert done == Altered(changed=1)
        await alteration.alter(actor, Selection((used,)), {"expires_ms": mint.now_ms + 1})
        refused: list[tuple[CardChanges, str]] = [
            ({"credit_micros": 1}, f"card {used} is redeemed"),
            ({"customer_id": 8}, f"card {used} is redeemed"),
            ({}, "nothing is to be changed"),
        ]
        for changes, words in refused:
            with pytest.raises(Refused, match=words):
                await alteration.alter(actor, Selection((card_id, used)), changes)
        with pytest.raises(Refused, match="customer 9 has EUR, and cards are in USD"):
            await alteration.alter(actor, Selection((card_id,)), {"customer_id": 9})
        with pytest.raises(Refused, match="credit: from 0"):
            await alteration.alter(actor, Selection((card_id,)), {"credit_micros": -1})
        # Of a batch the redeemed ones are passed over.
        whole = await alteration.alter(actor, Selection(batch="spring"), {"credit_micros": 8 * UNIT})
        assert whole == Altered(changed=1, passed_over=1)
    opened = await mint.cards.authenticate(card_id, pin, HOME)
    assert await mint.credit(opened.customer.id) == 8 * UNIT
    mint.now_ms += 1
    assert await mint.cards.authenticate(used, used_pin, HOME) == Refusal(Why.EXPIRED)


async def test_disabled_cards_come_back_as_what_they_were(mint: Any) -> None:
    (card_id, pin), (used, used_pin) = await mint.make(count=2)
    await mint.cards.authenticate(used, used_pin, HOME)
    async with mint.acting() as actor:
        assert await alteration.disable(actor, Selection(batch="spring")) == Altered(changed=2)
        assert await alteration.disable(actor, Selection((card_id,))) == Altered(passed_over=1)
    for one in ((card_id, pin), (used, used_pin)):
        assert await mint.cards.authenticate(*one, HOME) == Refusal(Why.DISABLED)
    with pytest.raises(CardRefused, match="is disabled"):
        await mint.redeem(card_id)
    async with mint.acting() as actor:
        assert await alteration.enable(actor, Selection((card_id, used))) == Altered(changed=2)
    assert ((await mint.card(card_id)).status, (await mint.card(used)).status) == ("available", "used")
    for one in ((card_id, pin), (used, used_pin)):
        assert isinstance(await mint.cards.authenticate(*one, HOME), Admitted)


async def test_a_card_with_a_history_is_archived_and_any_other_deleted(mint: Any) -> None:
    (card_id, pin), (used, used_pin) = await mint.make(count=2)
    opened = await mint.cards.authenticate(used, used_pin, HOME)
    async with mint.acting() as actor:
        assert await alteration.remove(actor, Selection((card_id, used))) == Altered(deleted=1, archived=1)
        for work in (alteration.disable, alteration.remove):
            with pytest.raises(Refused, match=f"card {used} is archived"):
                await work(actor, Selection((used,)))
    assert await mint.listed() == []
    (archived,) = await mint.listed(archived=True)
    assert (archived.id, archived.redeemed_by) == (used, opened.customer.id)
    for one in ((card_id, pin), (used, used_pin)):
        assert await mint.cards.authenticate(*one, HOME) == Refusal(Why.UNKNOWN)
    assert await mint.credit(opened.customer.id) == 5 * UNIT
    with pytest.raises(Refused, match="does not exist"):
        await mint.redeem(card_id)
    with pytest.raises(CardRefused, match="archived"):
        await mint.redeem(used)


async def test_a_batch_without_a_history_is_deleted_whole(mint: Any) -> None:
    await mint.make(count=3)
    async with mint.acting() as actor:
        assert await alteration.remove(actor, Selection(batch="spring")) == Altered(deleted=3)
    async with mint.store.reading() as connection:
        assert await find_batch(connection, "spring") is None


async def test_a_customer_whose_cards_or_money_remain_is_not_deleted(mint: Any) -> None:
    ((card_id, pin),) = await mint.make()
    opened = await mint.cards.authenticate(card_id, pin, HOME)
    for customer_id in (7, opened.customer.id):
        with pytest.raises(Refused, match="has cards or vouchers; set its status to inactive instead"):
            async with acting(mint.store, shell_operator("ann"), "US") as actor:
                await delete_customer(actor, customer_id, cascade=True)


async def test_operators_redeem_by_id_and_are_refused_as_callers_are(mint: Any) -> None:
    (first, _), (second, _), (third, _) = await mint.make(count=3)
    await mint.customer(42)
    customer = await mint.redeem(first)
    assert await mint.credit(customer.id) == 5 * UNIT
    for work, words in (
        (mint.redeem(first), "is used: its credit was given already"),
        (mint.redeem("106367704089"), "is no card ID"),
        (mint.top_up(first, customer.id), "is used"),
        (mint.top_up(second, 42), "tops up only accounts made from it"),
        (mint.top_up(second, 99), "customer 99 does not exist"),
    ):
        with pytest.raises(Refused, match=words):
            await work
    await mint.top_up(second, customer.id)
    assert await mint.credit(customer.id) == 10 * UNIT
    assert (await mint.card(third)).status == "available"


async def test_every_change_is_in_the_audit_log_with_its_operator_and_no_pin_is_anywhere(mint: Any) -> None:
    (card_id, pin), (other, other_pin) = await mint.make(count=2, pin_length=12)
    await mint.cards.authenticate(other, other_pin, HOME)
    async with mint.acting() as actor:
        await alteration.alter(actor, Selection((card_id,)), {"credit_micros": 1})
        await alteration.disable(actor, Selection((card_id,)))
        await alteration.remove(actor, Selection((card_id, other)))
    async with mint.store.reading() as connection:
        ours = audit_log.c.subject.startswith("card ")
        log = (await connection.execute(select(audit_log).where(ours).order_by(audit_log.c.id))).all()
        found = [(row.operator, row.verb, row.subject) for row in log]
        assert found == [
            ("ann", "generate", "card batch spring"),
            ("by the caller", "redeem", f"card {other}"),
            ("ann", "change", f"card {card_id}"),
            ("ann", "disable", f"card {card_id}"),
            ("ann", "delete", f"card {card_id}"),
            ("ann", "delete", f"card {other}"),
        ]
        change = log[2]
        assert (change.before["credit_micros"], change.after["credit_micros"]) == (5 * UNIT, 1)
        assert log[4].after is None
        everything = []
        for table in await connection.run_sync(lambda sync: inspect(sync).get_table_names()):
            everything += (await connection.execute(text(f"SELECT * FROM {table}"))).all()
    written = json.dumps([[str(value) for value in row] for row in everything])
    assert card_id in written
    assert pin not in written
    assert other_pin not in written


async def test_an_operator_without_a_name_changes_nothing(mint: Any) -> None:
    for name in ("", "  ", "a\nb"):
        with pytest.raises(Refused, match=r"^operator `|the name of who makes it"):
            shell_operator(name)
