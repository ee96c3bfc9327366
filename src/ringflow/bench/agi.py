"""`ringflow bench agi`: whole seed calls, against servers that only talk the protocol."""

from __future__ import annotations

import contextlib
import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from ringflow.bench.load import VirtualCaller, hold_calls, run_load
from ringflow.bench.servers import (
    MeasuredServer,
    on_load_cores,
    peer_server,
    raise_file_limit,
    ringflow_server,
)

WARM_UP_CALLS = 200


@dataclass(slots=True)
class AgiFigures:
    """Rounds of one server: calls for each second of time, and for each second of its processor time."""

    name: str
    calls_per_s: list[float] = field(default_factory=list)
    calls_per_cpu_s: list[float] = field(default_factory=list)
    call_ms: list[float] = field(default_factory=list)
    complete: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class HeldFigures:
    """Calls held at a prompt in one process, and what each of them takes."""

    calls: int
    bytes_per_call: float


def measure_agi(
    project: Path, calls: int, at_once: int, rounds: int, database_url: str | None = None
) -> list[AgiFigures]:
    """Alternate the servers for `rounds` rounds of `calls` calls each, `at_once` of them at any time."""
    raise_file_limit()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running, on_load_cores():
        servers = [
            running.enter_context(ringflow_server(Path(folder), project, database_url)),
            running.enter_context(peer_server("bare")),
            running.enter_context(peer_server("panoramisk")),
        ]
        figures = [AgiFigures(server.name) for server in servers]
        for server in servers:
            uvloop.run(run_load(server.port, WARM_UP_CALLS, at_once))
        for _ in range(rounds):
            for server, found in zip(servers, figures, strict=True):
                _round(server, found, calls, at_once)
        return figures


def _round(server: MeasuredServer, found: AgiFigures, calls: int, at_once: int) -> None:
    cpu_before = server.cpu_s()
    result = uvloop.run(run_load(server.port, calls, at_once))
    cpu_s = server.cpu_s() - cpu_before
    found.calls_per_s.append(result.calls_per_second)
    found.calls_per_cpu_s.append(result.complete / cpu_s if cpu_s else 0.0)
    found.call_ms.extend(result.call_ms)
    found.complete += result.complete
    found.failed += result.failed


def measure_held(project: Path, calls: int) -> HeldFigures:
    """Hold `calls` calls at the prompt in one process; the memory of each is the growth, shared out."""
    raise_file_limit()
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
