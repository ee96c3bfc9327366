"""What Asterisk's hangup handler asks for: any server settles, once, and says so; or leaves it to AstDB."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from ringflow.agi.server import FastAgiServer
from ringflow.agi.settings import AgiSettings
from ringflow.calls.charging import Charging
from ringflow.engine.reconciling import Findings, Reaper
from ringflow.engine.settling import serve_settlement
from ringflow.ledger.check import check_books
from ringflow.ledger.held import find_hold, standing_hold
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.paying import Order, pay_in
from ringflow.ledger.terms import Terms
from ringflow.store import Store
from ringflow.store.tables import customers

NOW_MS = 1_750_000_000_000
LEG = "c1.1@1750000000.7"
A_MINUTE = Terms("USD", price_micros=60_000_000)


class House:
    """Servers on one store, by name, and a FastAGI port for each."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now_ms = NOW_MS
        self._ports: list[FastAgiServer] = []

    def server(self, name: str) -> Charging:
        return Charging(Ledger(self.store, name, lambda: self.now_ms))

    async def port(self, charging: Charging) -> int:
        server = FastAgiServer(lambda session: serve_settlement(session, charging, None), AgiSettings(port=0))
        await server.start()
        self._ports.append(server)
        return server.port

    async def close(self) -> None:
        for server in self._ports:
            await server.close()


@pytest.fixture
async def house(store: Store) -> AsyncIterator[House]:
    opened = House(store)
    async with store.writing() as connection:
        row = {"id": 42, "name": "", "status": "active", "currency": "USD", "source": "operator"}
        await connection.execute(customers.insert().values(**row, created_ms=0, updated_ms=0))
        await pay_in(connection, 42, 1_000_000_000, Order("credit", "a test", "ann", NOW_MS))
    yield opened
    await opened.close()
    if not store._closed:
        assert await check_books(store, opened.now_ms) == []


async def ask(port: int, *arguments: str) -> list[str]:
    """What a server says to a hangup handler, command by command."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [
        "agi_network: yes", "agi_network_script: settle", "agi_request: agi://127.0.0.1/settle",
        "agi_channel: PJSIP/x-1", "agi_uniqueid: 1750000000.7", "agi_extension: s", "agi_version: 22.10.1",
        *(f"agi_arg_{number}: {value}" for number, value in enumerate(arguments, start=1)), "", "",
    ]  # fmt: skip
    writer.write("\n".join(lines).encode())
    said: list[str] = []
    while line := (await reader.readline()).decode().strip():
        said.append(line.replace('"', ""))
        writer.write(b"200 result=1\n")
    writer.close()
    return said


async def held(charging: Charging, leg_id: str = LEG) -> None:
    await charging.ledger.hold(leg_id, 42, 120_000_000, terms=A_MINUTE, lasts_ms=60_000)


async def test_a_leg_is_settled_by_another_server_than_its_own(house: House) -> None:
    dead, other = house.server("dead"), house.server("other")
    await held(dead)
    said = await ask(await house.port(other), LEG, "1750000000000", "1750000061500")
    assert said == ["SET VARIABLE RINGFLOW_SETTLED yes"]
    settled = await other.ledger.release(LEG)
    assert (settled.state, settled.charged_micros) == ("settled", 62_000_000)


async def test_two_servers_that_settle_one_leg_charge_once(house: House) -> None:
    one, two = house.server("one"), house.server("two")
    await held(one)
    ports = [await house.port(server) for server in (one, two)]
    asked = (ask(port, LEG, "1750000000000", "1750000010000") for port in ports)
    assert await asyncio.gather(*asked) == [["SET VARIABLE RINGFLOW_SETTLED yes"]] * 2
    account = await one.ledger.account(42)
    assert account is not None
    assert (account.balance_micros, account.held_micros) == (990_000_000, 0)


async def test_a_lost_leg_that_its_hangup_handler_settles_waits_for_nobody_any_more(house: House) -> None:
    server = house.server("one")
    await held(server)
    server.leave(LEG)
    await ask(await house.port(server), LEG, "1750000000000", "1750000010000")
    assert server.left == set()
    async with house.store.reading() as connection:
        assert await find_hold(connection, LEG) is not None
        # The reaper asks for this one: it must not take a settled leg for one that nobody charges.
        assert await standing_hold(connection, LEG) is None


@pytest.mark.parametrize(
    ("answered", "ended", "charged"),
    [
        pytest.param("", "1750000005000", 0, id="never answered"),
        pytest.param("1750000005000", "1750000000000", 0, id="ended before it began"),
        pytest.param("x", "y", 0, id="not numbers"),
        pytest.param("1750000000000", "1750000120012", 120_000_000, id="ended late by the limit"),
        pytest.param("1750000000000", "1750086400000", 120_000_000, id="the clock was set a day forward"),
    ],
)
async def test_what_asterisk_says_is_charged(house: House, answered: str, ended: str, charged: int) -> None:
    server = house.server("one")
    await held(server)
    await ask(await house.port(server), LEG, answered, ended)
    assert (await server.ledger.release(LEG)).charged_micros == charged


async def test_a_leg_that_nobody_knows_is_not_asked_about_again(house: House) -> None:
    port = await house.port(house.server("one"))
    assert await ask(port, "c9.9@9", "1", "2") == ["SET VARIABLE RINGFLOW_SETTLED yes"]


async def test_without_the_database_the_leg_is_left_to_asterisk(house: House) -> None:
    server = house.server("one")
    await held(server)
    port = await house.port(server)
    await house.store.close()
    assert await ask(port, LEG, "1750000000000", "1750000010000") == []


async def test_without_ami_a_dead_servers_hold_stands_until_it_expires(house: House) -> None:
    dead, alive = house.server("site#1"), house.server("site#2")
    await held(dead)
    await dead.ledger.occupy("c1@1750000000.7", {"customer:42": 1})
    house.now_ms += 50_000
    reaper = Reaper(alive, None, silent_s=0.06)
    running = asyncio.create_task(reaper.run())

    async def found(findings: Findings) -> int:
        """Wait until that is all that was found; gives what is held then."""
        async with asyncio.timeout(10):
            while reaper.findings != findings:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        account = await alive.ledger.account(42)
        assert account is not None
        return account.held_micros

    # The dead server's call is counted no more, and its money is still held.
    assert await found(Findings(calls=1, waiting=1)) == 120_000_000
    assert await alive.ledger.occupy("c2@2", {"customer:42": 1}) is None
    house.now_ms += 20_000
    assert await found(Findings(calls=1, released=1)) == 0
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (await alive.ledger.release(LEG)).charged_micros == 0
