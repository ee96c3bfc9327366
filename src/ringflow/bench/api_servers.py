"""The API and bare aiohttp in one process, on one database: what `bench api` compares.

`python -m ringflow.bench.api_servers URL` fills a database and serves both. It prints one line of JSON, a
`Served`, when they are ready. Each handler on bare aiohttp makes the same calls of services as the API's own
does, and answers with the same bytes of JSON. It asks nobody who they are, checks nothing, and names no
errors.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

import uvloop
from aiohttp import web
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from ringflow.accounts import customers, dids, operators, tokens
from ringflow.accounts.customer_overview import CustomerFilter, customer_page, overview
from ringflow.accounts.customers import Customer
from ringflow.accounts.dids import Did
from ringflow.accounts.operators import Operator
from ringflow.accounts.tokens import TokenPlan
from ringflow.actor import acting, shell_operator
from ringflow.config import Config
from ringflow.forms.account import movement_form
from ringflow.forms.call import call_form
from ringflow.forms.customer import customer_detail_form, customer_form
from ringflow.forms.did import did_form
from ringflow.forms.json_value import json_value
from ringflow.ledger.movement import Kind
from ringflow.ledger.payment_orders import PaymentOrder, move, movement_key
from ringflow.ledger.payments import Purpose
from ringflow.moments import system_now_ms
from ringflow.records.queries import Filter, call_page
from ringflow.store import Store
from ringflow.store.pages import PageRequest
from ringflow.web.connections import Connections
from ringflow.web.edge import Edge
from ringflow.web.health import build_web, open_port
from ringflow.web.rest.operation import PREFIX
from ringflow.web.rest.services import Services

COUNTRY = "US"
CUSTOMERS = 150
CUSTOMER = 100
DID = "18005550100"
PAGE = 100
_ACTOR = shell_operator("bench")
_CALL = """
INSERT INTO call_records (call_id, server, started_ms, duration_ms, did, cli, app, customer_id, outcome,
                          reason)
VALUES ('c' || {i}, 'here', 1750000000000 + {i}, 60000, '18005550100', '441910000001', 'app', {customer},
        'completed', '')
"""
_LEG = """
INSERT INTO call_legs (call_id, position, dialled, trunk, status)
VALUES ('c' || {i}, 1, '447100000000', 'carrier', 'answered')
"""

Bare = Callable[[web.Request], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Served:
    """The two ports, and the token that the API takes."""

    api: int
    bare: int
    token: str


async def serve(url: str) -> None:
    """Fill a database, which must be empty, and serve it until the process ends."""
    store = await Store.open(url)
    await store.migrate()
    token = await _fill(store)
    unlimited = {"per_token_per_s": None, "per_address_per_s": None}
    config = Config.model_validate({"http": {"port": 0, "limits": unlimited}, "database": {"url": url}})
    assert config.http is not None
    connections = Connections(1000)
    services = Services(store, config, system_now_ms, {}, lambda: None)
    application = build_web({}, CollectorRegistry(), _nothing, connections, Edge(config.http), services)
    api = await open_port(application, "127.0.0.1", 0, connections)
    bare = web.AppRunner(_bare_application(store), access_log=None)
    await bare.setup()
    await web.TCPSite(bare, "127.0.0.1", 0).start()
    print(json.dumps(asdict(Served(api.addresses[0][1], bare.addresses[0][1], token))), flush=True)
    await asyncio.Event().wait()


async def _nothing() -> None:
    return None


async def _fill(store: Store) -> str:
    async with acting(store, _ACTOR, COUNTRY) as actor:
        for number in range(1, CUSTOMERS + 1):
            await customers.add(actor, Customer(number, f"Customer {number}"))
        await dids.add(actor, Did(DID, "app", customer_id=CUSTOMER))
        await move(actor, PaymentOrder(Kind.PAY_IN, CUSTOMER, "5.00"), Purpose("first", "cash"))
        await operators.add(actor, Operator("bench", "admin"), None)
        _, secret = await tokens.add(actor, TokenPlan("bench", "api"))
        for number in range(1, CUSTOMERS + 1):
            for statement in (_CALL, _LEG):
                await actor.connection.execute(text(statement.format(i=number, customer=CUSTOMER)))
    return secret


def _bare_application(store: Store) -> web.Application:
    async def one_did(request: web.Request) -> object:
        async with store.reading() as connection:
            return did_form(await dids.show(connection, request.match_info["number"], COUNTRY))

    async def one_customer(request: web.Request) -> object:
        async with store.reading() as connection:
            found = await overview(connection, int(request.match_info["customer"]), system_now_ms())
        return customer_detail_form(found)

    async def page_of_customers(request: web.Request) -> object:
        asked = PageRequest(int(request.query["limit"]))
        async with store.reading() as connection:
            page = await customer_page(connection, CustomerFilter(), asked)
        return {"items": [customer_form(*one) for one in page.items], "next": page.next}

    async def page_of_calls(request: web.Request) -> object:
        asked = PageRequest(int(request.query["limit"]))
        async with store.reading() as connection:
            page = await call_page(connection, Filter(), asked)
        return {"items": [call_form(one) for one in page.items], "next": page.next}

    async def change_did(request: web.Request) -> object:
        changes = await request.json()
        async with acting(store, _ACTOR, COUNTRY) as actor:
            return did_form(await dids.alter(actor, request.match_info["number"], **changes))

    async def pay(request: web.Request) -> object:
        body = await request.json()
        order = PaymentOrder(Kind.PAY_IN, body["customer"], body["amount"])
        async with acting(store, _ACTOR, COUNTRY) as actor:
            return movement_form(await move(actor, order, Purpose(movement_key(None, "api"), body["reason"])))

    def answer(handler: Bare, status: int = 200) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answered(request: web.Request) -> web.Response:
            made = json_value(await handler(request))
            body = json.dumps(made, ensure_ascii=False, separators=(",", ":"))
            return web.Response(status=status, text=body, content_type="application/json")

        return answered

    application = web.Application()
    application.add_routes(
        [
            web.get(f"{PREFIX}/dids/{{number}}", answer(one_did)),
            web.get(f"{PREFIX}/customers/{{customer}}", answer(one_customer)),
            web.get(f"{PREFIX}/customers", answer(page_of_customers)),
            web.get(f"{PREFIX}/calls", answer(page_of_calls)),
            web.patch(f"{PREFIX}/dids/{{number}}", answer(change_did)),
            web.post(f"{PREFIX}/movements:pay", answer(pay, 201)),
        ]
    )
    return application


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
