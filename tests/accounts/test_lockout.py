"""Guessing is slowed down under a virtual clock, on every server, and nobody locks another's card out."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from ringflow.accounts.cards.authentication import Admitted
from ringflow.accounts.cards.refusal import Refusal, Why
from ringflow.accounts.check_digit import with_check_digit
from ringflow.accounts.lockout import (
    HOUR_MS,
    MINUTE_MS,
    RULES,
    SECOND_MS,
    Caller,
    Standing,
    wait_ms,
)
from ringflow.store import Store
from ringflow.store.card_tables import lockouts

HOME = Caller("carrier", "441910000001")
THIEF = Caller("carrier", "449990000001")
DAY_MS = 24 * HOUR_MS


def other_than(pin: str) -> str:
    return ("1" if pin[0] != "1" else "2") + pin[1:]


def spoofed(number: int) -> Caller:
    return Caller("carrier", f"44777{number:07}")


async def guesses_in(mint: Any, lasts_ms: int, card_id: str | None, pin: str, callers: Any) -> int:
    """How many PINs one who never gives up gets compared, always trying at the first moment that is free."""
    tried = 0
    until_ms = mint.now_ms + lasts_ms
    while True:
        found = await mint.cards.authenticate(card_id, pin, callers(tried))
        assert isinstance(found, Refusal)
        if found.why is Why.LOCKED:
            mint.now_ms += found.wait_ms
            if mint.now_ms >= until_ms:
                return tried
        else:
            assert found.why in (Why.WRONG_PIN, Why.UNKNOWN)
            tried += 1


@pytest.mark.parametrize("kind", RULES)
def test_no_lock_outlasts_what_is_remembered_of_its_failures(kind: Any) -> None:
    # Otherwise the sweeping of drained rows would let someone off early.
    rule = RULES[kind]
    for failures in range(rule.free, rule.free + 40):
        assert rule.delay_ms(failures) <= failures * rule.drain_ms
    assert rule.delay_ms(rule.free - 1) == 0
    assert rule.delay_ms(rule.free) == rule.first_ms
    assert rule.delay_ms(rule.free + 1) == 2 * rule.first_ms
    assert rule.delay_ms(10_000) == rule.cap_ms


def test_the_wait_ends_at_its_time_and_a_clock_set_back_makes_it_no_longer() -> None:
    standing = Standing(1_000_000, 1_000_000 + 4 * DAY_MS)
    assert wait_ms("pair", standing, 1_000_000) == 2 * MINUTE_MS
    assert wait_ms("pair", standing, 1_000_000 + 2 * MINUTE_MS - 1) == 1
    assert wait_ms("pair", standing, 1_000_000 + 2 * MINUTE_MS) == 0
    assert wait_ms("pair", standing, 0) == 2 * MINUTE_MS


async def test_three_wrong_pins_are_free_then_each_doubles_the_wait_and_the_right_one_clears_it(
    mint: Any,
) -> None:
    ((card_id, pin),) = await mint.make()
    wrong = other_than(pin)
    for _ in range(3):
        assert await mint.cards.authenticate(card_id, wrong, HOME) == Refusal(Why.WRONG_PIN)
    for minutes in (1, 2, 4):
        locked = Refusal(Why.LOCKED, minutes * MINUTE_MS)
        assert await mint.cards.authenticate(card_id, wrong, HOME) == locked
        # Nothing is learnt while locked, not by the right PIN either, and asking makes it no longer.
        assert await mint.cards.authenticate(card_id, pin, HOME) == locked
        mint.now_ms += minutes * MINUTE_MS
        assert await mint.cards.authenticate(card_id, wrong, HOME) == Refusal(Why.WRONG_PIN)
    mint.now_ms += 8 * MINUTE_MS
    assert isinstance(await mint.cards.authenticate(card_id, pin, HOME), Admitted)
    for _ in range(3):
        assert await mint.cards.authenticate(card_id, wrong, HOME) == Refusal(Why.WRONG_PIN)


async def test_a_caller_cannot_lock_anothers_card_out_of_a_telephone_that_it_knows(mint: Any) -> None:
    ((card_id, pin),) = await mint.make()
    await mint.cards.authenticate(card_id, pin, HOME)
    for number in range(200):
        mint.now_ms += SECOND_MS
        await mint.cards.authenticate(card_id, other_than(pin), spoofed(number))
        await mint.cards.authenticate(card_id, other_than(pin), Caller("carrier", None))
        await mint.cards.authenticate(card_id, other_than(pin), THIEF)
    assert isinstance(await mint.cards.authenticate(card_id, pin, HOME), Admitted)
    # A telephone that the card does not know waits its turn, an hour at most.
    new = await mint.cards.authenticate(card_id, pin, Caller("carrier", "441910000009"))
    assert isinstance(new, Refusal)
    assert (new.why, 0 < new.wait_ms <= HOUR_MS) == (Why.LOCKED, True)
    mint.now_ms += new.wait_ms
    assert isinstance(
        await mint.cards.authenticate(card_id, pin, Caller("carrier", "441910000009")), Admitted
    )


async def test_the_same_number_by_another_trunk_is_another_telephone(mint: Any) -> None:
    ((card_id, pin),) = await mint.make()
    await mint.cards.authenticate(card_id, pin, HOME)
    for _ in range(3):
        await mint.cards.authenticate(card_id, other_than(pin), Caller("other", HOME.cli))
    found = await mint.cards.authenticate(card_id, pin, Caller("other", HOME.cli))
    assert isinstance(found, Refusal)
    assert found.why is Why.LOCKED
    assert isinstance(await mint.cards.authenticate(card_id, pin, HOME), Admitted)


async def test_one_telephone_gets_few_guesses_at_a_card_in_a_day(mint: Any) -> None:
    ((card_id, pin),) = await mint.make(pin_length=4)
    assert await guesses_in(mint, DAY_MS, card_id, other_than(pin), lambda tried: THIEF) == 13


async def test_any_number_of_telephones_get_few_guesses_at_a_card_in_a_day(mint: Any) -> None:
    ((card_id, pin),) = await mint.make(pin_length=4)
    assert await guesses_in(mint, DAY_MS, card_id, other_than(pin), spoofed) == 39


async def test_anonymous_callers_are_slowed_by_the_card_and_not_known(mint: Any) -> None:
    ((card_id, pin),) = await mint.make(pin_length=4)
    nobody = Caller("carrier", None)
    assert isinstance(await mint.cards.authenticate(card_id, pin, nobody), Admitted)
    assert await guesses_in(mint, DAY_MS, card_id, other_than(pin), lambda tried: nobody) == 39


async def test_one_telephone_gets_few_guesses_of_pins_that_open_alone(mint: Any) -> None:
    await mint.make(pin_length=12, pin_only=True)
    assert await guesses_in(mint, DAY_MS, None, "123456789012", lambda tried: THIEF) == 158


async def test_a_trunk_full_of_guessers_slows_strangers_and_nobody_who_ever_opened_a_card(mint: Any) -> None:
    ((card_id, pin), (other_id, other_pin)) = await mint.make(count=2)
    await mint.make("alone", pin_length=12, pin_only=True)
    await mint.cards.authenticate(card_id, pin, HOME)
    tried = await guesses_in(mint, HOUR_MS, None, "123456789012", spoofed)
    assert tried == 284
    await mint.cards.authenticate(None, "123456789012", spoofed(1_000_000))
    stranger = await mint.cards.authenticate(other_id, other_pin, Caller("carrier", "441910000005"))
    assert isinstance(stranger, Refusal)
    assert stranger.why is Why.LOCKED
    assert stranger.wait_ms <= MINUTE_MS
    assert isinstance(await mint.cards.authenticate(card_id, pin, HOME), Admitted)
    # Known on this trunk, though not to this card.
    assert isinstance(await mint.cards.authenticate(other_id, other_pin, HOME), Admitted)
    on_another_trunk = Caller("other", "441910000005")
    assert isinstance(await mint.cards.authenticate(other_id, other_pin, on_another_trunk), Admitted)


async def test_guesses_at_the_same_instant_are_counted_one_by_one(mint: Any) -> None:
    ((card_id, pin),) = await mint.make()
    tries = [mint.cards.authenticate(card_id, other_than(pin), THIEF) for _ in range(30)]
    found = [one.why for one in await asyncio.gather(*tries)]
    assert found.count(Why.WRONG_PIN) == 3
    assert found.count(Why.LOCKED) == 27


async def test_what_one_server_counted_holds_on_another_and_after_a_restart(
    mint: Any, database_url: str
) -> None:
    ((card_id, pin),) = await mint.make()
    for _ in range(3):
        await mint.cards.authenticate(card_id, other_than(pin), THIEF)
    store = await Store.open(database_url)
    locked = await mint.desk(store=store).authenticate(card_id, pin, THIEF)
    assert locked == Refusal(Why.LOCKED, MINUTE_MS)
    await store.close()


async def test_a_clock_that_jumps_back_locks_nobody_out_for_longer_and_forgives_nothing(mint: Any) -> None:
    ((card_id, pin),) = await mint.make()
    for _ in range(3):
        await mint.cards.authenticate(card_id, other_than(pin), THIEF)
    mint.now_ms -= 30 * DAY_MS
    assert await mint.cards.authenticate(card_id, pin, THIEF) == Refusal(Why.LOCKED, MINUTE_MS)
    mint.now_ms += MINUTE_MS
    assert await mint.cards.authenticate(card_id, other_than(pin), THIEF) == Refusal(Why.WRONG_PIN)
    assert await mint.cards.authenticate(card_id, pin, THIEF) == Refusal(Why.LOCKED, 2 * MINUTE_MS)
    mint.now_ms += 2 * MINUTE_MS
    assert isinstance(await mint.cards.authenticate(card_id, pin, THIEF), Admitted)


async def test_failures_drain_away_and_their_rows_with_them(mint: Any) -> None:
    ((card_id, pin),) = await mint.make()
    for number in range(20):
        await mint.cards.authenticate(None, "12345678", spoofed(number))
    mint.now_ms += 30 * DAY_MS
    await mint.cards.authenticate(card_id, other_than(pin), THIEF)
    async with mint.store.reading() as connection:
        rows = (await connection.execute(select(func.count()).select_from(lockouts))).scalar_one()
    assert rows == 4


async def test_numbers_of_cards_that_do_not_exist_leave_no_rows(mint: Any) -> None:
    for payload in ("10636770408", "10636770409"):
        found = await mint.cards.authenticate(with_check_digit(payload), "123456", THIEF)
        assert found == Refusal(Why.UNKNOWN)
    async with mint.store.reading() as connection:
        subjects = set((await connection.execute(select(lockouts.c.subject))).scalars())
    assert subjects == {"cli:carrier/449990000001", "trunk:carrier"}
