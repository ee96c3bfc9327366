"""Scripts after calls: a bounded queue beside the calls, which a server that stops empties as it can."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import JsonValue

from ringflow.accounts.dids import Did
from ringflow.agi.server import FastAgiServer
from ringflow.agi.settings import AgiSettings
from ringflow.engine import after_calls
from ringflow.engine.after_calls import AfterCalls, EndedCall
from ringflow.flows.flow import Flow
from ringflow.flows.header import AppSettings
from ringflow.scripts.folder import ScriptFolder
from ringflow.scripts.run import HostCall, RunLimits
from ringflow.scripts.service import Scripts
from ringflow.scripts.workers import ScriptWorkers, WorkerSettings
from ringflow.slots.audio import Audio
from ringflow.slots.debug import Debug

from .conftest import DID, Keeper, Place
from .test_engine import GREETING

SCRIPT = """
async function main(data) {
  if (data.vars.fails) throw new Error('no');
  for (let turn = 0; turn < (data.vars.turns || 0); turn++);
  await require('cxKV').set(data.record.call_id, data.record.outcome);
}
"""


class Host:
    """Notes what scripts keep; while `gate` is closed, they wait."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.kept: list[tuple[JsonValue, JsonValue]] = []
        self.asked = asyncio.Event()

    async def __call__(self, call: HostCall) -> JsonValue:
        self.asked.set()
        await self.gate.wait()
        self.kept.append((call.given["key"], call.given["value"]))
        return None


@pytest.fixture
async def host(place: Place, tmp_path: Path) -> AsyncIterator[Host]:
    found = Host()
    (tmp_path / "after.js").write_text(SCRIPT)
    workers = ScriptWorkers(WorkerSettings(size=2))
    place.scripts = Scripts(
        ScriptFolder(tmp_path), workers, RunLimits(time_ms=10_000), lambda name: found, "ringflow"
    )
    yield found
    await workers.close()


Ends = Callable[..., EndedCall]


@pytest.fixture
async def ended(place: Place) -> Ends:
    called = await place.call(Debug(slot="debug", text="x"))

    def make(call_id: str, script_vars: str | None = None) -> EndedCall:
        did = Did(DID, "tested", hangup_script="after", hangup_script_vars=script_vars)
        return EndedCall(did, replace(called.record, call_id=call_id), None)

    return make


async def test_calls_that_are_over_are_told_of_in_their_order(place: Place, host: Host, ended: Ends) -> None:
    calls = AfterCalls(place.engine([])._world)
    for name in ("a", "b", "c"):
        calls.offer(ended(name, '{"fails": true}' if name == "b" else None))
    await calls.finish(20)
    assert host.kept == [("a", "completed"), ("c", "completed")]
    assert (calls.run, calls.failed, calls.left_out) == (3, 1, 0)


async def test_the_queue_has_a_limit_and_the_end_of_the_server_leaves_out_what_is_left(
    place: Place, host: Host, ended: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after_calls, "MAX_WAITING", 2)
    host.gate.clear()
    calls = AfterCalls(place.engine([])._world)
    calls.offer(ended("a"))
    await host.asked.wait()
    for name in ("b", "c", "d"):
        calls.offer(ended(name))
    assert (calls.waiting, calls.left_out) == (2, 1)
    await calls.finish(0)
    assert (calls.waiting, calls.left_out, host.kept) == (0, 4, [])


async def test_its_own_limit_counts(place: Place, host: Host, ended: Ends) -> None:
    host.gate.clear()
    calls = AfterCalls(place.engine([])._world)
    one = ended("a")
    calls.offer(replace(one, did=replace(one.did, hangup_script_timeout_s=0.05)))
    await calls.finish(8)
    assert (calls.failed, calls.left_out) == (1, 0)


async def test_its_own_limit_is_in_seconds(place: Place, host: Host, ended: Ends) -> None:
    calls = AfterCalls(place.engine([])._world)
    one = ended("a", '{"turns": 3000000}')
    calls.offer(replace(one, did=replace(one.did, hangup_script_timeout_s=10)))
    await calls.finish(20)
    assert (calls.failed, host.kept) == (0, [("a", "completed")])


async def test_a_did_without_one_has_none_run(place: Place, host: Host, ended: Ends) -> None:
    calls = AfterCalls(place.engine([])._world)
    calls.offer(replace(ended("a"), did=Did(DID, "tested")))
    await calls.finish(1)
    assert (calls.run, host.kept) == (0, [])


async def test_at_the_end_of_the_server_calls_have_their_last_slots_and_their_scripts(
    place: Place, host: Host
) -> None:
    last = Flow("tested", "", (Debug(slot="debug", text="told"),), "t", "r")
    flow = Flow("tested", "", (Audio(slot="audio", file="A/b"),), "t", "r", AppSettings(), on_hangup=last)
    engine = place.engine([flow], [keeper := Keeper()])
    async with place.store.writing() as connection:
        await connection.exec_driver_sql("UPDATE dids SET hangup_script = 'after'")
        await connection.exec_driver_sql("UPDATE directory_revision SET revision = revision + 1")
    server = FastAgiServer(engine.run, AgiSettings(host="127.0.0.1", port=0))
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(GREETING)
    assert (await reader.readline()).strip() == b"ANSWER"
    writer.write(b"200 result=0\n")
    assert (await reader.readline()).startswith(b"STREAM FILE")
    await server.drain(0)
    await engine.after_calls.finish(20)
    writer.close()
    (record,) = keeper.records
    assert (record.outcome, record.released_by) == ("drained", "drain")
    assert [(visit.slot, visit.exit) for visit in record.visits][1:] == [("debug[1]", "done")]
    assert host.kept == [("c1", "drained")]
