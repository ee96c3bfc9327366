"""A running server with operators' tokens, and a client that speaks to its API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientSession

from ringflow.accounts import operators, tokens
from ringflow.accounts.operators import Operator
from ringflow.accounts.tokens import TokenPlan
from ringflow.actor import acting, shell_operator
from ringflow.app import Application, running
from ringflow.config import Config
from ringflow.store import Store
from ringflow.web.api.routes import PREFIX


@dataclass
class Answered:
    """An answer: its status, its headers, and its body as JSON."""

    status: int
    headers: Any
    json: Any
    text: str


class Client:
    """Asks a server as somebody with a token."""

    def __init__(
        self, http: ClientSession, token: str | None, headers: Mapping[str, str] | None = None
    ) -> None:
        self._http = http
        self.token = token
        self._headers = dict(headers or {})

    async def __call__(
        self,
        method: str,
        path: str,
        json: object = None,
        headers: dict[str, str] | None = None,
        *,
        head_only: bool = False,
        **more: Any,
    ) -> Answered:
        """Ask. `head_only`: do not read the answer's body, which may have no end."""
        own = {"Authorization": f"Bearer {self.token}"} if self.token is not None else {}
        async with self._http.request(
            method, PREFIX + path, json=json, headers={**own, **self._headers, **(headers or {})}, **more
        ) as answer:
            if head_only:
                return Answered(answer.status, answer.headers, None, "")
            text = await answer.text()
            parsed = await answer.json(content_type=None) if "json" in answer.content_type else None
            return Answered(answer.status, answer.headers, parsed, text)


@dataclass
class Api:
    """A server, and clients of it; `store` is its database."""

    application: Application
    http: ClientSession

    @property
    def store(self) -> Store:
        return self.application.core.store

    async def client(self, role: str = "admin", **plan: Any) -> Client:
        """Make an operator of a role, with a token."""
        return Client(self.http, await self.token(role, **plan))

    async def token(self, role: str = "admin", **plan: Any) -> str:
        """Make an operator of a role; return the text of a token of its."""
        name = f"{role}{plan.get('name', '')}"
        async with acting(self.store, shell_operator("tests"), "US") as actor:
            if await operators.find(actor.connection, name) is None:
                await operators.add(actor, Operator(name, role), None)
            _, secret = await tokens.add(actor, TokenPlan(name, **{"name": "test", **plan}))
        return secret

    def nobody(self, token: str | None = None) -> Client:
        return Client(self.http, token)


@asynccontextmanager
async def served(config: Config) -> AsyncIterator[Api]:
    async with (
        running(config) as application,
        ClientSession(f"http://127.0.0.1:{application.http_port}") as http,
    ):
        yield Api(application, http)


@pytest.fixture
async def api(server_config: Config) -> AsyncIterator[Api]:
    async with served(server_config) as one:
        yield one


@pytest.fixture
async def owner(api: Api) -> Client:
    return await api.client()
