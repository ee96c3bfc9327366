"""The workers of a server: warm processes, each of which runs one script at a time.

A run that finds all of them busy waits; one that would be too far behind, or waits too long, is refused. A
process is replaced after so many runs, when it has grown, and when it was lost. A run whose process was
lost through no fault of its own is run again with the same chance. What it has asked of the host is in its
journal, and is answered from there: nothing is written twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from pydantic import TypeAdapter, ValidationError

from ringflow.plain_text import plain
from ringflow.scripts.missing_names import mend_of
from ringflow.scripts.run import (
    CallRefused,
    FailureKind,
    HostCall,
    Job,
    LogLine,
    RunResult,
    ScriptFailed,
    Ticket,
    one_line,
)
from ringflow.scripts.script import Place, Script
from ringflow.scripts.worker_process import START_S, WorkerGone, WorkerProcess

log = structlog.get_logger("ringflow.scripts")

MAX_MESSAGE = 2000
SPARE_BYTES = 32 * 1024 * 1024
"""What the prelude may take before a run's own limit counts."""
TRIES = 5
"""How often a run is begun. With three tries, and one of two processes killed each second, 6 of 100,000 runs
were lost."""
LAST_CALLS_S = 10.0
"""How long what a script asked for and did not wait for may take after its end."""
SILENT_S = 3.0
"""How long after its limit a process that says nothing is taken for lost."""

_CALLS = TypeAdapter(list[HostCall])
_LOG = TypeAdapter(list[tuple[str, str]])
_TICKETS = TypeAdapter(list[Ticket])
_KINDS = {
    "time": FailureKind.TIME,
    "memory": FailureKind.MEMORY,
    "microtasks": FailureKind.MICROTASKS,
    "never_settled": FailureKind.NEVER_SETTLED,
    "no_result": FailureKind.BAD_RESULT,
}


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """`size`: how many processes. `zone`: the time zone of dates in scripts."""

    size: int = 0
    queue: int = 200
    wait_ms: int = 1000
    runs: int = 1000
    resident_mb: int = 150
    zone: str = "UTC"

    @property
    def processes(self) -> int:
        """How many processes there are: as many as cores, and at least two, where it is not said."""
        return self.size or max(2, os.cpu_count() or 2)


@dataclass(slots=True)
class WorkerFigures:
    """Counted since the start."""

    runs: int = 0
    failed: int = 0
    lost: int = 0
    started: int = 0
    refused: int = 0


