"""What is kept of servers that are gone: as long as anything of theirs is left, and a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from ringflow.ledger.abandoned import FORGOTTEN_MS, SILENT_MS, reap, say_alive
from ringflow.ledger.channel_limits import AbandonedCall
from ringflow.ledger.hold import Hold, standing_holds
from ringflow.ledger.terms import Terms, UnreadableTerms
from ringflow.store.ledger_tables import ledger_holds, ledger_occupancy, ledger_servers

from .world import take_channel

if TYPE_CHECKING:
    from tests.ledger.conftest import Bank

UNIT = 1_000_000


async def known_servers(bank: Bank) -> set[str]:
    async with bank.store.reading() as connection:
        return set((await connection.execute(select(ledger_servers.c.id))).scalars())


async def reap_of(bank: Bank, *, up: bool) -> None:
    """Reap while every leg and call of a dead server is up in Asterisk, or none is."""

    async def talked_ms(hold: Hold) -> int | None:
        return None if up else 0

    async def is_up(call: AbandonedCall) -> bool:
        return up

    await say_alive(bank.ledger)
    await reap(bank.ledger, talked_ms, is_up)


async def test_a_server_long_dead_that_left_nothing_is_forgotten_and_others_are_not(bank: Bank) -> None:
    await say_alive(bank.server("two"))
    bank.now_ms += 1
    await say_alive(bank.server("three"))
    bank.now_ms += FORGOTTEN_MS
    await reap_of(bank, up=False)
    assert await known_servers(bank) == {"one", "three"}


async def test_a_server_is_known_as_long_as_a_hold_or_a_counted_call_of_it_is_left(bank: Bank) -> None:
    await bank.customer(1, 5)
    holding, counting = bank.server("holding"), bank.server("counting")
    for server in (holding, counting):
        await say_alive(server)
    await holding.hold("leg", 1, UNIT, lasts_ms=3 * FORGOTTEN_MS)
    await take_channel(counting, 1, "call", None)
    bank.now_ms += FORGOTTEN_MS + 1
    await reap_of(bank, up=True)
    assert await known_servers(bank) == {"one", "holding", "counting"}
    await reap_of(bank, up=False)
    assert await known_servers(bank) == {"one"}
    assert (await bank.account(1)).held_micros == 0


async def test_a_server_that_was_forgotten_and_lives_keeps_what_it_holds(bank: Bank) -> None:
    await bank.customer(1, 5)
    sleeper = bank.server("sleeper")
    await say_alive(sleeper)
    bank.now_ms += FORGOTTEN_MS + 1
    await reap_of(bank, up=False)
    assert await known_servers(bank) == {"one"}
    await sleeper.hold("leg", 1, UNIT)
    bank.now_ms += SILENT_MS - 1
    await reap_of(bank, up=False)
    await say_alive(sleeper)
    bank.now_ms += SILENT_MS - 1
    await reap_of(bank, up=False)
    async with bank.store.reading() as connection:
        assert [hold.leg_id for hold in await standing_holds(connection)] == ["leg"]
    await sleeper.release("leg")


async def test_a_hold_with_unreadable_terms_keeps_no_other_from_its_end(bank: Bank) -> None:
    await bank.customer(1, 9)
    dead = bank.server("dead")
    await say_alive(dead)
    lasts_ms = 10 * SILENT_MS
    for leg in ("a", "b", "c"):
        await dead.hold(leg, 1, 3 * UNIT, terms=Terms("USD", 60 * UNIT), lasts_ms=lasts_ms)
    async with bank.store.writing() as connection:
        spoilt = ledger_holds.update().where(ledger_holds.c.leg_id == "a")
        readable = select(ledger_holds.c.terms).where(ledger_holds.c.leg_id == "a")
        terms = (await connection.execute(readable)).scalar_one()
        await connection.execute(spoilt.values(terms='{"currency": "USD", "from a newer version": 1}'))
    bank.now_ms += 2 * SILENT_MS

    async def two_seconds(hold: Hold) -> int | None:
        return 2000

    async def is_up(call: AbandonedCall) -> bool:
        return False

    reaped = await reap(bank.ledger, two_seconds, is_up)
    assert [(one.leg_id, one.charged_micros) for one in reaped.settlements] == [
        ("b", 2 * UNIT),
        ("c", 2 * UNIT),
    ]
    assert len(reaped.waiting) == 1
    with pytest.raises(UnreadableTerms, match=r"leg a cannot be charged, the terms '.*newer version"):
        await bank.ledger.settle_talk("a", 2000)
    # Nobody may be held for ever: when the hold expires its credit goes back.
    bank.now_ms += lasts_ms
    reaped = await reap(bank.ledger, two_seconds, is_up)
    assert [(one.leg_id, one.charged_micros) for one in reaped.settlements] == [("a", 0)]
    assert (await bank.account(1)).held_micros == 0
    # `ledger check` reports such a hold; the books of this test are looked at when it is over.
    async with bank.store.writing() as connection:
        await connection.execute(spoilt.values(terms=terms))


@pytest.mark.parametrize(
    "terms",
    ["no JSON", "[]", "7", "{}", Terms("USD", 1, increment_s=0).to_json(), Terms("USD", -1).to_json()],
)
def test_terms_of_which_no_charge_can_be_made_are_unreadable(terms: str) -> None:
    with pytest.raises(UnreadableTerms, match="cannot be read"):
        Terms.from_json(terms)


async def test_a_count_that_is_too_low_keeps_no_call_from_its_end(bank: Bank) -> None:
    await bank.customer(1)
    dead = bank.server("dead")
    for call in ("one", "two"):
        assert await take_channel(dead, 1, call, None)
    async with bank.store.writing() as connection:
        await connection.execute(ledger_occupancy.update().values(used=1))
    bank.now_ms += 2 * SILENT_MS
    await reap_of(bank, up=False)
    assert await take_channel(bank.ledger, 1, "three", 1)
    assert not await take_channel(bank.ledger, 1, "four", 1)
    await bank.ledger.vacate("three")
