"""Guessing is limited under a virtual clock, on every server, and whoever has a card gets in."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.cards.authentication import Admitted, Cards
from ringflow.accounts.cards.refusal import Refusal, Why
from ringflow.accounts.check_digit import draw_digits
from ringflow.accounts.failures import count_failure
from ringflow.accounts.lockout import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    SECOND_MS,
    SYSTEM,
    TELEPHONE,
    TRUNK,
    Budget,
    Caller,
    Limit,
    Standing,
    card_budget,
)
from ringflow.accounts.peppers import Pepper, Peppers
from ringflow.accounts.vouchers.redemption import Redeemed
from ringflow.accounts.vouchers.telephone import Vouchers
from ringflow.store import Store
from ringflow.store.card_tables import lockouts
from ringflow.store.database import LookUp, Row

HOME = Caller("carrier", "441910000001")
THIEF = Caller("carrier", "449990000001")
NOBODY = Caller("carrier", None)
WRONG = (Why.WRONG_PIN, Why.UNKNOWN)
ALONE = "123456789012"
"""A PIN of a card that opens alone, which no card has."""
ATTACK_MS = HOUR_MS
"""How long the attack on PINs that open alone lasts here. In a day 4,399 of 27,405 tries were compared."""


def other_than(pin: str) -> str:
    return ("1" if pin[0] != "1" else "2") + pin[1:]


def spoofed(number: int, trunk: str = "carrier") -> Caller:
    return Caller(trunk, f"44777{number:07}")


def first_timer(number: int, trunk: str = "carrier") -> Caller:
    return Caller(trunk, f"44191{number:07}")


async def tries_in(
    mint: Any, lasts_ms: int, card_id: str | None, pin: str, callers: Callable[[int], Caller]
) -> int:
    """How many PINs one who never gives up gets compared, always trying at the first moment that is free."""
    tried = 0
    until_ms = mint.now_ms + lasts_ms
    while mint.now_ms < until_ms:
        found = await mint.cards.authenticate(card_id, pin, callers(tried))
        assert isinstance(found, Refusal)
        if found.why in (Why.LOCKED, Why.NEEDS_ID):
            mint.now_ms += found.wait_ms
        else:
            assert found.why in WRONG
            tried += 1
    return tried


async def questions(mint: Any, card: tuple[str, str], caller: Caller) -> int | None:
    """How many things a caller with the right card had to key, PIN first; None: it did not get in."""
    card_id, pin = card
    found = await mint.cards.authenticate(None, pin, caller)
    if isinstance(found, Admitted):
        return 1
    assert found.why is Why.NEEDS_ID
    return 2 if isinstance(await mint.cards.authenticate(card_id, pin, caller), Admitted) else None


# The budgets


def test_a_longer_pin_has_twice_the_tries_for_each_digit_and_its_chance_falls_fivefold() -> None:
    tries_a_day = {digits: DAY_MS // card_budget(digits).each_ms for digits in range(4, 13)}
    assert tries_a_day == {4: 12, 5: 24, 6: 48, 7: 96, 8: 192, 9: 384, 10: 768, 11: 1536, 12: 3072}
    assert [card_budget(digits).at_once for digits in (4, 6, 8, 12)] == [6, 24, 96, 1536]
    for digits in range(4, 12):
        now, longer = (tries_a_day[one] / 10**one for one in (digits, digits + 1))
        assert now / longer == pytest.approx(5)


@pytest.mark.parametrize("budget", [TELEPHONE, TRUNK, SYSTEM, card_budget(4), card_budget(12)])
def test_a_budget_is_free_up_to_its_number_and_then_one_at_a_time(budget: Budget) -> None:
    used = budget.at_once * budget.each_ms
    assert budget.wait_ms(None, 0) == 0
    assert budget.wait_ms(Standing(1_000, 1_000 + used - budget.each_ms), 1_000) == 0
    full = Standing(1_000, 1_000 + used)
    assert budget.wait_ms(full, 1_000) == budget.each_ms
    assert budget.wait_ms(full, 1_000 + budget.each_ms - 1) == 1
    assert budget.wait_ms(full, 1_000 + budget.each_ms) == 0
    # A clock set back makes the wait no longer.
    assert budget.wait_ms(full, 0) == budget.each_ms


def test_pins_that_open_alone_have_fewer_than_5000_guesses_on_any_day() -> None:
    assert SYSTEM.at_once + DAY_MS // SYSTEM.each_ms == 4_400
    assert TRUNK.at_once + DAY_MS // TRUNK.each_ms == 2_800


# A card's ID and PIN


async def test_wrong_pins_use_up_the_cards_budget_and_then_nothing_is_compared(mint: Any) -> None:
    ((card_id, pin),) = await mint.make(pin_length=4)
    wrong = other_than(pin)
    for number in range(6):
        assert await mint.cards.authenticate(card_id, wrong, spoofed(number)) == Refusal(Why.WRONG_PIN)
    locked = Refusal(Why.LOCKED, 2 * HOUR_MS)
    for caller in (THIEF, NOBODY, spoofed(1)):
        # Nothing is learnt while locked, not by the right PIN either, and asking makes it no longer.
        assert await mint.cards.authenticate(card_id, wrong, caller) == locked
        assert await mint.cards.authenticate(card_id, pin, caller) == locked
    mint.now_ms += 2 * HOUR_MS - 1
    assert await mint.cards.authenticate(card_id, pin, THIEF) == Refusal(Why.LOCKED, 1)
    mint.now_ms += 1
    assert isinstance(await mint.cards.authenticate(card_id, pin, THIEF), Admitted)


async def test_the_right_pin_uses_up_nothing_and_gives_nothing_back(mint: Any) -> None:
    ((card_id, pin),) = await mint.make(pin_length=4)
    for _ in range(5):
        await mint.cards.authenticate(card_id, other_than(pin), HOME)
        assert isinstance(await mint.cards.authenticate(card_id, pin, HOME), Admitted)
    assert await mint.cards.authenticate(card_id, other_than(pin), THIEF) == Refusal(Why.WRONG_PIN)
    assert await mint.cards.authenticate(card_id, other_than(pin), THIEF) == Refusal(Why.LOCKED, 2 * HOUR_MS)


async def test_pins_of_another_length_use_up_nothing_that_the_owner_needs(mint: Any) -> None:
    ((card_id, pin),) = await mint.make(pin_length=6)
    for _ in range(20):
        await mint.cards.authenticate(card_id, "1111", THIEF)
    assert (await mint.cards.authenticate(card_id, "1111", THIEF)).why is Why.LOCKED
    assert isinstance(await mint.cards.authenticate(card_id, pin, HOME), Admitted)


@pytest.mark.parametrize(("pin_length", "first_day", "later"), [(4, 17, 12), (6, 71, 48)])
async def test_any_number_of_telephones_get_few_guesses_at_a_card_in_a_day(
    mint: Any, pin_length: int, first_day: int, later: int
) -> None:
    ((card_id, pin),) = await mint.make(pin_length=pin_length)
    wrong = other_than(pin)
    assert await tries_in(mint, DAY_MS, card_id, wrong, spoofed) == first_day
    assert await tries_in(mint, DAY_MS, card_id, wrong, lambda tried: NOBODY) == later


async def test_who_presents_the_owners_telephone_gets_as_many_guesses_again_and_no_more(mint: Any) -> None:
    """One who does not give up shuts the owner out meanwhile: nothing tells the two apart but the PIN."""
    ((card_id, pin),) = await mint.make(pin_length=4)
    await mint.cards.authenticate(card_id, pin, HOME)
    compared = (f"card:{card_id}", f"known:{card_id}:4:{HOME.source}")
    guesses: Counter[int] = Counter()
    let_in: Counter[int] = Counter()
    for step in range(2 * 48):
        for caller in (THIEF, HOME):
            before = await written(mint.store, compared)
            await mint.cards.authenticate(card_id, other_than(pin), caller)
            guesses[step // 48] += await written(mint.store, compared) != before
        mint.now_ms += 30 * MINUTE_MS - SECOND_MS
        let_in[step // 48] += isinstance(await mint.cards.authenticate(card_id, pin, HOME), Admitted)
        mint.now_ms += SECOND_MS
    assert guesses == {0: 31, 1: 24}
    assert let_in[1] == 0


async def written(store: Store, prefixes: tuple[str, ...]) -> list[tuple[str, int]]:
    async with store.reading() as connection:
        rows = (await connection.execute(select(lockouts.c.subject, lockouts.c.clear_ms))).all()
    return sorted((subject, clear_ms) for subject, clear_ms in rows if subject.startswith(prefixes))


@pytest.mark.parametrize(("pin_length", "wrong_a_day"), [(4, 3), (4, 11), (6, 47)])
async def test_an_owner_gets_in_however_often_somebody_else_presents_the_owners_telephone(
    mint: Any, pin_length: int, wrong_a_day: int
) -> None:
    ((card_id, pin),) = await mint.make(pin_length=pin_length)
    await mint.cards.authenticate(card_id, pin, HOME)
    days = 60 if wrong_a_day == 3 else 5
    let_in = 0
    for _ in range(days):
        for _ in range(wrong_a_day):
            mint.now_ms += DAY_MS // wrong_a_day
            await mint.cards.authenticate(card_id, other_than(pin), HOME)
        let_in += isinstance(await mint.cards.authenticate(card_id, pin, HOME), Admitted)
    assert let_in == days


async def test_nobody_locks_another_out_of_a_telephone_that_the_card_knows(mint: Any) -> None:
    ((card_id, pin),) = await mint.make(pin_length=4)
    await mint.cards.authenticate(card_id, pin, HOME)
    for number in range(50):
        mint.now_ms += SECOND_MS
        for caller in (spoofed(number), NOBODY, THIEF, Caller("other", HOME.cli)):
            await mint.cards.authenticate(card_id, other_than(pin), caller)
    assert isinstance(await mint.cards.authenticate(card_id, pin, HOME), Admitted)
    # The same number by another trunk is another telephone, and waits like any.
    for caller in (first_timer(2), Caller("other", HOME.cli)):
        new = await mint.cards.authenticate(card_id, pin, caller)
        assert isinstance(new, Refusal)
        assert (new.why, 0 < new.wait_ms <= 2 * HOUR_MS) == (Why.LOCKED, True)


async def test_a_telephone_that_knows_its_own_card_has_no_more_tries_at_anothers(mint: Any) -> None:
    (own_id, own_pin), (card_id, pin) = await mint.make(count=2, pin_length=4)
    for number in range(20):
        await mint.cards.authenticate(own_id, own_pin, spoofed(number))
    assert await tries_in(mint, DAY_MS, card_id, other_than(pin), lambda tried: spoofed(tried % 20)) == 17


async def test_one_anonymous_caller_who_keeps_failing_shuts_no_first_time_caller_out(mint: Any) -> None:
    made = await mint.make(count=100)
    let_in = 0
    for number, (card_id, pin) in enumerate(made):
        mint.now_ms += SECOND_MS
        tried = ((None, ALONE), (draw_digits(12), pin), (card_id, other_than(pin)))[number % 3]
        assert isinstance(await mint.cards.authenticate(*tried, NOBODY), Refusal)
        caller = NOBODY if number % 10 == 0 else first_timer(number)
        let_in += isinstance(await mint.cards.authenticate(card_id, pin, caller), Admitted)
    assert let_in == 100


# PINs that open a card alone


async def test_a_million_cards_have_under_5000_guesses_a_day_and_everybody_with_a_card_gets_in(
    mint: Any,
) -> None:
    """Sixty telephones that opened cards of their own, and as many CLIs and trunks as the attacker likes."""
    made = await mint.make(count=100, pin_length=12, pin_only=True)
    own, owners, new = made[:60], made[60:80], made[80:]
    for number, (_, pin) in enumerate(own):
        assert isinstance(await mint.cards.authenticate(None, pin, spoofed(number)), Admitted)
    for number, (_, pin) in enumerate(owners):
        assert isinstance(await mint.cards.authenticate(None, pin, first_timer(number)), Admitted)

    def attacker(tried: int) -> Caller:
        trunk = ("carrier", "second", "third")[tried // 7 % 3]
        return (spoofed(tried % 60), spoofed(1_000 + tried, trunk), Caller(trunk, None))[tried % 3]

    # The first 700 guesses, which come at once, were made before.
    begun = Budget(1, (SYSTEM.at_once - 100) * SYSTEM.each_ms)
    await count_failure(mint.store, [Limit("system", begun)], mint.now_ms)
    starts_ms = mint.now_ms
    guessed = tried = wasted = met = 0
    asked: Counter[tuple[str, int | None]] = Counter()
    while mint.now_ms < starts_ms + ATTACK_MS:
        found = await mint.cards.authenticate(None, ALONE, attacker(tried))
        assert isinstance(found, Refusal)
        assert found.why in (Why.UNKNOWN, Why.NEEDS_ID)
        tried += 1
        guessed += found.why is Why.UNKNOWN
        wasted = wasted + 1 if found.why is Why.NEEDS_ID else 0
        if wasted == 3:
            wasted = 0
            mint.now_ms += SYSTEM.each_ms // 2
        if mint.now_ms > starts_ms + (met + 1) * ATTACK_MS // 21 and met < 20:
            asked["owner", await questions(mint, owners[met], first_timer(met))] += 1
            asked["new", await questions(mint, new[met], first_timer(1_000 + met))] += 1
            met += 1
    most = 100 + ATTACK_MS // SYSTEM.each_ms
    assert most - 20 < guessed <= most
    assert met == 20
    assert asked["owner", 1] == 20
    assert asked["new", 1] + asked["new", 2] == 20
    # The question is asked because of the attacker, so this was a test of it.
    assert asked["new", 2] > 5


async def test_past_the_trunks_budget_a_pin_alone_opens_what_the_telephone_opened_before_only(
    mint: Any,
) -> None:
    (_, own_pin), (card_id, pin) = await mint.make(count=2, pin_length=12, pin_only=True)
    assert isinstance(await mint.cards.authenticate(None, own_pin, HOME), Admitted)
    assert isinstance(await mint.cards.authenticate(None, pin, THIEF), Admitted)
    for _ in range(TRUNK.at_once):
        assert await mint.cards.authenticate(None, ALONE, NOBODY) == Refusal(Why.UNKNOWN)
    needed = Refusal(Why.NEEDS_ID, TRUNK.each_ms)
    for caller in (HOME, NOBODY, first_timer(9)):
        # The right PIN of another's card and a PIN of nobody's get the same answer.
        assert await mint.cards.authenticate(None, pin, caller) == needed
        assert await mint.cards.authenticate(None, ALONE, caller) == needed
    assert isinstance(await mint.cards.authenticate(None, own_pin, HOME), Admitted)
    assert isinstance(await mint.cards.authenticate(card_id, pin, HOME), Admitted)
    # Another trunk has a budget of its own.
    assert isinstance(await mint.cards.authenticate(None, pin, first_timer(8, "other")), Admitted)
    # Who presents a telephone may try at its cards as often as the telephone's own budget lets him.
    for _ in range(TELEPHONE.at_once):
        await mint.cards.authenticate(None, ALONE, THIEF)
    assert (await mint.cards.authenticate(None, pin, THIEF)).why is Why.NEEDS_ID
    mint.now_ms += TRUNK.each_ms
    assert isinstance(await mint.cards.authenticate(None, pin, first_timer(9)), Admitted)


async def test_all_trunks_together_have_a_budget_for_pins_alone(mint: Any) -> None:
    nearly_all = Budget(1, (SYSTEM.at_once - 3) * SYSTEM.each_ms)
    await count_failure(mint.store, [Limit("system", nearly_all)], mint.now_ms)
    for number in range(3):
        assert await mint.cards.authenticate(None, ALONE, Caller(f"trunk {number}", None)) == Refusal(
            Why.UNKNOWN
        )
    needed = Refusal(Why.NEEDS_ID, SYSTEM.each_ms)
    assert await mint.cards.authenticate(None, ALONE, Caller("another", None)) == needed


async def test_one_telephone_has_few_guesses_and_leaves_the_trunks_to_others(mint: Any) -> None:
    ((_, pin),) = await mint.make(pin_length=12, pin_only=True)
    assert await tries_in(mint, DAY_MS, None, ALONE, lambda tried: THIEF) == 148
    assert isinstance(await mint.cards.authenticate(None, pin, HOME), Admitted)


# What exists and what does not


class Counting(Store):
    """Counts the look-ups and transactions that callers cause."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.done: Counter[str] = Counter()

    def writing(self) -> AbstractAsyncContextManager[AsyncConnection]:
        self.done["transactions"] += 1
        return super().writing()

    async def look_up(self, statement: LookUp, *values: object) -> Any:
        self.done["look-ups"] += 1
        rows: list[Row] = list(await super().look_up(statement, *values))
        return rows


