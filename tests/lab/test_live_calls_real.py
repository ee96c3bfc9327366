"""Real calls steered from another server of the same database: PostgreSQL between them, AMI at the first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.lab.test_charged_real import new_database

from ringflow.actor import acting, shell_operator
from ringflow.ami.link import AmiLink
from ringflow.app import Application, running
from ringflow.calls import events
from ringflow.calls.call_record import CallRecord
from ringflow.calls.event_json import type_name
from ringflow.calls.events import OrderKind
from ringflow.calls.history import CallHistory
from ringflow.config import AmiConfig, Config, ImpersonationConfig, load_config
from ringflow.engine.remote_orders import CallOrder, give_order
from ringflow.engine.watched_events import watch_calls
from ringflow.lab import LabCallee, LabCaller, LabCallResult, TimedKeys
from ringflow.lab.asterisk import CARRIER, AsteriskInstance
from ringflow.lab.calls import place_call
from ringflow.lab.ports import free_tcp_port
from ringflow.moments import system_now_ms
from ringflow.records.live_calls import LiveCallSummary, live_call_page
from ringflow.store.pages import PageRequest

RELEASES = ["forky", "bullseye"]
pytestmark = [
    pytest.mark.lab,
    pytest.mark.postgres,
    pytest.mark.parametrize("started_lab", RELEASES, indirect=True, scope="session"),
]

DID, CLI, NUMBER = "18005550100", "441910000001", "441234567890"
KEYS = (TimedKeys(300, f"{NUMBER}#", tone_ms=60, gap_ms=40),)
PATIENCE_S = 20.0


@dataclass
class Seen:
    """An observer that keeps the records, and says when legs are dialled."""

    observed = (events.LegDialled, events.CallEnded)
    ended: asyncio.Queue[CallRecord] = field(default_factory=asyncio.Queue)
    dialled: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    def observe(self, event: events.CallEvent, history: CallHistory) -> None:
        if isinstance(event, events.LegDialled):
            self.dialled.put_nowait(event.call_id)
        else:
            self.ended.put_nowait(history.record())


@dataclass
class Servers:
    """`first` has the calls; orders come from `second`, which has no Asterisk."""

    asterisk: AsteriskInstance
    first: Application
    second: Application
    seen: Seen

    def call(self, callee: LabCallee) -> asyncio.Task[LabCallResult]:
        """A caller who keys a number and stays until somebody else ends the call."""
        caller = LabCaller(DID, CLI, KEYS)
        return asyncio.create_task(
            place_call(self.asterisk.state, self.asterisk.packages, caller, {CARRIER: callee})
        )

    async def dialled(self) -> str:
        """Wait until a leg is dialled; gives the call."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.seen.dialled.get()

    async def record(self) -> CallRecord:
        async with asyncio.timeout(PATIENCE_S):
            return await self.seen.ended.get()

    async def channels(self, state: str) -> None:
        """Wait until there are two channels, the callee's in this state."""
        link = self.first.ami
        assert isinstance(link, AmiLink)
        async with asyncio.timeout(PATIENCE_S):
            while await self._callee_states(link) != [state]:  # noqa: ASYNC110 -- Asterisk is asked
                await asyncio.sleep(0.05)

    @staticmethod
    async def _callee_states(link: AmiLink) -> list[str]:
        return [one.state for one in await link.live_channels() if one.application == "AppDial"]

    async def order(self, call_id: str, kind: OrderKind, **arguments: str) -> str:
        store = self.second.core.store
        act = shell_operator("ann")
        return await give_order(store, lambda: acting(store, act, "US"), CallOrder(call_id, kind, arguments))

    async def listed(self) -> list[LiveCallSummary]:
        async with self.second.core.store.reading() as connection:
            page = await live_call_page(connection, system_now_ms(), 30_000, PageRequest(10))
        return [*page.items]


def configured(asterisk: AsteriskInstance, folder: Path, url: str, server: str, port: int) -> Config:
    (folder / "key").write_text("a-secret-for-this-test-only")
    shipped = load_config(Path(__file__).parents[2] / "config.yaml", environ={})
    has_calls = port == asterisk.fastagi_port
    ami = AmiConfig(port=asterisk.state.ami_port, secret_file=asterisk.config / "ami.secret")
    changes: dict[str, Any] = {
        "database": shipped.database.model_copy(update={"url": url}),
        "fastagi": shipped.fastagi.model_copy(update={"port": port, "drain_s": 0.0}),
        "impersonation": ImpersonationConfig(key_file=folder / "key"),
        "charging": shipped.charging.model_copy(update={"server": server}),
        "http": None,
        "ami": ami if has_calls else None,
    }
    return shipped.model_copy(update=changes)


