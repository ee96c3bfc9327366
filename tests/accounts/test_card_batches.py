"""Cards as operators keep them: made in bulk or not, searched, changed, disabled, deleted, archived."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import func, inspect, select, text

from ringflow.accounts.cards import alteration
from ringflow.accounts.cards.alteration import Altered, CardChanges, Selection
from ringflow.accounts.cards.authentication import Admitted
from ringflow.accounts.cards.batch import find_batch
from ringflow.accounts.cards.card import Card, Filter, every_card, list_cards
from ringflow.accounts.cards.drawing import draw_cards
from ringflow.accounts.cards.generation import CHUNK, Plan, discard_batch, generate, open_batch
from ringflow.accounts.cards.redemption import redeem, top_up
from ringflow.accounts.cards.refusal import CardRefused, Refusal, Why
from ringflow.accounts.change import changing
from ringflow.accounts.check_digit import draw_digits, draw_many_digits, has_check_digit, with_check_digit
from ringflow.accounts.customers import delete as delete_customer
from ringflow.accounts.lockout import Caller
from ringflow.accounts.peppers import Peppers, parse_peppers
from ringflow.accounts.randomness import draw_numbers
from ringflow.audit import Act
from ringflow.errors import Refused, StartError
from ringflow.store.audit_tables import audit_log
from ringflow.store.card_tables import card_batches, cards

HOME = Caller("carrier", "441910000001")
UNIT = 1_000_000


async def rows(mint: Any, table: Any) -> int:
    async with mint.store.reading() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


async def listed(mint: Any, **wanted: Any) -> list[Card]:
    async with mint.store.reading() as connection:
        return list(await list_cards(connection, Filter(**wanted)))


def test_the_check_digit_is_luhns() -> None:
    assert with_check_digit("7992739871") == "79927398713"  # the example of the patent's page
    assert has_check_digit("79927398713", 11)
    for digits in [draw_digits(12), *draw_many_digits(200, 12)]:
        assert re.fullmatch("[1-9][0-9]{11}", digits)
        assert has_check_digit(digits, 12)
        for place in range(12):
            wrong = digits[:place] + str((int(digits[place]) + 1) % 10) + digits[place + 1 :]
            assert not has_check_digit(wrong, 12)


async def test_a_batch_larger_than_a_chunk_has_all_its_cards_and_nobody_elses_pins(mint: Any) -> None:
    made = await mint.make(count=CHUNK + 17, pin_length=4)
    assert len(dict(made)) == CHUNK + 17
    assert all(has_check_digit(card_id, 12) for card_id, _ in made)
    assert {len(pin) for _, pin in made} == {4}
    # Ten thousand PINs for five thousand cards: some are the same, and their digests are not.
    assert len({pin for _, pin in made}) < CHUNK
    async with mint.store.reading() as connection:
        digests = (await connection.execute(select(cards.c.pin_digest))).scalars().all()
    assert len(set(digests)) == CHUNK + 17
    pages = []
    async with mint.store.reading() as connection:
        async for page in every_card(connection, Filter(batch="spring")):
            pages.append([card.id for card in page])  # noqa: PERF401 -- an async generator
    assert [len(page) for page in pages] == [CHUNK, 17]
    assert [card_id for page in pages for card_id in page] == sorted(card_id for card_id, _ in made)


async def test_pins_that_open_alone_are_all_different_under_old_peppers_too(mint: Any) -> None:
    first = await mint.make("first", count=99, pin_length=8, pin_only=True)
    with pytest.raises(
        Refused, match="of 8 digits that open a card alone at most 1000 may be given, and 99 are"
    ):
        await mint.make("too many", count=902, pin_length=8, pin_only=True)
    mint.peppers = parse_peppers("v1:a-pepper-for-tests-only\nv2:another-pepper-for-tests", "the pepper")
    second = await mint.make("second", count=901, pin_length=8, pin_only=True)
    assert len({pin for _, pin in first + second}) == 1000
    for card_id, pin in (first[0], second[0]):
        found = await mint.desk(mint.peppers).authenticate(None, pin, HOME)
        assert isinstance(found, Admitted)
        assert found.card.id == card_id


async def test_a_pin_that_an_older_pepper_has_is_left_out_and_drawn_again(
    mint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((_, taken),) = await mint.make("first", pin_length=8, pin_only=True)
    mint.peppers = parse_peppers("v1:a-pepper-for-tests-only\nv2:another-pepper-for-tests", "the pepper")
    pins = iter([taken, "55555555"])
    monkeypatch.setattr("ringflow.accounts.cards.drawing.draw_pins", lambda count, length: [next(pins)])
    ((_, pin),) = await mint.make("second", pin_length=8, pin_only=True)
    assert pin == "55555555"


async def test_a_number_of_a_card_that_is_there_is_drawn_again(
    mint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((taken, _),) = await mint.make("first")
    fresh = draw_digits(12)
    numbers = iter([taken, fresh])
    monkeypatch.setattr(
        "ringflow.accounts.cards.drawing.draw_many_digits", lambda count, length: [next(numbers)]
    )
    assert [card_id for card_id, _ in await mint.make("second")] == [fresh]
    assert await rows(mint, cards) == 2


class Broken(Exception):
    pass


async def test_a_making_that_fails_leaves_nothing_and_its_name_is_free(mint: Any) -> None:
    delivered = 0

    def deliver(secrets: Any) -> None:
        nonlocal delivered
        if delivered:
            raise Broken
        delivered += len(secrets)

    with pytest.raises(Broken):
        await generate(mint.store, Plan("x", 7, count=CHUNK + 1), mint.peppers, "ann", mint.now_ms, deliver)
    assert delivered == CHUNK
    assert (await rows(mint, cards), await rows(mint, card_batches)) == (0, 0)
    assert len(await mint.make("x")) == 1


async def test_what_a_killed_making_left_is_not_seen_and_can_be_discarded(mint: Any) -> None:
    made: list[Any] = []
    batch = await generate(mint.store, Plan("x", 7, count=3), mint.peppers, "ann", mint.now_ms, made.extend)
    assert await listed(mint) == []
    with pytest.raises(Refused, match="being made now, or its making was killed"):
        await mint.make("x")
    assert await discard_batch(mint.store, "x", "ann", mint.now_ms) == 3
    assert await rows(mint, cards) == 0
    with pytest.raises(Refused, match="discarded while"):
        await open_batch(mint.store, batch, "ann", mint.now_ms)
    await mint.make("x")
    with pytest.raises(Refused, match="finished"):
        await discard_batch(mint.store, "x", "ann", mint.now_ms)


async def test_a_making_that_was_discarded_by_another_does_not_go_on(mint: Any) -> None:
    made: list[Any] = []

    async def discard() -> None:
        await discard_batch(mint.store, "x", "ann", mint.now_ms)

    def deliver(secrets: Any) -> None:
        made.extend(secrets)

    tasks: list[Any] = []
    work = generate(
        mint.store,
        Plan("x", 7, count=10 * CHUNK),
        mint.peppers,
        "ann",
        mint.now_ms,
        deliver,
        lambda count: tasks.append(asyncio.ensure_future(discard())) if count == CHUNK else None,
    )
    with pytest.raises(Refused, match="discarded while"):
        await work
    await asyncio.gather(*tasks)
    assert (await rows(mint, cards), await rows(mint, card_batches)) == (0, 0)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"customer_id": 9}, "customer 9 does not exist"),
        ({"credit_micros": -1}, "credit: from 0 to"),
        ({"credit_micros": 10**15 + 1}, "credit: from 0 to 1000000000.00 USD"),
        ({"count": 0}, "count 0 is out of range"),
        ({"count": 10**8}, "count 100000000 is out of range"),
        ({"pin_length": 3}, "PIN length 3 is out of range"),
        ({"pin_length": 13}, "PIN length 13 is out of range"),
        ({"pin_length": 7, "pin_only": True}, "PIN length 7 is out of range; write a number from 8 to 12"),
        ({"status": "used"}, "status `used` is not known"),
        ({"expires_ms": 1}, "expired already"),
        ({"name": " "}, "a batch needs a name"),
        ({"name": "a\nb"}, "write one line"),
    ],
)
async def test_a_plan_that_is_wrong_is_refused_and_nothing_is_made(
    mint: Any, fields: dict[str, Any], words: str
) -> None:
    plan = Plan(**{"name": "x", "customer_id": 7, **fields})
    with pytest.raises(Refused, match=re.escape(words)):
        await generate(mint.store, plan, mint.peppers, "ann", mint.now_ms, lambda secrets: None)
    with pytest.raises(Refused, match="operator's name"):
        await generate(mint.store, Plan("x", 7), mint.peppers, "", mint.now_ms, lambda secrets: None)
    assert await rows(mint, card_batches) == 0


async def test_cards_are_filtered_searched_and_sorted(mint: Any) -> None:
    await mint.customer(8, currency="EUR")
    spring = await mint.make("spring sale", count=2)
    await mint.make("summer", units=1, count=2, customer_id=8, status="disabled")
    used, pin = spring[0]
    opened = await mint.cards.authenticate(used, pin, HOME)
    assert [card.id for card in await listed(mint, status="used")] == [used]
    assert [card.id for card in await listed(mint, redeemed_by=opened.customer.id)] == [used]
    assert {card.batch for card in await listed(mint, customer_id=8)} == {"summer"}
    assert {card.batch for card in await listed(mint, search="SPRING")} == {"spring sale"}
    assert [card.id for card in await listed(mint, search=used[:8])] == [used]
    assert [card.id for card in await listed(mint, id_prefix=used)] == [used]
    assert await listed(mint, search="%") == []
    with pytest.raises(Refused, match="beginning of a card ID"):
        await listed(mint, id_prefix="1' OR")
    async with mint.store.reading() as connection:
        credits = [card.credit_micros for card in await list_cards(connection, Filter(), order="credit")]
        assert credits == [UNIT, UNIT, 5 * UNIT, 5 * UNIT]
        newest = await list_cards(connection, Filter(), order="redeemed", descending=True, limit=1)
        assert [card.id for card in newest] == [used]
        with pytest.raises(Refused, match="order"):
            await list_cards(connection, Filter(), order="pin_digest")  # type: ignore[arg-type]


async def test_an_available_card_can_be_changed_and_a_redeemed_one_only_in_its_expiry(mint: Any) -> None:
    await mint.customer(8)
    await mint.customer(9, currency="EUR")
    (card_id, pin), (used, used_pin) = await mint.make(count=2)
    await mint.cards.authenticate(used, used_pin, HOME)
    async with mint.acting() as act:
        done = await alteration.alter(
            act, Selection((card_id,)), {"credit_micros": 9 * UNIT, "customer_id": 8}
        )
        assert done == Altered(changed=1)
        await alteration.alter(act, Selection((used,)), {"expires_ms": mint.now_ms + 1})
        refused: list[tuple[CardChanges, str]] = [
            ({"credit_micros": 1}, f"card {used} is redeemed"),
            ({"customer_id": 8}, f"card {used} is redeemed"),
            ({}, "nothing is to be changed"),
        ]
        for changes, words in refused:
            with pytest.raises(Refused, match=words):
                await alteration.alter(act, Selection((card_id, used)), changes)
        with pytest.raises(Refused, match="customer 9 has EUR, and cards are in USD"):
            await alteration.alter(act, Selection((card_id,)), {"customer_id": 9})
        with pytest.raises(Refused, match="credit: from 0"):
            await alteration.alter(act, Selection((card_id,)), {"credit_micros": -1})
        # Of a batch the redeemed ones are passed over.
        whole = await alteration.alter(act, Selection(batch="spring"), {"credit_micros": 8 * UNIT})
        assert whole == Altered(changed=1, passed_over=1)
    opened = await mint.cards.authenticate(card_id, pin, HOME)
    assert await mint.credit(opened.customer.id) == 8 * UNIT
    mint.now_ms += 1
    assert await mint.cards.authenticate(used, used_pin, HOME) == Refusal(Why.EXPIRED)


async def test_disabled_cards_come_back_as_what_they_were(mint: Any) -> None:
    (card_id, pin), (used, used_pin) = await mint.make(count=2)
    await mint.cards.authenticate(used, used_pin, HOME)
    async with mint.acting() as act:
        assert await alteration.disable(act, Selection(batch="spring")) == Altered(changed=2)
        assert await alteration.disable(act, Selection((card_id,))) == Altered(passed_over=1)
    for one in ((card_id, pin), (used, used_pin)):
        assert await mint.cards.authenticate(*one, HOME) == Refusal(Why.DISABLED)
    with pytest.raises(CardRefused, match="is disabled"):
        await redeem(mint.store, card_id, "US", "ann", mint.now_ms)
    async with mint.acting() as act:
        assert await alteration.enable(act, Selection((card_id, used))) == Altered(changed=2)
    assert ((await mint.card(card_id)).status, (await mint.card(used)).status) == ("available", "used")
    for one in ((card_id, pin), (used, used_pin)):
        assert isinstance(await mint.cards.authenticate(*one, HOME), Admitted)


async def test_a_card_with_a_history_is_archived_and_any_other_deleted(mint: Any) -> None:
    (card_id, pin), (used, used_pin) = await mint.make(count=2)
    opened = await mint.cards.authenticate(used, used_pin, HOME)
    async with mint.acting() as act:
        assert await alteration.remove(act, Selection((card_id, used))) == Altered(deleted=1, archived=1)
        for work in (alteration.disable, alteration.remove):
            with pytest.raises(Refused, match=f"card {used} is archived"):
                await work(act, Selection((used,)))
    assert await listed(mint) == []
    (archived,) = await listed(mint, archived=True)
    assert (archived.id, archived.redeemed_by) == (used, opened.customer.id)
    for one in ((card_id, pin), (used, used_pin)):
        assert await mint.cards.authenticate(*one, HOME) == Refusal(Why.UNKNOWN)
    assert await mint.credit(opened.customer.id) == 5 * UNIT
    with pytest.raises(Refused, match="does not exist"):
        await redeem(mint.store, card_id, "US", "ann", mint.now_ms)
    with pytest.raises(CardRefused, match="archived"):
        await redeem(mint.store, used, "US", "ann", mint.now_ms)


async def test_a_batch_without_a_history_is_deleted_whole(mint: Any) -> None:
    await mint.make(count=3)
    async with mint.acting() as act:
        assert await alteration.remove(act, Selection(batch="spring")) == Altered(deleted=3)
    async with mint.store.reading() as connection:
        assert await find_batch(connection, "spring") is None


async def test_a_customer_whose_cards_or_money_remain_is_not_deleted(mint: Any) -> None:
    ((card_id, pin),) = await mint.make()
    opened = await mint.cards.authenticate(card_id, pin, HOME)
    for customer_id in (7, opened.customer.id):
        with pytest.raises(Refused, match="has cards or vouchers; set its status to inactive instead"):
            async with changing(mint.store, "US") as change:
                await delete_customer(change, customer_id, cascade=True)


async def test_operators_redeem_by_id_and_are_refused_as_callers_are(mint: Any) -> None:
    (first, _), (second, _), (third, _) = await mint.make(count=3)
    await mint.customer(42)
    customer = await redeem(mint.store, first, "US", "ann", mint.now_ms)
    assert await mint.credit(customer.id) == 5 * UNIT
    for work, words in (
        (redeem(mint.store, first, "US", "ann", mint.now_ms), "is used: its credit was given already"),
        (redeem(mint.store, "106367704089", "US", "ann", mint.now_ms), "is no card ID"),
        (top_up(mint.store, first, customer.id, "US", "ann", mint.now_ms), "is used"),
        (top_up(mint.store, second, 42, "US", "ann", mint.now_ms), "tops up only accounts made from it"),
        (top_up(mint.store, second, 99, "US", "ann", mint.now_ms), "customer 99 does not exist"),
    ):
        with pytest.raises(Refused, match=words):
            await work
    await top_up(mint.store, second, customer.id, "US", "ann", mint.now_ms)
    assert await mint.credit(customer.id) == 10 * UNIT
    assert (await mint.card(third)).status == "available"


async def test_every_change_is_in_the_audit_log_with_its_operator_and_no_pin_is_anywhere(mint: Any) -> None:
    (card_id, pin), (other, other_pin) = await mint.make(count=2, pin_length=12)
    await mint.cards.authenticate(other, other_pin, HOME)
    async with mint.acting() as act:
        await alteration.alter(act, Selection((card_id,)), {"credit_micros": 1})
        await alteration.disable(act, Selection((card_id,)))
        await alteration.remove(act, Selection((card_id, other)))
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
    async with mint.store.writing() as connection:
        for name in ("", "  ", "a\nb"):
            with pytest.raises(Refused, match="operator"):
                Act(connection, name, mint.now_ms)


def test_what_is_drawn_does_not_show_its_pin() -> None:
    drawn = draw_cards(1, 12, False, parse_peppers("v1:a-pepper-for-tests-only", "p"))
    assert drawn.pins[0] not in repr(drawn)
    assert drawn.digests[0] not in repr(drawn)


def test_drawn_numbers_are_all_below_the_bound_and_each_comes_as_often_as_any_other() -> None:
    found = Counter(draw_numbers(30_000, 3))
    assert sorted(found) == [0, 1, 2]
    assert all(abs(count - 10_000) < 1_000 for count in found.values())  # more than ten standard deviations


def test_words_beyond_the_last_multiple_of_the_bound_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    words = iter([b"\xff" * 8 + bytes(8), (5).to_bytes(8, sys.byteorder)])
    monkeypatch.setattr("ringflow.accounts.randomness.os.urandom", lambda size: next(words))
    assert draw_numbers(2, 10) == [0, 5]  # 2^64 - 1 ends in 5: dropped, as 2^64 is no multiple of ten


@pytest.mark.parametrize(
    ("ring", "words"),
    [
        ("v1:short", "line 1: the secret is shorter than 16 bytes"),
        ("v1:0123456789abcdef\nv1:fedcba9876543210", "line 2 gives version v1 a second time"),
        ("v1:0123456789abcdef\nfedcba9876543210", "line 2 is not version:secret"),
        ("v 1:0123456789abcdef", "line 1 is not version:secret"),
    ],
)
def test_a_key_ring_that_is_wrong_is_refused_without_being_quoted(ring: str, words: str) -> None:
    with pytest.raises(StartError, match=words) as raised:
        parse_peppers(ring, "the pepper")
    assert not re.search("0123|fedc", str(raised.value))


def test_a_digest_is_hmac_sha256_of_the_documented_message() -> None:
    ring: Peppers = parse_peppers("0123456789abcdef", "the pepper")
    assert ring.newest.version == "v1"
    # openssl dgst -sha256 -hmac 0123456789abcdef over "ringflow-card-pin-v1\n106367704080\n123456"
    (digest,) = ring.digests("ringflow-card-pin-v1\n106367704080\n123456")
    assert digest == "948f046f2d61ab8e495dc10ebed443891cd2f19452578054aec9ff8a0f72d88f"
