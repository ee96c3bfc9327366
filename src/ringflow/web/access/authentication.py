"""Who asks: each recogniser knows one way in which a request says so.

To add a way, write a recogniser and add it to `RECOGNISERS`. It returns None for a request that does not say
it in its way, and raises `Forbidden` for one that does, but is not to be believed.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import TypeAlias

from aiohttp import web

from ringflow.accounts import tokens
from ringflow.accounts.access import sessions
from ringflow.accounts.customer_access import tokens as customer_tokens
from ringflow.accounts.lockout import address_name
from ringflow.actor import Principal
from ringflow.config import HttpConfig
from ringflow.errors import Forbidden
from ringflow.web.access.rate_limit import RateLimit, refuse_too_many
from ringflow.web.rest.cookies import Cookies, refuse_other_sites
from ringflow.web.rest.operation import Operation
from ringflow.web.rest.refusals import REALM, RequestRefused
from ringflow.web.rest.sender import Sender, sender_of
from ringflow.web.rest.services import Services

MAX_KNOWN = 10_000
"""Of so many credentials at most it is kept that they were good."""

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
    """Recognises who asks, and bounds how often. `now_s` never goes back.

    From an address that sent too many wrong tokens no further ones are looked up for a while, but those that
    were good before are: whoever shares the address goes on.
    """

    def __init__(
        self,
        services: Services,
        recognisers: Sequence[Recogniser] = RECOGNISERS,
        now_s: Callable[[], float] = time.monotonic,
        most_known: int = MAX_KNOWN,
    ) -> None:
        self._services = services
        self._recognisers = recognisers
        limits = (services.config.http or HttpConfig()).limits
        self._public = RateLimit.of_minute(limits.public_per_minute, now_s)
        self._wrong = RateLimit.of_minute(limits.wrong_tokens_per_minute, now_s)
        self._of_token = RateLimit.of_second(limits.per_token_per_s, now_s)
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._most_known = most_known

    async def admit(self, operation: Operation, request: web.Request, sender: Sender) -> Principal | None:
        """Return who asks; None where an operation asks nobody who they are.

        Raises `Forbidden`: not to be believed, or without the operation's right; and `RequestRefused`: nobody
        is named, or too many requests came.
        """
        address = address_name(sender.address)
        if operation.access is None:
            refuse_too_many(self._public.take((operation.name, address)))
            return None
        principal = replace(await self._believed(request, address), address=sender.address or None)
        if self._of_token is not None:
            refuse_too_many(self._of_token.take(principal.credential_id or principal.name))
        principal.require(operation.access)
        return principal

    async def _believed(self, request: web.Request, address: str) -> Principal:
        credentials = _digest(request)
        if credentials not in self._known:
            refuse_too_many(self._wrong.wait_s(address))
        try:
            principal = await self._recognised(request)
        except Forbidden:
            self._wrong.take(address)
            self._known.pop(credentials, None)
            raise
        self._known[credentials] = None
        self._known.move_to_end(credentials)
        if len(self._known) > self._most_known:
            self._known.popitem(last=False)
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


def _digest(request: web.Request) -> bytes:
    """Return what a request's credentials are known by: a digest, for they are secrets."""
    named = "\0".join(request.headers.get(name, "") for name in ("Authorization", "Cookie"))
    return hashlib.sha256(named.encode("utf-8", "surrogateescape")).digest()
