"""Server-sent events (the HTML standard, 9.2): an answer that goes on for as long as its reader stays.

A feed ends when its reader is gone or reads nothing for `SEND_S`, when who reads may do so no longer, when
the server stops, and when its source does. Before the end comes an event `end` that says why; browsers
connect again by themselves after `RETRY_MS`, with the id of the last event in `Last-Event-ID`.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus

from aiohttp import web
from aiohttp_sse import EventSourceResponse

from ringflow.errors import RingflowError
from ringflow.forms.json_value import json_value
from ringflow.web.connections import allow_longer
from ringflow.web.rest.problem import problem
from ringflow.web.rest.refusals import RETRY_AFTER_S, RequestRefused, status_of

MOST_WAITING = 1000
"""Events that wait for a slow reader; of more the oldest are lost."""
MOST_FEEDS = 50
"""How many feeds a server has at once, so that connections are left for everything else."""
MOST_FEEDS_OF_ONE = 20
"""How many of them one operator has, by whatever tokens and sessions, so that some are left for others."""
HEARTBEAT_S = 15.0
"""A comment is sent this often, by which proxies and readers know that the connection lives."""
CHECK_S = 5.0
"""How often it is looked whether who reads still may."""
SEND_S = 30.0
RETRY_MS = 2000
EVENT_STREAM = "text/event-stream"
_NUMBER = re.compile("[0-9]{1,18}", re.ASCII)
"""More digits are refused by `int` itself, from some thousands on."""


class FeedEnd(StrEnum):
    """Why a feed ended, as `reason` of its event `end` says."""

    SOURCE = "finished"
    REVOKED = "no_longer_allowed"
    STOPPING = "server_stops"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LastEventId:
    """The id of the last event that a reader has had, where it comes again."""

    value: str | None

    @property
    def number(self) -> int:
        """The id as a number; 0: the reader has had none, or the id is none of ours."""
        return int(self.value) if self.value and _NUMBER.fullmatch(self.value) else 0


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event: its type, its data (a form), and its id, by which a reader can go on after it."""

    name: str
    data: object
    id: str | None = None


@dataclass(frozen=True, slots=True)
class EventFeed:
    """Events for one reader. The generator is closed when the feed ends."""

    events: AsyncGenerator[ServerEvent]


@dataclass(slots=True)
class OpenFeeds:
    """The feeds of a server that are open now, and what holds for each of them.

    `what`: how they are called where there are too many.
    """

    most: int = MOST_FEEDS
    most_of_one: int = MOST_FEEDS_OF_ONE
    what: str = "feeds of events"
    heartbeat_s: float = HEARTBEAT_S
    check_s: float = CHECK_S
    _open: dict[asyncio.Event, str] = field(default_factory=dict)
    _stopped: bool = False

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._open)

    def enter(self, reader: str) -> asyncio.Event:
        """Count one more of this reader's; the event is set when it is to end.

        Raises `RequestRefused` where there are too many.
        """
        text = None
        if self._stopped:
            text = "the server stops"
        elif len(self._open) >= self.most:
            text = f"{self.most} {self.what} are open already"
        elif [*self._open.values()].count(reader) >= self.most_of_one:
            text = f"{self.most_of_one} {self.what} of {reader} are open already"
        if text is not None:
            raise self.refusal(text)
        stopping = asyncio.Event()
        self._open[stopping] = reader
        return stopping

    def refusal(self, text: str) -> RequestRefused:
        """Return what is raised where there are too many."""
        return RequestRefused(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "request.no_more_feeds",
            text,
            (),
            {"Retry-After": str(RETRY_AFTER_S)},
        )

    def leave(self, stopping: asyncio.Event) -> None:
        """Count one less."""
        self._open.pop(stopping, None)

    def stop(self) -> None:
        """End all of them, and take no more."""
        self._stopped = True
        for stopping in self._open:
            stopping.set()


