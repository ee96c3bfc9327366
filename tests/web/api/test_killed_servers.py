"""A server is killed between commit and answer: another one repeats the answer, and nothing is done twice."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import yaml
from sqlalchemy import func, select

from ringflow.config import Config, DatabaseConfig
from ringflow.ledger.check import check_books
from ringflow.moments import system_now_ms
from ringflow.rights import Audience, Right
from ringflow.store.api_tables import api_answers
from ringflow.store.job_tables import jobs
from ringflow.store.ledger_tables import ledger_movements
from ringflow.store.tables import clis, customers
from ringflow.web.api.routes import PREFIX, RESOURCES

from .conftest import Api, Client
from .test_me import World, world_of

DYING = Path(__file__).with_name("dying_server.py")

WITH_MONEY = frozenset({Right.MONEY_MOVE, Right.CARDS_CHANGE, Right.CARDS_MAKE, Audience.CUSTOMER})
WITHOUT = frozenset(
    {
        *(
            "disable_card",
            "enable_card",
            "disable_batch",
            "enable_batch",
            "disable_voucher",
            "enable_voucher",
        ),
        *("change_cards", "change_vouchers"),
        "call_back",
    }
)
"""Operations with one of these rights that neither move credit nor make any."""


@dataclass(frozen=True)
class Request:
    """A request, what it adds a row to, and whose it is: an administrator's, or customer 50's own."""

    operation: str
    path: str
    body: dict[str, object]
    adds: tuple[str, ...] = ("ledger_movements",)
    own: bool = False


def requests_for(world: World) -> Iterator[Request]:
    """What moves money or makes some, and one of each other kind of handler that makes something."""
    (first, _), (second, pin), (third, _), *_ = world.cards
    payment = {"kind": "pay_in", "customer": 50, "amount": "5.00", "reason": "cash"}
    yield Request("pay", "/movements:pay", payment)
    gift = {"customer": 50, "to": 51, "amount": "0.50", "reason": "a gift"}
    yield Request("transfer", "/movements:transfer", gift)
    yield Request("refund", "/movements:refund", {"leg_id": "talked", "amount": "0.25", "reason": "bad line"})
    yield Request("redeem_card", f"/cards/{first}:redeem", {}, ("ledger_movements", "customers"))
    yield Request("redeem_card", f"/cards/{third}:redeem", {"into": 51})
    yield Request("redeem_voucher", "/vouchers:redeem", {"code": world.codes[0], "customer": 50})
    yield Request("redeem_own_card", "/me/cards:redeem", {"card": second, "pin": pin}, own=True)
    yield Request("redeem_own_voucher", "/me/vouchers:redeem", {"code": world.codes[1]}, own=True)
    cards = {"customer": 42, "credit": "5.00", "count": 2, "batch": "summer"}
    yield Request("generate_cards", "/cards:generate", cards, ("jobs",))
    vouchers = {"currency": "USD", "value": "5.00", "count": 2, "batch": "more codes"}
    yield Request("generate_vouchers", "/vouchers:generate", vouchers, ("jobs",))
    yield Request("add_customer", "/customers", {"name": "made by a server that died"}, ("customers",))
    yield Request("add_cli", "/clis", {"customer": 50, "number": "441910000050"}, ("clis",))


async def counts(api: Api) -> Counter[str]:
    """How many rows the tables have that the requests add to. A job's own rows are added later."""
    tables = (ledger_movements, customers, clis, jobs, api_answers)
    async with api.store.reading() as connection:
        found = [await connection.execute(select(func.count()).select_from(one)) for one in tables]
    return Counter({table.name: one.scalar_one() for table, one in zip(tables, found, strict=True)})


