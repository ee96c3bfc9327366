"""Servers under measurement, each in a process on one core; Ringflow on a fresh database."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from ringflow.bench.seed_call import CLI, DID
from ringflow.errors import StartError

START_LIMIT_S = 30.0
_PRIORITY = 10
_CPUCLOCK_SCHED = 2
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class MeasuredServer:
    """A running server: its process, its FastAGI port, and its HTTP port if it has one."""

    name: str
    pid: int
    port: int
    http_port: int = 0

    def cpu_s(self) -> float:
        """Processor seconds that all threads of the process have used, in user and kernel mode.

        By the process's own clock (clock_getcpuclockid(3)), which counts nanoseconds; proc(5) has ticks.
        """
        return time.clock_gettime((~self.pid << 3) | _CPUCLOCK_SCHED)

    def resident_bytes(self) -> int:
        """Memory that the process holds (proc(5), statm)."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE_BYTES


@functools.cache
def server_core() -> int:
    """The core that servers run on; the load takes the others. Stays what it was at first."""
    return min(os.sched_getaffinity(0))


@contextlib.contextmanager
def on_server_core() -> Iterator[None]:
    """Keep this process, and what it starts meanwhile, on the servers' core."""
    with _on_cores({server_core()}):
        yield


@contextlib.contextmanager
def on_load_cores() -> Iterator[None]:
    """Keep this process, and what it starts meanwhile, off the servers' core where there is another."""
    cores = os.sched_getaffinity(0)
    with _on_cores(cores - {server_core()} or cores):
        yield


@contextlib.contextmanager
def taking_turns() -> Iterator[None]:
    """Keep this process, and what it starts meanwhile, from interrupting one another (sched(7))."""
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@contextlib.contextmanager
def _on_cores(wanted: set[int]) -> Iterator[None]:
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, wanted)
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def ahead_of_others(*servers: MeasuredServer, behind: Sequence[int] = ()) -> Iterator[None]:
    """Run this process, what it starts meanwhile, and these servers before anything else on the machine.

    `behind`: processes that run whenever none of these wants to, and still before anything else.

    A niceness is no help: Asterisk takes a session of its own, and sessions share the processor evenly.
    Raises `StartError` without the right to it (sched(7)).
    """
    first, as_all = os.sched_param(_PRIORITY), os.sched_param(0)
    try:
        for server in servers:
            for thread in Path(f"/proc/{server.pid}/task").iterdir():
                os.sched_setscheduler(int(thread.name), os.SCHED_RR, first)
        for pid in behind:
            os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(_PRIORITY - 1))
        os.sched_setscheduler(0, os.SCHED_RR, first)
    except PermissionError as error:
        raise StartError("real-time priority is for root, or with CAP_SYS_NICE") from error
    try:
        yield
    finally:
        for pid in (0, *behind):
            with contextlib.suppress(ProcessLookupError):
                os.sched_setscheduler(pid, os.SCHED_OTHER, as_all)


@contextlib.contextmanager
def peer_server(kind: str) -> Iterator[MeasuredServer]:
    """A server of `bench.peers`: one of its `KINDS`."""
    command = [sys.executable, "-m", "ringflow.bench.peers", kind]
    with _process(command, dict(os.environ), server_core(), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise StartError(f"the {kind} peer did not start")
        yield MeasuredServer(kind, process.pid, int(line))


@contextlib.contextmanager
def api_servers(database_url: str) -> Iterator[tuple[MeasuredServer, str]]:
    """The process of `bench.api_servers`, and the line that it prints when it is ready. It has two ports."""
    command = [sys.executable, "-m", "ringflow.bench.api_servers", database_url]
    with _process(command, dict(os.environ), server_core(), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise StartError("the API and bare aiohttp did not start")
        yield MeasuredServer("api", process.pid, 0), line.decode()


@contextlib.contextmanager
def ringflow_server(
    folder: Path,
    project: Path,
    database_url: str | None = None,
    max_calls: int = 10_000,
    trunk_dial: str = "PJSIP/{number}@carrier",
    rated: str = "upstream",
    limits: Mapping[str, object] | None = None,
    fastagi_port: int = 0,
    ami: Mapping[str, object] | None = None,
    flow: Path | None = None,
    dids: Sequence[Mapping[str, object]] = (),
    more: Mapping[str, object] | None = None,
    on_all_cores: bool = False,
) -> Iterator[MeasuredServer]:
    """`ringflow serve` on a configuration of its own in `folder`, with the flows and prompts of `project`.

    `limits` are further settings of `fastagi`. `fastagi_port` 0: any that is free. `ami`: how it reaches
    Asterisk's manager interface; None: not at all. `flow`: a file whose app the DID leads to, named as the
    file, instead of the seed call's. `dids` are further DIDs, `more` further sections of the configuration.
    `on_all_cores`: not on the servers' core alone, for what has processes of its own.
    """
    ready = folder / "log.json"
    config: dict[str, object] = {
        "flows": str(project / "app_flows" if flow is None else flow.parent),
        "sounds": {"folder": str(project / "sounds")},
        "database": {"url": database_url or f"sqlite:///{folder}/bench.db"},
        "fastagi": {
            "port": fastagi_port,
            "drain_s": 0,
            "max_calls": max_calls,
            **(limits or {}),
        },
        "http": {"port": 0},
        **({"ami": dict(ami)} if ami is not None else {}),
        "impersonation": {"key_env": "RINGFLOW_BENCH_KEY"},
        "customers": [{"id": 42, "clis": [CLI]}],
        "dids": [{"number": DID, "app": "calling_card" if flow is None else flow.stem}, *map(dict, dids)],
        "trunks": [{"name": "carrier", "dial": trunk_dial, "rated": rated}],
        **(more or {}),
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RINGFLOW_")}
    environment["RINGFLOW_BENCH_KEY"] = secrets.token_hex(32)
    command = [sys.executable, "-m", "ringflow", "--config", str(folder / "config.yaml"), "serve"]
    with (
        ready.open("wb") as log,
        _process(command, environment, None if on_all_cores else server_core(), stderr=log) as process,
    ):
        ports = _wait_ready(ready, process)
        yield MeasuredServer("ringflow", process.pid, ports["fastagi"], ports["http"])


def _wait_ready(log: Path, process: subprocess.Popen[bytes]) -> dict[str, int]:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text().splitlines():
            event = json.loads(line) if line.startswith("{") else {}
            if event.get("event") == "ready":
                return {name: int(event[name].rpartition(":")[2]) for name in ("fastagi", "http")}
        time.sleep(0.05)
    raise StartError(f"ringflow serve did not become ready: {log.read_text()[-500:]}")


@contextlib.contextmanager
def _process(
    command: list[str], environment: dict[str, str], core: int | None, **pipes: object
) -> Iterator[subprocess.Popen[bytes]]:
    cores = os.sched_getaffinity(0) if core is None else {core}
    process = subprocess.Popen(  # type: ignore[call-overload]
        command, env=environment, preexec_fn=lambda: os.sched_setaffinity(0, cores), **pipes
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
