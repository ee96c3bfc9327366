"""Looks for a random flow and scenario whose call breaks an invariant, and makes it small.

Hypothesis generates and shrinks. It is not among what a server needs: the extra `random` installs it.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeAlias

import structlog
from hypothesis import HealthCheck, Phase, Verbosity, assume, given, seed, settings
from hypothesis.strategies import SearchStrategy

from ringflow.config import Config
from ringflow.errors import DocumentError
from ringflow.flows.registry import slot_types
from ringflow.simulator.judgement import Judgement, play
from ringflow.simulator.random_flows import Vocabulary
from ringflow.simulator.random_scenarios import random_documents
from ringflow.simulator.scenario_files import ScenarioCase, read_scenarios
from ringflow.simulator.stage import Stage
from ringflow.sounds.library import PromptLibrary
from ringflow.speaking import LIBRARY_PREFIX

BLOCK = 100
"""So many scenarios are played by one process in a row."""

NO_LIBRARY = ("IVR/one", "IVR/two", "MISC/three")
FILE_NAME = "random.test.yaml"
SPREAD = 1_000_003


Judge: TypeAlias = Callable[[ScenarioCase, Stage], Coroutine[Any, Any, Judgement]]


class BrokenInvariant(Exception):
    """A random scenario whose call is not as every call must be."""


@dataclass(slots=True)
class Found:
    """What random scenarios came to: how many were played, how their calls ended, and a failure.

    `text` is the file of the smallest failing scenario, empty where none failed; it was made of `number`.
    """

    played: int = 0
    legs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    exits: Counter[str] = field(default_factory=Counter)
    """By slot type and exit, such as `ivr.done`."""
    text: str = ""
    failure: str = ""
    number: int = 0

    def add(self, other: Found) -> None:
        """Count another block's too; the first failure is kept."""
        self.played += other.played
        self.legs += other.legs
        self.outcomes += other.outcomes
        self.exits += other.exits
        if not self.text:
            self.text, self.failure, self.number = other.text, other.failure, other.number


def search(config: Config, count: int, first_seed: int) -> Iterator[Found]:
    """Play so many random scenarios, in blocks on all processors; ends with the block that has a failure.

    What each of them is follows from `first_seed` and its number alone.
    """
    blocks = [range(begin, min(begin + BLOCK, count + 1)) for begin in range(1, count + 1, BLOCK)]
    workers = min(len(blocks), os.cpu_count() or 1)
    # Started anew: a process that is forked would have this one's event loop.
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_quiet_logs) as pool:
        futures = [pool.submit(search_block, config, first_seed, block) for block in blocks]
        for future in futures:
            found = future.result()
            yield found
            if found.text:
                pool.shutdown(cancel_futures=True)
                return


def search_block(config: Config, first_seed: int, numbers: range, judge: Judge = play) -> Found:
    """Play these random scenarios, and make the first one that fails small."""
    found = Found()
    documents = random_documents(vocabulary(config))
    with tempfile.TemporaryDirectory(prefix="ringflow-random-") as folder, asyncio.Runner() as runner:
        opened = contextlib.AsyncExitStack()
        stage = runner.run(opened.enter_async_context(Stage.open(config)))

        def hold(case: ScenarioCase, text: str) -> None:
            judgement = runner.run(judge(case, stage))
            _count(found, judgement)
            if judgement.failure is not None:
                # Hypothesis plays the smallest failing one last.
                found.text, found.failure = text, judgement.failure
                raise BrokenInvariant(judgement.failure)

        for number in numbers:
            try:
                _try_one(documents, first_seed, number, Path(folder, FILE_NAME), hold)
            except BrokenInvariant:
                found.number = number
                break
        runner.run(opened.aclose())
    return found


def random_cases(config: Config, count: int, first_seed: int, folder: Path) -> Iterator[ScenarioCase]:
    """The same random scenarios, each in a file of its own below `folder`."""
    documents = random_documents(vocabulary(config))
    for number in range(1, count + 1):
        kept = _Kept()
        path = folder / f"random-{first_seed}-{number}.test.yaml"
        _try_one(documents, first_seed, number, path, kept.keep)
        # What is tried last is what stands in the file.
        yield from kept.cases[-1:]


class _Kept:
    def __init__(self) -> None:
        self.cases: list[ScenarioCase] = []

    def keep(self, case: ScenarioCase, text: str) -> None:
        self.cases.append(case)


def vocabulary(config: Config) -> Vocabulary:
    """What random flows are made of under this configuration: prompts of its library."""
    library = PromptLibrary(config.path(config.sounds.folder))
    if not library.folder.is_dir():
        return Vocabulary(slot_types(), NO_LIBRARY)
    names = library.names()
    # Words of languages are said by slots that know how.
    prompts = tuple(name for name in names if not name.startswith(LIBRARY_PREFIX))
    return Vocabulary(slot_types(), prompts or NO_LIBRARY, frozenset(names))


def _try_one(
    documents: SearchStrategy[str],
    first_seed: int,
    number: int,
    path: Path,
    hold: Callable[[ScenarioCase, str], None],
) -> None:
    """Have one random scenario held, and smaller ones where it fails.

    Hypothesis begins every run with the simplest value there is, and in long runs it varies what it had. One
    run for each scenario, of which the simplest one is passed over, gives scenarios that have nothing to do
    with each other.
    """
    tried = 0

    @settings(
        max_examples=2,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
        verbosity=Verbosity.quiet,
        print_blob=False,
    )
    @seed(first_seed * SPREAD + number)
    @given(documents)
    def run(text: str) -> None:
        nonlocal tried
        tried += 1
        if tried > 1:
            hold(_read(path, text), text)

    # What Hypothesis writes of a failure is about its own values; the file and the failure say more.
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        run()


def _read(path: Path, text: str) -> ScenarioCase:
    """The scenario of a file; one whose flows are not right together is passed over."""
    path.write_text(text, "utf-8")
    try:
        (case,) = read_scenarios(path)
    except DocumentError:
        assume(False)
    return case


def _count(found: Found, judgement: Judgement) -> None:
    found.played += 1
    for call in judgement.calls:
        found.legs += len(call.legs)
        found.outcomes[call.record.outcome] += 1
        found.exits.update(f"{one.slot_type}.{one.exit_name}" for one in call.carried.exits)


def _quiet_logs() -> None:
    """Write no log: `ringflow test FILE` plays a failing scenario again, with one."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory(), processors=[_dropped])


def _dropped(logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    raise structlog.DropEvent
