"""Requests of flows to other hosts: tried again where that does no harm, while the call goes on.

A request is begun, and its answer is asked for later, so that a caller hears something meanwhile. Every
try of a request that may change something has the same `Idempotency-Key`
(draft-ietf-httpapi-idempotency-key-header): a server that knows the header does the thing once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from ringflow.config import Config, SecretConfig
from ringflow.errors import StartError
from ringflow.http_client.allowed_hosts import AllowedHosts
from ringflow.http_client.client import HttpClient
from ringflow.http_client.request import HttpAnswer, HttpFailed, HttpFailure, HttpRequest
from ringflow.secret import read_secret

MAX_ANSWER = 256 * 1024
FIRST_PAUSE_MS = 250
"""Before the second try; each further one waits twice as long."""
LONGEST_PAUSE_MS = 5000
"""How long a server may ask to wait (RFC 9110, Retry-After) and be asked again."""
BUSY = frozenset({429, 502, 503, 504})
"""What a server answers that may be asked again."""
_AGAIN = frozenset({HttpFailure.SLOW, HttpFailure.FAILED})
MASK = "****"
LEAST_MASKED = 6
"""A secret of fewer characters may stand in any text by chance."""


@dataclass(frozen=True, slots=True)
class FlowRequest:
    """A request, and how often it may be tried again. `secret_headers`: names of secrets, by header."""

    request: HttpRequest
    retries: int = 0
    secret_headers: Mapping[str, str] = field(default_factory=dict)


class PendingAnswer(Protocol):
    """A request under way."""

    @property
    def is_here(self) -> bool:
        """Whether the answer, or the failure, is known."""
        ...

    async def outcome(self) -> HttpAnswer | HttpFailed:
        """Wait for it; a failure is returned, not raised."""
        ...


class HttpRequests(Protocol):
    """Who carries requests of flows out: the network, or a scenario."""

    async def begin(self, asked: FlowRequest) -> PendingAnswer:
        """Begin a request."""
        ...


async def tried(
    asked: FlowRequest,
    send: Callable[[HttpRequest], Awaitable[HttpAnswer]],
    pause: Callable[[int], Awaitable[None]],
) -> HttpAnswer:
    """Send a request, and again where it failed or the server is busy. Raises `HttpFailed`."""
    pause_ms = FIRST_PAUSE_MS
    for left in reversed(range(asked.retries + 1)):
        wanted_ms = pause_ms
        try:
            answer = await send(asked.request)
        except HttpFailed as error:
            if not left or error.kind not in _AGAIN:
                raise
        else:
            wanted_ms = _wanted_pause_ms(answer, pause_ms)
            if not left or answer.status not in BUSY or wanted_ms > LONGEST_PAUSE_MS:
                return answer
        await pause(wanted_ms)
        pause_ms *= 2
    raise AssertionError("the last try returns or raises")


def _wanted_pause_ms(answer: HttpAnswer, pause_ms: int) -> int:
    """Return how long to wait before a server is asked again; a date counts as no wish."""
    wish = answer.headers.get("retry-after", "")
    is_number = wish.isascii() and wish.isdecimal() and len(wish) < 9
    return max(pause_ms, int(wish) * 1000) if is_number else pause_ms


class NetworkRequests:
    """Requests over the network."""

    def __init__(
        self,
        client: HttpClient,
        secrets: Mapping[str, SecretConfig],
        read: Callable[[SecretConfig], str],
        at_once: int,
    ) -> None:
        self._client = client
        self._secrets = secrets
        self._read = read
        self._room = asyncio.Semaphore(at_once)

    @classmethod
    def configured(cls, config: Config) -> NetworkRequests:
        """Those that a configuration allows."""
        settings = config.http_requests
        allowed = AllowedHosts(settings.allowed_hosts, settings.networks)

        def read(secret: SecretConfig) -> str:
            file = config.path(secret.file) if secret.file is not None else None
            return read_secret(secret.env, file, "a secret of `http_requests`", "its owner", least_bytes=1)

        return cls(HttpClient(allowed, "http_requests", MAX_ANSWER), settings.secrets, read, settings.at_once)

    async def begin(self, asked: FlowRequest) -> PendingAnswer:
        """Begin a request."""
        return _Under(asyncio.create_task(self._carried_out(asked)))

    async def _carried_out(self, asked: FlowRequest) -> HttpAnswer:
        values = {name: self._secret(one) for name, one in asked.secret_headers.items()}
        request = replace(
            asked.request,
            headers={**asked.request.headers, **values},
            private_headers=frozenset(name.lower() for name in values),
        )

        async def send(request: HttpRequest) -> HttpAnswer:
            # Who waits for room waits as long as for an answer.
            try:
                async with asyncio.timeout(request.timeout_s):
                    await self._room.acquire()
            except TimeoutError:
                raise HttpFailed(HttpFailure.SLOW, "too many requests are under way") from None
            try:
                return await self._client.ask(request)
            finally:
                self._room.release()

        answer = await tried(replace(asked, request=request), send, _sleep)
        return _without(answer, tuple(values.values()))

    def _secret(self, name: str) -> str:
        secret = self._secrets.get(name)
        if secret is None:
            raise HttpFailed(HttpFailure.NOT_ALLOWED, f"http_requests.secrets of config.yaml has no {name}")
        try:
            return self._read(secret)
        except StartError as error:
            raise HttpFailed(HttpFailure.NOT_ALLOWED, f"secret {name}: {error}") from None


class NoRequests:
    """Asks nobody: for simulated calls, which change nothing outside."""

    async def begin(self, asked: FlowRequest) -> PendingAnswer:
        """Fail at once."""
        return _Failed("a simulated call asks no other host; a scenario says what it answers: `given: http`")


@dataclass(frozen=True, slots=True)
class _Failed:
    what: str

    @property
    def is_here(self) -> bool:
        return True

    async def outcome(self) -> HttpAnswer | HttpFailed:
        return HttpFailed(HttpFailure.NOT_ALLOWED, self.what)


@dataclass(frozen=True, slots=True)
class _Under:
    task: asyncio.Task[HttpAnswer]

    @property
    def is_here(self) -> bool:
        return self.task.done()

    async def outcome(self) -> HttpAnswer | HttpFailed:
        try:
            return await asyncio.shield(self.task)
        except HttpFailed as error:
            return error
        except asyncio.CancelledError:
            self.task.cancel()
            raise


async def _sleep(length_ms: int) -> None:
    await asyncio.sleep(length_ms / 1000)


def _without(answer: HttpAnswer, secrets: tuple[str, ...]) -> HttpAnswer:
    """Return an answer without the secrets that the request had: some servers send back what they got."""
    parts = {one for secret in secrets for one in (secret, secret.partition(" ")[2])}
    texts = {one for one in parts if len(one) >= LEAST_MASKED}
    body, headers = answer.body, dict(answer.headers)
    for text in sorted(texts, key=len, reverse=True):
        body = body.replace(text.encode(), MASK.encode())
        headers = {name: value.replace(text, MASK) for name, value in headers.items()}
    return replace(answer, body=body, headers=headers)
