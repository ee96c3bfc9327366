"""panoramisk's `Manager` and protocol with what telephony cannot bear taken out.

As it comes, panoramisk 1.4 decodes each read by itself and drops the bytes of a character cut in two, puts
actions in flight aside and sends them again on the next connection, loses the connection when a callback
raises, forgets no action that was never answered, writes line breaks in values to the wire, and connects
again after `close()`. What is kept: its reading of messages, its way to collect the answers of one ActionID,
and its registry of callbacks. When to connect and when to give up is `AmiLink`'s to decide.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from uuid import uuid4

import structlog
from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager
from panoramisk.message import Message

from ringflow.ami.failures import LinkDown
from ringflow.ami.frames import FrameReader
from ringflow.ami.messages import (
    AmiMessage,
    Fields,
    check_fields,
    parse_message,
    plain_message,
    shown,
)
from ringflow.errors import CommandRefused, PeerSilent, ProtocolViolation

log = structlog.get_logger("ringflow.ami")

EventCallback = Callable[[AmiMessage], None]

# 5,000 calls held at a prompt are 10,000 channels; beyond this the peer is not listing, it is flooding.
MAX_ANSWERS = 20_000
# A peer that talks and does not read is as dead as a silent one.
MAX_UNSENT_BYTES = 1024 * 1024


class GuardedProtocol(AMIProtocol):  # type: ignore[misc]  # panoramisk has no type hints
    """One connection. `greeted` has the greeting, `lost` why the connection ended; both are futures."""

    def __init__(self, manager: GuardedManager) -> None:
        self._manager = manager
        self._frames = FrameReader()
        self._loop = asyncio.get_running_loop()
        self.greeted: asyncio.Future[str] = self._loop.create_future()
        self.lost: asyncio.Future[str] = self._loop.create_future()
        self.fault = ""
        self.event_mask = "off"
        self._heard_at_s = self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of `asyncio.Protocol`."""
        super().connection_made(transport)
        self.factory = self._manager
        self.encoding = "utf-8"

    def quiet_s(self) -> float:
        """Seconds since the last byte came."""
        return self._loop.time() - self._heard_at_s

    def send(self, data: Action, as_list: bool | None = None) -> asyncio.Future[Message | list[Message]]:
        """Check an action and write it. Raises `ProtocolViolation` or `LinkDown`; then nothing was sent."""
        if self.fault or self.lost.done():
            raise LinkDown(self.lost.result() if self.lost.done() else self.fault)
        check_fields(dict(data.items()))
        if self.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self.fail("Asterisk does not read what we send")
            raise LinkDown(self.fault)
        # Panoramisk's own default, False, would take the first line of a list for all of it.
        future: asyncio.Future[Message | list[Message]] = super().send(data, as_list=None)
        return future

    def forget(self, action: Action) -> None:
        """Wait no longer for the answer to an action; a late one is dropped."""
        self.responses.pop(action.id, None)

    def data_received(self, data: bytes) -> None:
        """Part of `asyncio.Protocol`."""
        if self.fault:
            return
        self._heard_at_s = self._loop.time()
        try:
            for text in self._frames.feed(data):
                message = parse_message(text)
                if message is not None:
                    self.handle_message(message)
        except ProtocolViolation as violation:
            self.fail(str(violation))
        if self._frames.greeting is not None and not self.greeted.done():
            self.greeted.set_result(self._frames.greeting)

    def handle_message(self, message: Message) -> None:
        """Give an answer to the action that waits for it, and an event to the callbacks."""
        action = self.responses.get(message.action_id)
        if action is None:
            # What answers an action of ours that nobody waits for any more is no event.
            if "event" in message and not self._manager.is_ours(message.action_id):
                self._manager.dispatch(message)
        elif len(action.responses) >= MAX_ANSWERS:
            self.forget(action)
            if not action.future.done():
                action.future.set_exception(
                    ProtocolViolation(f"{action['Action']} was answered by more than {MAX_ANSWERS} messages")
                )
        else:
            super().handle_message(message)

    def fail(self, reason: str) -> None:
        """End the connection at once, for `reason`."""
        self.fault = self.fault or reason
        self.transport.abort()

    def close(self) -> None:
        """End the connection at once. Unlike panoramisk's, it puts nothing aside to be sent again."""
        self.fail("the link was closed")

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of `asyncio.Protocol`: everything in flight fails now, and is never sent again."""
        reason = self.fault or (f"the connection broke: {exc}" if exc else "Asterisk closed the connection")
        self.closed = True
        for action in self.responses.values():
            if not action.future.done():
                action.future.set_exception(LinkDown(reason, sent=True))
        self.responses.clear()
        self.greeted.cancel()
        self.lost.set_result(reason)


class GuardedManager(Manager):  # type: ignore[misc]  # panoramisk has no type hints
    """Opens connections when told to, asks and waits with limits, and keeps callbacks apart."""

    def __init__(self) -> None:
        super().__init__(log=log, forgetable_actions=())
        # Panoramisk registers one callback: to send what it put aside again after a reconnect.
        self.callbacks.clear()
        self.patterns.clear()
        self._name = f"ringflow/{uuid4().hex}/"
        self._numbers = itertools.count(1)

    async def open(self, host: str, port: int, limit_s: float) -> GuardedProtocol:
        """Connect and wait for the greeting. Raises `OSError`, `PeerSilent` or `LinkDown`."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(limit_s):
                _, protocol = await loop.create_connection(lambda: GuardedProtocol(self), host, port)
        except TimeoutError:
            raise PeerSilent(f"{host}:{port} did not accept a connection within {limit_s:g} s") from None
        try:
            await asyncio.wait(
                {protocol.greeted, protocol.lost}, timeout=limit_s, return_when="FIRST_COMPLETED"
            )
        except asyncio.CancelledError:
            protocol.close()
            raise
        if protocol.lost.done():
            raise LinkDown(protocol.lost.result())
        if not protocol.greeted.done():
            protocol.fail("no greeting")
            raise PeerSilent(f"{host}:{port} accepted and did not greet within {limit_s:g} s")
        self.protocol = protocol
        return protocol

    def is_ours(self, action_id: str | None) -> bool:
        """Whether an ActionID was made here."""
        return action_id is not None and action_id.startswith(self._name)

    async def ask(self, fields: Fields, limit_s: float) -> list[AmiMessage]:
        """Send an action and give all of its answers, the response first.

        Raises `CommandRefused`, `PeerSilent` (and its `LinkDown`) or `ProtocolViolation`.
        """
        protocol = self.protocol
        action = self._action(fields)
        name = fields["Action"]
        future = protocol.send(action)
        try:
            async with asyncio.timeout(limit_s):
                answer = await future
        except TimeoutError:
            raise PeerSilent(f"Asterisk did not answer {name} within {limit_s:g} s") from None
        finally:
            protocol.forget(action)
        answers = [plain_message(one) for one in (answer if isinstance(answer, list) else [answer])]
        first = answers[0]
        if first.event:
            raise ProtocolViolation(f"{name} was answered by the event {shown(first.event)}")
        if first.text("Response") not in Message.success_responses:
            raise CommandRefused(
                f"Asterisk refused {name}: {shown(first.text('Message')) or 'no reason given'}"
            )
        return answers

    def tell(self, fields: Fields) -> None:
        """Send an action whose answer does not matter. Raises as `GuardedProtocol.send`."""
        action = self._action(fields)
        self.protocol.send(action)
        self.protocol.forget(action)

    def dispatch(self, event: Message) -> list[str]:
        """Call the callbacks for an event, each on its own. Gives the patterns that matched."""
        matched = [pattern for pattern, regexp in self.patterns if regexp.match(event.event)]
        message = plain_message(event) if matched else None
        for pattern in matched:
            for callback in tuple(self.callbacks[pattern]):
                try:
                    callback(message)
                except (Exception, asyncio.CancelledError):
                    # Boundary: a callback's bug is its own, the link and its neighbours go on. No task runs
                    # here, so a CancelledError is a future's that the callback looked into.
                    log.exception("an AMI event callback failed", event_name=event.event, pattern=pattern)
        return matched

    def _action(self, fields: Fields) -> Action:
        return Action({**fields, "ActionID": f"{self._name}{next(self._numbers)}"})
