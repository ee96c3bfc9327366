"""Cookies of a request, and those that its answer sets: only for whoever asks from our own pages.

A cookie is `HttpOnly` and `SameSite=Strict`. Where the request came by TLS it is `Secure` and its name begins
with `__Host-`, so that no other host of the domain, and nobody on the way, can set it (RFC 6265bis).
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import web

from ringflow.web.rest.refusals import RequestRefused
from ringflow.web.rest.sender import Sender

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITE = frozenset({"same-origin", "none"})


class Cookies:
    """The cookies that a request has, and those that its answer is to set."""

    def __init__(self, request: web.Request, sender: Sender) -> None:
        self._given = request.cookies
        self._secure = sender.encrypted
        self._prefix = "__Host-" if sender.encrypted else ""
        self._set: dict[str, tuple[str, int]] = {}

    def get(self, name: str) -> str | None:
        """Return the value of a cookie, or None."""
        return self._given.get(self._prefix + name)

    def set(self, name: str, value: str, lasts_s: int) -> None:
        """Have the answer set a cookie for so long."""
        self._set[name] = (value, lasts_s)

    def remove(self, name: str) -> None:
        """Have the answer take a cookie away."""
        self._set[name] = ("", 0)

    def write(self, answer: web.StreamResponse) -> None:
        """Put what is to be set into an answer."""
        for name, (value, lasts_s) in self._set.items():
            answer.set_cookie(
                self._prefix + name,
                value,
                max_age=lasts_s,
                path="/",
                httponly=True,
                secure=self._secure,
                samesite="Strict",
            )


def refuse_other_sites(request: web.Request) -> None:
    """Raise `RequestRefused` for a change that a page of another site has the browser ask for.

    `Sec-Fetch-Site` cannot be set by a page, and browsers send it by TLS and on this machine (W3C, Fetch
    Metadata). Without it there is `Origin`, whose host is to be ours. What is no browser sends neither.

    A WebSocket is opened by GET, and pages of all sites may open one: it needs an `Origin` of ours (RFC 6455,
    section 10.2), which browsers always send with it.
    """
    opens_socket = request.headers.get("Upgrade", "").lower() == "websocket"
    if request.method in _SAFE and not opens_socket:
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    is_ours = origin is not None and urlsplit(origin).netloc == request.host
    if opens_socket:
        foreign = not is_ours or site not in (None, *_OWN_SITE)
    elif site is not None:
        foreign = site not in _OWN_SITE
    else:
        foreign = origin is not None and not is_ours
    if foreign:
        raise RequestRefused(
            HTTPStatus.FORBIDDEN, "request.other_site", "a page of another site sent this request"
        )