async def ask_a_server_that_dies(config: Path, asked: Mapping[str, tuple[Request, Client]]) -> None:
    """Start a server, send it the requests by their keys, and see it killed without an answer."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(DYING), str(config), str(len(asked))), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    ports = (int(line) async for line in process.stdout if re.fullmatch(rb"\d+\n", line))
    port = await anext(ports)

    async def ask(http: aiohttp.ClientSession, key: str, one: Request, who: Client) -> None:
        headers = {"Authorization": f"Bearer {who.token}", "Idempotency-Key": key}
        url = f"http://127.0.0.1:{port}{PREFIX}{one.path}"
        with pytest.raises(aiohttp.ClientError):
            async with http.post(url, json=one.body, headers=headers) as answer:
                raise AssertionError(f"{one} was answered: {await answer.text()}")

    try:
        async with aiohttp.ClientSession() as http:
            await asyncio.gather(*(ask(http, key, *of) for key, of in asked.items()))
        assert await process.wait() == -signal.SIGKILL
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def write_config(folder: Path, config: Config, url: str) -> Path:
    """Write the configuration of a second server of the same database."""
    settings = {
        "flows": str(config.flows),
        "sounds": {"folder": str(config.sounds.folder)},
        "fastagi": {"port": 0, "drain_s": 1},
        "http": {"port": 0},
        "database": {"url": url},
        "charging": {"server": "dying"},
        "log": {"level": "error"},
        "customers": [{"id": 42, "clis": ["441910000001"]}],
        "dids": [{"number": "18005550100", "app": "calling_card"}],
        "trunks": [{"name": "carrier", "dial": "PJSIP/{number}@carrier", "rated": "upstream"}],
    }
    path = folder / "dying.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


async def walk(config: Config, folder: Path, url: str) -> None:
    """Send all requests to a server that dies, and then to another."""
    async with world_of(config.model_copy(update={"database": DatabaseConfig(url=url)})) as world:
        api = world.api
        await api.application.core.charging.ledger.hold("talked", 50, 1_000_000)
        await api.application.core.charging.ledger.settle("talked", 500_000)
        administrator, customer = Client(api.http, await api.token()), await world.customer(50)
        requests = enumerate(requests_for(world))
        asked = {f"order-{key}": (one, customer if one.own else administrator) for key, one in requests}
        before = await counts(api)
        await ask_a_server_that_dies(write_config(folder, config, url), asked)
        done = await counts(api)
        added = Counter(table for one, _ in asked.values() for table in one.adds)
        assert done == before + added + Counter({"api_answers": len(asked)})
        for key, (one, who) in asked.items():
            again = await who("POST", one.path, one.body, {"Idempotency-Key": key})
            once_more = await who("POST", one.path, one.body, {"Idempotency-Key": key})
            assert again.status in (200, 201, 202), again.text
            assert (again.status, again.text) == (once_more.status, once_more.text)
        assert await counts(api) == done
        assert await check_books(api.store, system_now_ms()) == []


def test_each_request_that_moves_money_is_repeated_here() -> None:
    found = {
        one.name
        for resource in RESOURCES
        for one in resource.operations
        if one.is_repeatable and one.access in WITH_MONEY
    }
    world = World(None, [("1", "2")] * 4, ["a", "b"])  # type: ignore[arg-type]
    walked = {one.operation for one in requests_for(world)}
    assert found - WITHOUT - walked == set(), "walk through these too, or say that they move nothing"
    assert found >= WITHOUT


async def test_what_a_killed_server_did_is_done_once_and_answered_by_another_on_sqlite(
    with_pepper: Config, tmp_path: Path
) -> None:
    await walk(with_pepper, tmp_path, f"sqlite:///{tmp_path}/shared.db")


@pytest.mark.postgres
async def test_what_a_killed_server_did_is_done_once_and_answered_by_another_on_postgresql(
    with_pepper: Config,
    tmp_path: Path,
    postgres_database: Callable[[], AbstractContextManager[str]],
) -> None:
    database = postgres_database()
    url = await asyncio.to_thread(database.__enter__)
    try:
        await walk(with_pepper, tmp_path, url)
    finally:
        await asyncio.to_thread(database.__exit__, None, None, None)
