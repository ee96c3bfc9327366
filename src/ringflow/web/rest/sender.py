"""Where a request came from."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

MAX_AGENT = 200
"""How much of a `User-Agent` is kept."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a request, as far as the network tells: it says nothing of who may do what.

    `address` is empty where the connection is gone already. `agent` is what the program calls itself.
    `encrypted`: the request came by TLS.
    """

    address: str
    agent: str
    encrypted: bool


SENDER = web.RequestKey("sender", Sender)
"""Where a request came from, as the edge of the port found out, proxies taken into account."""


def sender_of(request: web.Request) -> Sender:
    """Return where a request came from."""
    known = request.get(SENDER)
    return known or Sender(request.remote or "", agent_of(request), request.secure)


def agent_of(request: web.Request) -> str:
    """Return what the program that sent a request calls itself, as printable ASCII.

    A browser's own name stands at the end of some hundred characters.
    """
    agent = request.headers.get("User-Agent", "")[:MAX_AGENT]
    return "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in agent)
