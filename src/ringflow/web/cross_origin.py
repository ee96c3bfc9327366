"""Which pages of other sites may read answers in a browser (CORS, https://fetch.spec.whatwg.org).

None, unless the configuration lists their origins. Cookies never count for them: they need a token.
"""

from __future__ import annotations

from collections.abc import Collection, MutableMapping
from http import HTTPStatus

from aiohttp import web

ANY = "*"
KEPT_S = 600
"""How long a browser need not ask again."""

_METHODS = "GET, POST, PUT, PATCH, DELETE"
_ASKED = "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Range"
_SHOWN = "Content-Disposition, ETag, Link, Location, Retry-After"


def preflight(request: web.Request, origins: Collection[str]) -> web.Response | None:
    """Return the answer to a browser that asks whether a page may send a request; None: it does not ask."""
    asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    if not asks or not origins or not request.path.startswith("/api/"):
        return None
    answer = web.Response(status=HTTPStatus.NO_CONTENT)
    if _may(request, origins):
        answer.headers["Access-Control-Allow-Methods"] = _METHODS
        answer.headers["Access-Control-Allow-Headers"] = _ASKED
        answer.headers["Access-Control-Max-Age"] = str(KEPT_S)
    return answer


def add_cross_origin_headers(
    request: web.Request, headers: MutableMapping[str, str], origins: Collection[str]
) -> None:
    """Add to an answer whether the page that sent the request may read it."""
    if not origins or not request.path.startswith("/api/"):
        return
    headers["Vary"] = f"{headers['Vary']}, Origin" if "Vary" in headers else "Origin"
    if _may(request, origins):
        headers["Access-Control-Allow-Origin"] = ANY if ANY in origins else request.headers["Origin"]
        headers["Access-Control-Expose-Headers"] = _SHOWN


def _may(request: web.Request, origins: Collection[str]) -> bool:
    """Compare whole origins: a suffix or a prefix of a listed one is somebody else's."""
    origin = request.headers.get("Origin")
    return origin is not None and (origin in origins or ANY in origins)
