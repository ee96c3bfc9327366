"""`fetch` of scripts: HTTP to the hosts that the configuration names for them, by the guarded client.

A redirection is followed where it leads to a host that is allowed too, unless the script asks for it as
it is.
"""

from __future__ import annotations

from pydantic import JsonValue

from ringflow.config import Config
from ringflow.http_client.allowed_hosts import AllowedHosts
from ringflow.http_client.client import HttpClient
from ringflow.http_client.request import HttpFailed, HttpFailure, HttpRequest
from ringflow.scripts.run import CallRefused, one_line

MAX_ANSWER = 512 * 1024
MAX_BODY = 256 * 1024
TIMEOUT_S = 8.0
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_FOLLOWS = {"manual": False, "error": None}
"""What `redirect` of a request means; anything else: redirections are followed."""
_STATUS = {HttpFailure.NOT_ALLOWED: 403, HttpFailure.TOO_LONG: 400, HttpFailure.SLOW: 504}
"""The HTTP status of an error, as scripts see it; of any other 502."""


class Fetch:
    """Fetches for scripts."""

    def __init__(self, config: Config) -> None:
        allowed = AllowedHosts(config.scripts.allowed_hosts, config.scripts.networks)
        self._client = HttpClient(allowed, "scripts", MAX_ANSWER)

    async def fetch(self, given: dict[str, JsonValue]) -> JsonValue:
        """Return what a server answers. Raises `CallRefused`."""
        try:
            answer = await self._client.ask(_read(given))
        except HttpFailed as error:
            status = _STATUS.get(error.kind, 502)
            raise CallRefused(f"fetch.{error.kind.value}", f"fetch: {error}", status) from None
        return {
            "status": answer.status,
            "reason": answer.reason,
            "url": answer.url,
            "headers": dict(answer.headers),
            "body": answer.body.decode("utf-8", "replace"),
            "redirected": answer.redirected,
        }


def _read(given: dict[str, JsonValue]) -> HttpRequest:
    method, headers, body = str(given.get("method") or "GET").upper(), given.get("headers"), given.get("body")
    if method not in METHODS:
        raise CallRefused("fetch.malformed", f"fetch: no method {one_line(method, 20)}")
    if body is not None and (not isinstance(body, str) or len(body) > MAX_BODY):
        raise CallRefused("fetch.malformed", f"fetch: a body is a text of at most {MAX_BODY} characters")
    timeout_ms = given.get("timeout_ms")
    timeout_s = TIMEOUT_S
    if isinstance(timeout_ms, int | float) and timeout_ms > 0:
        timeout_s = min(TIMEOUT_S, timeout_ms / 1000)
    return HttpRequest(
        str(given.get("url")),
        method,
        {str(name): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {},
        body.encode("utf-8", "replace") if isinstance(body, str) else None,
        _FOLLOWS.get(str(given.get("redirect") or "follow"), True),
        timeout_s,
    )
