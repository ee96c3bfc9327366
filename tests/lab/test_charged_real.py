"""Money and real calls: the talk is charged as the wire has it, and no kill -9 loses any of it."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from tests.lab.passage import Passage

from ringflow.bench import crash
from ringflow.bench.billed import measure_billed
from ringflow.bench.charged_stage import CREDIT_MICROS, CUSTOMER, TERMS, ChargedStage, charged_stage
from ringflow.bench.sip_round import run_round
from ringflow.lab import Lab
from ringflow.lab.ports import free_tcp_port
from ringflow.lab.sipp_scenarios import LabCallee
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.terms import charge_micros

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parents[2]
LAB = ROOT / ".ringflow" / "lab"
RELEASES = ["forky", "bullseye"]
PATIENCE_S = 20.0
BUSY_MACHINE_MS = 500
"""How far a talk may be off the wire here: tests run on any machine; `bench crash` holds it to 100 ms."""


@pytest.mark.parametrize("release", RELEASES)
async def test_kill_9_while_calls_ring_and_talk_loses_no_money(own_lab: Lab, tmp_path: Path) -> None:
    chance = random.Random(1)
    async with charged_stage(tmp_path, ROOT, own_lab) as stage:
        rounds = [await crash.crash_round(stage, chance, BUSY_MACHINE_MS) for _ in range(2)]
    assert [one.wrong for one in rounds] == [(), ()]
    assert sum(one.talked for one in rounds) > 0
    # Some were settled by someone else than the server that dialled them.
    assert sum(one.by_handler + one.by_reaper for one in rounds) > 0
    # FastAGI that is away, and a caller's channel that went before the callee's handler could note the end.
    expected = ("res_agi.c", "RINGFLOW_ENDED_MS")
    complaints = own_lab.asterisk().complaints()
    assert [line for line in complaints if not any(word in line for word in expected)] == []


@pytest.mark.parametrize("release", RELEASES)
async def test_a_menu_of_six_seconds_is_not_charged(own_lab: Lab) -> None:
    found = await measure_billed(ROOT, LAB, own_lab.release, calls=10, rounds=1)
    assert found.wrong == []
    assert len(found.off_ms) == 10
    assert max(abs(off_ms) for off_ms in found.off_ms) <= 100


async def new_database(server: str, name: str) -> str:
    """A database without tables; gives its URL."""
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    await engine.dispose()
    return make_url(server).set(database=name).render_as_string(hide_password=False)


async def talking(stage: ChargedStage) -> None:
    """Until a call has been put through."""
    async with asyncio.timeout(PATIENCE_S):
        while (await asyncio.to_thread(stage.lab.asterisk().ask, "core show channels")).count(" Up ") < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def cleared(stage: ChargedStage) -> None:
    """Until no hold stands and no call is counted."""
    async with asyncio.timeout(PATIENCE_S):
        while await stage.left_over() != (0, 0):  # noqa: ASYNC110 -- nobody tells
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("release", RELEASES[:1])
async def test_a_call_that_asterisk_dies_with_is_released_and_not_charged(
    own_lab: Lab, tmp_path: Path
) -> None:
    callee = LabCallee(answers_after_ms=200, hangs_up_after_ms=None)
    async with charged_stage(tmp_path, ROOT, own_lab) as stage:
        await stage.server.start()
        calling = asyncio.create_task(run_round(own_lab.packages, stage.way, 1, 1, callee))
        await talking(stage)
        assert await stage.left_over() == (1, 1)
        state = own_lab.asterisk().state
        old_port, port = state.ami_port, state.fastagi_port
        os.kill(state.pid, signal.SIGKILL)
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
        async with asyncio.timeout(PATIENCE_S):
            while (await stage.left_over())[1] != 0:  # noqa: ASYNC110 -- nobody tells
                await asyncio.sleep(0.1)
        # Its channel is not counted any more; the hold stands until Asterisk can be asked.
        assert (await stage.left_over())[0] == 1
        # The lab gives a new Asterisk new ports.
        passage = Passage(old_port, (await asyncio.to_thread(own_lab.up, port)).ami_port)
        await passage.open()
        await cleared(stage)
        passage.cut()
        assert await stage.findings() == []
        said = [one for one in stage.server.logged if one["event"] == "leg not charged"]
        assert [one["why"] for one in said] == ["Asterisk has neither its channel nor its end"]


@pytest.mark.postgres
@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("killed", [False, True], ids=["it waits", "and then the server dies"])
async def test_a_talk_that_ends_while_the_database_is_away_is_settled_later(
    own_lab: Lab, tmp_path: Path, postgres_url: str, release: str, killed: bool
) -> None:
    url = make_url(await new_database(postgres_url, f"away_{release}_{killed}".lower()))
    assert url.port is not None
    database = Passage(free_tcp_port(), url.port)
    await database.open()
    through = url.set(port=database.port).render_as_string(hide_password=False)
    callee = LabCallee(answers_after_ms=200, hangs_up_after_ms=2500)
    async with charged_stage(tmp_path, ROOT, own_lab, database_url=through) as stage:
        await stage.server.start()
        calling = asyncio.create_task(run_round(own_lab.packages, stage.way, 1, 1, callee))
        await talking(stage)
        database.cut()
        (call,) = await calling
        async with asyncio.timeout(PATIENCE_S):
            while not any(one["event"] == "settlement late" for one in stage.server.logged):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        if killed:
            await stage.server.kill()
        assert "/ringflow/" in own_lab.asterisk().ask("database show ringflow")
        await database.open()
        if killed:
            await stage.server.start()
        await cleared(stage)
        async with asyncio.timeout(PATIENCE_S):
            while "/ringflow/" in own_lab.asterisk().ask("database show ringflow"):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert await stage.findings() == []
        # A server that lives pays what it owes itself, and has Asterisk forget; one that died cannot.
        event = "leg settled from AstDB" if killed else "settlement late"
        told = [one["talked_ms"] for one in stage.server.logged if one["event"] == event]
        assert told == [pytest.approx(call.talked_ms, abs=100)]
        account = await Ledger(stage.store, "test").account(CUSTOMER)
    assert account is not None
    assert CREDIT_MICROS - account.balance_micros == charge_micros(TERMS, told[0])
