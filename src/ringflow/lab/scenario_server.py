"""Ringflow's side of the scenarios' real calls: one FastAGI server, behind it an engine for each DID.

Asterisk's dialplan knows one FastAGI port. Every scenario's call dials a DID of its own, and that DID finds
the engine whose database holds the rows that this scenario gives.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from ringflow.accounts.security_key import SecurityKeys
from ringflow.accounts.trunks import Trunk
from ringflow.agi.server import FastAgiServer
from ringflow.agi.session import AgiSession
from ringflow.agi.settings import AgiSettings
from ringflow.ami.link import AmiLink
from ringflow.ami.settings import AmiSettings
from ringflow.calls.clock import SystemClock
from ringflow.calls.manager import Manager
from ringflow.calls.outcome import CallRecord, Reject
from ringflow.calls.rejecting import reject_call
from ringflow.config import Config
from ringflow.engine.engine import Engine, Flows
from ringflow.simulator.scenario import Given, ScenarioCustomer
from ringflow.simulator.till import Till
from ringflow.simulator.world import make_world
from ringflow.store import Store

RECORD_WAIT_S = 10.0
"""From the end of a call on the wire to its record."""

LINK_WAIT_S = 10.0
"""For the manager link, before any call."""

NOBODYS_DID = 404

NOBODY = "PJSIP/{number}@nobody"
"""The dial string of trunks that the simulated call did not use: no such endpoint, so CHANUNAVAIL."""

Trunks: TypeAlias = Callable[[], Awaitable[tuple[Trunk, ...]]]


class KeptRecord:
    """A watcher that keeps the record of the first call that ends."""

    def __init__(self) -> None:
        self._ended: asyncio.Future[CallRecord] = asyncio.get_running_loop().create_future()

    def call_began(self, app: str) -> None:
        """Nothing to keep yet."""

    def slot_left(self, app: str, slot_type: str, exit_name: str) -> None:
        """The transcript has it."""

    def call_ended(self, record: CallRecord, key_to_dial_ms: list[int]) -> None:
        """Keep it."""
        if not self._ended.done():
            self._ended.set_result(record)

    def call_refused(self, reject: Reject) -> None:
        """Not of the calls that are made here."""

    async def record(self, wait_s: float = RECORD_WAIT_S) -> CallRecord | None:
        """The record, waited for; None when no call ended in time."""
        try:
            async with asyncio.timeout(wait_s):
                return await asyncio.shield(self._ended)
        except TimeoutError:
            return None


@dataclass(frozen=True, slots=True)
class ServedScenario:
    """What a scenario's call leaves behind: its record, the keys that signed its headers, and its money."""

    kept: KeptRecord
    security_keys: SecurityKeys
    till: Till | None


class ScenarioServer:
    """Takes the calls of many scenarios at once. `folder`: for their databases; `link`: to Asterisk."""

    def __init__(self, port: int, folder: Path, link: AmiLink) -> None:
        self._template = folder / "template.db"
        self._folder = folder
        self._manager = Manager.on(link)
        self._engines: dict[str, Engine] = {}
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

    @asynccontextmanager
    async def serving(
        self,
        did: str,
        config: Config,
        flows: Flows,
        given: Given,
        paying: tuple[ScenarioCustomer, ...],
        dials: Sequence[Mapping[str, str]],
    ) -> AsyncIterator[ServedScenario]:
        """Serve calls for `did` with the rows that `config` declares, and what the scenario gives besides.

        `dials`: the dial strings of the trunks, by name, for each time that the call dials out. Raises
        `ConfigError`, `Refused`.
        """
        path = self._folder / f"{did}.db"
        await asyncio.to_thread(shutil.copy, self._template, path)
        store = await Store.open(f"sqlite:///{path}")
        try:
            ready = await make_world(store, SystemClock(), config, given, paying)
            world = replace(
                ready.world,
                trunks=_in_turn(ready.world.trunks, dials),
                manager=self._manager if given.manager else None,
            )
            kept = KeptRecord()
            self._engines[did] = Engine(ready.directory, flows, world, (kept,))
            yield ServedScenario(kept, world.security_keys, ready.till)
        finally:
            self._engines.pop(did, None)
            await store.close()

    async def _serve(self, session: AgiSession) -> None:
        engine = self._engines.get(session.request.extension)
        if engine is None:
            await reject_call(session, NOBODYS_DID)
            return
        await engine.run(session)


def relabelled(config: Config, called: str, did: str) -> Config:
    """The configuration with the called DID under another number."""
    dids = tuple(
        one.model_copy(update={"number": did}) if one.number == called else one for one in config.dids
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
