"""Who asks: each recogniser knows one way in which a request says so.

To add a way, write a recogniser and add it to `RECOGNISERS`. It returns None for a request that does not say
it in its way, and raises `Forbidden` for one that does, but is not to be believed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import TypeAlias

from aiohttp import web

from ringflow.accounts import tokens
from ringflow.accounts.access import sessions
from ringflow.accounts.customer_access import tokens as customer_tokens
from ringflow.actor import Principal
from ringflow.web.access.rate_limit import RateLimit
from ringflow.web.rest.cookies import Cookies, refuse_other_sites
from ringflow.web.rest.operation import Operation
from ringflow.web.rest.refusals import REALM, RequestRefused
from ringflow.web.rest.sender import Sender, sender_of
from ringflow.web.rest.services import Services

PUBLIC_PER_S = 0.5
PUBLIC_BURST = 10
"""How often an address may ask for one operation that needs no token, such as to sign in."""

SESSION_COOKIE = "ringflow"
"""The cookie of an operator who has signed in."""

_SCHEME = "bearer "

Recogniser: TypeAlias = Callable[[Services, web.Request], Awaitable[Principal | None]]


def bearer_token(request: web.Request) -> str | None:
    """Return the text of the token that a request carries, or None."""
    header = request.headers.get("Authorization", "")
    return header[len(_SCHEME) :].strip() if header.lower().startswith(_SCHEME) else None


async def _operators_token(services: Services, request: web.Request) -> Principal | None:
    text = bearer_token(request)
    if text is None or not tokens.is_well_formed(text):
        return None
    return await tokens.recognise(services.store, text, services.now_ms(), sender_of(request).address or None)


async def _operators_session(services: Services, request: web.Request) -> Principal | None:
    text = Cookies(request, sender_of(request)).get(SESSION_COOKIE)
    if text is None or bearer_token(request) is not None:
        return None
    refuse_other_sites(request)
    return await sessions.recognise(services.store, text, services.sign_in.rules, services.now_ms())


async def _customers_token(services: Services, request: web.Request) -> Principal | None:
    text = bearer_token(request)
    return None if text is None else await customer_tokens.recognise(services.store, text, services.now_ms())


RECOGNISERS: tuple[Recogniser, ...] = (_operators_token, _customers_token, _operators_session)


class Authentication:
    """Recognises who asks, and bounds how often those may ask whom nothing is known of."""

    def __init__(
        self,
        services: Services,
        recognisers: Sequence[Recogniser] = RECOGNISERS,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._services = services
        self._recognisers = recognisers
        self._public = RateLimit(PUBLIC_PER_S, PUBLIC_BURST, now_s)

    async def admit(self, operation: Operation, request: web.Request, sender: Sender) -> Principal | None:
        """Return who asks; None where an operation asks nobody who they are.

        Raises `Forbidden`: not to be believed, or without the operation's right; and `RequestRefused`: nobody
        is named, or too many requests came.
        """
        if operation.access is None:
            refuse_too_many(self._public.take((operation.name, sender.address)))
            return None
        principal = replace(await self._recognised(request), address=sender.address or None)
        principal.require(operation.access)
        return principal

    async def _recognised(self, request: web.Request) -> Principal:
        for recogniser in self._recognisers:
            principal = await recogniser(self._services, request)
            if principal is not None:
                return principal
        if bearer_token(request) is not None:
            raise tokens.refused()
        raise RequestRefused(
            HTTPStatus.UNAUTHORIZED,
            "request.no_token",
            "the request needs a token, in the header Authorization: Bearer, or the cookie of a session",
            (),
            {"WWW-Authenticate": REALM},
        )


def refuse_too_many(wait_s: float) -> None:
    """Raise `RequestRefused` where a request came too soon, by so many seconds."""
    if wait_s > 0:
        retry_after_s = math.ceil(wait_s)
        raise RequestRefused(
            HTTPStatus.TOO_MANY_REQUESTS,
            "request.too_many",
            f"too many requests came in a short time; ask again in {retry_after_s} s",
            (),
            {"Retry-After": str(retry_after_s)},
            retry_after_s=retry_after_s,
        )
