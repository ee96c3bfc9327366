"""One call over FastAGI: commands in, replies out, and every kind of hang-up as one exception."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from ringflow.agi.exchange import Exchange
from ringflow.agi.overload import OverloadControl
from ringflow.agi.reply import Reply, shown
from ringflow.agi.request import AgiRequest
from ringflow.agi.wire import command_line
from ringflow.errors import ChannelGone, CommandRefused

COMMAND_TIMEOUT_S = 30.0
"""For commands that Asterisk carries out at once."""

PROMPT_TIMEOUT_S = 600.0
"""For commands that play a prompt to its end. A peer that says nothing for longer is none that lives."""

_EXECUTE = "EXEC "
_GONE = "-1"
_NO_APPLICATION = "-2"
_UNUSUAL = frozenset({_GONE, _NO_APPLICATION})


class AgiSession:
    """The commands of one call, one at a time.

    A hang-up is never data: ``result=-1``, ``511``, an inline ``HANGUP`` and the end of the connection raise
    `ChannelGone`, whose `how` tells what said so first. After an inline ``HANGUP`` the command on its way
    still gets its own reply; later ones raise without being sent, unless they are `dead_ok`.
    """

    def __init__(
        self,
        request: AgiRequest,
        transport: asyncio.WriteTransport,
        loop: asyncio.AbstractEventLoop,
        load: OverloadControl | None = None,
    ) -> None:
        self.request = request
        self.load = load
        """That of its Asterisk."""
        self.probes = False
        """Whether this call is to begin with `probe`."""
        self.exchange = Exchange(transport, loop)
        """For the connection, which tells it what arrives."""
        self._max_bytes = request.max_line_bytes
        self._ended_how: str | None = None

    @property
    def hung_up(self) -> bool:
        """Whether Asterisk has said that the caller's channel is gone; a lost connection alone does not."""
        return self._ended_how is not None

    @property
    def closed(self) -> bool:
        """Whether the connection is gone: no command can be sent, not even a `dead_ok` one."""
        return self.exchange.closed

    async def command(
        self,
        name: str,
        *values: str,
        dead_ok: bool = False,
        hangup_is_data: bool = False,
        timeout_s: float | None = COMMAND_TIMEOUT_S,
    ) -> Reply:
        """Send one command, by its name and its values, and give its ``200`` reply.

        `dead_ok` sends it even when the caller is gone (``GET VARIABLE`` works then); `hangup_is_data` gives
        ``result=-1`` as a reply, for ``EXEC Dial``, whose -1 may mean that the callee hung up. Raises
        `ChannelGone`; `CommandRefused` for any other code than 200 and for an unknown application;
        `PeerSilent` after `timeout_s` seconds (None: no limit), which ends the connection;
        `ProtocolViolation`.
        """
        if self._ended_how is not None and not dead_ok:
            raise ChannelGone("eof" if self.exchange.closed else self._ended_how)
        line = command_line(name, *values, max_bytes=self._max_bytes)
        reply = await self.exchange.ask(line, timeout_s)
        if reply.code == 200 and reply.result not in _UNUSUAL:
            return reply
        return self._judge(reply, name, hangup_is_data)

    async def probe(self) -> None:
        """Send a command for the time of its reply alone, if this call is to. Raises as `command`."""
        if self.probes:
            self.probes = False
            with suppress(CommandRefused):
                await self.get_full_variable("${EPOCH}")

    async def _command_at_once(self, name: str, *values: str, dead_ok: bool) -> Reply:
        """Send a command that Asterisk carries out at once: the time of its reply tells of the load."""
        load = self.load
        if load is None:
            return await self.command(name, *values, dead_ok=dead_ok)
        asked, counts = load.asked(), False
        try:
            reply = await self.command(name, *values, dead_ok=dead_ok)
            # After a hang-up the reply comes in a second packet, which Asterisk delays by 40 ms.
            counts = self._ended_how is None
            return reply
        finally:
            load.replied(asked, counts=counts)

    def _judge(self, reply: Reply, name: str, hangup_is_data: bool) -> Reply:
        if reply.code == 511:
            self._ended_how = self._ended_how or "dead"
            raise ChannelGone(self._ended_how)
        if reply.code != 200:
            # The name of the command only: its values may be what no log should hold.
            why = shown(reply.tail or reply.result)
            raise CommandRefused(f"Asterisk: {reply.code} {why} to {shown(name)}")
        if reply.result == _NO_APPLICATION:
            if name.startswith(_EXECUTE):
                raise CommandRefused(f"Asterisk has no application {shown(name.removeprefix(_EXECUTE))}")
            return reply
        if hangup_is_data:
            return reply
        self._ended_how = self._ended_how or "result"
        raise ChannelGone(self._ended_how)

    async def answer(self) -> None:
        """Answer the call; Asterisk waits up to half a second for media."""
        await self.command("ANSWER")

    async def hangup(self) -> None:
        """Hang the caller up, after which the session is `hung_up`. A call that has ended is no error."""
        try:
            await self.command("HANGUP")
        except ChannelGone:
            return
        self.hangup_noticed()

    def abandon(self, *, hang_up: bool = True) -> None:
        """Hang up and close without waiting for anything: for a task that is being cancelled.

        Without `hang_up` the dialplan ends the call, as soon as it goes on.
        """
        if self.closed:
            return
        if self._ended_how is None and hang_up:
            self._ended_how = "hangup"
            # A command that arrives stops a prompt or the taking of digits; Dial stops only at its own end.
            self.exchange.leave(command_line("HANGUP"))
        else:
            self.exchange.leave()

    async def set_variable(self, name: str, value: str, *, dead_ok: bool = False) -> None:
        """Set a channel variable, or write a dialplan function such as `TIMEOUT(digit)`."""
        await self._command_at_once("SET VARIABLE", name, value, dead_ok=dead_ok)

    async def get_full_variable(self, expression: str) -> str | None:
        """What `expression`, such as `${DIALSTATUS}:${HANGUPCAUSE}`, is worth; works after a hang-up too."""
        reply = await self._command_at_once("GET FULL VARIABLE", expression, dead_ok=True)
        return reply.value

    async def stream_file(
        self,
        name: str,
        escape_digits: str = "",
        timeout_s: float | None = PROMPT_TIMEOUT_S,
        *,
        sample_offset: int = 0,
    ) -> str:
        """Play a sound file to its end or to one of `escape_digits`; gives the key pressed, or ``""``.

        `sample_offset`: where in the file to begin, in samples of 1/8000 s.
        """
        values = (name, escape_digits, str(sample_offset)) if sample_offset else (name, escape_digits)
        reply = await self.command("STREAM FILE", *values, timeout_s=timeout_s)
        return reply.key

    async def wait_for_digit(self, timeout_ms: int) -> str:
        """The key that is pressed first, or `""` after so many milliseconds without one."""
        timeout_s = timeout_ms / 1000 + COMMAND_TIMEOUT_S
        return (await self.command("WAIT FOR DIGIT", str(timeout_ms), timeout_s=timeout_s)).key

    async def execute(
        self,
        application: str,
        arguments: str = "",
        *,
        dead_ok: bool = False,
        hangup_is_data: bool = False,
        timeout_s: float | None = COMMAND_TIMEOUT_S,
    ) -> Reply:
        """Run a dialplan application with its arguments as one text."""
        return await self.command(
            _EXECUTE + application,
            arguments,
            dead_ok=dead_ok,
            hangup_is_data=hangup_is_data,
            timeout_s=timeout_s,
        )

    def hangup_noticed(self) -> None:
        """For the connection: the inline ``HANGUP`` line has arrived."""
        self._ended_how = self._ended_how or "hangup"
