"""Where scenarios are played: the configuration, the flows, the prompts, and a fresh directory for each."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

from ringflow.calls.clock import Clock
from ringflow.calls.event_stream import Observer
from ringflow.calls.manager import Manager
from ringflow.calls.originations import Originations
from ringflow.calls.originator import ManagerLink, Originator
from ringflow.config import Config, DidDeclaration, TrunkDeclaration
from ringflow.documents import Document, Location
from ringflow.engine.engine import Engine
from ringflow.errors import Problem, Refused
from ringflow.flows.book import FlowBook
from ringflow.flows.flow import Flow
from ringflow.scripts.service import worker_settings
from ringflow.scripts.workers import ScriptWorkers
from ringflow.simulator.core_sounds import core_sound_s
from ringflow.simulator.incoming_call import PromptDuration
from ringflow.simulator.scenario import (
    DEFAULT_CUSTOMER,
    DEFAULT_TRUNK,
    Given,
    IncomingPlan,
    ScenarioCustomer,
    ScenarioDid,
)
from ringflow.simulator.scenario_files import ScenarioCase
from ringflow.simulator.simulated_voice import SimulatedVoice
from ringflow.simulator.virtual_call import MakeEngine
from ringflow.simulator.world import ScenarioWorld, make_world
from ringflow.sounds.library import PromptLibrary
from ringflow.sounds.voices import Voices
from ringflow.speaking import voice_of
from ringflow.store import Store

ASSUMED_PROMPT_S = 2.0
"""How long every prompt plays where there is no prompt library at all."""


def durations_of(library: PromptLibrary) -> PromptDuration:
    """How long the library's prompts play; without a library every prompt exists, for `ASSUMED_PROMPT_S`."""
    if not library.folder.is_dir():
        return lambda name: ASSUMED_PROMPT_S
    known: dict[str, float | None] = {}

    def duration_s(name: str) -> float | None:
        if name not in known:
            try:
                known[name] = library.duration_s(name)
            except Refused:
                known[name] = None
        return known[name]

    return duration_s


class Stage:
    """What all scenarios of a run share. Each has its own copy of an empty database: rows of money stay."""

    def __init__(
        self, config: Config, empty: Path, workers: ScriptWorkers, flows: Sequence[Flow] = ()
    ) -> None:
        library = PromptLibrary(config.path(config.sounds.folder))
        self.config = config
        (empty.parent / "sounds").mkdir(exist_ok=True)
        self._voice = SimulatedVoice(empty.parent / "sounds", config)
        of_library = durations_of(library)
        self.duration_of: PromptDuration = lambda name: (
            self._voice.duration_s(name) or of_library(name) or core_sound_s(name)
        )
        self._prompts = library if library.folder.is_dir() else None
        self._books: dict[Path, FlowBook] = {}
        self._flows = flows
        self._empty = empty
        self._numbers = count(1)
        self._workers = workers

    @classmethod
    @asynccontextmanager
    async def open(cls, config: Config, flows: Sequence[Flow] = ()) -> AsyncIterator[Stage]:
        """A stage for the flows and prompts of a configuration; what its database has is not touched.

        `flows` take the place of those of the configuration, or are there besides.
        """
        with tempfile.TemporaryDirectory(prefix="ringflow-stage-") as folder:
            empty = Path(folder, "empty.db")
            await _make_empty(empty)
            workers = ScriptWorkers(worker_settings(config))
            try:
                yield cls(config, empty, workers, flows)
            finally:
                await workers.close()

    def book(self, case: ScenarioCase) -> FlowBook:
        """The flows of the configuration, those in the scenario file's own folder, and those in the file."""
        book = self._folder(self.config.path(self.config.flows))
        beside = case.path.resolve().parent
        if not case.flows and beside != self.config.path(self.config.flows):
            found = self._folder(beside)
            book = book.with_flows(flow for app in found.apps() if (flow := found.get(app)) is not None)
        if self._flows:
            book = book.with_flows(self._flows)
        return book.with_flows(case.flows.values()) if case.flows else book

    def problems(self, case: ScenarioCase) -> tuple[Problem, ...]:
        """What is wrong with the flow files, where the app that the scenario calls is not to be had."""
        book = self.book(case)
        if all(book.get(did.app) is not None for did in called_dids(self.config, case)):
            return ()
        return tuple(problem for book in self._books.values() for problem in book.problems)

    @asynccontextmanager
    async def engines(
        self, case: ScenarioCase, clock: Clock, link: ManagerLink | None = None
    ) -> AsyncIterator[tuple[MakeEngine, ScenarioWorld, Originator]]:
        """Makes engines on a directory of this scenario's own, and who has calls made there by `link`.

        Raises `ConfigError` for rows that clash.
        """
        config = given_config(self.config, case)
        book = self.book(case)
        async with self._database() as store:
            paying = paying_customers(self.config, case)
            folder = self._empty.with_name("recordings")
            given = case.scenario.given
            ready = await make_world(store, clock, config, given, paying, folder, self._workers)
            numbers, made = count(1), count(1)
            originator = Originator(
                store, config, link, ready.now_ms, lambda: f"originated-{next(made)}", book.apps
            )

            def make_engine(observers: Sequence[Observer], manager: Manager) -> Engine:
                # The virtual Asterisk's prompts are the library's names.
                world = replace(
                    ready.world, asterisk_sounds="", manager=manager, voice=self._voice, originator=originator
                )
                number = next(numbers)
                name = "simulated" if number == 1 else f"simulated-{number}"
                return Engine(
                    ready.directory, book, world, observers, lambda: name, originations=Originations(store)
                )

            yield make_engine, ready, originator

    def _folder(self, folder: Path) -> FlowBook:
        if folder not in self._books:
            found = (
                FlowBook.load(
                    folder,
                    prompts=self._prompts,
                    language=self.config.language,
                    voices=Voices.configured(self.config, voice_of),
                )
                if folder.is_dir()
                else FlowBook.of(())
            )
            self._books[folder] = found
        return self._books[folder]

    @asynccontextmanager
    async def _database(self) -> AsyncIterator[Store]:
        path = self._empty.with_name(f"{next(self._numbers)}.db")
        shutil.copyfile(self._empty, path)
        store = await Store.open(f"sqlite:///{path}")
        try:
            yield store
        finally:
            await store.close()
            for left in path.parent.glob(f"{path.name}*"):
                left.unlink()


