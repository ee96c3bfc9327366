"""`ringflow bench scripts`: what a script costs a call, and whether runs survive a lost process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from ringflow.accounts import operators
from ringflow.accounts.declarations import apply_declarations
from ringflow.accounts.operators import Operator
from ringflow.actor import acting, shell_operator
from ringflow.bench.load import VirtualCaller
from ringflow.bench.seed_call import CLI, CUSTOMER, DID
from ringflow.bench.servers import MeasuredServer, ahead_of_others, ringflow_server
from ringflow.config import Config, CustomerDeclaration
from ringflow.scripts.folder import ScriptFolder
from ringflow.scripts.host import host_calls
from ringflow.scripts.key_values import KeyValues
from ringflow.scripts.run import Job, RunLimits, ScriptFailed
from ringflow.scripts.workers import ScriptWorkers, WorkerSettings
from ringflow.store import Store

API_USER = "scripts@example.com"
SCRIPTED_DID, HOSTILE_DID = "18005550111", "18005550112"
HOSTILE_EVERY = 10
"""With hostile scripts, one call of so many has one."""
WARM_UP_CALLS = 100
WARM_UP_RUNS = 2_000
AT_ONCE = 8

_IDENTIFIES = f"""
const cxRest = require('cxRest');
const cxHelper = require('cxHelper');
async function main(data) {{
  const [known] = await cxRest.auth('{API_USER}').get('cli', {{ cli: data.routing.cli }});
  if (!known) throw new Error('401 CLI Not Authorized');
  for (const header of data.routing.egress_routing[0].headers) {{
    if (header.key === 'X-Customer-ID') header.value = known.company_id;
    if (header.key === 'X-CX-Sec')
      header.value = cxHelper.generatePbxSecurityKey(known.company_id, data.routing.server);
  }}
  return data;
}}
"""
_HOSTILE = """
const all = [];
async function main(data) {
  for (;;) {
    all.push('x'.repeat(1e5));
    if (all.length > 200) all.length = 0;
    /^(a+)+$/.test('a'.repeat(18) + 'b');
  }
}
"""
_COUNTS = f"""
const cxRest = require('cxRest');
const {{ incr }} = require('cxKV');
async function main(data) {{
  const [known] = await cxRest.auth('{API_USER}').get('cli', {{ cli: data.cli }});
  return [known.company_id, await incr('runs')];
}}
"""


@dataclass(slots=True)
class CallTimes:
    """Whole calls of one kind, in milliseconds; `failed` are those that did not dial."""

    name: str
    call_ms: list[float] = field(default_factory=list)
    failed: int = 0

    def share_ms(self, share: float) -> float:
        """Return the time within which this share of the calls was over."""
        ordered = sorted(self.call_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


@dataclass(frozen=True, slots=True)
class KilledFigures:
    """Runs while processes were killed. `counted`: the increments that the database has of them."""

    runs: int
    failures: Sequence[str]
    counted: int
    killed: int
    lost_processes: int
    seconds: float
    resident_kb: tuple[int, int]
    descriptors: tuple[int, int]
    processes: tuple[int, int]


def measure_script_calls(
    project: Path, calls: int, calls_per_s: float, hostile: bool, realtime: bool
) -> list[CallTimes]:
    """Make seed calls of each kind by turns, so many a second in all, and return their times.

    The kinds are calls without a script and calls with the pinless one; with `hostile` also such as those
    without, while one call of ten runs a script that never ends. `realtime`: before anything else on the
    machine. Raises `StartError`.
    """
    with TemporaryDirectory(prefix="ringflow-bench-") as name:
        folder = Path(name)
        scripts = folder / "scripts"
        scripts.mkdir()
        (scripts / "pinless.js").write_text(_IDENTIFIES)
        (scripts / "hostile.js").write_text(_HOSTILE)
        dids = [
            {"number": SCRIPTED_DID, "app": "calling_card", "identify": "none", "script": "pinless"},
            {"number": HOSTILE_DID, "app": "calling_card", "script": "hostile", "script_fallback": "app"},
        ]
        more = {"scripts": {"folder": str(scripts), "time_ms": 500}}
        with ringflow_server(folder, project, dids=dids, more=more, on_all_cores=True) as server:
            uvloop.run(_add_api_user(f"sqlite:///{folder}/bench.db"))
            uvloop.run(_warm_up(server.port, calls_per_s))
            with _ahead(server, _children(server.pid)) if realtime else contextlib.nullcontext():
                found = uvloop.run(_by_turns(server.port, calls, calls_per_s))
            if not hostile:
                return found
            # Workers ahead of others that never rest would have Linux stop all such for 50 ms each second.
            with _ahead(server, ()) if realtime else contextlib.nullcontext():
                return [*found, *uvloop.run(_beside_hostile(server.port, calls, calls_per_s))]


@contextlib.contextmanager
def _ahead(server: MeasuredServer, workers: Sequence[int]) -> Iterator[None]:
    """Have the server run before all else, and workers behind it, as their niceness has them do."""
    with ahead_of_others(server, behind=workers):
        for thread in Path(f"/proc/{server.pid}/task").iterdir():
            # A worker that is started meanwhile would be the server's equal.
            policy = os.sched_getscheduler(int(thread.name)) | os.SCHED_RESET_ON_FORK
            os.sched_setscheduler(int(thread.name), policy, os.sched_getparam(int(thread.name)))
        yield


async def _add_api_user(url: str) -> None:
    store = await Store.open(url)
    try:
        async with acting(store, shell_operator("bench"), "US") as actor:
            await operators.add(actor, Operator(API_USER, "viewer"), None)
    finally:
        await store.close()


async def _warm_up(port: int, calls_per_s: float) -> None:
    warm = CallTimes("warm-up")
    await _paced(port, [(DID, warm), (SCRIPTED_DID, warm)], WARM_UP_CALLS, calls_per_s)


async def _by_turns(port: int, calls: int, calls_per_s: float) -> list[CallTimes]:
    plain, scripted = CallTimes("without a script"), CallTimes("with a script")
    await _paced(port, [(DID, plain), (SCRIPTED_DID, scripted)], calls * 2, calls_per_s)
    return [plain, scripted]


async def _beside_hostile(port: int, calls: int, calls_per_s: float) -> list[CallTimes]:
    alone, beside, endless = (
        CallTimes(name) for name in ("alone", "beside hostile scripts", "with a hostile script")
    )
    await _paced(port, [(DID, alone)], calls, calls_per_s)
    await _paced(port, [(DID, beside)] * (HOSTILE_EVERY - 1) + [(HOSTILE_DID, endless)], calls, calls_per_s)
    return [alone, beside, endless]


async def _paced(port: int, kinds: Sequence[tuple[str, CallTimes]], calls: int, calls_per_s: float) -> None:
    """Begin calls at their times, whether the earlier ones are over or not."""
    began = time.perf_counter()
    running = []
    for number in range(calls):
        await asyncio.sleep(max(0.0, began + number / calls_per_s - time.perf_counter()))
        did, times = kinds[number % len(kinds)]
        running.append(asyncio.create_task(_call(port, number, did, times)))
    await asyncio.gather(*running)


async def _call(port: int, number: int, did: str, times: CallTimes) -> None:
    loop = asyncio.get_running_loop()
    over: asyncio.Future[bool] = loop.create_future()
    began = time.perf_counter()
    try:
        await loop.create_connection(partial(VirtualCaller, number, over, did=did), "127.0.0.1", port)
    except OSError:
        over.set_result(False)
    if await over:
        times.call_ms.append((time.perf_counter() - began) * 1000)
    else:
        times.failed += 1


def measure_killed_runs(
    runs: int, seed: int, kill_every_s: float = 1.0, warm_up: int = WARM_UP_RUNS
) -> KilledFigures:
    """Run a script that reads and counts, and kill one of its processes each second."""
    with TemporaryDirectory(prefix="ringflow-bench-") as folder:
        return uvloop.run(_killed_runs(Path(folder), runs, random.Random(seed), kill_every_s, warm_up))  # noqa: S311 -- what is killed


async def _killed_runs(
    folder: Path, runs: int, chance: random.Random, kill_every_s: float, warm_up: int
) -> KilledFigures:
    config = Config(customers=(CustomerDeclaration(id=CUSTOMER, clis=(CLI,)),))
    (folder / "counts.js").write_text(_COUNTS)
    store = await Store.open(f"sqlite:///{folder}/bench.db")
    await store.migrate()
    await apply_declarations(store, config)
    async with acting(store, shell_operator("bench"), "US") as actor:
        await operators.add(actor, Operator(API_USER, "viewer"), None)
    host = host_calls(store, config, lambda: round(time.time() * 1000))("counts")
    script = ScriptFolder(folder).read("counts").script
    # What waits for a process on a busy machine is not lost by the loss of one.
    workers = ScriptWorkers(WorkerSettings(wait_ms=30_000))
    failures: list[str] = []

    async def carry_out(numbers: Sequence[int]) -> None:
        for _ in numbers:
            job = Job({"cli": CLI}, round(time.time() * 1000), RunLimits(time_ms=10_000), host)
            try:
                result = await workers.run(script, job)
            except ScriptFailed as error:
                failures.append(str(error))
            else:
                if not isinstance(result.value, list) or result.value[0] != CUSTOMER:
                    failures.append(f"a wrong result: {result.value}")

    async def carry_out_all(count: int) -> None:
        await asyncio.gather(*(carry_out(range(first, count, AT_ONCE)) for first in range(AT_ONCE)))

    killed = 0

    async def kill() -> None:
        nonlocal killed
        while True:
            if pids := workers.pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(chance.choice(pids), signal.SIGKILL)
                    killed += 1
            await asyncio.sleep(kill_every_s)

    try:
        await workers.warm()
        await carry_out_all(warm_up)
        before = _held()
        began = time.perf_counter()
        killing = asyncio.create_task(kill())
        await carry_out_all(runs)
        killing.cancel()
        seconds = time.perf_counter() - began
        await workers.warm()
        await asyncio.sleep(kill_every_s)
        after = _held()
        counted = await KeyValues(store).get("runs", round(time.time() * 1000))
        return KilledFigures(
            runs=runs,
            failures=failures,
            counted=(counted if isinstance(counted, int) else 0) - warm_up,
            killed=killed,
            lost_processes=workers.figures.lost,
            seconds=seconds,
            resident_kb=(before[0], after[0]),
            descriptors=(before[1], after[1]),
            processes=(before[2], after[2]),
        )
    finally:
        await workers.close()
        await store.close()


def _held() -> tuple[int, int, int]:
    """Return this process's memory in kilobytes, its open descriptors, and its children."""
    status = Path("/proc/self/status").read_text()
    resident = int(status.partition("VmRSS:")[2].split()[0])
    return resident, len(os.listdir("/proc/self/fd")), len(_children(os.getpid()))


def _children(pid: int) -> list[int]:
    """Return the processes that a process has started (proc(5))."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in lists for child in path.read_text().split()]