class _Waiting:
    """The events between a source and a reader: bounded, the oldest are lost."""

    def __init__(self) -> None:
        self._events: deque[ServerEvent] = deque(maxlen=MOST_WAITING)
        self._news = asyncio.Event()
        self._missed = 0
        self.failure: RingflowError | None = None
        self.is_over = False

    async def fill(self, source: AsyncGenerator[ServerEvent]) -> None:
        """Take in all that a source has."""
        try:
            async for event in source:
                self._missed += len(self._events) == MOST_WAITING
                self._events.append(event)
                self._news.set()
        except RingflowError as error:
            self.failure = error
        finally:
            self.is_over = True
            self._news.set()
            await source.aclose()

    def take(self) -> list[ServerEvent]:
        """Return what has come, and before it how many are lost."""
        taken = [ServerEvent("missed", {"missed": self._missed})] if self._missed else []
        taken += self._events
        self._missed = 0
        self._events.clear()
        self._news.clear()
        return taken

    async def wait(self) -> None:
        """Wait until there is something to take, or the source is over."""
        if not self.is_over:
            await self._news.wait()


async def send_feed(
    request: web.Request,
    feed: EventFeed,
    reader: str,
    feeds: OpenFeeds,
    still_may: Callable[[], Awaitable[object]],
    headers: dict[str, str],
) -> web.StreamResponse:
    """Answer a request with a feed. `reader`: the name of who reads.

    `still_may` raises `RingflowError` where who reads may do so no longer.
    """
    try:
        stopping = feeds.enter(reader)
    except RingflowError:
        await feed.events.aclose()
        raise
    waiting = _Waiting()
    filling = asyncio.create_task(waiting.fill(feed.events))
    allow_longer(request, None)
    # aiohttp-sse says what browsers and proxies are to keep.
    own = {name: value for name, value in headers.items() if name != "Cache-Control"}
    answer = EventSourceResponse(headers=own, sep="\n", send_timeout=SEND_S, ping_interval=feeds.heartbeat_s)
    try:
        await answer.prepare(request)
        async with answer:
            # Bytes at once: some proxies and readers wait for the first before they call it open.
            await answer.write(f"retry: {RETRY_MS}\n\n".encode())
            # A reader who is gone, or reads nothing, is no failure.
            with suppress(ConnectionError, TimeoutError):
                end = await _send_all(request, answer, waiting, stopping, still_may, feeds.check_s)
                await answer.send(json.dumps(end), event="end")
    finally:
        feeds.leave(stopping)
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)
    return answer


async def _send_all(
    request: web.Request,
    answer: EventSourceResponse,
    waiting: _Waiting,
    stopping: asyncio.Event,
    still_may: Callable[[], Awaitable[object]],
    check_s: float,
) -> dict[str, object]:
    """Send events until the feed ends, and return what is said of the end."""
    clock = asyncio.get_running_loop().time
    checked_s = clock()
    while True:
        for event in waiting.take():
            await answer.send(json.dumps(json_value(event.data)), id=event.id, event=event.name)
        if stopping.is_set():
            return {"reason": FeedEnd.STOPPING.value}
        if waiting.is_over:
            if waiting.failure is not None:
                return {"reason": FeedEnd.FAILED.value, "problem": problem(waiting.failure)}
            return {"reason": FeedEnd.SOURCE.value}
        await _first_of(waiting.wait(), stopping.wait(), seconds=check_s)
        if request.transport is None or request.transport.is_closing():
            raise ConnectionResetError("the reader is gone")
        if clock() - checked_s >= check_s:
            checked_s = clock()
            if (error := await access_lost(still_may)) is not None:
                return {"reason": FeedEnd.REVOKED.value, "problem": problem(error)}


async def access_lost(still_may: Callable[[], Awaitable[object]]) -> RingflowError | None:
    """Return why somebody may go on no longer; None: they may, or it cannot be told now."""
    try:
        await still_may()
    except RingflowError as error:
        # Where the database is away, or too many ask, who reads may still be allowed to.
        if status_of(error) in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return error
    return None


async def _first_of(*waits: Coroutine[None, None, object], seconds: float) -> None:
    tasks = [asyncio.create_task(one) for one in waits]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in tasks:
            one.cancel()
