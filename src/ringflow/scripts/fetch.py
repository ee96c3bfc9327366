"""`fetch` of scripts: HTTP to hosts that the configuration names, at public addresses, of bounded size.

Addresses are judged where the connection is made, as for calendars. A redirection is followed where it leads
to a host that is allowed too (Fetch Standard, 4.4), unless the script asks for it as it is.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from pydantic import JsonValue

from ringflow.calendars.allowed_hosts import AllowedHosts
from ringflow.config import Config
from ringflow.errors import Refused
from ringflow.scripts.run import CallRefused, one_line

MAX_ANSWER = 512 * 1024
MAX_BODY = 256 * 1024
TIMEOUT_S = 8.0
MAX_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request. `redirect`: `follow`, `manual` or `error`."""

    url: str
    method: str
    headers: dict[str, str]
    body: str | None
    redirect: str
    timeout_s: float

    def redirected(self, status: int, location: str) -> _Asked:
        """Return the request that follows a redirection. Who is asked next is not told credentials."""
        try:
            url = urljoin(self.url, location)
            is_other = urlsplit(url)[:2] != urlsplit(self.url)[:2]
        except ValueError:
            raise CallRefused("fetch.redirected", "fetch: the server redirects to no URL", 502) from None
        headers = {
            name: value
            for name, value in self.headers.items()
            if not (is_other and name.lower() in ("authorization", "cookie"))
        }
        becomes_get = (status == 303 and self.method != "HEAD") or (
            status in (301, 302) and self.method == "POST"
        )
        if not becomes_get:
            return replace(self, url=url, headers=headers)
        headers = {name: value for name, value in headers.items() if not name.lower().startswith("content-")}
        return replace(self, url=url, method="GET", body=None, headers=headers)


class Fetch:
    """Fetches for scripts."""

    def __init__(self, config: Config) -> None:
        self._allowed = AllowedHosts(config.scripts.allowed_hosts, config.scripts.networks)

    async def fetch(self, given: dict[str, JsonValue]) -> JsonValue:
        """Return what a server answers. Raises `CallRefused`."""
        asked = _read(given)
        try:
            async with asyncio.timeout(asked.timeout_s):
                return await self._followed(asked)
        except TimeoutError:
            what = f"fetch: no whole answer within {asked.timeout_s:g} s"
            raise CallRefused("fetch.slow", what, 504) from None

    async def _followed(self, asked: _Asked) -> JsonValue:
        first = asked
        for _ in range(MAX_REDIRECTS + 1):
            answer, location = await self._answer(asked)
            if location is None or asked.redirect == "manual":
                return answer | {"redirected": asked is not first}
            if asked.redirect == "error":
                raise CallRefused("fetch.redirected", "fetch: the server redirects", 502)
            asked = asked.redirected(int(str(answer["status"])), location)
        what = f"fetch: the server redirects more than {MAX_REDIRECTS} times"
        raise CallRefused("fetch.redirected", what, 502)

    def _check(self, url: str) -> str:
        """Return the host of a URL to which a script may connect."""
        try:
            self._allowed.check(url)
        except Refused as error:
            host = error.fields.get("host")
            why = (
                f"fetch: {host} is not among scripts.hosts of config.yaml" if host else "fetch: no usable URL"
            )
            raise CallRefused("fetch.not_allowed", why, 403) from None
        return urlsplit(url).hostname or ""

    async def _answer(self, asked: _Asked) -> tuple[dict[str, JsonValue], str | None]:
        """Return an answer, and the URL to which it redirects."""
        # aiohttp takes a quarter of a second to load, which most commands need not wait for.
        import aiohttp

        from ringflow.calendars.calendar_fetch import JudgingResolver, is_address

        host = self._check(asked.url)
        if is_address(host) and not self._allowed.may_connect(host):
            raise CallRefused("fetch.not_allowed", f"fetch: {host} is not a public address", 403)
        connector = aiohttp.TCPConnector(
            resolver=JudgingResolver(self._allowed, aiohttp.ThreadedResolver(), "scripts.networks"),
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
                session.request(
                    asked.method,
                    asked.url,
                    headers={"Accept-Encoding": "identity", **asked.headers},
                    data=asked.body.encode() if asked.body is not None else None,
                    allow_redirects=False,
                ) as response,
            ):
                raw = bytearray()
                async for part in response.content.iter_any():
                    raw += part
                    if len(raw) > MAX_ANSWER:
                        raise CallRefused(
                            "fetch.too_long", f"fetch: {host} sends more than {MAX_ANSWER} bytes"
                        )
                location = response.headers.get("Location") if response.status in REDIRECTS else None
                return {
                    "status": response.status,
                    "reason": response.reason or "",
                    "url": asked.url,
                    "headers": {name.lower(): value for name, value in response.headers.items()},
                    "body": raw.decode("utf-8", "replace"),
                }, location
        except (aiohttp.ClientError, OSError, ValueError) as error:
            what = one_line(str(error) or type(error).__name__, 300)
            raise CallRefused("fetch.failed", f"fetch: {what}", 502) from None


def _read(given: dict[str, JsonValue]) -> _Asked:
    method, headers, body = str(given.get("method") or "GET").upper(), given.get("headers"), given.get("body")
    if method not in METHODS:
        raise CallRefused("fetch.malformed", f"fetch: no method {one_line(method, 20)}")
    if body is not None and (not isinstance(body, str) or len(body) > MAX_BODY):
        raise CallRefused("fetch.malformed", f"fetch: a body is a text of at most {MAX_BODY} characters")
    timeout_ms = given.get("timeout_ms")
    timeout_s = TIMEOUT_S
    if isinstance(timeout_ms, int | float) and timeout_ms > 0:
        timeout_s = min(TIMEOUT_S, timeout_ms / 1000)
    return _Asked(
        str(given.get("url")),
        method,
        {str(name): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {},
        body,
        str(given.get("redirect") or "follow"),
        timeout_s,
    )
