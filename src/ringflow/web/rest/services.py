"""What the operations of the API work with, and who asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from ringflow.accounts import tokens
from ringflow.actor import Opener, Principal, acting
from ringflow.config import Config
from ringflow.store import Store
from ringflow.web.rest.refusals import REALM, RequestRefused

_SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class Services:
    """The database and the configuration that a server runs with; `now_ms` is since 1970."""

    store: Store
    config: Config
    now_ms: Callable[[], int]

    async def principal(self, request: web.Request) -> Principal:
        """Return who asks. Raises `Forbidden`, and `RequestRefused` where nobody is named."""
        header = request.headers.get("Authorization", "")
        if not header.lower().startswith(_SCHEME):
            raise RequestRefused(
                HTTPStatus.UNAUTHORIZED,
                "request.no_token",
                "the request needs a token, in the header Authorization: Bearer",
                (),
                {"WWW-Authenticate": REALM},
            )
        return await tokens.recognise(self.store, header[len(_SCHEME) :].strip(), self.now_ms())

    def opener(self, principal: Principal) -> Opener:
        """Return what begins a transaction in which the principal acts."""
        return lambda: acting(self.store, principal, self.config.country, self.now_ms())
