"""What Asterisk's hangup handler asks for: any server settles, once, and says so; or leaves it to AstDB."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.paying_customers import add_customer, as_ann

from ringflow.agi.server import FastAgiServer
from ringflow.agi.settings import AgiSettings
from ringflow.ami.link import AmiLink
from ringflow.ami.settings import AmiSettings
from ringflow.calls.charging import Charging
from ringflow.engine.lost_legs import Settlements, serve_settlement
from ringflow.engine.reaper import Findings, Reaper
from ringflow.ledger.abandoned import say_alive
from ringflow.ledger.check import check_books
from ringflow.ledger.hold import find_hold, standing_hold
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.terms import Terms
from ringflow.store import Store

NOW_MS = 1_750_000_000_000
LEG = "c1.1@1750000000.7"
HERE, THERE = "1749999000-1", "1749999000-2"
TOKEN = "5ec7e7"
SILENT_S = 30.0
A_MINUTE = Terms("USD", price_micros=60_000_000)


class House:
    """Servers on one store, by name, and a FastAGI port for each."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now_ms = NOW_MS
        self.waited_s = 0.0
        self._ports: list[FastAgiServer] = []

    def server(self, name: str) -> Charging:
        return Charging(Ledger(self.store, name, lambda: self.now_ms))

    async def port(self, charging: Charging) -> int:
        settlements = Settlements(charging, None, SILENT_S)

        async def later(wait_s: float) -> None:
            self.waited_s += wait_s

        server = FastAgiServer(
            lambda session: serve_settlement(session, settlements, later), AgiSettings(port=0)
        )
        await server.start()
        self._ports.append(server)
        return server.port

    async def close(self) -> None:
        for server in self._ports:
            await server.close()


@pytest.fixture
async def house(store: Store) -> AsyncIterator[House]:
    opened = House(store)
    async with as_ann(store, NOW_MS) as ann:
        await add_customer(ann, 42, 1_000_000_000)
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


async def held(charging: Charging, leg_id: str = LEG, *, asterisk: str = HERE, token: str = TOKEN) -> None:
    ledger = charging.ledger
    await say_alive(ledger)
    await ledger.hold(
        leg_id, 42, 120_000_000, terms=A_MINUTE, lasts_ms=7_200_000, asterisk=asterisk, token=token
    )


async def settled_at(
    port: int, answered: str, ended: str, *, leg: str = LEG, asterisk: str = HERE, token: str = TOKEN
) -> list[str]:
    """Settle as the leg's own hangup handler, unless said otherwise."""
    return await ask(port, leg, answered, ended, "ANSWER", "16", asterisk, token)


SETTLED = ["SET VARIABLE RINGFLOW_SETTLED yes"]
ANSWERED, TEN_S_LATER = "1750000000000", "1750000010000"


async def test_a_leg_is_settled_by_another_server_than_its_own(house: House) -> None:
    dead, other = house.server("dead"), house.server("other")
    await held(dead)
    house.now_ms += 61_500
    assert await settled_at(await house.port(other), ANSWERED, "1750000061500") == SETTLED
    settled = await other.ledger.release(LEG)
    assert (settled.state, settled.charged_micros) == ("settled", 62_000_000)


async def test_two_servers_that_settle_one_leg_charge_once(house: House) -> None:
    one, two = house.server("one"), house.server("two")
    await held(one)
    house.now_ms += 61_000
    ports = [await house.port(server) for server in (one, two)]
    asked = (settled_at(port, ANSWERED, TEN_S_LATER) for port in ports)
    assert await asyncio.gather(*asked) == [SETTLED] * 2
    account = await one.ledger.account(42)
    assert account is not None
    assert (account.balance_micros, account.held_micros) == (990_000_000, 0)


async def test_a_lost_leg_that_its_hangup_handler_settles_waits_for_nobody_any_more(house: House) -> None:
    server = house.server("one")
    await held(server)
    server.leave(LEG)
    house.now_ms += 10_000
    await settled_at(await house.port(server), ANSWERED, TEN_S_LATER)
    assert server.left == set()
    async with house.store.reading() as connection:
        assert await find_hold(connection, LEG) is not None
        # The reaper asks for this one: it must not take a settled leg for one that nobody charges.
        assert await standing_hold(connection, LEG) is None


async def charged(house: House) -> int | None:
    """What the leg was charged; None while it goes on."""
    async with house.store.reading() as connection:
        if await standing_hold(connection, LEG) is not None:
            return None
    return (await house.server("who asks").ledger.release(LEG)).charged_micros


@pytest.mark.parametrize("asked", ["its own", "another"])
async def test_a_leg_whose_server_lives_is_not_settled_from_outside(house: House, asked: str) -> None:
    own, other = house.server("own"), house.server("other")
    await held(own)
    house.now_ms += 10_000
    port = await house.port(own if asked == "its own" else other)
    # So Asterisk keeps the leg's end; and nobody waits for it for long.
    assert await settled_at(port, "", TEN_S_LATER) == []
    assert await charged(house) is None
    assert 1 < house.waited_s <= 5
    house.now_ms += 20_000
    await say_alive(own.ledger)
    house.now_ms += 29_000
    assert await settled_at(port, ANSWERED, TEN_S_LATER) == []
    assert await charged(house) is None


async def test_a_leg_that_its_living_server_lost_sight_of_is_settled_by_every_server(house: House) -> None:
    own, other = house.server("own"), house.server("other")
    await held(own)
    own.leave(LEG)
    await own.retries.close(5)
    house.now_ms += 10_000
    assert await settled_at(await house.port(other), ANSWERED, TEN_S_LATER) == SETTLED
    assert await charged(house) == 10_000_000


