"""How long the API's answer with a page of each list takes to begin, in a database that `lists.py` filled."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession
from prometheus_client import CollectorRegistry
from sqlalchemy import Select, select

from ringflow.accounts import operators, tokens
from ringflow.accounts.operators import Operator
from ringflow.accounts.tokens import TokenPlan
from ringflow.actor import acting, shell_operator
from ringflow.config import Config
from ringflow.moments import system_now_ms
from ringflow.rights import Right
from ringflow.store import Store
from ringflow.store.pages import Listing
from ringflow.web.api.routes import RESOURCES
from ringflow.web.connections import Connections
from ringflow.web.edge import Edge
from ringflow.web.health import build_web, open_port
from ringflow.web.rest.operation import PREFIX
from ringflow.web.rest.services import Services

ANSWERS = 20
"""How often each page is asked for."""


@dataclass(frozen=True, slots=True)
class AnswerFigures:
    """A list of the API by a sort: the p95 until its answer begins, at its beginning and in its middle."""

    path: str
    sort: str
    first_ms: float
    middle_ms: float


async def measure_answers(
    store: Store, rows: int, listings: frozenset[str], times: int
) -> list[AnswerFigures]:
    """Serve the API on a database, and ask for pages of its lists. `listings`: those that were filled."""
    unlimited = {"per_token_per_s": None, "per_address_per_s": None}
    config = Config.model_validate({"http": {"limits": unlimited}})
    async with _serving(store, config) as http:
        http.headers["Authorization"] = f"Bearer {await _token(store)}"
        return [
            await _measure(http, store, path, listing, sort, rows, times)
            for path, listing in _lists(listings)
            for sort in listing.sorts
        ]


@asynccontextmanager
async def _serving(store: Store, config: Config) -> AsyncIterator[ClientSession]:
    async def nothing() -> None:
        return None

    assert config.http is not None
    connections = Connections(10)
    api = Services(store, config, system_now_ms, {}, lambda: None)
    application = build_web({}, CollectorRegistry(), nothing, connections, Edge(config.http), api)
    runner = await open_port(application, "127.0.0.1", 0, connections)
    try:
        host, port = runner.addresses[0]
        async with ClientSession(f"http://{host}:{port}") as http:
            yield http
    finally:
        await runner.cleanup()


def _lists(names: frozenset[str]) -> Iterator[tuple[str, Listing]]:
    for resource in RESOURCES:
        for one in resource.operations:
            is_ours = isinstance(one.access, Right) and not one.in_path
            if is_ours and one.listing is not None and one.listing.name in names:
                yield one.path, one.listing


async def _token(store: Store) -> str:
    async with acting(store, shell_operator("bench"), "US") as actor:
        await operators.add(actor, Operator("bench", "admin"), None)
        _, secret = await tokens.add(actor, TokenPlan("bench", "lists"))
    return secret


async def _measure(
    http: ClientSession, store: Store, path: str, listing: Listing, sort: str, rows: int, times: int
) -> AnswerFigures:
    columns = listing.sorts[sort]
    query: Select[Any] = select(*columns).order_by(*columns).offset(rows // 2).limit(1)
    async with store.reading() as connection:
        values = (await connection.execute(query)).one()
    middle = listing.cursor(sort, [*values])
    first_ms = await _p95(http, path, {"sort": sort}, times)
    return AnswerFigures(
        path, sort, first_ms, await _p95(http, path, {"sort": sort, "cursor": middle}, times)
    )


async def _p95(http: ClientSession, path: str, parameters: dict[str, str], times: int) -> float:
    took = []
    for _ in range(times):
        began_s = time.perf_counter()
        async with http.get(PREFIX + path, params=parameters) as answer:
            took.append(1000 * (time.perf_counter() - began_s))
            answer.raise_for_status()
            await answer.read()
    return sorted(took)[math.ceil(0.95 * times) - 1]
