"""The telephone on the page: a WebSocket (RFC 6455) by which a person makes simulated calls.

A connection ends when the client closes it or is gone, when who asks may do so no longer, when the person
did nothing for `IDLE_S`, when the client reads too slowly, and when the server stops. Before the server
closes it, it says why in a message `bye`. A call that is under way then is hung up.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path

from aiohttp import WSCloseCode, WSMsgType, web

from ringflow.actor import Principal
from ringflow.errors import Conflict, Refused, RingflowError
from ringflow.flows.flow import Flow
from ringflow.flows.revisions import text_revision
from ringflow.rights import Right
from ringflow.simulated_call import beside_calls
from ringflow.simulator.recorded_scenario import record_scenario
from ringflow.simulator.scenario_run import save, scenario_file, with_scenario
from ringflow.web import telephone_messages as messages
from ringflow.web.access.rate_limit import RateLimit, refuse_too_many
from ringflow.web.api.simulations import chosen_flows
from ringflow.web.connections import allow_longer
from ringflow.web.rest.event_feed import FeedEnd, access_lost
from ringflow.web.rest.operation import PREFIX, Resource
from ringflow.web.rest.problem import problem
from ringflow.web.rest.refusals import RequestRefused
from ringflow.web.rest.request_input import MAX_BODY_BYTES
from ringflow.web.rest.responses import Gate, refused
from ringflow.web.rest.sender import sender_of
from ringflow.web.rest.services import Services
from ringflow.web.telephone_call import CallInThread

PATH = f"{PREFIX}/telephone"
MESSAGES_PER_S = 50.0
"""So many messages a client may send in the long run, and twice as many at once."""
MOST_WAITING = 5000
"""Messages that wait for a slow client; with more the connection ends."""
PING_S = 15.0
IDLE_S = 1800.0
"""How long a person may do nothing."""
LONGEST_CALL_S = 3600
"""How long a call may go on, by the machine's clock."""
SEND_S = 30.0
LAST_WORDS_S = 2.0
"""From hanging up a call to ending it by force."""

_NAMED = Resource("telephone", "/telephone", "Calls that a person makes on the page.")


@_NAMED.get(Right.FLOWS_CHANGE)
async def _telephone(services: Services) -> None:
    """Stand for the WebSocket where it is asked who may open it."""


(OPERATION,) = _NAMED.operations


def add_telephone(application: web.Application, services: Services, gate: Gate) -> None:
    """Have an HTTP application take the WebSockets of telephones."""

    async def telephone(request: web.Request) -> web.StreamResponse:
        try:
            principal = await gate.admit(OPERATION, request, sender_of(request))
            assert principal is not None, "the operation asks for a right"
            socket = web.WebSocketResponse(
                heartbeat=PING_S, max_msg_size=MAX_BODY_BYTES, compress=False, timeout=LAST_WORDS_S
            )
            if not socket.can_prepare(request).ok:
                raise RequestRefused(
                    HTTPStatus.UPGRADE_REQUIRED,
                    "telephone.no_web_socket",
                    "this is a WebSocket: connect with the scheme ws or wss",
                    (),
                    {"Upgrade": "websocket"},
                )
            stopping = services.telephones.enter(principal.name)
        except RingflowError as error:
            return refused(error)
        try:
            allow_longer(request, None)
            await socket.prepare(request)
            still_may = partial(gate.admit, OPERATION, request, sender_of(request))
            await TelephoneConnection(services, socket, stopping, still_may, principal).serve()
        finally:
            services.telephones.leave(stopping)
        return socket

    application.router.add_get(PATH, telephone)