class ScriptWorkers:
    """Runs scripts. Used by one event loop; `close` ends the processes."""

    def __init__(self, settings: WorkerSettings | None = None) -> None:
        self.settings = settings or WorkerSettings()
        self.figures = WorkerFigures()
        self._idle: list[WorkerProcess] = []
        self._all: set[WorkerProcess] = set()
        self._starting = 0
        self._waiting: deque[asyncio.Future[WorkerProcess]] = deque()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ends: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def pids(self) -> Sequence[int]:
        """The processes that live."""
        return [worker.pid for worker in self._all if worker.is_alive]

    @property
    def queued(self) -> int:
        """How many runs wait for a process."""
        return len(self._waiting)

    async def warm(self) -> None:
        """Start all processes, so that the first calls need not wait for them."""
        self._start_missing(self.settings.processes)
        while self._starting:
            await asyncio.gather(*list(self._tasks), return_exceptions=True)

    async def run(self, script: Script, job: Job) -> RunResult:
        """Run a script's `main`. Raises `ScriptFailed`."""
        self.figures.runs += 1
        run = _Run(script, job)
        try:
            for left in reversed(range(TRIES)):
                worker = await self._take(script)
                try:
                    result = await run.on(worker)
                except WorkerGone as gone:
                    self.figures.lost += 1
                    self._drop(worker)
                    if gone.by_alarm:
                        raise run.failed(FailureKind.TIME) from None
                    if run.is_other or not left:
                        raise run.failed(FailureKind.LOST) from None
                    continue
                except asyncio.CancelledError:
                    self._drop(worker)
                    raise
                except BaseException:
                    self._give_back(worker)
                    raise
                self._give_back(worker)
                return result
        except ScriptFailed as error:
            self.figures.failed += 1
            error.log = run.log
            raise
        finally:
            for task in run.leave_calls():
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        raise AssertionError

    async def close(self) -> None:
        """End all processes."""
        self._closed = True
        for waiting in self._waiting:
            waiting.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in list(self._all):
            self._drop(worker)
        self._idle.clear()
        # Those too that ended shortly before: the event loop must not be gone before they are.
        while self._ends:
            await asyncio.gather(*self._ends)

    async def _take(self, script: Script) -> WorkerProcess:
        while self._idle:
            worker = self._idle.pop()
            if worker.is_alive:
                return worker
            self._drop(worker)
        if len(self._waiting) >= self.settings.queue:
            self.figures.refused += 1
            raise ScriptFailed(
                FailureKind.BUSY,
                f"{self.settings.queue} runs wait already for a process",
                Place(script.files[0]),
            )
        waiting: asyncio.Future[WorkerProcess] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self._start_missing(len(self._waiting))
        try:
            return await self._wait(waiting)
        except BaseException as error:
            if waiting.done() and not waiting.cancelled() and waiting.exception() is None:
                self._offer(waiting.result())
            if not isinstance(error, TimeoutError | WorkerGone):
                raise
            self.figures.refused += 1
            is_late = isinstance(error, TimeoutError)
            what = (
                f"no process was free within {self.settings.wait_ms} ms" if is_late else "no process starts"
            )
            raise ScriptFailed(FailureKind.BUSY, what, Place(script.files[0])) from None
        finally:
            with contextlib.suppress(ValueError):
                self._waiting.remove(waiting)

    async def _wait(self, waiting: asyncio.Future[WorkerProcess]) -> WorkerProcess:
        """Wait for a process, and on while one is being started, however slow the machine is.

        Raises `TimeoutError`, and `WorkerGone` where none can be started.
        """
        for limit_s in (self.settings.wait_ms / 1000, START_S):
            done, _ = await asyncio.wait([waiting], timeout=limit_s)
            if done:
                return waiting.result()
            if not self._starting:
                break
        raise TimeoutError

    def _start_missing(self, wanted: int) -> None:
        missing = min(wanted, self.settings.processes - len(self._all)) - self._starting
        for _ in range(missing):
            self._starting += 1
            task = asyncio.create_task(self._start())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _start(self) -> None:
        try:
            worker = await WorkerProcess.start(self.settings.zone, SPARE_BYTES)
        except (WorkerGone, OSError) as error:
            log.error("script worker not started", error=type(error).__name__, detail=str(error))
            if not self._all and self._starting == 1:
                self._refuse_all()
            return
        finally:
            self._starting -= 1
        self.figures.started += 1
        self._all.add(worker)
        self._offer(worker)

    def _refuse_all(self) -> None:
        """No process can be started: let nobody wait for one."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_exception(WorkerGone())

    def _offer(self, worker: WorkerProcess) -> None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(worker)
                return
        self._idle.append(worker)

    def _give_back(self, worker: WorkerProcess) -> None:
        worn = worker.runs >= self.settings.runs or worker.resident_kb > self.settings.resident_mb * 1024
        if worn or not worker.is_alive:
            self._drop(worker)
        else:
            self._offer(worker)

    def _drop(self, worker: WorkerProcess) -> None:
        """Let go of a process, and start another in its place."""
        self._all.discard(worker)
        task = asyncio.create_task(worker.end())
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)
        if not self._closed:
            self._start_missing(self.settings.processes)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A call of the host, and its answer when there is one."""

    call: HostCall
    answer: asyncio.Task[dict[str, object]]


