"""What a call needs, opened and connected: database, flows, prompts, keys and money."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from ringflow.accounts.access.totp_secret import renew_seals
from ringflow.accounts.caller_accounts import CallerAccounts
from ringflow.accounts.declarations import apply_declarations
from ringflow.accounts.directory import Directory
from ringflow.accounts.peppers import PepperRing
from ringflow.accounts.security_key import configured_keys
from ringflow.accounts.value_lists.look_up import ValueLists
from ringflow.calendars.calendar_files import CalendarFiles
from ringflow.calendars.calendars import Calendars
from ringflow.calls.charging import Charging, ChargingSettings
from ringflow.calls.clock import Clock, SystemClock
from ringflow.calls.event_stream import Observer
from ringflow.calls.http_requests import NetworkRequests, NoRequests
from ringflow.calls.language import wrong_language
from ringflow.calls.manager import Manager
from ringflow.calls.originations import Originations
from ringflow.calls.world import CallWorld
from ringflow.config import Config
from ringflow.engine.engine import Engine
from ringflow.errors import ConfigError
from ringflow.flows.book import FlowBook
from ringflow.flows.revisions import last_good
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.server_names import BOOT_MARK
from ringflow.recordings.service import Recordings
from ringflow.scripts.host import host_calls
from ringflow.scripts.key_values import KeyValues
from ringflow.scripts.service import Scripts
from ringflow.sounds.generated import GeneratedPrompts
from ringflow.sounds.library import PromptLibrary
from ringflow.sounds.voices import Voices, speech_problems
from ringflow.speaking import voice_of
from ringflow.store.address import IN_MEMORY, read_address
from ringflow.store.store import Store

if TYPE_CHECKING:
    from ringflow.calls.originator import Originator

log = structlog.get_logger("ringflow.core")

LAST_RECORDS_S = 5.0
"""How long a server that stops waits for the database to take the last records."""


@dataclass(frozen=True, slots=True)
class Core:
    """What a call needs, connected; the same for the server, the simulator and the lab."""

    config: Config
    store: Store
    directory: Directory
    book: FlowBook
    library: PromptLibrary
    world: CallWorld
    charging: Charging
    recordings: Recordings

    def engine(
        self,
        observers: Sequence[Observer] = (),
        manager: Manager | None = None,
        originator: Originator | None = None,
    ) -> Engine:
        """An engine that runs calls on these parts."""
        world = replace(self.world, manager=manager, originator=originator)
        originations = Originations(self.store)
        return Engine(
            self.directory, self.book, world, observers, prompts=self.library, originations=originations
        )

    async def close(self) -> None:
        """Let what is owed to the database be written, and let go of it."""
        if self.world.scripts is not None:
            await self.world.scripts.close()
        await self.charging.close()
        await self.store.close()


async def open_core(
    config: Config,
    clock: Clock | None = None,
    *,
    dry_run: bool = False,
    network: bool = True,
    recordings_folder: Path | None = None,
) -> Core:
    """Open the database (migrated, declarations applied), flows, prompts and keys.

    Raises `StartError` for a missing secret or an unusable database, `ConfigError` for declarations that
    contradict it. In a `dry_run` nothing is written to the database: calls are let in and priced as ever, and
    leave no trace. Broken flows do not stop a server: they are logged, `book.problems` has them, and their
    last good revisions serve. `recordings_folder`: instead of the configured one. Without `network`
    flows ask no other hosts.
    """
    wrong = wrong_language(config)
    if problems := [*([wrong] if wrong is not None else []), *speech_problems(config)]:
        raise ConfigError(problems)
    voices = Voices.configured(config, voice_of)
    keys = configured_keys(config)
    pepper_file = config.cards.pepper_file
    ring = PepperRing(config.cards.pepper_env, config.path(pepper_file) if pepper_file else None)
    if ring.current() is None:
        log.info("cards off", detail="no pepper of PINs is given; see `cards.pepper_file`")
    library = PromptLibrary(config.path(config.sounds.folder))
    entries = frozenset(did.app for did in config.dids)
    store = await _open_store(config.database_url, dry_run)
    try:
        await apply_declarations(store, config)
        peppers = ring.current()
        if peppers is not None and not dry_run and (renewed := await renew_seals(store, peppers)):
            log.info("secrets of authenticators sealed", count=renewed, pepper=peppers.newest.version)
        directory = Directory(store, config.country)
        async with store.reading() as connection:
            earlier = await last_good(connection)
        book = FlowBook.load(
            config.path(config.flows),
            prompts=library,
            entries=entries,
            uri_hosts=config.allowed_uri_hosts,
            last_good=earlier,
            language=config.language,
            voices=voices,
        )
    except BaseException:
        await store.close()
        raise
    clock = clock or SystemClock()
    charging = _charging(config, store, clock)
    recordings = Recordings.configured(config, store, charging.ledger.now_ms, recordings_folder)
    world = CallWorld.configured(
        config,
        directory,
        keys,
        clock,
        charging=charging,
        caller_accounts=CallerAccounts(
            store, directory, config.country, ring.current, charging.ledger.now_ms
        ),
        calendars=Calendars(store, CalendarFiles(config.path(config.calendars.folder))),
        voice=GeneratedPrompts(library, voices),
        recordings=recordings,
        value_lists=ValueLists(store, config.country),
        scripts=Scripts.configured(config, host_calls(store, config, charging.ledger.now_ms)),
        kept_values=KeyValues(store),
        requests=NetworkRequests.configured(config) if network else NoRequests(),
    )
    return Core(config, store, directory, book, library, world, charging, recordings)


async def _open_store(url: str, dry_run: bool) -> Store:
    """The database with its tables brought up to date; for a dry run where there is none, one in memory."""
    path = read_address(url).path
    if dry_run and path is not None and not path.exists():
        url = IN_MEMORY
    store = await Store.open(url)
    try:
        await store.migrate()
    except BaseException:
        await store.close()
        raise
    return store.dry_run() if dry_run and url != IN_MEMORY else store


def _charging(config: Config, store: Store, clock: Clock) -> Charging:
    settings = config.charging
    # Every run has a name of its own: what an earlier one left is then seen to be nobody's any more.
    server = f"{settings.server}{BOOT_MARK}{secrets.token_hex(4)}"
    return Charging(
        Ledger(store, server, lambda: round(clock.now_s() * 1000)),
        ChargingSettings(
            slice_ms=settings.slice_s * 1000,
            warn_ms=settings.warn_s * 1000,
            longest_ms=settings.longest_call_s * 1000,
        ),
    )
