"""One simulated call through the configured database and flows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from ringflow.calls.event_stream import Observer
from ringflow.config import Config
from ringflow.core import LAST_RECORDS_S, open_core
from ringflow.errors import Refused
from ringflow.flows.flow import Flow
from ringflow.records.recorder import Recorder
from ringflow.simulator.callee import MeetCallee
from ringflow.simulator.caller import CallerStep, ScriptedCaller
from ringflow.simulator.clock import VirtualClock
from ringflow.simulator.run import SimulatedCall
from ringflow.simulator.stage import durations_of
from ringflow.simulator.virtual_call import Arrival, carry_call

LONGEST_S = 20.0
"""How long a simulation may take in real time, beside a server's calls."""

Result = TypeVar("Result")


async def simulate_call(
    config: Config,
    arrival: Arrival,
    steps: Sequence[CallerStep],
    meet: MeetCallee,
    *,
    live: bool = False,
    flows: Sequence[Flow] = (),
    observers: Sequence[Observer] = (),
) -> SimulatedCall:
    """Simulate a call against the configured database and flows. Raises what `open_core` does.

    Unless it is `live` it changes nothing in the database, and meets there what a real call would. What it
    records is nobody's voice, and is never kept. `flows` take the place of those in service, or are there
    besides; `observers` are told of the call.
    """
    with TemporaryDirectory(prefix="ringflow-recordings-") as folder:
        return await _simulate(
            config, arrival, steps, meet, Path(folder), live=live, flows=flows, observers=observers
        )


async def beside_calls(room: asyncio.Semaphore, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Do work of the simulator in a thread with an event loop of its own, so that no call waits for it.

    `room` says how many such works there are at once. Raises `Refused` where it takes too long.
    """

    async def bounded() -> Result:
        async with asyncio.timeout(LONGEST_S):
            return await work()

    async with room:
        try:
            return await asyncio.to_thread(asyncio.run, bounded())
        except TimeoutError:
            raise Refused(
                "simulation.too_long", f"the simulation took longer than {LONGEST_S:g} s", most=int(LONGEST_S)
            ) from None


async def _simulate(
    config: Config,
    arrival: Arrival,
    steps: Sequence[CallerStep],
    meet: MeetCallee,
    recordings: Path,
    *,
    live: bool,
    flows: Sequence[Flow],
    observers: Sequence[Observer],
) -> SimulatedCall:
    clock = VirtualClock(time.time())
    caller = ScriptedCaller(clock, steps)
    core = await open_core(config, clock, dry_run=not live, recordings_folder=recordings)
    if flows:
        core = replace(core, book=core.book.with_flows(flows))
    recorder = Recorder(core.store, config.charging.server) if live and config.records is not None else None
    try:
        carried = await carry_call(
            arrival,
            core.engine,
            caller,
            clock,
            meet,
            durations_of(core.library),
            core.world.asterisk_sounds,
            manager=config.ami is not None,
            observers=(*observers, recorder) if recorder is not None else observers,
            recordings=recordings,
        )
        if live:
            await core.recordings.forget_call(carried.record.call_id)
    finally:
        if recorder is not None:
            await recorder.close(LAST_RECORDS_S)
        await core.close()
    return SimulatedCall(carried, caller.timeline, caller.endless, caller.waits_for)
