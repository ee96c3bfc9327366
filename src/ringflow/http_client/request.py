"""What is asked of another host, what it answers, and why there is no answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from urllib.parse import urljoin, urlsplit

from ringflow.errors import RingflowError

_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization"})


class HttpFailure(StrEnum):
    """Why there is no answer."""

    NOT_ALLOWED = "not_allowed"
    """The host is not listed, or its address is inside the house."""
    REDIRECTED = "redirected"
    TOO_LONG = "too_long"
    SLOW = "slow"
    FAILED = "failed"
    """No connection, or an answer that is not HTTP."""


class HttpFailed(RingflowError):
    """There is no answer. Its text may be shown, and has no more of what the server sent than its name."""

    def __init__(self, kind: HttpFailure, what: str) -> None:
        super().__init__(what)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request. `follow`: whether redirections are followed, None: each is an error.

    `private_headers` names those, in small letters, that no other host may be told, besides credentials.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    follow: bool | None = True
    timeout_s: float = 10.0
    private_headers: frozenset[str] = frozenset()

    def redirected(self, status: int, location: str) -> HttpRequest:
        """Return the request that follows a redirection (Fetch Standard, 4.4). Raises `HttpFailed`.

        Another host is not told credentials, and nobody is told anything in the clear that began encrypted.
        """
        try:
            url = urljoin(self.url, location)
            before, after = urlsplit(self.url), urlsplit(url)
        except ValueError:
            raise HttpFailed(HttpFailure.REDIRECTED, "the server redirects to no URL") from None
        if before.scheme == "https" and after.scheme == "http":
            what = "the server redirects from https to a connection that is not encrypted"
            raise HttpFailed(HttpFailure.REDIRECTED, what)
        private = _CREDENTIALS | self.private_headers if before[:2] != after[:2] else frozenset()
        headers = {name: value for name, value in self.headers.items() if name.lower() not in private}
        becomes_get = (status == 303 and self.method != "HEAD") or (
            status in (301, 302) and self.method == "POST"
        )
        if not becomes_get:
            return replace(self, url=url, headers=headers)
        headers = {name: value for name, value in headers.items() if not name.lower().startswith("content-")}
        return replace(self, url=url, method="GET", body=None, headers=headers)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a server answered. `headers` by their names in small letters; `url`: who answered in the end."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    reason: str = ""
    url: str = ""
    redirected: bool = False
