"""What other hosts answer to the flows of a scenario, as it says itself: nobody is asked over the network."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ringflow.calls.clock import Clock
from ringflow.calls.http_requests import FlowRequest, PendingAnswer, tried
from ringflow.http_client.request import HttpAnswer, HttpFailed, HttpFailure, HttpRequest
from ringflow.plain_text import plain
from ringflow.simulator.clock import wait_until
from ringflow.simulator.scenario import HttpReply


class ScenarioRequests:
    """Answers requests. Each has its time by the scenario's clock, and is known as soon as it is begun."""

    def __init__(self, clock: Clock, replies: Mapping[str, Sequence[HttpReply]]) -> None:
        self._clock = clock
        self._replies = replies
        self._asked: Counter[str] = Counter()

    async def begin(self, asked: FlowRequest) -> PendingAnswer:
        """Begin a request, and its further tries."""
        elapsed_ms = 0

        async def pause(length_ms: int) -> None:
            nonlocal elapsed_ms
            elapsed_ms += length_ms

        async def send(request: HttpRequest) -> HttpAnswer:
            reply = self._reply(request)
            longest_ms = round(request.timeout_s * 1000)
            if reply.times_out or reply.after > longest_ms:
                await pause(longest_ms)
                what = f"no whole answer within {request.timeout_s:g} s"
                raise HttpFailed(HttpFailure.SLOW, what)
            await pause(reply.after)
            if reply.fails is not None:
                raise HttpFailed(HttpFailure.FAILED, reply.fails)
            return _answer(reply, request)

        outcome: HttpAnswer | HttpFailed
        try:
            outcome = await tried(asked, send, pause)
        except HttpFailed as error:
            outcome = error
        return _Known(self._clock, self._clock.monotonic_ms() + elapsed_ms, outcome)

    def _reply(self, request: HttpRequest) -> HttpReply:
        url = request.url.partition("?")[0]
        for key in (f"{request.method} {url}", url):
            replies = self._replies.get(key)
            if replies:
                reply = replies[min(self._asked[key], len(replies) - 1)]
                self._asked[key] += 1
                return reply
        what = f"the scenario does not say what {plain(url)} answers: give it under `given: http`"
        raise HttpFailed(HttpFailure.NOT_ALLOWED, what)


@dataclass(frozen=True, slots=True)
class _Known:
    clock: Clock
    at_ms: int
    known: HttpAnswer | HttpFailed

    @property
    def is_here(self) -> bool:
        return self.clock.monotonic_ms() >= self.at_ms

    async def outcome(self) -> HttpAnswer | HttpFailed:
        if not self.is_here:
            await wait_until(self.clock, self.at_ms)
        return self.known


def _answer(reply: HttpReply, request: HttpRequest) -> HttpAnswer:
    headers = {name.lower(): value for name, value in reply.headers.items()}
    is_json = "data" in reply.model_fields_set or reply.echoes
    if is_json:
        headers.setdefault("content-type", "application/json")
    body = json.dumps(_echo(request) if reply.echoes else reply.data) if is_json else reply.text
    return HttpAnswer(reply.status, headers, body.encode(), url=request.url)


def _echo(request: HttpRequest) -> Mapping[str, object]:
    body: object = (request.body or b"").decode()
    if request.headers.get("Content-Type") == "application/json":
        body = json.loads(str(body))
    return {"method": request.method, "url": request.url, "headers": dict(request.headers), "body": body}