class CountingPepper(Pepper):
    """Counts digests."""

    done: ClassVar[Counter[str]] = Counter()

    def digest(self, message: str) -> str:
        self.done["digests"] += 1
        return super().digest(message)


@pytest.fixture
async def counting(mint: Any, database_url: str) -> AsyncIterator[tuple[Cards, Counting]]:
    store = await Counting.open(database_url)
    assert isinstance(store, Counting)
    pepper = mint.peppers.newest
    yield mint.desk(Peppers([CountingPepper(pepper.version, pepper.secret)]), store), store
    await store.close()


async def test_nothing_tells_an_existing_id_from_an_unknown_one(
    mint: Any, counting: tuple[Cards, Counting]
) -> None:
    """The same answers and waits, look-ups, digests and rows, from every telephone, the owner's too."""
    desk, store = counting
    (used_id, used_pin), (new_id, _) = await mint.make("a", count=2, pin_length=4)
    ((off_id, _),) = await mint.make("b", status="disabled", pin_length=4)
    ((alone_id, _),) = await mint.make("c", pin_length=12, pin_only=True)
    await mint.cards.authenticate(used_id, used_pin, HOME)
    wrong = other_than(used_pin)
    callers = [THIEF, HOME, NOBODY, HOME, THIEF, *[spoofed(one) for one in range(6)], HOME, HOME, NOBODY]
    starts_ms = mint.now_ms
    seen = {}
    for card_id in (used_id, new_id, off_id, alone_id, draw_digits(12)):
        mint.now_ms = starts_ms
        async with mint.store.writing() as connection:
            await connection.execute(lockouts.delete())
        heard = []
        for number in range(60):
            mint.now_ms += (number // 30) * 25 * MINUTE_MS
            store.done.clear()
            CountingPepper.done.clear()
            found = await desk.authenticate(card_id, wrong, callers[number % len(callers)])
            assert isinstance(found, Refusal)
            said = "wrong" if found.why in WRONG else found.why
            rows = [(row[0].replace(card_id, "ID"), row[1]) for row in await written(mint.store, ("",))]
            heard.append((said, found.wait_ms, dict(store.done), dict(CountingPepper.done), rows))
        seen[card_id] = heard
    first = seen.pop(used_id)
    assert {one[0] for one in first} == {"wrong", Why.LOCKED}
    assert first[0][2:4] == ({"look-ups": 1, "transactions": 2}, {"digests": 1})
    for heard in seen.values():
        assert heard == first


async def test_a_locked_telephone_of_the_card_takes_as_many_writes_as_any_other(
    mint: Any, counting: tuple[Cards, Counting]
) -> None:
    desk, store = counting
    ((card_id, pin),) = await mint.make(pin_length=4)
    await mint.cards.authenticate(card_id, pin, HOME)
    for _ in range(6):
        await desk.authenticate(card_id, other_than(pin), NOBODY)
    for caller in (HOME, THIEF):
        for _ in range(10):
            store.done.clear()
            assert (await desk.authenticate(card_id, other_than(pin), caller)).why is Why.LOCKED  # type: ignore[union-attr]
            assert store.done == {"look-ups": 1, "transactions": 2}


async def test_a_telephone_that_the_card_knows_costs_one_look_up_and_no_write(
    mint: Any, counting: tuple[Cards, Counting]
) -> None:
    desk, store = counting
    ((card_id, pin),) = await mint.make()
    ((_, alone),) = await mint.make("alone", pin_length=12, pin_only=True)
    await desk.authenticate(card_id, pin, HOME)
    await desk.authenticate(None, alone, HOME)
    for wrong in (False, True):
        if wrong:
            await desk.authenticate(card_id, other_than(pin), HOME)
            await desk.authenticate(None, ALONE, HOME)
        for tried_id, tried_pin in ((card_id, pin), (None, alone)):
            store.done.clear()
            assert isinstance(await desk.authenticate(tried_id, tried_pin, HOME), Admitted)
            assert store.done == {"look-ups": 1}


# Vouchers


async def test_voucher_codes_are_held_against_the_account_and_lock_nobody_else(mint: Any) -> None:
    from tests.accounts.test_vouchers import make

    await mint.customer(42)
    await mint.customer(43)
    (_, first), (_, second) = await make(mint, count=2, value_micros=1_000_000)
    desk = Vouchers(mint.store, mint.peppers, "US", lambda: mint.now_ms)
    tried = 0
    for number in range(60):
        found = await desk.redeem(draw_digits(16), 42, spoofed(number))
        assert isinstance(found, Refusal)
        tried += found.why is Why.UNKNOWN
        mint.now_ms += 5 * MINUTE_MS
    assert tried == 39
    assert await desk.redeem(draw_digits(16), 42, NOBODY) == Refusal(Why.UNKNOWN)
    assert (await desk.redeem(first, 42, HOME)) == Refusal(Why.LOCKED, 10 * MINUTE_MS)
    assert isinstance(await desk.redeem(second, 43, NOBODY), Redeemed)


# Servers, clocks and rows


async def test_guesses_at_the_same_instant_are_counted_one_by_one(mint: Any) -> None:
    ((card_id, pin),) = await mint.make(pin_length=4)
    tries = [mint.cards.authenticate(card_id, other_than(pin), THIEF) for _ in range(30)]
    found = Counter(one.why for one in await asyncio.gather(*tries))
    assert found == {Why.WRONG_PIN: 6, Why.LOCKED: 24}
    alone = [mint.cards.authenticate(None, ALONE, THIEF) for _ in range(30)]
    found = Counter(one.why for one in await asyncio.gather(*alone))
    assert found == {Why.UNKNOWN: 5, Why.NEEDS_ID: 25}
    # Those of different telephones too, whose common budget has room for two.
    nearly_all = Budget(1, (TRUNK.at_once - 2) * TRUNK.each_ms)
    await count_failure(mint.store, [Limit("trunk:second", nearly_all)], mint.now_ms)
    alone = [mint.cards.authenticate(None, ALONE, spoofed(number, "second")) for number in range(30)]
    found = Counter(one.why for one in await asyncio.gather(*alone))
    assert found == {Why.UNKNOWN: 2, Why.NEEDS_ID: 28}


async def test_what_one_server_counted_holds_on_another_and_after_a_restart(
    mint: Any, database_url: str
) -> None:
    ((card_id, pin),) = await mint.make(pin_length=4)
    for _ in range(6):
        await mint.cards.authenticate(card_id, other_than(pin), THIEF)
    store = await Store.open(database_url)
    locked = await mint.desk(store=store).authenticate(card_id, pin, THIEF)
    assert locked == Refusal(Why.LOCKED, 2 * HOUR_MS)
    await store.close()


async def test_servers_at_the_same_instant_compare_one_more_each_at_most_and_count_it(
    mint: Any, database_url: str
) -> None:
    ((card_id, pin),) = await mint.make(pin_length=4)
    store = await Store.open(database_url)
    other = mint.desk(store=store)
    tries = [
        desk.authenticate(card_id, other_than(pin), THIEF) for _ in range(15) for desk in (mint.cards, other)
    ]
    found = Counter(one.why for one in await asyncio.gather(*tries))
    assert found[Why.WRONG_PIN] in (6, 7)
    assert found[Why.WRONG_PIN] + found[Why.LOCKED] == 30
    wait_ms = (found[Why.WRONG_PIN] - 5) * 2 * HOUR_MS
    assert await other.authenticate(card_id, pin, THIEF) == Refusal(Why.LOCKED, wait_ms)
    await store.close()


async def test_a_clock_that_jumps_back_locks_nobody_out_for_longer_and_forgives_nothing(mint: Any) -> None:
    ((card_id, pin),) = await mint.make(pin_length=4)
    for _ in range(6):
        await mint.cards.authenticate(card_id, other_than(pin), THIEF)
    mint.now_ms -= 30 * DAY_MS
    assert await mint.cards.authenticate(card_id, pin, THIEF) == Refusal(Why.LOCKED, 2 * HOUR_MS)
    mint.now_ms += 2 * HOUR_MS
    assert await mint.cards.authenticate(card_id, other_than(pin), THIEF) == Refusal(Why.WRONG_PIN)
    assert await mint.cards.authenticate(card_id, pin, THIEF) == Refusal(Why.LOCKED, 2 * HOUR_MS)
    mint.now_ms += 2 * HOUR_MS
    assert isinstance(await mint.cards.authenticate(card_id, pin, THIEF), Admitted)


async def test_rows_go_once_their_failures_are_forgotten_those_of_unknown_ids_too(mint: Any) -> None:
    ((card_id, pin),) = await mint.make()
    for number in range(20):
        await mint.cards.authenticate(None, "12345678", spoofed(number))
        await mint.cards.authenticate(draw_digits(12), "123456", spoofed(number))
    mint.now_ms += 30 * DAY_MS
    await mint.cards.authenticate(card_id, other_than(pin), THIEF)
    async with mint.store.reading() as connection:
        rows = (await connection.execute(select(func.count()).select_from(lockouts))).scalar_one()
    assert rows == 2