@pytest.fixture
async def servers(asterisk: AsteriskInstance, tmp_path: Path, postgres_url: str) -> AsyncIterator[Servers]:
    url = await new_database(postgres_url, f"live_{asterisk.fastagi_port}")
    seen = Seen()
    one = configured(asterisk, tmp_path, url, "one", asterisk.fastagi_port)
    two = configured(asterisk, tmp_path, url, "two", free_tcp_port())
    async with running(one, (seen,)) as first, running(two) as second:
        assert first.ami is not None
        await first.ami.wait_up(PATIENCE_S)
        yield Servers(asterisk, first, second, seen)


async def test_another_server_hangs_up_a_talk(servers: Servers) -> None:
    calling = servers.call(LabCallee(answers_after_ms=0))
    call_id = await servers.dialled()
    await servers.channels("Up")
    assert await servers.order(call_id, OrderKind.HANG_UP) == "done"
    wire, record = await calling, await servers.record()
    assert (record.call_id, record.outcome, record.released_by) == (call_id, "completed", "operator")
    assert record.reason == "hung up by operator ann"
    assert (wire.ended_by, wire.callees[CARRIER].ended_by) == ("asterisk", "asterisk")


async def test_another_server_ends_the_ringing_and_leaves_the_caller(servers: Servers) -> None:
    calling = servers.call(LabCallee(answers_after_ms=60_000))
    call_id = await servers.dialled()
    await servers.channels("Ringing")
    assert await servers.order(call_id, OrderKind.HANG_UP_LEG) == "done"
    await calling
    record = await servers.record()
    (leg,) = record.legs
    assert (leg.status, leg.released_by, leg.talked_ms) == ("cancelled", "operator", 0)
    assert [(one.slot, one.exit) for one in record.visits] == [("ivr[1]", "done"), ("destination[2]", "done")]
    assert record.outcome == "completed"
    assert [type(one) for one in record.events[-5:-2]] == [
        events.CallOrdered,
        events.LegRinging,
        events.LegEnded,
    ]


async def test_another_server_redirects_a_talk_and_watches_it_from_its_beginning(servers: Servers) -> None:
    calling = servers.call(LabCallee(answers_after_ms=0))
    call_id = await servers.dialled()
    await servers.channels("Up")
    told: list[str] = []

    async def watch() -> None:
        store = servers.second.core.store
        async with aclosing(watch_calls(store, call_id, system_now_ms)) as watched:
            async for event in watched:
                told.append(event["type"])
                if event["type"] == "call_ended":
                    return

    watching = asyncio.create_task(watch())
    async with asyncio.timeout(PATIENCE_S):
        while not (listed := await servers.listed()):  # noqa: ASYNC110 -- the draft is written beside the call
            await asyncio.sleep(0.1)
    (live,) = listed
    assert (live.call_id, live.server, live.did, live.customer_id) == (call_id, "one", DID, 42)
    assert (live.app, live.slot, live.dialled) == ("calling_card", "destination[2]", NUMBER)
    answer = await servers.order(call_id, OrderKind.REDIRECT, app="calling_card", slot="unavailable")
    assert answer == "done"
    await calling
    record = await servers.record()
    (leg,) = record.legs
    assert (leg.status, leg.released_by) == ("answered", "operator")
    assert [(one.slot, one.exit) for one in record.visits][1:] == [
        ("destination[2]", "app:calling_card"),
        ("unavailable", "done"),
    ]
    async with asyncio.timeout(PATIENCE_S):
        await watching
    assert told == [type_name(type(one)) for one in record.events]


async def test_another_server_has_the_caller_hear_a_prompt_in_the_talk(servers: Servers) -> None:
    calling = servers.call(LabCallee(answers_after_ms=0, hangs_up_after_ms=5_000))
    call_id = await servers.dialled()
    await servers.channels("Up")
    assert await servers.order(call_id, OrderKind.PLAY, prompt="MISC/error") == "done"
    await calling
    record = await servers.record()
    assert record.legs[0].released_by == "callee"
    assert "ordered play MISC/error by ann" in [f"{line.event} {line.detail}" for line in record.transcript]