class _Run:
    """A run on its way, on one process after another if need be.

    The journal has what the script has asked of the host, by number. A run that is begun again draws the same
    random numbers and comes to the same calls, which are answered from the journal. `is_other`: it did not.
    """

    def __init__(self, script: Script, job: Job) -> None:
        self.is_other = False
        self.log: list[LogLine] = []
        self._script = script
        self._job = job
        self._seed = secrets.token_hex(32)
        self._journal: dict[int, _Asked] = {}
        self._sent: set[asyncio.Task[None]] = set()

    async def on(self, worker: WorkerProcess) -> RunResult:
        """Run on a process. Raises `ScriptFailed`, and `WorkerGone`."""
        worker.runs += 1
        self.log.clear()
        self._send_run(worker)
        tickets: list[Ticket] = []
        try:
            async with asyncio.timeout(self._job.limits.time_ms / 1000 + SILENT_S):
                while True:
                    told = await worker.receive()
                    tickets += self._heard(told, worker)
                    if told.get("state") != "running":
                        break
        except TimeoutError:
            raise WorkerGone(by_alarm=True) from None
        except ValidationError as error:
            log.error("script worker not understood", script=self._script.name, detail=str(error)[:500])
            raise WorkerGone from None
        finally:
            # Whoever asked is no longer there, but what it asked for goes on.
            for sent in self._sent:
                sent.cancel()
            self._sent.clear()
        resident = told.get("resident_kb")
        worker.resident_kb = resident if isinstance(resident, int) else 0
        if told.get("state") != "done":
            raise self._failure(told)
        return RunResult(told.get("result"), self.log, tickets)

    def failed(self, kind: FailureKind) -> ScriptFailed:
        """Return why there is no result, where the script itself says nothing."""
        limits = self._job.limits
        what = {
            FailureKind.TIME: f"it took longer than {limits.time_ms} ms",
            FailureKind.MEMORY: f"it took more than {limits.memory_bytes // (1024 * 1024)} MB of memory",
            FailureKind.MICROTASKS: f"it went through more than {limits.microtasks} steps of promises",
            FailureKind.NEVER_SETTLED: "main never ends: it waits for a promise that nothing settles",
            FailureKind.LOST: "its process ended in the middle of it",
        }
        return ScriptFailed(kind, what.get(kind, "it failed"), Place(self._script.files[0]))

    def leave_calls(self) -> set[asyncio.Task[dict[str, object]]]:
        """Return what was asked of the host and not waited for; it goes on for a while."""
        return {asked.answer for asked in self._journal.values() if not asked.answer.done()}

    def _send_run(self, worker: WorkerProcess) -> None:
        script, job = self._script, self._job
        run = {
            "source": script.source,
            "paths": script.paths,
            "data": job.data,
            "now_ms": job.now_ms,
            "limits": asdict(job.limits),
            "is_check": job.is_check,
            "seed": self._seed,
        }
        try:
            worker.send({"run": run})
        except ValueError as error:
            raise ScriptFailed(
                FailureKind.UNUSABLE, f"it cannot be given to a worker: {error}", Place(script.files[0])
            ) from error

    def _heard(self, told: dict[str, object], worker: WorkerProcess) -> list[Ticket]:
        limits = self._job.limits
        for level, text in _LOG.validate_python(told.get("log") or []):
            if len(self.log) <= limits.log_lines:
                self.log.append(LogLine(plain(level)[:10], one_line(text, limits.log_chars)))
        for call in _CALLS.validate_python(told.get("calls") or []):
            if (asked := self._asked(call)) is not None:
                sent = asyncio.create_task(self._send_answer(asked, worker))
                self._sent.add(sent)
                sent.add_done_callback(self._sent.discard)
        return _TICKETS.validate_python(told.get("tickets") or [])

    def _asked(self, call: HostCall) -> _Asked | None:
        """Return a call as the journal has it; None where there are too many. Raises `WorkerGone`."""
        asked = self._journal.get(call.id)
        if asked is None:
            if len(self._journal) >= self._job.limits.calls:
                return None
            asked = _Asked(call, asyncio.create_task(self._answer(call)))
            self._journal[call.id] = asked
        elif asked.call != call:
            self.is_other = True
            raise WorkerGone
        return asked

    async def _answer(self, call: HostCall) -> dict[str, object]:
        """Have a call carried out, and return what the script is answered."""
        answer: dict[str, object] = {"id": call.id}
        try:
            async with asyncio.timeout(LAST_CALLS_S):
                answer["value"] = await self._job.host(call)
        except CallRefused as error:
            answer["error"] = {"code": error.code, "message": str(error), "status": error.status}
        except TimeoutError:
            answer["error"] = {"code": "script.slow", "message": f"{call.name} took too long", "status": 504}
        except Exception:
            log.exception("call of a script failed", script=self._script.name, call=plain(call.name[:50]))
            answer["error"] = {"code": "script.host_failed", "message": f"{call.name} failed", "status": 500}
        return answer

    async def _send_answer(self, asked: _Asked, worker: WorkerProcess) -> None:
        answer = await asyncio.shield(asked.answer)
        try:
            worker.send({"answers": [answer]})
        except ValueError:
            refusal = {"code": "script.too_long", "message": "the answer is too long", "status": 413}
            worker.send({"answers": [{"id": asked.call.id, "error": refusal}]})

    def _failure(self, told: dict[str, object]) -> ScriptFailed:
        state = str(told.get("state"))
        found = told.get("failure")
        if not isinstance(found, dict):
            return self.failed(_KINDS.get(state, FailureKind.LOST))
        name, message, stack = (str(found.get(part) or "") for part in ("name", "message", "stack"))
        place = self._script.place_in(stack)
        message = one_line(message, MAX_MESSAGE)
        if state == "no_result":
            return ScriptFailed(FailureKind.BAD_RESULT, f"what main returned is no JSON: {message}", place)
        what = f"{plain(name[:50])}: {message}" if name and name != "Error" else message
        if state == "broken" and name == "SyntaxError":
            return ScriptFailed(FailureKind.SYNTAX, what, place)
        if name == "InternalError" and message == "out of memory":
            return self.failed(FailureKind.MEMORY)
        mend = mend_of(message) if name == "ReferenceError" else ""
        return ScriptFailed(FailureKind.THROWN, f"{what} ({mend})" if mend else what, place, thrown=message)
