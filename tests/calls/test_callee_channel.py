"""After `Dial` the callee's channel is gone, or is hung up: by Asterisk's SoftHangup, else by the manager."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from ringflow.agi.server import FastAgiServer
from ringflow.agi.session import AgiSession
from ringflow.agi.settings import AgiSettings
from ringflow.calls.dial_attempt import Attempt
from ringflow.calls.dial_outcome import dial, end_of_callee
from ringflow.calls.dialled_number import DialledNumber
from ringflow.errors import CommandRefused, RingflowError
from ringflow.simulator.clock import VirtualClock

Found = TypeVar("Found")

CALLEE = "PJSIP/carrier-00000002"
ALIVE = f"|1750000001000||{CALLEE}|{CALLEE}"
TRANSFERRED = f"|1750000001000|{CALLEE}|{CALLEE}|{CALLEE}"
ENDED = f"1750000001200|1750000001900||{CALLEE}|{CALLEE}"
GONE = f"|1750000001300||{CALLEE}|"
OK, NO_APPLICATION = "200 result=0", "200 result=-2"


class Scripted:
    """An Asterisk that says these states one by one, the last one for ever; and what it was asked."""

    def __init__(self, *states: str, soft_hangup: str = OK) -> None:
        self.states = list(states)
        self.soft_hangup = soft_hangup
        self.executed: list[str] = []
        self.waited_s: list[float] = []
        self.hung_up: list[str] = []

    async def ask(self) -> int:
        """What `end_of_callee` gives, or raises."""
        return await self.serve(lambda session: end_of_callee(session, self.hang_up, self.wait))

    async def serve(self, work: Callable[[AgiSession], Awaitable[Found]]) -> Found:
        """What `work` gives on a call of this Asterisk, or raises."""
        asked: asyncio.Future[Found] = asyncio.get_running_loop().create_future()

        async def serve(session: AgiSession) -> None:
            try:
                asked.set_result(await work(session))
            except RingflowError as error:
                asked.set_exception(error)

        server = FastAgiServer(serve, AgiSettings(port=0))
        await server.start()
        playing = asyncio.create_task(self.play(server.port))
        try:
            return await asked
        finally:
            await server.close()
            await playing

    async def wait(self, seconds: float) -> None:
        self.waited_s.append(seconds)

    async def hang_up(self, channel: str) -> None:
        self.hung_up.append(channel)

    async def play(self, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        lines = (
            "agi_network: yes", "agi_network_script: call", "agi_request: agi://127.0.0.1/call",
            "agi_channel: PJSIP/caller-00000001", "agi_uniqueid: 1750000000.1", "agi_extension: 1",
            "agi_version: 22.10.1",
        )  # fmt: skip
        writer.write("\n".join((*lines, "", "")).encode())
        while line := (await reader.readline()).decode().strip():
            if line.startswith("GET FULL VARIABLE"):
                state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
                writer.write(f"200 result=1 ({state})\n".encode())
            else:
                self.executed.append(line)
                writer.write(f"{self.soft_hangup}\n".encode())
        writer.close()


async def test_a_talk_lasts_until_the_end_of_the_callee_that_is_noted_after_dial() -> None:
    number = DialledNumber("441234567890", "441234567890", "441234567890")
    attempt = Attempt("PJSIP/441234567890@carrier", number, "carrier", {}, {}, None, ring_s=60)
    asterisk = Scripted("ANSWER|16|1750000000000|1750000000100|||", ENDED)
    leg, caller_gone = await asterisk.serve(lambda session: dial(session, attempt, VirtualClock()))
    assert (leg.status, leg.talked_ms, caller_gone) == ("answered", 1200, False)


async def test_a_noted_end_is_believed_and_nothing_is_hung_up() -> None:
    asterisk = Scripted(ENDED)
    assert await asterisk.ask() == 1_750_000_001_200
    assert (asterisk.executed, asterisk.waited_s) == ([], [])


async def test_a_channel_that_is_gone_without_a_note_ended_by_now() -> None:
    asterisk = Scripted(GONE)
    assert await asterisk.ask() == 1_750_000_001_300
    assert asterisk.executed == []


@pytest.mark.parametrize("state", [ALIVE, TRANSFERRED])
async def test_a_channel_that_lives_is_hung_up_once_and_its_end_awaited(state: str) -> None:
    asterisk = Scripted(state, state, ENDED)
    assert await asterisk.ask() == 1_750_000_001_200
    assert asterisk.executed == [f'EXEC SoftHangup "{CALLEE}"']
    assert len(asterisk.waited_s) == 2
    assert asterisk.hung_up == []


async def test_where_asterisk_has_no_softhangup_the_manager_hangs_up() -> None:
    asterisk = Scripted(ALIVE, GONE, soft_hangup=NO_APPLICATION)
    assert await asterisk.ask() == 1_750_000_001_300
    assert asterisk.hung_up == [CALLEE]


async def test_a_channel_that_cannot_be_hung_up_is_an_error_that_says_what_to_load() -> None:
    asterisk = Scripted(ALIVE, soft_hangup=NO_APPLICATION)
    with pytest.raises(CommandRefused, match=rf"{CALLEE} cannot be hung up: load app_softhangup"):
        await asterisk.ask()
    assert sum(asterisk.waited_s) > 1
