"""A running server with operators' tokens, and a client that speaks to its API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from ringflow.accounts import operators, tokens
from ringflow.accounts.operators import Operator
from ringflow.accounts.tokens import TokenPlan
from ringflow.actor import acting, shell_operator
from ringflow.app import Application, running
from ringflow.config import Config
from ringflow.moments import system_now_ms
from ringflow.store import Store
from ringflow.web.access.authentication import Authentication
from ringflow.web.api.routes import PREFIX, RESOURCES, add_resources
from ringflow.web.connections import Connections
from ringflow.web.health import open_port
from ringflow.web.jobs.kinds import KINDS
from ringflow.web.jobs.runner import JobRunner
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import MAX_BODY_BYTES
from ringflow.web.rest.services import Services
from ringflow.web.telephone import add_telephone

PEPPER = "v1:a-pepper-for-tests-only"


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
            is_json = answer.content_type.endswith("json")
            is_json = answer.content_type.endswith(("/json", "+json"))
            parsed = await answer.json(content_type=None) if is_json else None
            return Answered(answer.status, answer.headers, parsed, text)


@dataclass
class Clients:
    """Clients of a server; `store` is its database."""

    store: Store
    http: ClientSession

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


@dataclass
class Api(Clients):
    """A whole server, and clients of it."""

    application: Application


@dataclass
class Pages(Clients):
    """The API alone, without the server of calls around it: it starts in a tenth of the time."""

    services: Services


@asynccontextmanager
async def pages_of(
    config: Config, database: Path, resources: Sequence[Resource] = RESOURCES, **services: Any
) -> AsyncIterator[Pages]:
    """Serve resources on a database that is there; `services` are those that are not the usual ones."""
    store = await Store.open(f"sqlite:///{database}")
    made = Services(store, config, system_now_ms, {}, lambda: None, **services)
    connections = Connections(50)
    application = web.Application(middlewares=[connections.middleware()], client_max_size=MAX_BODY_BYTES)
    gate = Authentication(made)
    add_resources(application, resources, made, gate)
    add_telephone(application, made, gate)
    runner = await open_port(application, "127.0.0.1", 0, connections)
    try:
        async with ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as http:
            yield Pages(store, http, made)
    finally:
        made.feeds.stop()
        made.telephones.stop()
        await runner.cleanup()
        await store.close()


@asynccontextmanager
async def served(config: Config) -> AsyncIterator[Api]:
    async with (
        running(config) as application,
        ClientSession(f"http://127.0.0.1:{application.http_port}") as http,
    ):
        yield Api(application.core.store, http, application)


@pytest.fixture
async def api(server_config: Config) -> AsyncIterator[Api]:
    async with served(server_config) as one:
        yield one


@pytest.fixture
async def owner(api: Api) -> Client:
    return await api.client()


@pytest.fixture
def with_pepper(server_config: Config, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setenv("RINGFLOW_PIN_PEPPER", PEPPER)
    return server_config


@pytest.fixture
async def idle(with_pepper: Config, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """A server that does no job by itself."""

    async def nothing(runner: JobRunner) -> None:
        return None

    monkeypatch.setattr(JobRunner, "run", nothing)
    async with served(with_pepper) as api:
        yield api


def runner(api: Api, run: str = "a1#1", silent_s: float = 30) -> JobRunner:
    core = api.application.core
    services = Services(core.store, core.config, core.charging.ledger.now_ms, {}, lambda: None)
    return JobRunner(services, KINDS, run, silent_s)


async def finished(one: JobRunner) -> None:
    """Have it do all that is queued."""
    await one.look()
    await one.idle()
