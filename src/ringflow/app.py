"""Builds and connects everything: what a call needs (`Core`), and the server around it (`Application`)."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog
from aiohttp import web

from ringflow.accounts.declarations import apply_declarations
from ringflow.accounts.directory import Directory
from ringflow.accounts.peppers import PepperRing
from ringflow.accounts.security_key import configured_keys
from ringflow.accounts.teller import Teller
from ringflow.agi.open_files import reserve_for_calls
from ringflow.agi.server import FastAgiServer
from ringflow.agi.session import AgiSession
from ringflow.agi.settings import AgiSettings
from ringflow.ami.identity import AsteriskIdentity
from ringflow.ami.link import AmiLink
from ringflow.ami.settings import AmiSettings
from ringflow.asterisk.watch import AsteriskWatch
from ringflow.background_tasks import BackgroundTasks
from ringflow.calls.asterisk_identity import asterisk_of_call
from ringflow.calls.charging import Charging, ChargingSettings
from ringflow.calls.clock import Clock, SystemClock
from ringflow.calls.manager import Manager
from ringflow.calls.progress import CallInProgress
from ringflow.calls.released_by import CONGESTION, NORMAL_CLEARING
from ringflow.calls.world import CallWorld
from ringflow.config import AmiConfig, Config, HttpConfig
from ringflow.engine.engine import Engine
from ringflow.engine.lost_legs import SETTLE_SCRIPT, Settlements, serve_settlement
from ringflow.engine.reaper import Reaper
from ringflow.engine.watching import Watcher
from ringflow.errors import RingflowError, StartError
from ringflow.flows.book import FlowBook
from ringflow.flows.revisions import keep, last_good
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.server_names import BOOT_MARK, ServerName
from ringflow.moments import system_now_ms
from ringflow.plain_text import plain
from ringflow.records.keeping import RecordKeeping
from ringflow.secret import read_secret
from ringflow.sounds.library import PromptLibrary
from ringflow.store import StoreGone
from ringflow.store.address import IN_MEMORY, read_address
from ringflow.store.store import Store
from ringflow.web.connections import Connections
from ringflow.web.figures import PartFigures, Parts
from ringflow.web.health import build_web, open_port
from ringflow.web.metrics import Metrics
from ringflow.web.readiness import readiness

log = structlog.get_logger("ringflow.app")

LAST_RECORDS_S = 5.0
"""How long a server that stops waits for the database to take the last records."""

LAST_WORDS_S = 2.0
"""From hanging up the calls that outlast the limit to cancelling them: Asterisk tells how they ended."""


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

    def engine(self, watchers: Sequence[Watcher] = (), manager: Manager | None = None) -> Engine:
        """An engine that runs calls on these parts."""
        world = replace(self.world, manager=manager)
        return Engine(self.directory, self.book, world, watchers)

    async def close(self) -> None:
        """Let what is owed to the database be written, and let go of it."""
        await self.charging.close()
        await self.store.close()


async def open_core(config: Config, clock: Clock | None = None, *, dry_run: bool = False) -> Core:
    """Open the database (migrated, declarations applied), flows, prompts and keys.

    Raises `StartError` for a missing secret or an unusable database, `ConfigError` for declarations that
    contradict it. In a `dry_run` nothing is written to the database: calls are let in and priced as ever, and
    leave no trace. Broken flows do not stop a server: they are logged, `book.problems` has them, and their
    last good revisions serve.
    """
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
        directory = Directory(store, config.country)
        async with store.reading() as connection:
            earlier = await last_good(connection)
        book = FlowBook.load(
            config.path(config.flows),
            prompts=library,
            entries=entries,
            uri_hosts=config.allowed_uri_hosts,
            last_good=earlier,
        )
    except BaseException:
        await store.close()
        raise
    clock = clock or SystemClock()
    charging = _charging(config, store, clock)
    world = CallWorld.configured(
        config,
        directory,
        keys,
        clock,
        charging=charging,
        teller=Teller(store, directory, config.country, ring.current, charging.ledger.now_ms),
    )
    return Core(config, store, directory, book, library, world, charging)


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


class Application:
    """The server: FastAGI, AMI if configured, HTTP, and the watch on `app_flows/`."""

    def __init__(self, core: Core, watchers: Sequence[Watcher] = ()) -> None:
        config = core.config
        self.core = core
        self.metrics = Metrics(lambda: self.fastagi.live_calls)
        self.records = _record_keeping(core, lambda: self.engine.calls_in_progress)
        recorders = (self.records.recorder,) if self.records is not None else ()
        self.ami = _ami_link(config)
        manager = Manager.on(self.ami) if self.ami is not None else None
        self.engine = core.engine((self.metrics, *recorders, *watchers), manager)
        self.fastagi = FastAgiServer(
            self._serve,
            AgiSettings(
                host=config.fastagi.host,
                port=config.fastagi.port,
                allow=config.fastagi.allow,
                max_calls=config.fastagi.max_calls,
                max_calls_per_s=config.fastagi.max_calls_per_s,
                max_lag_s=_seconds(config.fastagi.max_lag_ms),
                # A settlement ends a call and makes no load.
                never_refused=frozenset({SETTLE_SCRIPT}),
            ),
            self.engine.call_refused,
        )
        self.asterisk = _asterisk_watch(core, self.ami, lambda: self.fastagi.port)
        self._ends = self.records.lost_legs if self.records is not None else None
        silent_s, ledger = config.charging.dead_after_s, core.charging.ledger
        self._settlements = Settlements(core.charging, self._ends, silent_s)
        self._name = ServerName(core.store, ledger.server, silent_s, ledger.now_ms)
        self.reaper = Reaper(core.charging, self.ami, silent_s, self._settlements, self._name)
        self.http_port: int | None = None
        self._tasks = BackgroundTasks()
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()
        self._draining = False
        self._channels: set[tuple[str, str]] = set()

    async def start(self) -> None:
        """Go by the server's name, and open the ports. Raises `StartError` for one of these that is taken."""
        config = self.core.config
        await self._name.take()
        if config.http is not None:
            try:
                await self._start_http(config.http)
            except StartError as first:
                raise StartError("\n".join([str(first), *await self._other_port_taken()])) from first
        if self.ami is not None:
            await self.ami.start()
        else:
            lost = "no live channels, no hang-up from here, keys end a talk when pressed, not held"
            lost += ", and a charged talk ends with what was held before it"
            log.info("ami off", detail=f"no `ami` in the configuration: {lost}")
        self._tasks.start("event-loop lag", self.metrics.measure_lag)
        self._tasks.start("sums of refused calls", self.engine.refusals.run)
        self._tasks.start("reaper", self.reaper.run)
        self._tasks.start(
            "watch app_flows", lambda: self.core.book.watch(self._stopping, self._keep_revisions)
        )
        await self._keep_revisions()
        if self.asterisk is not None:
            self._tasks.start("check of Asterisk", self.asterisk.run)
        if self.records is not None:
            self.records.start()
        await self.fastagi.start()
        log.info(
            "ready",
            fastagi=f"{config.fastagi.host}:{self.fastagi.port}",
            http=f"{config.http.host}:{self.http_port}" if config.http else None,
            database=self.core.store.shown,
            apps=sorted(self.core.book.apps()),
        )

    async def _other_port_taken(self) -> list[str]:
        """What is wrong with the FastAGI port too, so that one start tells of both."""
        try:
            await self.fastagi.start()
        except StartError as second:
            return [str(second)]
        return []

    async def _keep_revisions(self) -> None:
        """Note which texts of flows are in service, so that a start with a broken file can serve the last."""
        try:
            async with self.core.store.writing() as connection:
                await keep(connection, self.core.book.revisions(), system_now_ms())
        except RingflowError as error:
            log.warning("flow revisions not kept", detail=str(error))

    async def stop(self) -> None:
        """Take no new calls, let those in progress finish up to the limit, end the rest, close everything."""
        self._draining = True
        limit_s = self.core.config.fastagi.drain_s
        log.info("stopping", live_calls=self.fastagi.live_calls, limit_s=limit_s)
        await self._drain(limit_s)
        self._stopping.set()
        await self._tasks.close()
        if self.ami is not None:
            await self.ami.close()
        if self._runner is not None:
            await self._runner.cleanup()
        if self.records is not None:
            await self.records.close(LAST_RECORDS_S)
        await self.core.charging.close()
        with contextlib.suppress(StoreGone):
            await self._name.leave()
        await self.core.close()
        log.info("stopped")

    async def _serve(self, session: AgiSession) -> None:
        if session.request.script == SETTLE_SCRIPT:
            await serve_settlement(session, self._settlements)
            return
        channel = asterisk_of_call(session.request), session.request.channel
        self._channels.add(channel)
        try:
            await self.engine.run(session)
        finally:
            self._channels.discard(channel)

    async def _drain(self, limit_s: float) -> None:
        """Let calls finish for `limit_s`; hang up the rest by AMI, so that no talk goes on without a record.

        Closing the connection does not end a call: Asterisk looks at it again only when `Dial` is over.
        """
        if self.ami is None:
            await self.fastagi.drain(limit_s)
            return
        draining = asyncio.create_task(self.fastagi.drain(limit_s + LAST_WORDS_S))
        try:
            done, _ = await asyncio.wait({draining}, timeout=limit_s)
            if not done:
                await self._hang_up_calls(self.ami)
            await draining
        finally:
            draining.cancel()

    async def _hang_up_calls(self, ami: AmiLink) -> None:
        """Hang up the calls on the Asterisk that the manager interface leads to.

        On another one the same names are those of other calls.
        """
        try:
            asterisk = await AsteriskIdentity(ami).ask()
        except RingflowError as error:
            log.warning("calls not hung up", calls=len(self._channels), detail=str(error))
            return
        ours = [channel for of, channel in self._channels if of == asterisk and of]
        if elsewhere := len(self._channels) - len(ours):
            log.warning(
                "calls not hung up",
                calls=elsewhere,
                detail="they are on an Asterisk that `ami` does not lead to",
            )
        await asyncio.gather(*(self._hang_up(ami, channel) for channel in ours))

    async def _hang_up(self, ami: AmiLink, channel: str) -> None:
        try:
            answered = await ami.get_variable(channel, "CHANNEL(state)") == "Up"
            # An unanswered caller gets 503, and may be sent another way, instead of 603.
            await ami.hang_up(channel, NORMAL_CLEARING if answered else CONGESTION)
        except RingflowError as error:
            log.warning("not hung up", channel=plain(channel), detail=str(error))

    async def _start_http(self, config: HttpConfig) -> None:
        core, records = self.core, self.records
        probes = readiness(
            core.store,
            core.book,
            self.fastagi,
            self.ami,
            self.asterisk,
            self.engine.dialplan,
            core.charging,
            self.reaper,
            records.recorder if records is not None else None,
            lambda: self._draining,
        )
        parts = Parts(self.fastagi, core.charging, self.reaper, core.world.teller, records, self.ami)
        figures = PartFigures(parts, probes)
        self.metrics.registry.register(figures)
        connections = Connections(reserve_for_calls(config.max_connections))
        pages = build_web(probes, self.metrics.registry, figures.refresh, connections)
        self._runner = await open_port(pages, config.host, config.port, connections)
        self.http_port = self._runner.addresses[0][1]


