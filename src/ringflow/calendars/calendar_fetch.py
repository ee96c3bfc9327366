"""Fetches a calendar's text over HTTP: from allowed hosts at public addresses, of bounded size and time.

Addresses are judged where the connection is made, by the resolver that the connection uses, so a name that
leads elsewhere a moment later is judged again. Redirections are followed by hand, each judged as the first
URL was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver

from ringflow.calendars.calendar_url import check_calendar_url
from ringflow.calendars.icalendar_reader import MAX_BYTES
from ringflow.errors import Refused
from ringflow.http_client.allowed_hosts import AllowedHosts
from ringflow.http_client.judging_resolver import JudgingResolver, is_address

TIMEOUT_S = 20.0
MAX_REDIRECTIONS = 3
REDIRECTIONS = frozenset({301, 302, 303, 307, 308})
MAX_MARK = 500
"""The longest `ETag` that is kept."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server answered. `raw` None: nothing has changed since the copy with these marks."""

    raw: bytes | None
    etag: str | None
    modified: str | None


class CalendarFetch:
    """Fetches from these hosts. `resolver`: who finds their addresses."""

    def __init__(
        self,
        allowed: AllowedHosts,
        resolver: Callable[[], AbstractResolver] = aiohttp.ThreadedResolver,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._allowed = allowed
        self._resolver = resolver
        self._timeout_s = timeout_s

    async def fetch(self, url: str, etag: str | None = None, modified: str | None = None) -> Fetched:
        """Return the text behind a URL. Raises `Refused` with why there is none, in words."""
        headers = {"Accept": "text/calendar", "Accept-Encoding": "identity"}
        headers |= {"If-None-Match": etag} if etag else {}
        headers |= {"If-Modified-Since": modified} if modified else {}
        connector = aiohttp.TCPConnector(
            resolver=JudgingResolver(self._allowed, self._resolver(), "calendars.networks"),
            use_dns_cache=False,
            force_close=True,
        )
        session = aiohttp.ClientSession(
            connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        )
        try:
            async with asyncio.timeout(self._timeout_s), session:
                return await self._follow(session, url, headers)
        except TimeoutError:
            raise _failed(f"there is no whole answer within {self._timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _failed(str(error) or type(error).__name__) from error

    async def _follow(self, session: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> Fetched:
        for _ in range(MAX_REDIRECTIONS + 1):
            check_calendar_url(self._allowed, url)
            self._check_literal(url)
            async with session.get(url, headers=headers, allow_redirects=False) as response:
                if response.status not in REDIRECTIONS:
                    return await _answer(response)
                target = response.headers.get("Location")
                if not target:
                    raise _failed(f"it answers {response.status} and does not say where to go")
                url = further_url(url, target)
        raise _failed(f"it leads on more than {MAX_REDIRECTIONS} times")

    def _check_literal(self, url: str) -> None:
        """Judge an address that stands in the URL itself: no resolver is asked about it."""
        host = urlsplit(url).hostname or ""
        if is_address(host) and not self._allowed.may_connect(host):
            raise _failed(f"{host} is not a public address")


def further_url(url: str, target: str) -> str:
    """Return where a redirection leads. Raises `Refused` for one out of an encrypted connection."""
    further = urljoin(url, target)
    if urlsplit(url).scheme == "https" and urlsplit(further).scheme != "https":
        raise _failed("it leads from https to a connection that is not encrypted")
    return further


async def _answer(response: aiohttp.ClientResponse) -> Fetched:
    marks = [_mark(response.headers.get(name)) for name in ("ETag", "Last-Modified")]
    if response.status == 304:
        return Fetched(None, *marks)
    if response.status != 200:
        raise _failed(f"it answers {response.status}")
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding != "identity":
        raise _failed("it sends the calendar compressed, which was not asked for")
    raw = bytearray()
    async for part in response.content.iter_any():
        raw += part
        if len(raw) > MAX_BYTES:
            raise _failed(f"it sends more than {MAX_BYTES} bytes")
    return Fetched(bytes(raw), *marks)


def _mark(text: str | None) -> str | None:
    return text if text and len(text) <= MAX_MARK and text.isprintable() else None


def _failed(what: str) -> Refused:
    return Refused("calendar.not_fetched", f"the calendar cannot be fetched: {what}", reason=what)
