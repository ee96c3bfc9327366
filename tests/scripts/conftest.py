from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from textwrap import dedent

import pytest
from pydantic import JsonValue

from ringflow.scripts.folder import ScriptFolder
from ringflow.scripts.run import HostCalls, Job, RunLimits, RunResult, no_host_calls
from ringflow.scripts.script import Script
from ringflow.scripts.workers import ScriptWorkers, WorkerSettings

NOW_MS = 1_767_225_600_000


class Bench:
    """A folder of scripts, and workers that run them."""

    def __init__(self, folder: Path, workers: ScriptWorkers) -> None:
        self.folder = folder
        self.workers = workers

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.folder / f"{name}.js").write_text(dedent(text).removeprefix("\n"))

    def script(self, text: str, name: str = "one") -> Script:
        self.write(**{name: text})
        return ScriptFolder(self.folder).read(name).script

    async def run(
        self,
        text: str,
        data: JsonValue = None,
        limits: RunLimits | None = None,
        host: HostCalls = no_host_calls,
    ) -> RunResult:
        job = Job({} if data is None else data, NOW_MS, limits or RunLimits(), host)
        return await self.workers.run(self.script(text), job)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """Scripts on one worker, so that a run that spoilt it would be seen in the next."""
    workers = ScriptWorkers(WorkerSettings(size=1))
    yield Bench(tmp_path, workers)
    await workers.close()


MakeWorkers = Callable[[WorkerSettings], ScriptWorkers]
