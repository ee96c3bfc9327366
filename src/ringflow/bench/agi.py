"""`ringflow bench agi`: whole seed calls, against servers that only talk the protocol."""

from __future__ import annotations

import contextlib
import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from ringflow.agi.open_files import raise_open_file_limit
from ringflow.bench.load import VirtualCaller, hold_calls, run_load
from ringflow.bench.peers import KINDS
from ringflow.bench.servers import (
    MeasuredServer,
    on_load_cores,
    on_server_core,
    peer_server,
    ringflow_server,
    taking_turns,
)

WARM_UP_CALLS = 200
US_PER_S = 1_000_000


@dataclass(slots=True)
class AgiFigures:
    """One server, and its processor time for a call in each round: all its threads, user and kernel."""

    name: str
    cpu_us: list[float] = field(default_factory=list)
    complete: int = 0
    failed: int = 0

    @property
    def calls_per_core_s(self) -> float:
        """Complete calls for a second of one core's time; 0 where none was complete."""
        return US_PER_S / middle(self.cpu_us) if self.cpu_us else 0.0

    def times_as_many_as(self, other: AgiFigures) -> float:
        """How many calls this one carries for each of the other's on as much processor time, by rounds."""
        return middle([theirs / ours for ours, theirs in zip(self.cpu_us, other.cpu_us, strict=False)])


@dataclass(frozen=True, slots=True)
class HeldFigures:
    """Calls held at a prompt in one process, and what each of them takes."""

    calls: int
    bytes_per_call: float


def measure_agi(
    project: Path, calls: int, at_once: int, rounds: int, database_url: str | None = None
) -> list[AgiFigures]:
    """Alternate the servers for `rounds` rounds of `calls` calls each, `at_once` of them at any time.

    Ringflow comes first, then the peers. The load is Python too, and on a core of its own it would tire
    before the quicker servers do: they would wait for it, and waking up costs more than working on. So it
    takes turns with the server on one core. A server then finds all that came meanwhile, as it does under
    full load, and what it can carry follows from its processor time. Raises `StartError`.
    """
    raise_open_file_limit()
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.ExitStack() as running,
        on_server_core(),
        taking_turns(),
    ):
        servers = [running.enter_context(ringflow_server(Path(folder), project, database_url))]
        servers += [running.enter_context(peer_server(kind)) for kind in KINDS]
        figures = [AgiFigures(server.name) for server in servers]
        for server in servers:
            uvloop.run(run_load(server.port, WARM_UP_CALLS, at_once))
        for _ in range(rounds):
            for server, found in zip(servers, figures, strict=True):
                measure_round(server, found, calls, at_once)
        return figures


def measure_round(server: MeasuredServer, found: AgiFigures, calls: int, at_once: int) -> None:
    """Make `calls` calls, and add what they came to."""
    before_s = server.cpu_s()
    result = uvloop.run(run_load(server.port, calls, at_once))
    took_s = server.cpu_s() - before_s
    found.complete += result.complete
    found.failed += result.failed
    if result.complete:
        found.cpu_us.append(took_s / result.complete * US_PER_S)


def measure_held(project: Path, calls: int) -> HeldFigures:
    """Hold `calls` calls at the prompt in one process; the memory of each is the growth, shared out."""
    raise_open_file_limit()
    with (
        tempfile.TemporaryDirectory() as folder,
        on_load_cores(),
        ringflow_server(Path(folder), project, max_calls=calls + 100) as server,
    ):
        uvloop.run(run_load(server.port, WARM_UP_CALLS, 20))
        before = server.resident_bytes()
        return uvloop.run(_hold(server, calls, before))


async def _hold(server: MeasuredServer, calls: int, before: int) -> HeldFigures:
    held: list[VirtualCaller] = await hold_calls(server.port, calls)
    grown = server.resident_bytes() - before
    for caller in held:
        caller.hang_up()
    return HeldFigures(calls, grown / calls)


def middle(values: list[float]) -> float:
    """The median, or 0 where nothing was measured."""
    return statistics.median(values) if values else 0.0
