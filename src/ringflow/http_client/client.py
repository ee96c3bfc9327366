"""Asks other hosts over HTTP, for flows and scripts.

A host must be listed and its address public, which is judged where the connection is made: by the resolver
that the connection uses. A redirection is followed where it leads to a host that is allowed too. An answer
has a length and a time, for its body too. It is never unpacked: none that is packed was asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from ringflow.http_client.allowed_hosts import AllowedHosts, HostNotAllowed, UnusableUrl
from ringflow.http_client.request import HttpAnswer, HttpFailed, HttpFailure, HttpRequest
from ringflow.plain_text import plain

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.abc import AbstractResolver

MAX_REDIRECTS = 5
MAX_REASON = 300
"""The longest text, in characters, of why there is no answer."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class HttpClient:
    """Asks hosts. `setting` is the group of `config.yaml` that lists them, `max_bytes` the longest answer.

    `resolver` makes who finds their addresses; None: the system's.
    """

    def __init__(
        self,
        allowed: AllowedHosts,
        setting: str,
        max_bytes: int,
        resolver: Callable[[], AbstractResolver] | None = None,
    ) -> None:
        self._allowed = allowed
        self._setting = setting
        self._max_bytes = max_bytes
        self._resolver = resolver

    async def ask(self, request: HttpRequest) -> HttpAnswer:
        """Return what a server answers. Raises `HttpFailed`."""
        try:
            async with asyncio.timeout(request.timeout_s):
                return await self._followed(request)
        except TimeoutError:
            what = f"no whole answer within {request.timeout_s:g} s"
            raise HttpFailed(HttpFailure.SLOW, what) from None

    async def _followed(self, first: HttpRequest) -> HttpAnswer:
        request = first
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._answer(request, redirected=request is not first)
            location = answer.headers.get("location") if answer.status in REDIRECTS else None
            if location is None or request.follow is False:
                return answer
            if request.follow is None:
                raise HttpFailed(HttpFailure.REDIRECTED, "the server redirects")
            request = request.redirected(answer.status, location)
        what = f"the server redirects more than {MAX_REDIRECTS} times"
        raise HttpFailed(HttpFailure.REDIRECTED, what)

    def _host(self, url: str) -> str:
        """Return the host of a URL to which may be connected."""
        try:
            return self._allowed.check(url)
        except UnusableUrl:
            raise HttpFailed(HttpFailure.NOT_ALLOWED, "no usable URL") from None
        except HostNotAllowed as error:
            what = f"{plain(error.host)} is not among {self._setting}.hosts of config.yaml"
            raise HttpFailed(HttpFailure.NOT_ALLOWED, what) from None

    async def _answer(self, request: HttpRequest, *, redirected: bool) -> HttpAnswer:
        # aiohttp takes a quarter of a second to load, which most commands need not wait for.
        import aiohttp

        from ringflow.http_client.judging_resolver import JudgingResolver, is_address

        host = self._host(request.url)
        # No resolver is asked about an address that stands in the URL itself.
        if is_address(host) and not self._allowed.may_connect(host):
            raise HttpFailed(HttpFailure.NOT_ALLOWED, f"{plain(host)} is not a public address")
        inner = self._resolver() if self._resolver is not None else aiohttp.ThreadedResolver()
        connector = aiohttp.TCPConnector(
            resolver=JudgingResolver(self._allowed, inner, f"{self._setting}.networks"),
            use_dns_cache=False,
            force_close=True,
        )
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector,
                    cookie_jar=aiohttp.DummyCookieJar(),
                    trust_env=False,
                    auto_decompress=False,
                ) as session,
                _once(session).request(
                    request.method,
                    request.url,
                    headers={"Accept-Encoding": "identity", **request.headers},
                    data=request.body,
                    allow_redirects=False,
                ) as response,
            ):
                return HttpAnswer(
                    response.status,
                    {name.lower(): value for name, value in response.headers.items()},
                    await self._body(response, host),
                    response.reason or "",
                    request.url,
                    redirected,
                )
        except TimeoutError:
            raise
        except (aiohttp.ClientResponseError, aiohttp.ClientPayloadError) as error:
            # Their texts quote the server, which may send back what it was told.
            is_cut = isinstance(error, aiohttp.ClientPayloadError)
            what = "sends an answer that is cut short" if is_cut else "does not answer in HTTP"
            raise HttpFailed(HttpFailure.FAILED, f"{plain(host)} {what}") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise HttpFailed(HttpFailure.FAILED, _in_one_line(error)) from None

    async def _body(self, response: aiohttp.ClientResponse, host: str) -> bytes:
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        if encoding not in ("", "identity"):
            what = f"{plain(host)} sends its answer compressed, which was not asked for"
            raise HttpFailed(HttpFailure.FAILED, what)
        raw = bytearray()
        async for part in response.content.iter_any():
            raw += part
            if len(raw) > self._max_bytes:
                what = f"{plain(host)} sends more than {self._max_bytes} bytes"
                raise HttpFailed(HttpFailure.TOO_LONG, what)
        return bytes(raw)


def _once(session: aiohttp.ClientSession) -> aiohttp.ClientSession:
    """Return the session, which sends no request twice: aiohttp would where a server closes."""
    session._retry_connection = False
    return session


def _in_one_line(error: Exception) -> str:
    """Return what went wrong with a connection."""
    text = " ".join((str(error) or type(error).__name__).split())
    return "".join(one if one.isascii() and one.isprintable() else "?" for one in text[:MAX_REASON])
