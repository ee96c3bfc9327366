"""The link to Asterisk's manager interface: kept up in the background, asked when it is up."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import StrEnum

import structlog

from ringflow.ami.actions import (
    ApplicationTarget,
    AsteriskState,
    DialplanStep,
    DialplanTarget,
    LiveChannel,
    OriginateResult,
    absolute_timeout_fields,
    channels_of,
    commands_of,
    database_of,
    device_states_of,
    devices_of,
    evaluation_fields,
    get_global_fields,
    get_variable_fields,
    hangup_fields,
    originate_fields,
    originate_result,
    state_of,
    steps_of,
)
from ringflow.ami.backoff import Backoff
from ringflow.ami.event_mask import ALL, WantedEvents
from ringflow.ami.failures import LinkDown, LoginRefused
from ringflow.ami.guard import EventCallback, GuardedManager, GuardedProtocol
from ringflow.ami.messages import AmiMessage, Fields, shown
from ringflow.ami.settings import AmiSettings
from ringflow.background_tasks import BackgroundTasks
from ringflow.errors import CommandRefused, PeerSilent, RingflowError

log = structlog.get_logger("ringflow.ami")


class LinkState(StrEnum):
    """`REFUSED` is bad credentials: tried again slowly, since only an operator can mend it."""

    CONNECTING = "connecting"
    UP = "up"
    DOWN = "down"
    REFUSED = "refused"
    CLOSED = "closed"


class AmiLink:
    """One manager connection at a time, opened again whenever it is lost, until `close()`.

    Every operation raises `LinkDown` while there is no link or when it drops before the answer,
    `PeerSilent` when no answer comes within its limit, `CommandRefused` with Asterisk's message, and
    `ProtocolViolation` when a value cannot be sent or an answer not be understood.
    """

    def __init__(self, settings: AmiSettings) -> None:
        self._settings = settings
        self._manager = GuardedManager()
        self._backoff = Backoff(settings.backoff_min_s, settings.backoff_max_s)
        self._state = LinkState.DOWN
        self._reason = "not started"
        self._logged: tuple[LinkState, str] | None = None
        self._changed = asyncio.Event()
        self._keeper: BackgroundTasks | None = None
        self._wanted = WantedEvents()
        self._connections = 0

    @property
    def state(self) -> LinkState:
        """What the link is now."""
        return self._state

    @property
    def is_up(self) -> bool:
        """Whether Asterisk can be asked now."""
        return self._state is LinkState.UP

    @property
    def reason(self) -> str:
        """Why it is so, in words for an operator; while connecting again, why it was lost."""
        return self._reason

    @property
    def connections(self) -> int:
        """How often the link came up: what was learnt of one connection need not hold of the next."""
        return self._connections

    async def start(self) -> None:
        """Begin to connect, in the background. Raises `RuntimeError` if begun or closed before."""
        if self._keeper is not None or self._state is LinkState.CLOSED:
            raise RuntimeError("an AMI link is started once")
        self._enter(LinkState.CONNECTING, f"to {self._settings.host}:{self._settings.port}")
        self._keeper = BackgroundTasks()
        self._keeper.start("ami-link", self._keep)

    async def close(self) -> None:
        """End the link for good; what is in flight fails with `LinkDown`. May be called again."""
        self._enter(LinkState.CLOSED, "closed")
        if self._keeper is not None:
            await self._keeper.close()

    async def wait_up(self, timeout_s: float) -> None:
        """Wait until the link is up. Raises `LinkDown` with the reason after `timeout_s`, or when closed."""
        await self.wait_for(LinkState.UP, timeout_s)

    async def wait_for(self, state: LinkState, timeout_s: float) -> None:
        """Wait until the link is in `state`. Raises as `wait_up`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._state not in (state, LinkState.CLOSED):
                    await self._changed.wait()
        if self._state is not state:
            raise LinkDown(f"{self._state} after waiting for `{state}`: {self._reason}")

    async def wait_change(self) -> None:
        """Wait until the state, or the reason for it, is another than now."""
        await self._changed.wait()

    def on_event(self, name: str, callback: EventCallback, *, always: bool = True) -> None:
        """Call `callback(message)` for every event of that name; ``*`` and ``Bridge*`` work too.

        A callback is a plain function, called within the reading of the socket: it must not block. What it
        raises is logged and harms nobody. Asterisk sends events only where somebody wants them: `always` has
        it send every one from now on; otherwise they come while their class is wanted by `hearing`.
        """
        if inspect.iscoroutinefunction(callback):
            raise TypeError("an AMI event callback is a plain function, not a coroutine function")
        self._manager.register_event(name, callback)
        if always:
            self._wanted.add(ALL)
            self._tune()

    @contextmanager
    def hearing(self, event_class: str) -> Iterator[None]:
        """Have Asterisk send the events of a class (`call`, `dtmf`) while the block lasts.

        A class that the manager user may not read is not sent, and Asterisk does not say so.
        """
        self._wanted.add(event_class)
        try:
            self._tune()
            yield
        finally:
            self._wanted.drop(event_class)
            self._tune()

    async def asterisk_state(self) -> AsteriskState:
        """Version, start, last reload and number of calls (CoreSettings and CoreStatus)."""
        settings = await self._ask({"Action": "CoreSettings"})
        status = await self._ask({"Action": "CoreStatus"})
        return state_of(settings[0], status[0])

    async def live_channels(self) -> tuple[LiveChannel, ...]:
        """All channels there are now (CoreShowChannels)."""
        return channels_of(await self._ask({"Action": "CoreShowChannels"}))

    async def database_tree(self, family: str) -> dict[str, str]:
        """All that AstDB has under a family, by key (DBGetTree)."""
        return database_of(family, await self._ask({"Action": "DBGetTree", "Family": family}))

    async def commands(self) -> frozenset[str]:
        """The names, in small letters, of the actions that this manager user may use (ListCommands)."""
        return commands_of((await self._ask({"Action": "ListCommands"}))[0])

    async def devices(self) -> tuple[str, ...]:
        """The devices whose state Asterisk knows, such as `PJSIP/carrier` (DeviceStateList)."""
        return devices_of(await self._ask({"Action": "DeviceStateList"}))

    async def device_states(self) -> dict[str, str]:
        """The states of these devices: `NOT_INUSE`, `UNAVAILABLE` (DeviceStateList)."""
        return device_states_of(await self._ask({"Action": "DeviceStateList"}))

    async def dialplan_steps(self, context: str) -> tuple[DialplanStep, ...]:
        """The lines of a context (ShowDialPlan). Raises `CommandRefused` where there is no such context."""
        return steps_of(await self._ask({"Action": "ShowDialPlan", "Context": context}))

    async def evaluate(self, expression: str) -> str:
        """A global variable, or a dialplan function that needs no channel; empty where there is none."""
        return (await self._ask(evaluation_fields(expression)))[0].text("Value")

    async def get_variable(self, channel: str, name: str) -> str:
        """A channel's variable or function, empty where it is not set; `CommandRefused` where it is gone."""
        return (await self._ask(get_variable_fields(channel, name)))[0].text("Value")

    async def get_global(self, name: str) -> str:
        """A global variable of the dialplan's, empty where it is not set."""
        return (await self._ask(get_global_fields(name)))[0].text("Value")

    async def hang_up(self, channel: str, cause: int = 16) -> None:
        """Ask one channel to hang up with a Q.850 cause; `CommandRefused` if there is no such channel."""
        await self._ask(hangup_fields(channel, cause))

    async def set_absolute_timeout(self, channel: str, seconds: float) -> None:
        """Let Asterisk end a channel `seconds` from now and not as told before, whatever becomes of us."""
        await self._ask(absolute_timeout_fields(channel, seconds))

    async def originate(
        self,
        channel: str,
        target: DialplanTarget | ApplicationTarget,
        *,
        caller_id: str = "",
        variables: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
        codecs: str = "",
    ) -> OriginateResult:
        """Ring `channel` for up to `timeout_s`, and send it to `target` when it answers; gives how it ended.

        `caller_id` is Asterisk's form, ``Name <number>``; `codecs` are those of a Local channel, which has
        signed linear without them. Asterisk rings whether or not we still wait, so a
        `PeerSilent` or a cancellation does not mean that there is no call. The manager user needs `call`
        among what it may read, or the end is never heard.
        """
        fields = originate_fields(channel, target, caller_id, variables or {}, timeout_s, codecs)
        with self.hearing("call"):
            return originate_result(await self._ask(fields, timeout_s + self._settings.action_timeout_s))

    async def _ask(self, fields: Fields, limit_s: float | None = None) -> list[AmiMessage]:
        if self._state is not LinkState.UP:
            raise LinkDown(f"{self._state}: {self._reason}")
        return await self._manager.ask(fields, limit_s or self._settings.action_timeout_s)

    def _tune(self) -> None:
        """Ask for the events that are wanted. AMI acts in order, so what is sent next finds it done."""
        # With all events on, Asterisk writes each session some hundred messages for every call.
        wanted = self._wanted.mask
        if self._state is LinkState.UP and self._manager.protocol.event_mask != wanted:
            # A link that is just going down fails whatever is asked next; its successor logs in tuned.
            with suppress(LinkDown):
                self._manager.tell({"Action": "Events", "EventMask": wanted})
                self._manager.protocol.event_mask = wanted

    def _enter(self, state: LinkState, reason: str) -> None:
        if self._state is LinkState.CLOSED:
            return
        self._state, self._reason = state, reason
        self._changed.set()
        self._changed = asyncio.Event()
        # An Asterisk that stays away is one line in the log, not one for each attempt.
        if state is not LinkState.CONNECTING and self._logged != (state, reason):
            self._logged = (state, reason)
            write = log.warning if state in (LinkState.DOWN, LinkState.REFUSED) else log.info
            write("ami link", state=str(state), reason=reason)

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if self._state is not LinkState.REFUSED:
                self._enter(LinkState.CONNECTING, self._reason)
            began_s = loop.time()
            delay_s = self._settings.backoff_max_s
            try:
                await self._hold_connection()
            except LoginRefused as refusal:
                self._enter(LinkState.REFUSED, str(refusal))
            except (RingflowError, OSError) as error:
                delay_s = self._delay_s(loop.time() - began_s)
                self._enter(
                    LinkState.DOWN, error.reason if isinstance(error, LinkDown) else shown(str(error))
                )
            except Exception:
                # Boundary: our own bug must not leave the server without a link for good.
                log.exception("the AMI link failed")
                self._enter(LinkState.DOWN, "an error of Ringflow's own, see the log")
            await asyncio.sleep(delay_s)

    def _delay_s(self, lasted_s: float) -> float:
        # Only a connection that lasted shows that the trouble is over; one that drops at once does not.
        if lasted_s >= self._settings.backoff_max_s:
            self._backoff.reset()
        return self._backoff.next_s()

    async def _hold_connection(self) -> None:
        """Connect, log in, and stay until the connection is lost; ends only by raising."""
        settings = self._settings
        protocol = await self._manager.open(settings.host, settings.port, settings.action_timeout_s)
        try:
            await self._log_in(protocol)
            self._connections += 1
            self._enter(LinkState.UP, f"{settings.host}:{settings.port}, {protocol.greeted.result()}")
            self._tune()
            await self._watch(protocol)
        finally:
            protocol.close()
            await asyncio.wait({protocol.lost})

    async def _log_in(self, protocol: GuardedProtocol) -> None:
        # By challenge, so that the secret is never on the wire nor in an action that could be logged.
        limit_s = self._settings.action_timeout_s
        try:
            answers = await self._manager.ask({"Action": "Challenge", "AuthType": "MD5"}, limit_s)
            protocol.event_mask = self._wanted.mask
            await self._manager.ask(
                {
                    "Action": "Login",
                    "AuthType": "MD5",
                    "Username": self._settings.user,
                    "Key": login_key(self._settings, answers[0].text("Challenge")),
                    "Events": protocol.event_mask,
                },
                limit_s,
            )
        except CommandRefused as refusal:
            raise LoginRefused(f"user {shown(self._settings.user)!r}: {refusal}") from None

    async def _watch(self, protocol: GuardedProtocol) -> None:
        settings = self._settings
        while not protocol.lost.done():
            quiet_s = protocol.quiet_s()
            if quiet_s >= settings.silence_limit_s:
                protocol.fail(f"Asterisk sent nothing for {settings.silence_limit_s:g} s")
                raise PeerSilent(protocol.fault)
            if quiet_s >= settings.ping_interval_s:
                self._manager.tell({"Action": "Ping"})
            wait_s = min(settings.ping_interval_s, settings.silence_limit_s - quiet_s)
            await asyncio.wait({protocol.lost}, timeout=wait_s)
        raise LinkDown(protocol.lost.result())


def login_key(settings: AmiSettings, challenge: str) -> str:
    """The answer to an MD5 challenge: MD5 over challenge and secret, in hexadecimal (main/manager.c)."""
    # Tracebacks show local variables: the secret must not be one.
    return hashlib.md5((challenge + settings.secret).encode(), usedforsecurity=False).hexdigest()