_made: list[bytes] = []
"""The content of an empty database: its tables take a quarter of a second, and are the same each time."""


async def _make_empty(path: Path) -> None:
    """Make a database with all tables, by migrations once in a process."""
    if _made:
        await asyncio.to_thread(path.write_bytes, _made[0])
        return
    store = await Store.open(f"sqlite:///{path}")
    try:
        await store.migrate()
    finally:
        await store.close()
    _made.append(await asyncio.to_thread(path.read_bytes))


def given_config(config: Config, case: ScenarioCase) -> Config:
    """The configuration with what a scenario gives instead, and defaults where neither says anything."""
    scenario = case.scenario
    given = scenario.given
    customers = tuple(one.declared() for one in paying_customers(config, case))
    known = {customer.id for customer in customers}
    called = called_dids(config, case)
    numbers = {one.number for one in called}
    others = [one for one in config.dids if one.number not in numbers]
    stated = config.model_copy(
        update={
            "customers": customers,
            "dids": (*called, *(one for one in others if one.customer is None or one.customer in known)),
            "trunks": _trunks(config, given),
            "uri_hosts": given.uri_hosts if given.uri_hosts is not None else config.uri_hosts,
        }
    )
    place: dict[Location, tuple[int, int]] = {
        (group,): (case.line, 1) for group in ("customers", "dids", "trunks")
    }
    return stated.written_in(Document(str(case.path), None, place))


def paying_customers(config: Config, case: ScenarioCase) -> tuple[ScenarioCustomer, ...]:
    """The customers of a scenario with their money."""
    given = case.scenario.given
    if given.customer is not None:
        return (given.customer,)
    if given.customers is not None:
        return given.customers
    known = config.customers or (DEFAULT_CUSTOMER,)
    return tuple(ScenarioCustomer(**one.model_dump()) for one in known)


def _trunks(config: Config, given: Given) -> tuple[TrunkDeclaration, ...]:
    """The trunks of a scenario; without rates of its own no call costs anything."""
    if given.trunks is not None and given.rates is not None:
        return given.trunks
    trunks = given.trunks if given.trunks is not None else config.trunks or (DEFAULT_TRUNK,)
    rated: dict[str, object] = {"rated": "upstream" if given.rates is None else "local"}
    return tuple(one.model_copy(update=rated) for one in trunks)


def called_dids(config: Config, case: ScenarioCase) -> tuple[DidDeclaration, ...]:
    """The DIDs that a scenario's calls dial; where it gives one, that one alone is there."""
    given = case.scenario.given.did
    scripts = case.scenario.scripts
    plans = [script.call for script in scripts if script.called is None]
    plans += [IncomingPlan(did=one.did) for script in scripts if (one := script.originate) and one.did]
    if given is None:
        found = {plan.did: _called_did(config, case, plan) for plan in reversed(plans)}
        return tuple(found.values())
    return (_given_did(given, case, plans[0] if plans else IncomingPlan()),)


def _called_did(config: Config, case: ScenarioCase, plan: IncomingPlan) -> DidDeclaration:
    declared = next((one for one in config.dids if one.number == plan.did), None)
    # A file that brings its own flow is about that flow, and a call to no number of the file's own app,
    # whatever the configuration says of the number.
    named = "did" in plan.model_fields_set
    if declared is not None and not case.flows and (named or declared.app == case.app):
        return declared
    return DidDeclaration(number=plan.did, app=case.app)


def _given_did(given: ScenarioDid, case: ScenarioCase, first: IncomingPlan) -> DidDeclaration:
    return DidDeclaration(
        number=given.number or first.did,
        app=given.app or case.app,
        **given.model_dump(exclude={"number", "app"}),
    )
