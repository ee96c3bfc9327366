"""Two Asterisks and two servers on one database: each judges only what lives on its own Asterisk.

Asterisks without a system name that are called in the same second may give the same unique IDs to calls.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.lab.test_charged_real import BUSY_MACHINE_MS, PATIENCE_S, ROOT, new_database

from ringflow.bench.charged_stage import CREDIT_MICROS, TERMS, ChargedStage, charged_stage
from ringflow.bench.sip_round import CallTimes, run_round
from ringflow.lab import Lab
from ringflow.lab.ports import free_tcp_port
from ringflow.lab.sipp_scenarios import LabCallee
from ringflow.ledger.terms import charge_micros
from ringflow.store.ledger_tables import ledger_holds, ledger_marks, servers

pytestmark = [pytest.mark.lab, pytest.mark.postgres]

RELEASES = ["forky", "bullseye"]
DEAD_AFTER_S = 1.0
TALK_MS = 3_000
TRIES = 5


@pytest.fixture
def labs(own_lab: Lab, tmp_path: Path) -> tuple[Lab, Lab]:
    return own_lab, Lab(own_lab.folder, own_lab.release, tmp_path / "second" / "asterisk")


@asynccontextmanager
async def two_stages(
    labs: tuple[Lab, Lab], folder: Path, url: str, *, one_address: bool = False
) -> AsyncIterator[list[ChargedStage]]:
    """A server beside each Asterisk, on one database; `one_address`: both call the first server."""
    port = free_tcp_port()
    async with AsyncExitStack() as stack:
        stages = []
        for index, lab in enumerate(labs):
            place = folder / f"node{index}"
            place.mkdir()
            stage = charged_stage(
                place,
                ROOT,
                lab,
                database_url=url,
                dead_after_s=DEAD_AFTER_S,
                charging={"server": f"node{index}"},
                fastagi_port=port if one_address or index == 0 else None,
                credit_micros=CREDIT_MICROS if index == 0 else None,
            )
            stages.append(await stack.enter_async_context(stage))
        yield stages


async def channels(stage: ChargedStage) -> int:
    """How many channels of a call are up there."""
    return (await asyncio.to_thread(stage.lab.asterisk().ask, "core show channels")).count(" Up ")


async def until(what: str, is_so: object) -> None:
    """Wait until something that nobody tells of is so."""
    assert callable(is_so)
    async with asyncio.timeout(PATIENCE_S):
        while not await is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def until_left(stage: ChargedStage, holds: int, calls: int) -> None:
    """Until so many holds stand and so many calls are counted."""

    async def are_left() -> bool:
        return await stage.left_over() == (holds, calls)

    await until(f"{holds} holds and {calls} counted calls", are_left)


async def logged(stage: ChargedStage, event: str, after: int = 0) -> list[dict[str, object]]:
    """The lines of that event, waited for."""
    async with asyncio.timeout(PATIENCE_S):
        while not (lines := [one for one in stage.server.logged[after:] if one["event"] == event]):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return lines


async def two_calls(
    stages: list[ChargedStage], talks_ms: list[int | None]
) -> list[asyncio.Task[list[CallTimes]]]:
    """A talk on each Asterisk; None: until it is hung up."""
    callees = [LabCallee(answers_after_ms=200, hangs_up_after_ms=talk_ms) for talk_ms in talks_ms]
    calls = [
        asyncio.create_task(run_round(stage.lab.packages, stage.way, 1, 1, callee))
        for stage, callee in zip(stages, callees, strict=True)
    ]

    async def talking() -> bool:
        return [await channels(stage) for stage in stages] == [2, 2]

    await until("two talks", talking)
    return calls


async def colliding_calls(
    stages: list[ChargedStage], talks_ms: list[int | None]
) -> list[asyncio.Task[list[CallTimes]]]:
    """The same, of which the callers' channels have the same unique ID."""
    tried = []
    for _ in range(TRIES):
        calls = await two_calls(stages, talks_ms)
        ids = await unique_ids(stages)
        if ids[0] == ids[1]:
            return calls
        tried.append(ids)
        for stage in stages:
            await hang_up(stage)
        await asyncio.gather(*calls)
        await make_even(stages, ids)
    pytest.fail(f"the two Asterisks never gave the same unique ID: {tried}")


async def hang_up(stage: ChargedStage) -> None:
    """End what is talked there; without that a talk of no given length goes on."""
    await asyncio.to_thread(stage.lab.asterisk().ask, "channel request hangup all")


async def unique_ids(stages: list[ChargedStage]) -> list[str]:
    """Those of the callers' channels that talk."""
    async with stages[0].store.reading() as connection:
        held = ledger_holds.select().where(ledger_holds.c.state == "held")
        found = {row.asterisk: row.leg_id.rpartition("@")[2] for row in await connection.execute(held)}
    return [found[await identity(stage)] for stage in stages]