async def test_a_hold_that_expired_is_settled_though_its_server_lives(house: House) -> None:
    own = house.server("own")
    await held(own)
    house.now_ms += 7_200_001
    await say_alive(own.ledger)
    assert await settled_at(await house.port(own), ANSWERED, TEN_S_LATER) == SETTLED
    assert await charged(house) == 10_000_000


async def test_a_server_that_loses_a_leg_while_it_is_asked_about_it_believes_what_it_was_told(
    house: House,
) -> None:
    own = house.server("own")
    await held(own)
    house.now_ms += 10_000
    settlements = Settlements(own, None, SILENT_S)
    looks = 0

    async def lose_it(wait_s: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            own.leave(LEG)

    server = FastAgiServer(
        lambda session: serve_settlement(session, settlements, lose_it), AgiSettings(port=0)
    )
    await server.start()
    assert await settled_at(server.port, ANSWERED, TEN_S_LATER) == SETTLED
    await server.close()
    assert (looks, await charged(house)) == (3, 10_000_000)


@pytest.mark.parametrize("token", ["", "5ec7e8", "5ec7e7ff", "ü"])
async def test_who_does_not_have_a_legs_token_settles_nothing(house: House, token: str) -> None:
    dead, other = house.server("dead"), house.server("other")
    await held(dead)
    house.now_ms += 61_000
    port = await house.port(other)
    await settled_at(port, "", TEN_S_LATER, token=token)
    assert await charged(house) is None
    await settled_at(port, ANSWERED, TEN_S_LATER)
    assert await charged(house) == 10_000_000


async def test_a_hold_from_before_tokens_is_settled_only_by_its_own_asterisk(house: House) -> None:
    dead, other = house.server("dead"), house.server("other")
    await held(dead, token="")
    house.now_ms += 61_000
    port = await house.port(other)
    await settled_at(port, "", TEN_S_LATER, asterisk=THERE, token="")
    assert await charged(house) is None
    await settled_at(port, ANSWERED, TEN_S_LATER, token="")
    assert await charged(house) == 10_000_000


@pytest.mark.parametrize(
    ("answered", "ended", "expected"),
    [
        pytest.param("", "1750000005000", 0, id="never answered"),
        pytest.param("1750000005000", "1750000000000", 0, id="ended before it began"),
        pytest.param("x", "y", 0, id="not numbers"),
        pytest.param("1750000000000", "1750000120012", 120_000_000, id="ended late by the limit"),
        pytest.param("1750000000000", "1750086400000", 120_000_000, id="the clock was set a day forward"),
        pytest.param("0", "999999999999999", 120_000_000, id="31,000 years"),
        pytest.param("1750003600000", "1750003610000", 10_000_000, id="its clock is an hour ahead of ours"),
        pytest.param("1749996400000", "1749996410000", 10_000_000, id="its clock is an hour behind ours"),
    ],
)
async def test_what_asterisk_says_is_charged(house: House, answered: str, ended: str, expected: int) -> None:
    await held(house.server("one"))
    house.now_ms += 130_000
    await settled_at(await house.port(house.server("two")), answered, ended)
    assert await charged(house) == expected


async def test_no_talk_is_longer_than_its_leg_has_been_there(house: House) -> None:
    server = house.server("one")
    await held(server)
    server.leave(LEG)
    house.now_ms += 10_000
    await settled_at(await house.port(server), "0", "999999999999999")
    assert await charged(house) == 10_000_000


@pytest.mark.parametrize("leg", ["c9.9@9", "", "no\\u00f6 leg", "x" * 300])
async def test_a_leg_that_nobody_knows_is_not_asked_about_again(house: House, leg: str) -> None:
    port = await house.port(house.server("one"))
    assert await ask(port, leg, "1", "2") == SETTLED


async def test_without_the_database_the_leg_is_left_to_asterisk(house: House) -> None:
    server = house.server("one")
    await held(server)
    port = await house.port(server)
    await house.store.close()
    assert await settled_at(port, ANSWERED, TEN_S_LATER) == []


async def test_without_ami_a_dead_servers_hold_stands_until_it_expires(house: House) -> None:
    dead, alive = house.server("site#1"), house.server("site#2")
    await held(dead)
    await dead.ledger.occupy("c1@1750000000.7", {"customer:42": 1}, HERE)
    house.now_ms += 7_190_000
    reaper = Reaper(alive, None, 0.06, Settlements(alive, None, 0.06))
    running = asyncio.create_task(reaper.run())

    async def found(findings: Findings) -> int:
        """Wait until that is all that was found; gives what is held then."""
        async with asyncio.timeout(60):
            while reaper.findings != findings:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        account = await alive.ledger.account(42)
        assert account is not None
        return account.held_micros

    # The dead server's call is counted no more, and its money is still held.
    assert await found(Findings(calls=1, waiting=1, unattended=1)) == 120_000_000
    assert await alive.ledger.occupy("c2@2", {"customer:42": 1}) is None
    house.now_ms += 20_000
    assert await found(Findings(calls=1, released=1)) == 0
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (await alive.ledger.release(LEG)).charged_micros == 0


async def test_while_ami_is_down_no_call_is_counted_out(house: House) -> None:
    dead, alive = house.server("site#1"), house.server("site#2")
    await say_alive(dead.ledger)
    await dead.ledger.occupy("c1@1750000000.7", {"customer:42": 1}, HERE)
    house.now_ms += 50_000
    link = AmiLink(AmiSettings("127.0.0.1", 1, "ringflow", "not used"))
    reaper = Reaper(alive, link, 0.06, Settlements(alive, None, 0.06))
    running = asyncio.create_task(reaper.run())
    async with asyncio.timeout(60):
        while reaper.findings != Findings(waiting_calls=1, unattended=1):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await dead.ledger.vacate("c1@1750000000.7")
