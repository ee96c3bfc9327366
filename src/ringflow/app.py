"""The server around the core: FastAGI, the manager interface, HTTP, and the tasks beside the calls."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import structlog
from aiohttp import web

from ringflow.accounts.customer_access.sign_in import CustomerSignIn
from ringflow.accounts.passwords import Passwords
from ringflow.agi.open_files import reserve_for_calls
from ringflow.agi.server import FastAgiServer
from ringflow.agi.session import AgiSession
from ringflow.agi.settings import AgiSettings
from ringflow.ami.identity import AsteriskIdentity
from ringflow.ami.link import AmiLink
from ringflow.ami.settings import AmiSettings
from ringflow.asterisk.watch import AsteriskWatch
from ringflow.background_tasks import BackgroundTasks
from ringflow.calendars.configured import calendar_upkeep
from ringflow.calls.asterisk_identity import asterisk_of_call
from ringflow.calls.call_backs import CallBacks
from ringflow.calls.event_stream import Observer
from ringflow.calls.live_call import LiveCall
from ringflow.calls.manager import Manager
from ringflow.calls.originator import Originator
from ringflow.calls.released_by import CONGESTION, NORMAL_CLEARING
from ringflow.config import AmiConfig, Config, HttpConfig
from ringflow.core import LAST_RECORDS_S, Core, open_core
from ringflow.engine.after_hangup import AT_STOP_S
from ringflow.engine.engine import new_call_id
from ringflow.engine.lost_legs import SETTLE_SCRIPT, Settlements, serve_settlement
from ringflow.engine.reaper import Reaper
from ringflow.engine.remote_orders import RemoteOrders
from ringflow.errors import RingflowError, StartError
from ringflow.flows.flow_upkeep import FlowUpkeep
from ringflow.flows.script_upkeep import ScriptUpkeep
from ringflow.ledger.server_names import ServerName
from ringflow.mail import Mailer
from ringflow.plain_text import plain
from ringflow.recordings.upkeep import RecordingUpkeep
from ringflow.records.service import RecordKeeping
from ringflow.scripts.service import script_folder
from ringflow.secret import read_secret
from ringflow.store import StoreGone
from ringflow.web.certificate import Certificate
from ringflow.web.connections import Connections
from ringflow.web.edge import Edge
from ringflow.web.figures import PartFigures, Parts
from ringflow.web.health import build_web, open_port
from ringflow.web.jobs.kinds import KINDS
from ringflow.web.jobs.runner import JobRunner
from ringflow.web.metrics import Metrics
from ringflow.web.readiness import Probe, readiness
from ringflow.web.rest.event_feed import OpenFeeds
from ringflow.web.rest.open_telephones import OpenTelephones
from ringflow.web.rest.services import CustomerServices, Services

log = structlog.get_logger("ringflow.app")

LAST_WORDS_S = 2.0
"""From hanging up the calls that outlast the limit to cancelling them: Asterisk tells how they ended."""


class Application:
    """The server: FastAGI, AMI if configured, HTTP, and the watch on `app_flows/`."""

    def __init__(self, core: Core, observers: Sequence[Observer] = ()) -> None:
        config = core.config
        self.core = core
        self.metrics = Metrics(lambda: self.fastagi.live_calls, lambda: self.engine)
        self.records = _record_keeping(core, lambda: self.engine.calls_in_progress)
        recorders = (self.records.recorder,) if self.records is not None else ()
        self.ami = _ami_link(config)
        self._mailer = Mailer.configured(config)
        manager = Manager.on(self.ami) if self.ami is not None else None
        self._originator = Originator(
            core.store,
            config,
            self.ami,
            core.charging.ledger.now_ms,
            new_call_id,
            core.book.apps,
            lambda asked, why: self.engine.call_not_made(asked, why),
        )
        self.engine = core.engine((self.metrics, *recorders, *observers), manager, self._originator)
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
        self.flows = FlowUpkeep(
            core.store, core.book, config.path(config.flows), ledger.server, ledger.now_ms
        )
        self._scripts = ScriptUpkeep(core.store, script_folder(config), ledger.now_ms)
        self.calendars = calendar_upkeep(core.store, config, ledger.now_ms)
        self._call_backs = CallBacks(core.store, core.world, self._originator, config.call_backs)
        self._orders = RemoteOrders(core.store, self.engine.live, ledger.server, ledger.now_ms)
        self._recordings = RecordingUpkeep(core.store, core.recordings, config.charging.server, ledger.now_ms)
        self._name = ServerName(core.store, ledger.server, silent_s, ledger.now_ms)
        self.reaper = Reaper(core.charging, self.ami, silent_s, self._settlements, self._name)
        self.http_port: int | None = None
        self._feeds = OpenFeeds()
        self._telephones = OpenTelephones()
        self._tasks = BackgroundTasks()
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()
        self._draining = False
        self._channels: set[tuple[str, str]] = set()

    async def start(self) -> None:
        """Go by the server's name, and open the ports. Raises `StartError` for one of these that is taken."""
        config = self.core.config
        await self._name.take()
        await self.flows.look()
        await self._scripts.look()
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
        self._tasks.start("watch app_flows", lambda: self.core.book.watch(self._stopping))
        self._tasks.start("watch publications", self.flows.run)
        self._tasks.start("watch published scripts", self._scripts.run)
        self._tasks.start("calendars", self.calendars.run)
        self._tasks.start("orders for live calls", self._orders.run)
        self._tasks.start("upkeep of recordings", self._recordings.run)
        if self.asterisk is not None:
            self._tasks.start("check of Asterisk", self.asterisk.run)
        if self.records is not None:
            self.records.start()
        if self.core.world.scripts is not None:
            await self.core.world.scripts.warm()
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

    async def stop(self) -> None:
        """Take no new calls, let those in progress finish up to the limit, end the rest, close everything."""
        self._draining = True
        # Whoever watches connects to another server, or to this one after its start.
        self._feeds.stop()
        self._telephones.stop()
        limit_s = self.core.config.fastagi.drain_s
        log.info("stopping", live_calls=self.fastagi.live_calls, limit_s=limit_s)
        began_s = time.monotonic()
        await self._drain(limit_s)
        left_s = limit_s - (time.monotonic() - began_s)
        await self.engine.after_calls.finish(max(left_s, AT_STOP_S))
        self._stopping.set()
        await self._tasks.close()
        await self._call_backs.close()
        await self._originator.close()
        if self.ami is not None:
            await self.ami.close()
        if self._runner is not None:
            await self._runner.cleanup()
        if self.records is not None:
            await self.records.close(LAST_RECORDS_S)
        await self.core.charging.close()
        with contextlib.suppress(StoreGone):
            await self.flows.leave()
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
            self.flows,
            self.fastagi,
            self.ami,
            self.asterisk,
            self.engine.dialplan,
            core.charging,
            self.reaper,
            records.recorder if records is not None else None,
            self.calendars,
            lambda: self._draining,
        )
        parts = Parts(
            self.fastagi,
            core.charging,
            self.reaper,
            core.world.caller_accounts,
            records,
            self.ami,
            self.calendars,
        )
        figures = PartFigures(parts, probes)
        self.metrics.registry.register(figures)
        connections = Connections.configured(config, reserve_for_calls(config.max_connections))
        api = self._services(probes) if config.serves_api else None
        if api is not None:
            jobs = JobRunner(api, KINDS, core.charging.ledger.server, core.config.charging.dead_after_s)
            self._tasks.start("jobs", jobs.run)
            self._tasks.start("mails of passwords", api.resets.run)
        edge = Edge(config)
        certificate = _certificate(core.config, config)
        pages = build_web(probes, self.metrics.registry, figures.refresh, connections, edge, api)
        self._runner = await open_port(pages, config.host, config.port, connections, certificate)
        self.http_port = self._runner.addresses[0][1]

    def _customer_services(self) -> CustomerServices:
        core, now_ms, passwords = self.core, self.core.charging.ledger.now_ms, Passwords()
        caller_accounts = core.world.caller_accounts
        assert caller_accounts is not None, "a server's callers have one"
        sign_in = CustomerSignIn(core.store, caller_accounts, passwords, core.config.country, now_ms)
        return CustomerServices(caller_accounts, passwords, sign_in, self._call_backs)

    def _services(self, probes: Mapping[str, Probe]) -> Services:
        core, asterisk = self.core, self.asterisk
        return Services(
            core.store,
            core.config,
            core.charging.ledger.now_ms,
            probes,
            lambda: asterisk.findings if asterisk is not None else None,
            self._feeds,
            self._telephones,
            self._customer_services(),
            mailer=self._mailer,
            originator=self._originator,
            script_runner=core.world.scripts,
        )


def _certificate(config: Config, http: HttpConfig) -> Certificate | None:
    if http.tls is None:
        return None
    files = config.path(http.tls.certificate), config.path(http.tls.key)
    return Certificate(*files, asyncio.get_running_loop().time)


def _record_keeping(core: Core, calls: Callable[[], Mapping[str, LiveCall]]) -> RecordKeeping | None:
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


async def open_application(config: Config, observers: Sequence[Observer] = ()) -> Application:
    """An application, not started yet. Raises as `open_core`, and `StartError` without an AMI secret."""
    core = await open_core(config)
    try:
        return Application(core, observers)
    except BaseException:
        await core.close()
        raise


@contextlib.asynccontextmanager
async def running(config: Config, observers: Sequence[Observer] = ()) -> AsyncIterator[Application]:
    """A started application, stopped at the end of the block."""
    application = await open_application(config, observers)
    try:
        await application.start()
        yield application
    finally:
        await application.stop()
