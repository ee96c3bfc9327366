from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from ringflow.ledger.abandoned import reap, say_alive
from ringflow.ledger.channel_limits import AbandonedCall
from ringflow.ledger.check import check_books
from ringflow.ledger.hold import Hold, standing_holds

if TYPE_CHECKING:
    from tests.ledger.conftest import Bank

UNIT = 1_000_000
CHARGE = 10_000
ROUNDS = 3

# Twenty calls at a time, for ever: each says its name once its charge is answered.
SERVER = """
import asyncio, sys
from ringflow.ledger.ledger import Ledger
from ringflow.store import Store

async def calls(ledger, worker):
    number = 0
    while True:
        leg = f"{sys.argv[2]}/{worker}/{number}"
        await ledger.occupy(leg, {"customer:1": None})
        await ledger.hold(leg, 1, 20_000)
        await ledger.settle(leg, 10_000)
        print(leg, flush=True)
        await ledger.vacate(leg)
        number += 1

async def main():
    ledger = Ledger(await Store.open(sys.argv[1]), sys.argv[2])
    await asyncio.gather(*[calls(ledger, worker) for worker in range(20)])

asyncio.run(main())
"""


def run_and_kill(url: str, name: str, after_calls: int) -> set[str]:
    """Run a server until it has answered for so many calls, and kill it in the midst of the next ones."""
    process = subprocess.Popen([sys.executable, "-c", SERVER, url, name], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    answered = {process.stdout.readline().strip() for _ in range(after_calls)}
    process.kill()
    answered |= {line.strip() for line in process.stdout if line.endswith("\n")}
    process.wait()
    return answered


async def test_what_a_killed_server_answered_is_in_the_books(bank: Bank, database_url: str) -> None:
    await bank.customer(1, 1000)
    answered: set[str] = set()
    for number in range(ROUNDS):
        answered |= run_and_kill(database_url, f"server {number}", after_calls=30 + number)

    async def talked_ms(hold: Hold) -> int:
        return 0

    async def is_up(call: AbandonedCall) -> bool:
        return False

    bank.now_ms = bank.server("later").now_ms() * 2
    await say_alive(bank.ledger)
    reaped = await reap(bank.ledger, talked_ms, is_up)
    async with bank.store.reading() as connection:
        assert await standing_holds(connection) == []
    assert not answered & {one.leg_id for one in reaped.settlements}
    for leg in answered:
        assert (await bank.ledger.settle(leg, 0)).charged_micros == CHARGE
    spent = 1000 * UNIT - (await bank.account(1)).balance_micros
    # Charges whose answer was on its way when the server died are charged too: at most one for each call.
    assert len(answered) * CHARGE <= spent <= (len(answered) + 20 * ROUNDS) * CHARGE
    assert await check_books(bank.store, bank.now_ms) == []
