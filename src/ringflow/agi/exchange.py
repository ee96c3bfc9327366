"""One command at a time over one transport: sends a line, waits for its reply, keeps the two in step."""

from __future__ import annotations

import asyncio
import math

from ringflow.agi.reply import Reply
from ringflow.errors import ChannelGone, PeerSilent, ProtocolViolation, RingflowError


class Exchange:
    """The waiting side of a session; the connection tells it what arrives.

    A task that is cancelled while it waits leaves its reply owed: the next command waits for that reply
    first, or it would take it for its own. Everything here may be called from within `transport.write`: a
    peer in the same process may answer before `write` returns.
    """

    def __init__(self, transport: asyncio.WriteTransport, loop: asyncio.AbstractEventLoop) -> None:
        self.closed = False
        """Whether the connection is gone."""
        self._transport = transport
        self._loop = loop
        self._reply: asyncio.Future[Reply] | None = None
        self._turn: asyncio.Future[None] | None = None
        self._due_at_s = math.inf
        self._full = False
        self._error: RingflowError | None = None

    async def ask(self, line: bytes, timeout_s: float | None) -> Reply:
        """Send a line and wait for its reply, `timeout_s` seconds for both (None: without a limit).

        `look` sees when they are over. Raises `ChannelGone("eof")`, `PeerSilent`, `ProtocolViolation`; the
        last two end the connection.
        """
        self._due_at_s = math.inf if timeout_s is None else self._loop.time() + timeout_s
        while self._error is not None or self.closed or self._full or self._reply is not None:
            await self._await_turn()
        reply: asyncio.Future[Reply] = self._loop.create_future()
        self._reply = reply
        self._transport.write(line)
        return await reply

    def replied(self, reply: Reply) -> None:
        """A reply has arrived. Raises `ProtocolViolation` when no command waits for one."""
        waiting, self._reply = self._reply, None
        if waiting is None:
            if not self.closed:
                raise ProtocolViolation("Asterisk: a reply to no command")
        elif waiting.done():
            self._wake()
        else:
            waiting.set_result(reply)

    def write_paused(self, full: bool) -> None:
        """The transport's buffer is full, or has room again: no command is sent meanwhile."""
        self._full = full
        if not full:
            self._wake()

    def look(self, now_s: float) -> None:
        """Give the peer up where its time for the last command is over at `now_s`, by the loop's clock."""
        if now_s >= self._due_at_s and self._awaited() is not None:
            self.fail(PeerSilent("Asterisk did not reply to a command in time"))

    def close(self) -> None:
        """The connection is gone: whoever waits learns it as `ChannelGone("eof")`."""
        if self.closed:
            return
        self.closed = True
        if (waiting := self._awaited()) is not None:
            _raise_in(waiting, ChannelGone("eof"))

    def leave(self, last_line: bytes = b"") -> None:
        """Close from our side, with a last line whose reply nobody waits for."""
        self.close()
        if last_line:
            self._transport.write(last_line)
        self._transport.close()

    def fail(self, error: RingflowError) -> None:
        """End the connection. Who waits, or asks next, gets `error`, and after it `ChannelGone("eof")`."""
        if self.closed:
            return
        self.closed = True
        if (waiting := self._awaited()) is not None:
            _raise_in(waiting, error)
        else:
            self._error = error
        self._transport.abort()

    async def _await_turn(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        if self.closed:
            raise ChannelGone("eof")
        if self._turn is not None or (self._reply is not None and not self._reply.done()):
            raise RuntimeError("an AGI session takes one command at a time")
        self._turn = self._loop.create_future()
        try:
            await self._turn
        finally:
            self._turn = None

    def _awaited(self) -> asyncio.Future[Reply] | asyncio.Future[None] | None:
        for waiting in (self._reply, self._turn):
            if waiting is not None and not waiting.done():
                return waiting
        return None

    def _wake(self) -> None:
        if self._turn is not None and not self._turn.done():
            self._turn.set_result(None)


def _raise_in(waiting: asyncio.Future[Reply] | asyncio.Future[None], error: RingflowError) -> None:
    waiting.set_exception(error)
    # Its task may be cancelled before it looks; that is no "exception never retrieved".
    waiting.exception()
