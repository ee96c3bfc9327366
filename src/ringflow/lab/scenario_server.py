"""Ringflow's side of the scenarios' real calls: one FastAGI server, behind it an engine for each DID.

Asterisk's dialplan knows one FastAGI port. Every scenario's call dials a DID of its own, and that DID finds
the engine whose database holds the rows that this scenario gives.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from ringflow.accounts.security_key import SecurityKeys
from ringflow.accounts.trunks import Trunk
from ringflow.agi.server import FastAgiServer
from ringflow.agi.session import AgiSession
from ringflow.agi.settings import AgiSettings
from ringflow.ami.link import AmiLink
from ringflow.ami.settings import AmiSettings
from ringflow.calls import events
from ringflow.calls.call_record import CallRecord
from ringflow.calls.clock import SystemClock
from ringflow.calls.history import CallHistory
from ringflow.calls.manager import Manager
from ringflow.calls.rejection import reject_call
from ringflow.config import Config
from ringflow.engine.after_calls import AfterCalls
from ringflow.engine.engine import Engine, Flows
from ringflow.scripts.workers import ScriptWorkers
from ringflow.simulator.scenario import Given, ScenarioCustomer
from ringflow.simulator.scenario_money import ScenarioMoney
from ringflow.simulator.scenario_recordings import ScenarioRecordings
from ringflow.simulator.scenario_scripts import ScenarioValues
from ringflow.simulator.world import make_world
from ringflow.sounds.generated import GeneratedPrompts
from ringflow.sounds.library import PromptLibrary
from ringflow.sounds.voices import Voices
from ringflow.speaking import voice_of
from ringflow.store import Store

RECORD_WAIT_S = 10.0
"""From the end of a call on the wire to its record."""

LINK_WAIT_S = 10.0
"""For the manager link, before any call."""

NOBODYS_DID = 404

NOBODY = "PJSIP/{number}@nobody"
"""The dial string of trunks that the simulated call did not use: no such endpoint, so CHANUNAVAIL."""

NOBODYS_URI = "PJSIP/nobody/{uri}"
"""The same for SIP URIs."""

Trunks: TypeAlias = Callable[[], Awaitable[tuple[Trunk, ...]]]


class KeptRecords:
    """An observer that keeps the records of the calls that end."""

    observed = (events.CallEnded,)

    def __init__(self) -> None:
        self._ended: list[CallRecord] = []
        self._news = asyncio.Event()

    def observe(self, event: events.CallEvent, history: CallHistory) -> None:
        """Keep it."""
        self._ended.append(history.record())
        self._news.set()

    async def records(self, count: int = 1, wait_s: float = RECORD_WAIT_S) -> list[CallRecord]:
        """So many records, waited for, by the times at which the calls came; fewer when that takes long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while len(self._ended) < count:
                    self._news.clear()
                    await self._news.wait()
        return sorted(self._ended, key=lambda record: record.started_at_s)


@dataclass(frozen=True, slots=True)
class ServedScenario:
    """What a scenario's call leaves behind: its record, its headers' keys, its money, its recordings."""

    kept: KeptRecords
    security_keys: SecurityKeys
    money: ScenarioMoney
    recordings: ScenarioRecordings
    values: ScenarioValues
    after_calls: AfterCalls
    ahead_s: float
    """How far its clock is ahead of the machine's."""


@dataclass(frozen=True, slots=True)
class Dials:
    """The dial strings that lead to a scenario's callees.

    `turns`: those of the trunks, by name, for each time that a call dials out; `uri`: of all SIP URIs.
    """

    turns: Sequence[Mapping[str, str]] = ()
    uri: str = NOBODYS_URI


class ScenarioServer:
    """Takes the calls of many scenarios at once. `folder`: for their databases; `link`: to Asterisk."""

    def __init__(self, port: int, folder: Path, link: AmiLink) -> None:
        self._template = folder / "template.db"
        self._folder = folder
        self._manager = Manager.on(link)
        self._engines: dict[str, Engine] = {}
        self._workers = ScriptWorkers()
        self._fastagi = FastAgiServer(self._serve, AgiSettings(port=port))

    @classmethod
    @asynccontextmanager
    async def open(cls, port: int, folder: Path, ami: AmiSettings) -> AsyncIterator[ScenarioServer]:
        """A server on a loopback port. Raises `StartError` for a taken port, `LinkDown` without AMI."""
        link = AmiLink(ami)
        server = cls(port, folder, link)
        # Copying a migrated file takes a fraction of the time that migrations take.
        store = await Store.open(f"sqlite:///{server._template}")
        await store.migrate()
        await store.close()
        await server._fastagi.start()
        try:
            await link.start()
            await link.wait_up(LINK_WAIT_S)
            yield server
        finally:
            await link.close()
            await server._fastagi.close()
            await server._workers.close()

    @asynccontextmanager
    async def serving(
        self,
        dids: Sequence[str],
        config: Config,
        flows: Flows,
        given: Given,
        paying: tuple[ScenarioCustomer, ...],
        dials: Dials,
    ) -> AsyncIterator[ServedScenario]:
        """Serve calls for `dids` with the rows that `config` declares, and what the scenario gives besides.

        Raises `ConfigError`, `Refused`.
        """
        path = self._folder / f"{dids[0]}.db"
        clock = ShiftedClock(given.now)
        await asyncio.to_thread(shutil.copy, self._template, path)
        store = await Store.open(f"sqlite:///{path}")
        try:
            recordings = self._folder / "recordings"
            ready = await make_world(store, clock, config, given, paying, recordings, self._workers)
            world = replace(
                ready.world,
                trunks=_in_turn(ready.world.trunks, dials.turns),
                uri_dial=dials.uri,
                manager=self._manager if given.manager else None,
                voice=GeneratedPrompts(
                    PromptLibrary(config.path(config.sounds.folder)), Voices.configured(config, voice_of)
                ),
            )
            kept = KeptRecords()
            engine = Engine(ready.directory, flows, world, (kept,))
            self._engines |= dict.fromkeys(dids, engine)
            yield ServedScenario(
                kept,
                world.security_keys,
                ready.money,
                ready.recordings,
                ready.values,
                engine.after_calls,
                clock.ahead_s,
            )
        finally:
            for did in dids:
                self._engines.pop(did, None)
            await store.close()

    async def _serve(self, session: AgiSession) -> None:
        engine = self._engines.get(session.request.extension)
        if engine is None:
            await reject_call(session, NOBODYS_DID)
            return
        await engine.run(session)


class ShiftedClock(SystemClock):
    """The machine's clock, set to say `now` at this moment, as a scenario wants it; None: as it is."""

    def __init__(self, now: datetime | None) -> None:
        self.ahead_s = 0.0 if now is None else now.timestamp() - super().now_s()

    def now_s(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return super().now_s() + self.ahead_s


def relabelled(config: Config, numbers: Mapping[str, str]) -> Config:
    """The configuration with the called DIDs under other numbers."""
    dids = tuple(
        one.model_copy(update={"number": numbers.get(one.number, one.number)}) for one in config.dids
    )
    return config.model_copy(update={"dids": dids})


def _in_turn(trunks: Trunks, dials: Sequence[Mapping[str, str]]) -> Trunks:
    """The trunks with the lab's dial strings: a callee of the lab takes one call only.

    They keep their names, so records and transcripts name them as the scenario does.
    """
    turns = iter(dials)

    async def of_this_turn() -> tuple[Trunk, ...]:
        dials_now = next(turns, {})
        return tuple(replace(one, dial=dials_now.get(one.name, NOBODY)) for one in await trunks())

    return of_this_turn
