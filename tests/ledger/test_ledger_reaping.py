"""What is kept of servers that are gone: as long as anything of theirs is left, and a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from ringflow.ledger import Hold
from ringflow.ledger.held import standing_holds
from ringflow.ledger.reaping import FORGOTTEN_MS, SILENT_MS, reap, say_alive
from ringflow.store.ledger_tables import ledger_servers

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

    async def is_up(call_id: str) -> bool:
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
    await counting.take_channel(1, "call", None)
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
