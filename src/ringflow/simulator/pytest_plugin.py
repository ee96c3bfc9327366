"""Lets pytest run scenario files: `*.test.yaml` under the paths it is given, each scenario an item.

Every pytest of an environment that has Ringflow imports this, so it imports nothing heavy and leaves alone
what does not look like ours.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ringflow.simulator.scenario_files import ScenarioCase
    from ringflow.simulator.stage import Stage

SUFFIX = ".test.yaml"
CONFIG_NAME = "config.yaml"
_OURS = re.compile(rb"^(?:scenarios:|- *\{?(?:name|flow|given|call|caller|callee|expect):)", re.MULTILINE)
_EXPECTS = re.compile(rb"^[ -]+expect:|[{,] *expect:", re.MULTILINE)
_FLOW = re.compile(rb"^app:", re.MULTILINE)
_stages = pytest.StashKey["_Stages"]()


class ScenarioFailed(Exception):
    """A scenario's call was not as expected; the text says in what."""


class ScenarioFile(pytest.File):
    """One scenario file."""

    def collect(self) -> Iterator[pytest.Item]:
        """Its scenarios. What is wrong with the file is a collection error with every place."""
        from ringflow.errors import DocumentError
        from ringflow.simulator.scenario_files import read_scenarios

        try:
            cases = read_scenarios(self.path)
        except DocumentError as error:
            raise self.CollectError(str(error)) from None
        for case in cases:
            yield ScenarioItem.from_parent(self, name=case.scenario.name, case=case)


class ScenarioItem(pytest.Item):
    """One scenario."""

    def __init__(self, *, case: ScenarioCase, **rest: Any) -> None:
        super().__init__(**rest)
        self.case = case

    def runtest(self) -> None:
        """Play it; raise when its call was not as expected."""
        stages = self.config.stash.get(_stages, None)
        if stages is None:
            stages = self.config.stash[_stages] = _Stages(self.config.rootpath)
        failure = stages.play(self.case)
        if failure is not None:
            raise ScenarioFailed(failure)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What differed and the transcript, without a traceback of ours."""
        if isinstance(excinfo.value, ScenarioFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the scenario stands."""
        return self.path, self.case.line - 1, self.name


class _Stages:
    """The stage of a session, in an event loop of its own: pytest-asyncio's loops come and go."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._loop = asyncio.new_event_loop()
        self._open = AsyncExitStack()
        self._stage: Stage | None = None

    def play(self, case: ScenarioCase) -> str | None:
        return self._loop.run_until_complete(self._play(case))

    async def _play(self, case: ScenarioCase) -> str | None:
        from ringflow.config import load_config
        from ringflow.simulator.judgement import play
        from ringflow.simulator.stage import Stage

        if self._stage is None:
            path = self._root / CONFIG_NAME
            config = load_config(path if path.exists() else None, needed=False)
            self._stage = await self._open.enter_async_context(Stage.open(config))
        return (await play(case, self._stage)).failure

    def close(self) -> None:
        self._loop.run_until_complete(self._open.aclose())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a file that is named like a scenario file and looks like one."""
    if file_path.name.endswith(SUFFIX) and looks_like_scenarios(file_path):
        return ScenarioFile.from_parent(parent, path=file_path)
    return None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close the stage, if there was one."""
    stages = config.stash.get(_stages, None)
    if stages is not None:
        stages.close()


def looks_like_scenarios(path: Path) -> bool:
    """Whether the file stands beside its flow, or its text has the marks of scenarios, broken ones too."""
    flow = path.with_name(path.name.removesuffix(SUFFIX) + ".yaml")
    try:
        if flow.is_file() and _FLOW.search(flow.read_bytes()):
            return True
        text = path.read_bytes()
    except OSError:
        return False
    return _OURS.search(text) is not None and _EXPECTS.search(text) is not None
