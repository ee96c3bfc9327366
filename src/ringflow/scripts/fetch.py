"""`fetch` of scripts: HTTP to hosts that the configuration names, at public addresses, of bounded size.

Addresses are judged where the connection is made, as for calendars. A redirection is not followed: the script
sees it, and may ask for the other URL itself.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import JsonValue

from ringflow.calendars.allowed_hosts import AllowedHosts
from ringflow.config import Config
from ringflow.errors import Refused
from ringflow.scripts.run import CallRefused, one_line

MAX_ANSWER = 512 * 1024
MAX_BODY = 256 * 1024
TIMEOUT_S = 8.0
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


class Fetch:
    """Fetches for scripts."""

    def __init__(self, config: Config) -> None:
        self._allowed = AllowedHosts(config.scripts.allowed_hosts, config.scripts.networks)

    async def fetch(self, given: dict[str, JsonValue]) -> JsonValue:
        """Return what a server answers. Raises `CallRefused`."""
        # aiohttp takes a quarter of a second to load, which most commands need not wait for.
        import aiohttp

        from ringflow.calendars.calendar_fetch import JudgingResolver, is_address

        url, method = str(given.get("url")), str(given.get("method") or "GET").upper()
        headers, body = given.get("headers"), given.get("body")
        try:
            self._allowed.check(url)
        except Refused as error:
            host = error.fields.get("host")
            why = (
                f"fetch: {host} is not among scripts.hosts of config.yaml" if host else "fetch: no usable URL"
            )
            raise CallRefused("fetch.not_allowed", why, 403) from None
        host = urlsplit(url).hostname or ""
        if is_address(host) and not self._allowed.may_connect(host):
            raise CallRefused("fetch.not_allowed", f"fetch: {host} is not a public address", 403)
        if method not in METHODS:
            raise CallRefused("fetch.malformed", f"fetch: no method {one_line(method, 20)}")
        if body is not None and (not isinstance(body, str) or len(body) > MAX_BODY):
            raise CallRefused("fetch.malformed", f"fetch: a body is a text of at most {MAX_BODY} characters")
        sent = {str(name): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}
        connector = aiohttp.TCPConnector(
            resolver=JudgingResolver(self._allowed, aiohttp.ThreadedResolver(), "scripts.networks"),
            use_dns_cache=False,
            force_close=True,
        )
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector,
                    timeout=timeout,
                    cookie_jar=aiohttp.DummyCookieJar(),
                    trust_env=False,
                    auto_decompress=False,
                ) as session,
                session.request(
                    method,
                    url,
                    headers={"Accept-Encoding": "identity", **sent},
                    data=body.encode() if isinstance(body, str) else None,
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
                return {
                    "status": response.status,
                    "reason": response.reason or "",
                    "url": url,
                    "headers": {name.lower(): value for name, value in response.headers.items()},
                    "body": raw.decode("utf-8", "replace"),
                }
        except TimeoutError:
            raise CallRefused("fetch.slow", f"fetch: no whole answer within {TIMEOUT_S:g} s", 504) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            what = one_line(str(error) or type(error).__name__, 300)
            raise CallRefused("fetch.failed", f"fetch: {what}", 502) from None
