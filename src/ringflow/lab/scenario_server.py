"""Ringflow's side of the scenarios' real calls: one FastAGI server, behind it an engine for each DID.

Asterisk's dialplan knows one FastAGI port. Every scenario's call dials a DID of its own, and that DID finds
the engine whose database holds the rows that this scenario gives.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ringflow.accounts.declarations import apply_declarations
from ringflow.accounts.directory import Directory
from ringflow.accounts.occupancy import Occupancy
from ringflow.accounts.security_key import SecurityKeys
from ringflow.agi.server import FastAgiServer
from ringflow.agi.session import AgiSession
from ringflow.agi.settings import AgiSettings
from ringflow.calls.clock import SystemClock
from ringflow.calls.outcome import CallRecord
from ringflow.calls.rejecting import reject_call
from ringflow.calls.world import CallWorld
from ringflow.config import Config
from ringflow.engine.engine import Engine, Flows
from ringflow.store import Store

RECORD_WAIT_S = 10.0
"""From the end of a call on the wire to its record."""

NOBODYS_DID = 404


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

    async def record(self, wait_s: float = RECORD_WAIT_S) -> CallRecord | None:
        """The record, waited for; None when no call ended in time."""
        try:
            async with asyncio.timeout(wait_s):
                return await asyncio.shield(self._ended)
        except TimeoutError:
            return None


@dataclass(frozen=True, slots=True)
class ServedScenario:
    """What a scenario's call leaves behind: its record, and the keys that its headers were signed with."""

    kept: KeptRecord
    security_keys: SecurityKeys


class ScenarioServer:
    """Takes the calls of many scenarios at once. `folder` is for their databases."""

    def __init__(self, port: int, folder: Path) -> None:
        self._template = folder / "template.db"
        self._folder = folder
        self._engines: dict[str, Engine] = {}
        self._fastagi = FastAgiServer(self._serve, AgiSettings(port=port))

    @classmethod
    @asynccontextmanager
    async def open(cls, port: int, folder: Path) -> AsyncIterator[ScenarioServer]:
        """A server on a loopback port. Raises `StartError` for a port that is taken."""
        server = cls(port, folder)
        # Copying a migrated file takes a fraction of the time that migrations take.
        store = await Store.open(f"sqlite:///{server._template}")
        await store.migrate()
        await store.close()
        await server._fastagi.start()
        try:
            yield server
        finally:
            await server._fastagi.close()

    @asynccontextmanager
    async def serving(self, did: str, config: Config, flows: Flows) -> AsyncIterator[ServedScenario]:
        """Serve calls for `did` with the rows that `config` declares. Raises `ConfigError`."""
        path = self._folder / f"{did}.db"
        await asyncio.to_thread(shutil.copy, self._template, path)
        store = await Store.open(f"sqlite:///{path}")
        try:
            await apply_declarations(store, config)
            directory = Directory(store, config.country)
            keys = SecurityKeys(secrets.token_hex())
            world = CallWorld(
                trunks=directory.trunks,
                security_keys=keys,
                asterisk_sounds=config.asterisk_sounds,
                apology=config.apology,
                uri_dial=config.uri_dial,
                uri_hosts=frozenset(host.lower() for host in config.uri_hosts),
                clock=SystemClock(),
            )
            kept = KeptRecord()
            self._engines[did] = Engine(directory, Occupancy(), flows, world, (kept,))
            yield ServedScenario(kept, keys)
        finally:
            self._engines.pop(did, None)
            await store.close()

    async def _serve(self, session: AgiSession) -> None:
        engine = self._engines.get(session.request.extension)
        if engine is None:
            await reject_call(session, NOBODYS_DID)
            return
        await engine.run(session)


def relabelled(config: Config, called: str, did: str, dials: Mapping[str, str]) -> Config:
    """The configuration with the called DID under another number, and trunks with the lab's dial strings.

    Trunks keep their names, so records and transcripts name them as the scenario does.
    """
    return config.model_copy(
        update={
            "dids": tuple(
                one.model_copy(update={"number": did}) if one.number == called else one for one in config.dids
            ),
            "trunks": tuple(one.model_copy(update={"dial": dials[one.name]}) for one in config.trunks),
        }
    )
