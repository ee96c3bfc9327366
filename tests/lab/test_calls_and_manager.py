"""Real calls through a whole server, seen and ended by AMI, and an Asterisk that dies in mid-call."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringflow.ami.link import AmiLink, LinkState
from ringflow.app import Application, running
from ringflow.calls import events
from ringflow.calls.call_record import CallRecord
from ringflow.calls.history import CallHistory
from ringflow.config import AmiConfig, Config, ImpersonationConfig, load_config
from ringflow.lab import LabCallee, LabCaller, LabCallResult, TimedKeys
from ringflow.lab.asterisk import CARRIER, AsteriskInstance
from ringflow.lab.calls import place_call

pytestmark = [
    pytest.mark.lab,
    pytest.mark.parametrize(
        "started_lab",
        ["forky"],
        indirect=True,
        scope="session",
    ),
]

DID, CLI = "18005550100", "441910000001"
KEYS = (TimedKeys(300, "441234567890#", tone_ms=60, gap_ms=40),)
PATIENCE_S = 20.0


class Records:
    """An observer that keeps every record."""

    observed = (events.CallEnded,)

    def __init__(self) -> None:
        self.ended: asyncio.Queue[CallRecord] = asyncio.Queue()

    def observe(self, event: events.CallEvent, history: CallHistory) -> None:
        self.ended.put_nowait(history.record())

    async def next(self) -> CallRecord:
        async with asyncio.timeout(PATIENCE_S):
            return await self.ended.get()


@pytest.fixture
def config(asterisk: AsteriskInstance, tmp_path: Path) -> Config:
    """The shipped configuration and flows, with a database and a key of their own, and AMI."""
    (tmp_path / "key").write_text("a-secret-for-this-test-only")
    shipped = load_config(Path(__file__).parents[2] / "config.yaml", environ={})
    ami = AmiConfig(port=asterisk.state.ami_port, secret_file=asterisk.config / "ami.secret")
    return shipped.model_copy(
        update={
            "database": shipped.database.model_copy(update={"url": f"sqlite:///{tmp_path / 'calls.db'}"}),
            "fastagi": shipped.fastagi.model_copy(update={"port": asterisk.fastagi_port, "drain_s": 0.0}),
            "impersonation": ImpersonationConfig(key_file=tmp_path / "key"),
            "http": None,
            "ami": ami,
        }
    )


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.fixture
async def server(config: Config, records: Records) -> AsyncIterator[Application]:
    async with running(config, (records,)) as application:
        assert application.ami is not None
        await application.ami.wait_up(PATIENCE_S)
        yield application


def call(asterisk: AsteriskInstance) -> asyncio.Task[LabCallResult]:
    """A caller who keys a number and talks until somebody else ends the call."""
    caller = LabCaller(DID, CLI, KEYS)
    return asyncio.create_task(
        place_call(asterisk.state, asterisk.packages, caller, {CARRIER: LabCallee(answers_after_ms=0)})
    )


async def talking(link: AmiLink) -> dict[str, str]:
    """Wait until both are up and in Dial; gives the channels by the state's own names: `caller`, `callee`.

    A callee who has just answered is up while its dialplan still runs: only then is it `AppDial` again.
    """
    async with asyncio.timeout(PATIENCE_S):
        while True:
            channels = await link.live_channels()
            called = [
                one.channel for one in channels if CARRIER in one.channel and one.application == "AppDial"
            ]
            if len(channels) == 2 and len(called) == 1 and all(channel.state == "Up" for channel in channels):
                break
            await asyncio.sleep(0.05)
    [callee] = called
    caller = next(one.channel for one in channels if one.channel != callee)
    return {"caller": caller, "callee": callee}


@pytest.mark.parametrize("who", ["caller", "callee"])
async def test_a_channel_hung_up_by_ami_ends_the_call_with_its_talk_counted(
    asterisk: AsteriskInstance, server: Application, records: Records, who: str
) -> None:
    assert server.ami is not None
    calling = call(asterisk)
    channels = await talking(server.ami)
    await server.ami.hang_up(channels[who])
    wire, record = await calling, await records.next()
    assert (record.outcome, [leg.status for leg in record.legs]) == ("completed", ["answered"])
    # The caller's end stops the flow in its place; after the callee's it goes on to its own end.
    last = [event.event for event in record.transcript][-2:]
    assert last == ["hung_up" if who == "caller" else "exit", "ended"]
    callee = wire.callees[CARRIER]
    assert (wire.ended_by, callee.ended_by) == ("asterisk", "asterisk")
    assert record.legs[0].talked_ms / 1000 == pytest.approx(callee.talked_s, abs=0.3)
    assert await server.ami.live_channels() == ()


async def test_an_asterisk_that_dies_in_mid_call_is_an_error_and_the_server_goes_on(
    asterisk: AsteriskInstance, server: Application, records: Records
) -> None:
    assert server.ami is not None
    calling = call(asterisk)
    await talking(server.ami)
    os.kill(asterisk.state.pid, signal.SIGKILL)
    record = await records.next()
    assert (record.outcome, record.reason) == ("error", "the connection from Asterisk closed in mid-call")
    assert [event.event for event in record.transcript][-4:] == [
        "dial", "leg", "hung_up", "ended",
    ]  # fmt: skip
    await server.ami.wait_for(LinkState.DOWN, PATIENCE_S)
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)
    main = asterisk.folder / "etc" / "asterisk.conf"
    again = await asyncio.create_subprocess_exec(
        *asterisk.packages.command("/usr/sbin/asterisk", "-f", "-C", str(main)),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await server.ami.wait_up(PATIENCE_S)
        calling = call(asterisk)
        channels = await talking(server.ami)
        await server.ami.hang_up(channels["callee"])
        await calling
        assert (await records.next()).outcome == "completed"
    finally:
        again.terminate()
        await again.wait()
