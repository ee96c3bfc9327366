"""How long the API's answer with a page of each list takes to begin, in a database that `lists.py` filled."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median
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


FILTERS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("/customers", {"q": "500000"}),
    ("/customers", {"q": "omer 9"}),
    ("/customers", {"q": "nobody"}),
    ("/customers", {"status": "penalty"}),
    ("/customers", {"currency": "EUR"}),
    ("/customers", {"source": "config"}),
    ("/clis", {"customer": "500"}),
    ("/clis", {"pattern": "true"}),
    ("/clis", {"q": "44191050"}),
    ("/dids", {"customer": "500"}),
    ("/dids", {"app": "app7"}),
    ("/dids", {"enabled": "false"}),
    ("/dids", {"q": "180010500"}),
    ("/cards", {"batch": "batch 50"}),
    ("/cards", {"status": "disabled"}),
    ("/cards", {"customer": "3"}),
    ("/cards", {"redeemed_by": "500"}),
    ("/cards", {"id": "1000035"}),
    ("/cards", {"q": "batch 77"}),
    ("/cards", {"archived": "true"}),
    ("/vouchers", {"batch": "batch 50"}),
    ("/vouchers", {"status": "used"}),
    ("/vouchers", {"kind": "multiplier"}),
    ("/vouchers", {"redeemed_by": "500"}),
    ("/movements", {"customer": "500"}),
    ("/movements", {"kind": "refund"}),
    ("/movements", {"kind": "pay_in"}),
    ("/movements", {"operator": "nobody"}),
    ("/movements", {"since": "2025-06-15T15:10:00Z", "until": "2025-06-15T15:10:01Z"}),
    ("/movements", {"q": "nothing"}),
    ("/calls", {"customer": "500"}),
    ("/calls", {"cli": "441910000500"}),
    ("/calls", {"did": "180010000100"}),
    ("/calls", {"app": "none"}),
    ("/calls", {"outcome": "rejected"}),
    ("/calls", {"trunk": "none"}),
    ("/calls", {"number": "447100500000"}),
    ("/calls", {"status": "busy"}),
    ("/calls", {"refused": "true"}),
    ("/calls", {"unpaid": "true"}),
    ("/calls", {"q": "441910000500"}),
    ("/calls", {"since": "2025-06-15T15:10:00Z", "until": "2025-06-15T15:10:01Z"}),
    ("/audit", {"operator": "op7"}),
    ("/audit", {"verb": "revoke"}),
    ("/audit", {"subject": "customer 5000"}),
    ("/audit", {"q": "nothing"}),
    ("/cards", {"batch": "batch 50", "status": "available"}),
    ("/cards", {"batch": "batch 50", "sort": "expires"}),
    ("/cards", {"customer": "3", "sort": "redeemed"}),
    ("/cards", {"status": "disabled", "sort": "-expires"}),
    ("/cards", {"customer": "3", "status": "disabled"}),
    ("/cards", {"q": "nothing"}),
    ("/cards", {"id": "1000035", "sort": "expires"}),
    ("/customers", {"q": "nobody", "sort": "name"}),
    ("/customers", {"q": "nobody", "sort": "-name", "status": "active"}),
    ("/customers", {"q": "123"}),
    ("/clis", {"q": "nobody"}),
    ("/clis", {"q": "44"}),
    ("/clis", {"q": "44191050", "sort": "number"}),
    ("/clis", {"q": "44199", "sort": "number"}),
    ("/dids", {"q": "nobody"}),
    ("/dids", {"q": "1800"}),
    ("/dids", {"q": "180010500", "sort": "app"}),
    ("/dids", {"q": "app7", "enabled": "false"}),
    ("/dids", {"customer": "500", "sort": "app"}),
    ("/vouchers", {"q": "nothing"}),
    ("/vouchers", {"kind": "multiplier", "sort": "-status"}),
    ("/vouchers", {"redeemed_by": "7", "sort": "batch"}),
    ("/movements", {"customer": "500", "kind": "refund"}),
    ("/movements", {"customer": "500", "q": "nothing"}),
    ("/movements", {"kind": "charge"}),
    ("/movements", {"kind": "pay_in", "q": "nothing"}),
    ("/movements", {"since": "2025-06-15T15:10:00Z", "q": "nothing"}),
    ("/calls", {"number": "447"}),
    ("/calls", {"number": "99"}),
    ("/calls", {"number": "4471005", "status": "busy"}),
    ("/calls", {"number": "4471005"}),
    ("/calls", {"number": "44710050"}),
    ("/calls", {"customer": "500", "status": "busy"}),
    ("/calls", {"customer": "500", "did": "180010000100"}),
    ("/calls", {"did": "180010000100", "trunk": "none"}),
    ("/calls", {"did": "180010000100", "cli": "none"}),
    ("/calls", {"app": "app", "status": "busy"}),
    ("/calls", {"outcome": "completed", "trunk": "none"}),
    ("/calls", {"outcome": "completed", "app": "app"}),
    ("/calls", {"q": "nobody"}),
    ("/calls", {"q": "c500000"}),
    ("/calls", {"q": "180010000100", "status": "busy"}),
    ("/calls", {"since": "2025-06-15T15:10:00Z", "refused": "true"}),
    ("/calls", {"until": "2025-06-15T15:15:00Z", "refused": "true"}),
    ("/calls", {"count": "capped", "limit": "1"}),
    ("/calls", {"count": "capped", "limit": "1", "app": "app", "since": "2025-06-15T15:10:00Z"}),
    ("/calls", {"count": "capped", "limit": "1", "customer": "500"}),
    ("/cards", {"count": "capped", "limit": "1", "customer": "3"}),
    ("/audit", {"subject": "customer"}),
    ("/audit", {"subject": "voucher"}),
    ("/audit", {"subject": "customer 50"}),
    ("/audit", {"operator": "op7", "verb": "revoke"}),
    ("/audit", {"operator": "op7", "q": "nothing"}),
    ("/audit", {"verb": "set", "operator": "op7"}),
    ("/rate-cards/retail/rates", {"prefix": "1500"}),
    ("/rate-cards/retail/rates", {"prefix": "99"}),
    ("/rate-cards/retail/rates", {"q": "nothing"}),
    ("/rate-cards/retail/rates", {"blocked": "true"}),
    ("/accounts", {"currency": "EUR"}),
)
"""Some rows of a million, most of them few or none: by one filter, then by several and other sorts."""


@dataclass(frozen=True, slots=True)
class Began:
    """After how long answers began."""

    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class AnswerFigures:
    """A list of the API by a sort or filter: when its answer begins, at first and in its middle."""

    path: str
    what: str
    first: Began
    middle: Began | None


async def measure_answers(
    store: Store, rows: int, listings: frozenset[str], times: int
) -> list[AnswerFigures]:
    """Serve the API on a database, and ask for pages of its lists. `listings`: those that were filled."""
    unlimited = {"per_token_per_s": None, "per_address_per_s": None}
    config = Config.model_validate({"http": {"limits": unlimited}})
    async with _serving(store, config) as http:
        http.headers["Authorization"] = f"Bearer {await _token(store)}"
        by_sort = [
            await _measure(http, store, path, listing, sort, rows, times)
            for path, listing in _lists(listings)
            for sort in listing.sorts
        ]
        return by_sort + [
            AnswerFigures(path, _words(wanted), await _began(http, path, wanted, times), None)
            for path, wanted in FILTERS
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
    first = await _began(http, path, {"sort": sort}, times)
    return AnswerFigures(path, sort, first, await _began(http, path, {"sort": sort, "cursor": middle}, times))


def _words(wanted: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in wanted.items())


async def _began(http: ClientSession, path: str, parameters: Mapping[str, str], times: int) -> Began:
    took = []
    for _ in range(times):
        began_s = time.perf_counter()
        async with http.get(PREFIX + path, params=parameters) as answer:
            took.append(1000 * (time.perf_counter() - began_s))
            answer.raise_for_status()
            await answer.read()
    return Began(median(took), sorted(took)[math.ceil(0.95 * times) - 1])
