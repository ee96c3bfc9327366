"""Scripts by their names, as calls run them: the newest good text of each, on the server's workers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import structlog
from pydantic import JsonValue

from ringflow.config import Config
from ringflow.errors import DocumentError, Problem
from ringflow.scripts.data_fields import unknown_fields
from ringflow.scripts.folder import Loaded, ScriptFolder, Stamp
from ringflow.scripts.run import (
    FailureKind,
    HostCalls,
    Job,
    RunLimits,
    RunResult,
    ScriptFailed,
    no_host_calls,
)
from ringflow.scripts.script import Place, Script
from ringflow.scripts.workers import ScriptWorkers, WorkerSettings

log = structlog.get_logger("ringflow.scripts")

LOOKED_AT_EVERY_S = 0.5
"""A changed file counts for calls that begin so long after it was looked at."""


@dataclass(slots=True)
class _Known:
    """The last good text of a script. `refused`: how the files looked of which the newest text is bad."""

    loaded: Loaded
    looked_at_s: float
    refused: Stamp | None = field(default=None)


class Scripts:
    """Runs scripts of a folder. `host_calls` makes what carries out the calls of one run."""

    def __init__(
        self,
        folder: ScriptFolder,
        workers: ScriptWorkers,
        limits: RunLimits,
        host_calls: Callable[[str], HostCalls] = lambda name: no_host_calls,
        server: str = "",
    ) -> None:
        self.folder = folder
        self.workers = workers
        self.limits = limits
        self.server = server
        self.host_calls = host_calls
        self._known: dict[str, _Known] = {}
        self._looking: dict[str, asyncio.Lock] = {}

    @classmethod
    def configured(
        cls,
        config: Config,
        host_calls: Callable[[str], HostCalls] = lambda name: no_host_calls,
        workers: ScriptWorkers | None = None,
    ) -> Scripts:
        """Return the scripts that a configuration describes. No process is started yet.

        `workers`: use these processes, which somebody else closes, instead of own ones.
        """
        settings = config.scripts
        return cls(
            script_folder(config),
            workers or ScriptWorkers(worker_settings(config)),
            RunLimits(time_ms=settings.time_ms, memory_bytes=settings.memory_mb * 1024 * 1024),
            host_calls,
            config.charging.server,
        )

    def with_host(self, wrap: Callable[[HostCalls], HostCalls]) -> Scripts:
        """Return the same scripts, whose calls of the host are carried out by what `wrap` makes of it."""
        return Scripts(
            self.folder, self.workers, self.limits, lambda name: wrap(self.host_calls(name)), self.server
        )

    async def run(
        self, name: str, data: JsonValue, now_ms: int, timeout_ms: int | None = None
    ) -> tuple[Script, RunResult]:
        """Run a script's `main`. Raises `ScriptFailed`."""
        script = await self.current(name)
        limits = self.limits if timeout_ms is None else replace(self.limits, time_ms=timeout_ms)
        return script, await self.workers.run(script, Job(data, now_ms, limits, self.host_calls(name)))

    async def current(self, name: str) -> Script:
        """Return the newest good text of a script. Raises `ScriptFailed` where there never was one."""
        known = self._known.get(name)
        if known is not None and time.monotonic() - known.looked_at_s < LOOKED_AT_EVERY_S:
            return known.loaded.script
        async with self._looking.setdefault(name, asyncio.Lock()):
            return await self._look(name)

    async def mentions(self, name: str, word: str) -> bool:
        """Whether the newest good text of a script, or of its modules, has a word in it."""
        try:
            return word in (await self.current(name)).source
        except ScriptFailed:
            return False

    async def check(self, script: Script) -> None:
        """Have the engine read a script, and run none of it. Raises `ScriptFailed`."""
        await self.workers.run(script, Job(None, 0, self.limits, is_check=True))

    async def problems(self, name: str, text: str | None = None) -> list[Problem]:
        """Return what keeps a script, or a text for it, from being run. None of it is run."""
        try:
            await self.check(self.folder.read(name, text).script)
        except DocumentError as error:
            return list(error.problems)
        except ScriptFailed as error:
            return [Problem(error.place.file, error.place.line, error.place.column, error.what)]
        return []

    async def findings(self, name: str, text: str | None = None) -> list[Problem]:
        """Return what keeps it from being run; if nothing does, the fields of `data` that are not there."""
        found = await self.problems(name, text)
        return found or [*unknown_fields(self.folder.read(name, text).script)]

    async def warm(self) -> None:
        """Start the processes, where there is a script that calls may need."""
        if self.folder.names():
            await self.workers.warm()

    async def close(self) -> None:
        """End the processes."""
        await self.workers.close()

    async def _look(self, name: str) -> Script:
        known = self._known.get(name)
        now_s = time.monotonic()
        if known is not None:
            known.looked_at_s = now_s
            if not self.folder.is_changed(known.refused or known.loaded.stamp):
                return known.loaded.script
        try:
            loaded = self.folder.read(name)
            if known is not None:
                await self.check(loaded.script)
        except DocumentError as error:
            problem = error.problems[0]
            place = Place(problem.path, problem.line, problem.column)
            what = f"{problem.what} ({problem.mend})" if problem.mend else problem.what
            failed = ScriptFailed(FailureKind.UNUSABLE, what, place)
        except ScriptFailed as error:
            failed = error
        else:
            self._known[name] = _Known(loaded, now_s)
            return loaded.script
        if known is None:
            raise failed
        log.error("script not replaced", script=name, detail=str(failed), kept=known.loaded.script.revision)
        known.refused = self.folder.stamp(name) or known.loaded.stamp
        return known.loaded.script


def script_folder(config: Config) -> ScriptFolder:
    """Return the folder that a configuration names."""
    return ScriptFolder(config.path(config.scripts.folder))


def worker_settings(config: Config) -> WorkerSettings:
    """Return the settings of workers that a configuration describes."""
    settings = config.scripts
    return WorkerSettings(
        size=settings.workers or 0, queue=settings.queue, wait_ms=settings.wait_ms, zone=config.timezone
    )