async def make_even(stages: list[ChargedStage], ids: list[str]) -> None:
    """Have the Asterisk that counted fewer channels make some more; a Local channel counts for two."""
    one, two = (int(unique_id.partition(".")[2]) for unique_id in ids)
    behind = stages[0] if one < two else stages[1]
    for _ in range(abs(one - two) // 2):
        command = "channel originate Local/make@ringflow-asterisk application NoOp"
        await asyncio.to_thread(behind.lab.asterisk().ask, command)


async def charges(stage: ChargedStage) -> dict[str, int | None]:
    """What the leg on each Asterisk was charged, or None while it is held, by the Asterisk's identity."""
    async with stage.store.reading() as connection:
        rows = await connection.execute(ledger_holds.select().order_by(ledger_holds.c.opened_ms))
        return {row.asterisk: row.charged_micros if row.state == "settled" else None for row in rows}


async def counted(stage: ChargedStage) -> set[str]:
    """The Asterisks of the calls that are counted."""
    async with stage.store.reading() as connection:
        return set((await connection.execute(select(ledger_marks.c.asterisk))).scalars())


async def reaped_again(stage: ChargedStage, name: str) -> None:
    """Until the reaper of a server has looked two more times: it says each time which Asterisk it is on."""

    async def seen_ms() -> int:
        async with stage.store.reading() as connection:
            query = select(servers.c.asterisk_seen_ms).where(servers.c.name == name)
            return int((await connection.execute(query)).scalar_one())

    for _ in range(2):
        before_ms = await seen_ms()

        async def looked() -> bool:
            return await seen_ms() > before_ms  # noqa: B023

        await until("a look", looked)


async def identity(stage: ChargedStage) -> str:
    shown = await asyncio.to_thread(stage.lab.asterisk().ask, "dialplan show globals")
    return shown.partition("RINGFLOW_ASTERISK=")[2].split()[0]


def assert_charged(micros: int | None, call: CallTimes) -> None:
    assert micros is not None
    low, high = (
        charge_micros(TERMS, round(call.talked_ms) + off) for off in (-BUSY_MACHINE_MS, BUSY_MACHINE_MS)
    )
    assert low <= micros <= high


@pytest.mark.parametrize("release", RELEASES)
async def test_a_dead_servers_talk_is_judged_by_nobody_who_is_on_another_asterisk(
    labs: tuple[Lab, Lab], tmp_path: Path, postgres_url: str, release: str
) -> None:
    url = await new_database(postgres_url, f"two_{release}")
    async with two_stages(labs, tmp_path, url) as stages:
        one, two = stages
        for stage in stages:
            await stage.server.start()
        calls = await colliding_calls(stages, [None, TALK_MS])
        first, second = [await identity(stage) for stage in stages]
        assert first != second
        await one.server.kill()
        # The other server has looked, and says what it leaves.
        (left, *_) = await logged(two, "left standing")
        assert left["asterisk"] == first
        (short,) = await calls[1]

        async def other_is_over() -> bool:
            return await counted(two) == {first}

        # Its own call of the same unique ID is over, and the dead server's is still counted and held.
        await until("the other call is settled", other_is_over)
        await reaped_again(two, "node1")
        assert (await charges(two))[first] is None
        assert await counted(two) == {first}
        await hang_up(one)
        (long,) = await calls[0]
        # Where nobody answers, Asterisk keeps the end.
        assert (await charges(two))[first] is None
        await one.server.start()
        await until_left(one, 0, 0)
        charged = await charges(one)
        assert_charged(charged[first], long)
        assert_charged(charged[second], short)
        assert await one.findings() == []
        for stage in stages:
            assert [one for one in stage.server.logged if one["event"] == "leg not charged"] == []


@pytest.mark.parametrize("release", RELEASES[:1])
async def test_a_server_of_two_asterisks_that_is_killed_and_started_again_settles_nothing_of_the_other(
    labs: tuple[Lab, Lab], tmp_path: Path, postgres_url: str, release: str
) -> None:
    url = await new_database(postgres_url, "two_of_one_server")
    async with two_stages(labs, tmp_path, url, one_address=True) as stages:
        one, two = stages
        await one.server.start()
        calls = await two_calls(stages, [TALK_MS, None])
        first, second = [await identity(stage) for stage in stages]
        await one.server.kill()
        await one.server.start()
        (left, *_) = await logged(one, "left standing")
        assert left["asterisk"] == second
        (short,) = await calls[0]
        assert await channels(two) == 2
        assert (await charges(one))[second] is None
        assert second in await counted(one)
        await hang_up(two)
        (long,) = await calls[1]
        # The hangup handlers settle both, and its call is counted until a server is on that Asterisk.
        await until_left(one, 0, 1)
        charged = await charges(one)
        assert_charged(charged[first], short)
        assert_charged(charged[second], long)
        assert await counted(one) == {second}
        config = two.server.config.read_text("utf-8")
        two.server.config.write_text(
            config.replace(f"port: {one.lab.asterisk().fastagi_port}", f"port: {free_tcp_port()}")
        )
        await two.server.start()
        await until_left(one, 0, 0)
        assert await one.findings() == []


@pytest.mark.parametrize("release", RELEASES[:1])
async def test_a_drain_hangs_up_no_call_of_another_asterisk(
    labs: tuple[Lab, Lab], tmp_path: Path, postgres_url: str, release: str
) -> None:
    url = await new_database(postgres_url, "two_drained")
    async with two_stages(labs, tmp_path, url, one_address=True) as stages:
        one, two = stages
        await one.server.start()
        calls = await two_calls(stages, [None, None])
        assert one.server.process is not None
        one.server.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            await one.server.process.wait()
        assert [await channels(stage) for stage in stages] == [0, 2]
        said = await logged(one, "calls not hung up")
        assert [line["calls"] for line in said] == [1]
        await one.server.start()
        await hang_up(two)
        short, long = [(await call)[0] for call in calls]
        await until_left(one, 0, 0)
        first, second = [await identity(stage) for stage in stages]
        charged = await charges(one)
        assert_charged(charged[first], short)
        assert_charged(charged[second], long)
        assert short.talked_ms is not None
        assert long.talked_ms is not None
        assert short.talked_ms < long.talked_ms
        assert await one.findings() == []
