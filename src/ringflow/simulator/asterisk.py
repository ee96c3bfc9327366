"""Asterisk's side of one FastAGI session: the greeting, command lines in, replies out, the word HANGUP.

What differs from a real Asterisk is wrong here. The order of things is that of `run_agi` and
`agi_handle_command` in res/res_agi.c: a reply goes out before the HANGUP line of the hang-up that it already
tells of, and only then is the channel dead.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ringflow.calls.digits import DIALPLAN_TIMERS
from ringflow.engine.dialplan import DIALPLAN_VERSION
from ringflow.simulator.channel import FIRST_CHANNEL
from ringflow.simulator.clock import VirtualClock
from ringflow.simulator.command_line import split_command
from ringflow.simulator.commands import find_command
from ringflow.simulator.incoming_call import IncomingCall
from ringflow.simulator.transport import MemoryTransport

UNKNOWN_COMMAND = "510 Invalid or unknown command"
DEAD_CHANNEL = "511 Command Not Permitted on a dead channel or intercept routine"
VERSION = "22.10.0"
PRESENTATION_ALLOWED = 0
PRESENTATION_RESTRICTED = 35
"""AST_PRES_RESTRICTED | AST_PRES_USER_NUMBER_PASSED_SCREEN and the like: what `anonymous` arrives with."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """The `agi_` variables that tell one call from another. `caller` None: no number arrived."""

    did: str
    caller: str | None
    caller_name: str | None = None
    presentation: int = PRESENTATION_ALLOWED
    script: str = "call"
    channel: str = FIRST_CHANNEL
    unique_id: str = "1767225600.1"
    dialplan: str = str(DIALPLAN_VERSION)
    timers: str = DIALPLAN_TIMERS
    asterisk: str = "1767225600-1"
    channel_type: str = "PJSIP"

    def encode(self) -> bytes:
        """The header block of `setup_env`, with the `agi_network` lines of `launch_netscript` before it."""
        lines = {
            "network": "yes",
            "network_script": self.script,
            "request": f"agi://127.0.0.1/{self.script}",
            "channel": self.channel,
            "language": "en",
            "type": self.channel_type,
            "uniqueid": self.unique_id,
            "version": VERSION,
            "callerid": "unknown" if self.caller is None else self.caller,
            "calleridname": "unknown" if self.caller_name is None else self.caller_name,
            "callingpres": str(self.presentation),
            "callingani2": "0",
            "callington": "0",
            "callingtns": "0",
            "dnid": self.did,
            "rdnis": "unknown",
            "context": "ringflow-incoming",
            "extension": self.did,
            "priority": "1",
            "enhanced": "0.0",
            "accountcode": "",
            "threadid": "140000000000000",
            "arg_1": self.dialplan,
        }
        if self.timers:
            lines |= {"arg_2": self.timers, "arg_3": self.asterisk}
        text = "".join(f"agi_{name}: {value}\n" for name, value in lines.items()) + "\n"
        return text.encode("utf-8", "surrogateescape")


class VirtualAsterisk:
    """One incoming call, carried over the wire to Ringflow's own FastAGI protocol."""

    def __init__(self, greeting: Greeting, call: IncomingCall) -> None:
        self.call = call
        self.wire: list[str] = []
        """Every line of both sides, `>` from Ringflow and `<` to it."""
        self._greeting = greeting
        self._commands: asyncio.Queue[str | None] = asyncio.Queue()
        self._partial = b""
        self._transport: MemoryTransport | None = None
        self._is_idle = True

    async def carry(self, protocol: asyncio.Protocol) -> None:
        """Connect, serve command lines, and return when Ringflow has closed the session."""
        loop = asyncio.get_running_loop()
        transport = MemoryTransport(loop, protocol, self._receive, lambda: self._commands.put_nowait(None))
        self._transport = transport
        protocol.connection_made(transport)
        transport.deliver(self._greeting.encode())
        watchers = self.call.clock.watchers if isinstance(self.call.clock, VirtualClock) else []
        watchers.append(self._look_while_idle)
        try:
            while (line := await self._commands.get()) is not None:
                self._is_idle = False
                await self._obey(line)
                self._is_idle = True
        finally:
            watchers.remove(self._look_while_idle)
            self.call.line.ended()
            transport.hang_up()

    def _receive(self, data: bytes) -> None:
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._commands.put_nowait(line.decode("utf-8", "surrogateescape"))

    async def _obey(self, line: str) -> None:
        channel = self.call.channel
        if self.call.line.drop():
            channel.hung_up = True
        self._tell_of_hang_up()
        self.wire.append(f"> {line}")
        command = find_command(words := split_command(line))
        if command is None:
            self._send(UNKNOWN_COMMAND)
        elif channel.dead and not command.dead:
            self._send(DEAD_CHANNEL)
        else:
            reply = await command.run(self.call, words)
            if reply is None:
                self._send("520-Invalid command syntax.  Proper usage follows:")
                self._send(f"Usage: {command.usage}")
                self._send("520 End of proper usage.")
            else:
                self._send(reply)
        self._tell_of_hang_up()

    def _look_while_idle(self) -> None:
        """Between commands too Asterisk tells of a hang-up at once, and nobody hears keys."""
        if self._is_idle and not self.call.channel.hung_up and self.call.line.drop():
            self.call.channel.hung_up = True
            self._tell_of_hang_up()

    def _tell_of_hang_up(self) -> None:
        if self.call.channel.hung_up and not self.call.channel.dead:
            self.call.channel.dead = True
            self._send("HANGUP")

    def _send(self, line: str) -> None:
        self.wire.append(f"< {line}")
        assert self._transport is not None
        self._transport.deliver(line.encode("utf-8", "surrogateescape") + b"\n")