class TelephoneConnection:
    """One WebSocket: takes what the person does, tells what happens, and carries one call at a time."""

    def __init__(
        self,
        services: Services,
        socket: web.WebSocketResponse,
        stopping: asyncio.Event,
        still_may: Callable[[], Awaitable[object]],
        principal: Principal,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._services = services
        self._socket = socket
        self._stopping = stopping
        self._still_may = still_may
        self._principal = principal
        self._now_s = now_s
        self._limit = RateLimit(MESSAGES_PER_S, round(2 * MESSAGES_PER_S), now_s)
        self._acted_s = now_s()
        self._waiting: deque[messages.Sent] = deque()
        self._news = asyncio.Event()
        self._too_slow = False
        self._call: CallInThread | None = None
        self._last: CallInThread | None = None
        self._calling: asyncio.Future[messages.Ended | messages.Trouble | None] | None = None
        self._began_s = 0.0

    async def serve(self) -> None:
        """Serve the connection to its end."""
        self._tell(messages.Hello(messages.VERSION, messages.FASTEST, LONGEST_CALL_S))
        tasks = [asyncio.create_task(one) for one in (self._read(), self._write(), self._watch())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            reason = next((one.result() for one in done if one.exception() is None and one.result()), None)
        finally:
            for one in tasks:
                one.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._end_call()
        if reason is not None and not self._socket.closed:
            await self._say_goodbye(reason)

    async def _read(self) -> str | None:
        async for frame in self._socket:
            try:
                refuse_too_many(self._limit.take(None))
            except RequestRefused as error:
                self._trouble(error, None)
                return "too_many_messages"
            self._acted_s = self._now_s()
            if frame.type is WSMsgType.TEXT:
                await self._take(frame.data.encode())
            else:
                self._trouble(Refused("telephone.unknown_message", "messages are text"), None)
        return None

    async def _take(self, raw: bytes) -> None:
        about = None
        try:
            message = messages.read_message(raw)
            about = message.type
            if isinstance(message, messages.Call):
                await self._begin(message)
            elif isinstance(message, messages.Scenario):
                await self._record(message)
            elif self._call is not None:
                self._call.act(message)
        except RingflowError as error:
            self._trouble(error, about)

    async def _begin(self, asked: messages.Call) -> None:
        if self._calling is not None:
            raise Conflict("telephone.in_call", "a call is under way; hang up first")
        flows = [*(await chosen_flows(self._services, asked)).values()]
        self._call = self._made(asked, flows)
        self._began_s = self._now_s()
        loop = asyncio.get_running_loop()
        # A thread of its own: those of the loop's pool are few, and are waited for.
        threads = ThreadPoolExecutor(1, "telephone")
        self._calling = loop.run_in_executor(threads, self._call.run)
        self._calling.add_done_callback(self._over)
        threads.shutdown(wait=False)

    def _made(self, asked: messages.Call, flows: Sequence[Flow]) -> CallInThread:
        loop = asyncio.get_running_loop()

        def tell(message: messages.Sent) -> None:
            # The loop is closed where the server did not wait for the call.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._tell, message)

        return CallInThread(self._services.config, asked, flows, tell)

    def _over(self, calling: asyncio.Future[messages.Ended | messages.Trouble | None]) -> None:
        self._last, self._call, self._calling = self._call, None, None
        last = calling.result()
        if last is not None:
            self._tell(last)

    async def _record(self, asked: messages.Scenario) -> None:
        """Make a scenario of the last call, and write it where that is asked for."""
        last = self._last
        if last is None or last.recorded is None or last.recorded.record.app is None:
            raise Conflict("telephone.no_call", "a scenario is made of a call that an app has answered")
        services = self._services
        work = partial(record_scenario, services.config, last.recorded, asked.name, last.flows)
        made = await beside_calls(services.simulations, work)
        if asked.save:
            library = services.flows.library
            file = scenario_file(library.folder.path, await library.file_of(made.app, new=True))
            found = await asyncio.to_thread(file.text)
            text = await asyncio.to_thread(with_scenario, found, made.text, Path(file.shown))
            async with services.opener(self._principal)() as actor:
                await save(actor, file, text, None if found is None else text_revision(found))
        self._tell(messages.ScenarioMade(made.app, asked.name, made.text, made.differs, asked.save))

    async def _end_call(self) -> None:
        """Hang up, as a person would, and where that does not end the call, end it."""
        call, calling = self._call, self._calling
        if call is None or calling is None:
            return
        call.act(messages.HangUp(type="hang_up"))
        await asyncio.wait({calling}, timeout=LAST_WORDS_S)
        if not calling.done():
            call.cancel()
            await asyncio.wait({calling}, timeout=LAST_WORDS_S)

    def _tell(self, message: messages.Sent) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._too_slow = True
        else:
            self._waiting.append(message)
        self._news.set()

    def _trouble(self, error: RingflowError, about: str | None) -> None:
        self._tell(messages.Trouble(problem(error), about))

    async def _write(self) -> str | None:
        # Who is gone, or reads nothing, is no failure.
        with suppress(ConnectionError, TimeoutError):
            while not self._too_slow:
                await self._news.wait()
                self._news.clear()
                await self._send_waiting()
        return "too_slow" if self._too_slow else None

    async def _send_waiting(self) -> None:
        while self._waiting and not self._too_slow:
            text = json.dumps(messages.sent_json(self._waiting.popleft()), ensure_ascii=False)
            async with asyncio.timeout(SEND_S):
                await self._socket.send_str(text)

    async def _watch(self) -> str | None:
        """Return why the connection is to end."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._services.telephones.check_s):
                    await self._stopping.wait()
                    return FeedEnd.STOPPING.value
            now_s = self._now_s()
            if now_s - self._acted_s >= IDLE_S:
                return "idle"
            if self._call is not None and now_s - self._began_s >= LONGEST_CALL_S:
                self._call.act(messages.HangUp(type="hang_up"))
            if await access_lost(self._still_may) is not None:
                return FeedEnd.REVOKED.value

    async def _say_goodbye(self, reason: str) -> None:
        with suppress(ConnectionError, TimeoutError):
            self._too_slow = False
            if reason == "too_slow":
                self._waiting.clear()
            self._tell(messages.Bye(reason))
            await self._send_waiting()
            is_stopping = reason == FeedEnd.STOPPING.value
            code = WSCloseCode.GOING_AWAY if is_stopping else WSCloseCode.POLICY_VIOLATION
            await self._socket.close(code=code, message=reason.encode())