def _record_keeping(core: Core, calls: Callable[[], Mapping[str, CallInProgress]]) -> RecordKeeping | None:
    records, charging = core.config.records, core.config.charging
    if records is None:
        return None
    return RecordKeeping(
        core.store,
        charging.server,
        core.charging.ledger.server,
        calls,
        keep_days=records.keep_days,
        silent_s=charging.dead_after_s,
    )


def _asterisk_watch(core: Core, ami: AmiLink | None, port: Callable[[], int]) -> AsteriskWatch | None:
    return AsteriskWatch(ami, core.config, core.directory.trunks, port) if ami is not None else None


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _ami_link(config: Config) -> AmiLink | None:
    return configured_link(config) if config.ami is not None else None


def configured_link(config: Config) -> AmiLink:
    """A link, not started yet, to the manager interface of `ami:`. Raises `StartError` without its secret."""
    ami = config.ami or AmiConfig()
    file = config.path(ami.secret_file) if ami.secret_file else None
    secret = read_secret(ami.secret_env, file, "the AMI secret", "ringflow asterisk config")
    return AmiLink(AmiSettings(host=ami.host, port=ami.port, user=ami.user, secret=secret))


async def open_application(config: Config, watchers: Sequence[Watcher] = ()) -> Application:
    """An application, not started yet. Raises as `open_core`, and `StartError` without an AMI secret."""
    core = await open_core(config)
    try:
        return Application(core, watchers)
    except BaseException:
        await core.close()
        raise


@contextlib.asynccontextmanager
async def running(config: Config, watchers: Sequence[Watcher] = ()) -> AsyncIterator[Application]:
    """A started application, stopped at the end of the block."""
    application = await open_application(config, watchers)
    try:
        await application.start()
        yield application
    finally:
        await application.stop()
