"""What holds for every request and every answer of the HTTP port, before and after all else.

A request comes in: where it came from is found out, how often its address may ask is counted, a browser's
question about other sites is answered. An answer goes out: with the headers that keep browsers safe.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import HttpVersion10, HttpVersion11, web

from ringflow.accounts.lockout import address_name
from ringflow.config import HttpConfig
from ringflow.errors import RingflowError
from ringflow.web.access.rate_limit import RateLimit, refuse_too_many
from ringflow.web.cross_origin import add_cross_origin_headers, preflight
from ringflow.web.forwarded import is_within, passed_by, plain_address
from ringflow.web.rest.refusals import RequestRefused
from ringflow.web.rest.responses import refused
from ringflow.web.rest.sender import SENDER, Sender, agent_of
from ringflow.web.security_headers import add_security_headers

_SINGLE = ("Authorization", "Content-Type", "Host", "Idempotency-Key", "If-None-Match", "Origin")
"""Headers of which a request has one: of two, a proxy may have read the other one."""
_NOT_COUNTED = frozenset({"/healthz"})
_PASSED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto")


class Edge:
    """Guards an application. `now_s` never goes back."""

    def __init__(self, config: HttpConfig, now_s: Callable[[], float] = time.monotonic) -> None:
        self._trusted = config.trusted_proxies
        self._origins = frozenset(config.cors_origins)
        self._limit = RateLimit.of_second(config.limits.per_address_per_s, now_s)

    def guard(self, application: web.Application) -> None:
        """Have all requests and answers of an application go through here."""
        application.middlewares.append(self._admit)
        application.on_response_prepare.append(self._prepare)

    @web.middleware
    async def _admit(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if (answer := _other_version(request)) is not None:
            return answer
        try:
            sender = self._sender(request)
            request[SENDER] = sender
            for name in _SINGLE:
                if len(request.headers.getall(name, ())) > 1:
                    text = f"the header {name} is given more than once"
                    raise RequestRefused(
                        HTTPStatus.BAD_REQUEST, "request.repeated_header", text, (), header=name
                    )
            if self._limit is not None and request.path not in _NOT_COUNTED:
                refuse_too_many(self._limit.take(address_name(sender.address)))
        except RingflowError as error:
            return refused(error)
        return preflight(request, self._origins) or await handler(request)

    def _sender(self, request: web.Request) -> Sender:
        """Return where a request came from. Raises `RequestRefused` for a proxy's nonsense."""
        agent = agent_of(request)
        proxy = plain_address(request.remote or "")
        if proxy is None:
            return Sender("", agent, request.secure)
        if not is_within(proxy, self._trusted):
            return Sender(str(proxy), agent, request.secure)
        passed = passed_by(proxy, self._trusted, *(request.headers.getall(name, ()) for name in _PASSED))
        encrypted = request.secure if passed.scheme is None else passed.scheme == "https"
        return Sender(str(passed.address), agent, encrypted)

    async def _prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        sender: Sender | None = request.get(SENDER)
        add_security_headers(response.headers, sender.encrypted if sender else request.secure)
        add_cross_origin_headers(request, response.headers, self._origins)


def _other_version(request: web.Request) -> web.Response | None:
    """Return the answer to a version of HTTP that is not spoken here (RFC 9110, 15.6.6); None: it is.

    aiohttp takes all that its parser can read, such as HTTP/0.9 and HTTP/2.0, for HTTP/1.1, and answers in
    the version of the request. There is no other way to choose that of the answer than its private field.
    """
    if request._version in (HttpVersion10, HttpVersion11):
        return None
    said = f"{request._version.major}.{request._version.minor}"
    request._version = HttpVersion11
    answer = refused(
        RequestRefused(
            HTTPStatus.HTTP_VERSION_NOT_SUPPORTED,
            "request.other_version",
            f"HTTP/{said} is not spoken here: ask by HTTP/1.1",
            version=said,
        )
    )
    answer.force_close()
    return answer
