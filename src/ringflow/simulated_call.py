"""One simulated call through the configured database and flows: by a script, or by a person's telephone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from sqlalchemy import insert, update

from ringflow.accounts import dids
from ringflow.accounts.admission import Rejection
from ringflow.accounts.dids import Did
from ringflow.calls.event_stream import Observer
from ringflow.calls.manager import Manager
from ringflow.config import Config
from ringflow.core import LAST_RECORDS_S, Core, open_core
from ringflow.engine.engine import Engine
from ringflow.errors import Refused
from ringflow.flows.flow import Flow
from ringflow.records.recorder import Recorder
from ringflow.simulator.asterisk import PRESENTATION_ALLOWED
from ringflow.simulator.callee import MeetCallee
from ringflow.simulator.caller import CallerStep, ScriptedCaller
from ringflow.simulator.clock import VirtualClock
from ringflow.simulator.paced_clock import PacedClock
from ringflow.simulator.run import SimulatedCall
from ringflow.simulator.stage import durations_of
from ringflow.simulator.telephone import Telephone
from ringflow.simulator.virtual_call import Arrival, CarriedCall, carry_call
from ringflow.store.tables import dids as dids_table

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


@dataclass(frozen=True, slots=True)
class TelephoneCall:
    """A call that a person makes: of which number, on which telephone, and how its attempts are met.

    `flows` take the place of those in service, or are there besides. `app` answers, whatever the number leads
    to; None: where it leads. `observers` are told of the call. `begins` is called with what carries it,
    before it arrives.
    """

    arrival: Arrival
    telephone: Telephone
    clock: PacedClock
    meet: MeetCallee
    flows: Sequence[Flow] = ()
    app: str | None = None
    observers: Sequence[Observer] = ()
    begins: Callable[[Core, Engine], None] = lambda core, engine: None


async def call_by_telephone(config: Config, call: TelephoneCall) -> CarriedCall:
    """Carry a call that a person makes, to its end. Raises what `open_core` does.

    As with `simulate_call` nothing is changed in the database, and no recording is kept.
    """
    with TemporaryDirectory(prefix="ringflow-recordings-") as folder:
        core = await open_core(
            config, call.clock, dry_run=True, network=False, recordings_folder=Path(folder)
        )
        try:
            with_flows = replace(core, book=core.book.with_flows(call.flows)) if call.flows else core
            if call.app is not None:
                await _lead_to(core, call.arrival, call.app)

            def make_engine(observers: Sequence[Observer], manager: Manager) -> Engine:
                engine = with_flows.engine(observers, manager)
                call.begins(with_flows, engine)
                return engine

            return await carry_call(
                call.arrival,
                make_engine,
                call.telephone,
                call.clock,
                call.meet,
                durations_of(core.library),
                core.world.asterisk_sounds,
                manager=config.ami is not None,
                observers=call.observers,
                recordings=Path(folder),
            )
        finally:
            await core.close()


async def _lead_to(core: Core, arrival: Arrival, app: str) -> None:
    """Have the number that is called lead to an app, for a dry run. Raises `Refused`.

    A number that is no DID takes every caller, at the expense of the customer whose number calls.
    """
    country = core.config.country
    async with core.store.writing() as connection:
        did = await dids.find(connection, arrival.did, country)
        if did is not None:
            led = update(dids_table).where(dids_table.c.number == did.number)
            await connection.execute(led.values(app=app, enabled=True, script=None))
            return
        made = Did(dids.did_number(arrival.did, country), app)
        now_ms = core.charging.ledger.now_ms()
        row = {**asdict(made), "created_ms": now_ms, "updated_ms": now_ms}
        await connection.execute(insert(dids_table).values(row))
    greeting = arrival.greeting()
    withheld = greeting.presentation != PRESENTATION_ALLOWED
    if isinstance(await core.directory.arrive(arrival.did, greeting.caller, withheld), Rejection):
        async with core.store.writing() as connection:
            led = update(dids_table).where(dids_table.c.number == made.number)
            await connection.execute(led.values(identify="none"))


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
    clock.join(1)
    caller = ScriptedCaller(clock, steps)
    core = await open_core(config, clock, dry_run=not live, network=False, recordings_folder=recordings)
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
