"""One simulated call through the configured database and flows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ringflow.config import Config
from ringflow.core import LAST_RECORDS_S, open_core
from ringflow.records.recorder import Recorder
from ringflow.simulator.callee import MeetCallee
from ringflow.simulator.caller import CallerStep, ScriptedCaller
from ringflow.simulator.clock import VirtualClock
from ringflow.simulator.run import SimulatedCall
from ringflow.simulator.stage import durations_of
from ringflow.simulator.virtual_call import Arrival, carry_call


async def simulate_call(
    config: Config,
    arrival: Arrival,
    steps: Sequence[CallerStep],
    meet: MeetCallee,
    *,
    live: bool = False,
) -> SimulatedCall:
    """Simulate a call against the configured database and flows. Raises what `open_core` does.

    Unless it is `live` it changes nothing in the database, and meets there what a real call would. What it
    records is nobody's voice, and is never kept.
    """
    with TemporaryDirectory(prefix="ringflow-recordings-") as folder:
        return await _simulate(config, arrival, steps, meet, Path(folder), live=live)


async def _simulate(
    config: Config,
    arrival: Arrival,
    steps: Sequence[CallerStep],
    meet: MeetCallee,
    recordings: Path,
    *,
    live: bool,
) -> SimulatedCall:
    clock = VirtualClock(time.time())
    caller = ScriptedCaller(clock, steps)
    core = await open_core(config, clock, dry_run=not live, recordings_folder=recordings)
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
            observers=(recorder,) if recorder is not None else (),
            recordings=recordings,
        )
        if live:
            await core.recordings.forget_call(carried.record.call_id)
    finally:
        if recorder is not None:
            await recorder.close(LAST_RECORDS_S)
        await core.close()
    return SimulatedCall(carried, caller.timeline, caller.endless, caller.waits_for)
