"""One FastAGI connection: its bytes to the parser, its events to the session."""

from __future__ import annotations

import asyncio
import math
from typing import Protocol, cast

import structlog

from ringflow.agi.overload import OverloadControl
from ringflow.agi.refusal import HEADERS_INCOMPLETE, HEADERS_REFUSED, Refusal, RefusedCall
from ringflow.agi.reply import Reply, shown
from ringflow.agi.request import AgiRequest
from ringflow.agi.session import AgiSession
from ringflow.agi.settings import AgiCounters, AgiSettings
from ringflow.agi.wire import ENDED, HANGUP_LINE, NEED_DATA, AgiParser, Event
from ringflow.errors import ProtocolViolation

log = structlog.get_logger(__name__)


class Reception(Protocol):
    """The server, as its connections see it."""

    settings: AgiSettings
    counters: AgiCounters

    def admit(self, connection: Connection, peer: str | None) -> bool:
        """Whether this peer (an IP address; None: in this process or a local socket) is let in now."""

    def load_of(self, peer: str | None) -> OverloadControl:
        """The load of the Asterisk at this address."""

    def refusal(self, request: AgiRequest, peer: str | None) -> Refusal | None:
        """Why the call is refused, if it is; its headers are whole."""

    def call_refused(self, refused: RefusedCall) -> None:
        """A call was refused, whatever the reason."""

    def call_arrived(self, connection: Connection, session: AgiSession) -> None:
        """There is a call to serve: its headers are whole, and it is not refused."""

    def left(self, connection: Connection) -> None:
        """The connection is gone."""


class Connection(asyncio.Protocol):
    """Costs no task and no log line until its headers are whole.

    `data_received` may be called from within `transport.write`, or before a previous call of it has returned.
    """

    def __init__(self, reception: Reception, loop: asyncio.AbstractEventLoop) -> None:
        self._reception = reception
        self._loop = loop
        self._parser = AgiParser()
        self._transport: asyncio.Transport | None = None
        self._session: AgiSession | None = None
        self._reading = False
        self._serving = False
        self._finished = True
        self._due_at_s = math.inf
        self._peer: str | None = None

    @property
    def serving(self) -> bool:
        """Whether there is, or was, a call on this connection."""
        return self._serving

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the peer in, or close at once."""
        # A cast and no check: uvloop's transports are not subclasses of asyncio's.
        self._transport = transport = cast(asyncio.Transport, transport)
        # A tuple for IP; in-process transports and local sockets have none, and are as close as we are.
        name = transport.get_extra_info("peername")
        self._peer = str(name[0]) if isinstance(name, tuple) else None
        if not self._reception.admit(self, self._peer):
            transport.abort()
            return
        self._finished = False
        self._due_at_s = self._loop.time() + self._reception.settings.headers_timeout_s

    def data_received(self, data: bytes) -> None:
        """Bytes of the peer, in any pieces."""
        if self._finished:
            return
        self._parser.feed(data)
        self._read()

    def eof_received(self) -> None:
        """The peer sends no more: for FastAGI that is the end in both directions."""
        if self._finished:
            return
        self._parser.feed_eof()
        self._read()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, however it went."""
        self._peer_ended()
        self._transport = None
        self._reception.left(self)

    def pause_writing(self) -> None:
        """The peer does not read: send no command."""
        if self._session is not None:
            self._session.exchange.write_paused(True)

    def resume_writing(self) -> None:
        """The peer reads again."""
        if self._session is not None:
            self._session.exchange.write_paused(False)

    def close(self) -> None:
        """Close once what was written has left, `linger_s` seconds from now at the latest."""
        self._finish()
        if self._transport is not None:
            self._due_at_s = self._loop.time() + self._reception.settings.linger_s
            self._transport.close()

    def abort(self) -> None:
        """Close now; what was written and has not left is dropped."""
        self._finish()
        if self._transport is not None:
            self._transport.abort()

    def look(self, now_s: float) -> None:
        """For the server, time and again: break off what takes too long at `now_s`, by the loop's clock."""
        if now_s >= self._due_at_s:
            if not self._serving and not self._finished:
                self._reception.counters.slow_headers += 1
                self._report_refusal(HEADERS_INCOMPLETE)
            self.abort()
        elif self._session is not None:
            self._session.exchange.look(now_s)

    def _read(self) -> None:
        if self._reading:
            # Called again from within: the loop below takes what was fed.
            return
        self._reading = True
        try:
            while (event := self._parser.next_event()) is not ENDED:
                if event is not NEED_DATA:
                    self._take(event)
                elif self._session is None or self._serving:
                    return
                else:
                    self._begin(self._session)
                    if not self._serving:
                        return
            self._peer_ended()
        except ProtocolViolation as violation:
            self._refuse(violation)
        finally:
            self._reading = False

    def _take(self, event: Event) -> None:
        if isinstance(event, AgiRequest):
            assert self._transport is not None
            load = self._reception.load_of(self._peer)
            self._session = AgiSession(event, self._transport, self._loop, load)
            return
        assert self._session is not None
        if isinstance(event, Reply):
            self._session.exchange.replied(event)
        elif event is HANGUP_LINE:
            self._session.hangup_noticed()

    def _begin(self, session: AgiSession) -> None:
        # Only when all that came is read: what follows the headers may have shown that this is no call.
        refusal = self._reception.refusal(session.request, self._peer)
        if refusal is not None:
            self._report_refusal(refusal)
            self._leave_with(refusal)
            return
        self._serving = True
        self._due_at_s = math.inf
        self._reception.call_arrived(self, session)

    def _refuse(self, violation: ProtocolViolation) -> None:
        self._reception.counters.protocol_errors += 1
        if not self._serving:
            log.debug("not a FastAGI peer", peer=self._peer, detail=str(violation))
            if self._parser.headers_seen:
                self._report_refusal(HEADERS_REFUSED, str(violation))
                self._leave_with(HEADERS_REFUSED)
                return
        elif self._session is not None:
            channel = shown(self._session.request.channel)
            log.warning("FastAGI broken off", peer=self._peer, channel=channel, detail=str(violation))
            self._session.exchange.fail(violation)
        self.abort()

    def _report_refusal(self, refusal: Refusal, detail: str = "") -> None:
        headers = self._parser.headers_seen
        if not headers:
            # Not one header of a call: nobody called.
            return
        cli = headers.get("agi_callerid")
        did = headers.get("agi_extension", "")
        self._reception.call_refused(
            RefusedCall(refusal, did, None if cli in ("", "unknown") else cli, detail)
        )

    def _leave_with(self, refusal: Refusal) -> None:
        """Have the call hung up and close; nobody waits for the reply."""
        assert self._transport is not None
        self._finish()
        self._transport.write(refusal.last_line)
        self.close()

    def _peer_ended(self) -> None:
        if not self._finished and not self._serving:
            self._reception.counters.no_call += 1
        self._finish()

    def _finish(self) -> None:
        self._finished = True
        if self._session is not None:
            self._session.exchange.close()
