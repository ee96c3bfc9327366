"""One command at a time over one transport: sends a line, waits for its reply, keeps the two in step."""

from __future__ import annotations

import asyncio

from ringflow.agi.deadlines import DeadlinesByDelay
from ringflow.agi.reply import Reply
from ringflow.errors import CallEnded, PeerSilent, ProtocolViolation, RingflowError


class Exchange:
    """The waiting side of a session; the connection tells it what arrives.

    A task that is cancelled while it waits leaves its reply owed: the next command waits for that reply
    first, or it would take it for its own. Everything here may be called from within `transport.write`: a
    peer in the same process may answer before `write` returns. `deadlines` watches the exchanges of all
    sessions, and calls `late` of one whose time is up.
    """

    def __init__(
        self,
        transport: asyncio.WriteTransport,
        loop: asyncio.AbstractEventLoop,
        deadlines: DeadlinesByDelay[Exchange],
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._deadlines = deadlines
        self._reply: asyncio.Future[Reply] | None = None
        self._turn: asyncio.Future[None] | None = None
        self._full = False
        self._closed = False
        self._error: RingflowError | None = None

    @property
    def closed(self) -> bool:
        """Whether the connection is gone."""
        return self._closed

    async def ask(self, line: bytes, timeout_s: float | None) -> Reply:
        """Send a line and wait for its reply, `timeout_s` seconds for both (None: without a limit).

        Raises `CallEnded("eof")`, `PeerSilent`, `ProtocolViolation`; the last two end the connection.
        """
        if timeout_s is None or self._closed:
            self._deadlines.discard(self)
        else:
            self._deadlines.add(self, timeout_s, self._loop)
        while self._error is not None or self._closed or self._full or self._reply is not None:
            await self._await_turn()
        reply: asyncio.Future[Reply] = self._loop.create_future()
        self._reply = reply
        self._transport.write(line)
        return await reply

    def replied(self, reply: Reply) -> None:
        """A reply has arrived. Raises `ProtocolViolation` when no command waits for one."""
        waiting, self._reply = self._reply, None
        if waiting is None:
            if not self._closed:
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

    def close(self) -> None:
        """The connection is gone: whoever waits learns it as `CallEnded("eof")`."""
        self._end()
        if self._is_awaited():
            self._raise(CallEnded("eof"))

    def fail(self, error: RingflowError) -> None:
        """End the connection; whoever waits, or asks next, gets `error`, and after it `CallEnded("eof")`."""
        if self._closed:
            return
        self._end()
        if not self._raise(error):
            self._error = error
        self._transport.abort()

    def late(self) -> None:
        """For the deadlines: the time of the last command is up. No matter if its reply has come."""
        if self._is_awaited():
            self.fail(PeerSilent("Asterisk did not reply to a command in time"))

    def _end(self) -> None:
        self._closed = True
        self._deadlines.discard(self)

    async def _await_turn(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        if self._closed:
            raise CallEnded("eof")
        if self._turn is not None or (self._reply is not None and not self._reply.done()):
            raise RuntimeError("an AGI session takes one command at a time")
        self._turn = self._loop.create_future()
        try:
            await self._turn
        finally:
            self._turn = None

    def _raise(self, error: RingflowError) -> bool:
        for waiting in (self._reply, self._turn):
            if waiting is not None and not waiting.done():
                waiting.set_exception(error)
                # Its task may be cancelled before it looks; that is no "exception never retrieved".
                waiting.exception()
                return True
        return False

    def _wake(self) -> None:
        if self._turn is not None and not self._turn.done():
            self._turn.set_result(None)

    def _is_awaited(self) -> bool:
        return any(waiting is not None and not waiting.done() for waiting in (self._reply, self._turn))
