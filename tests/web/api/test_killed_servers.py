"""A server is killed between commit and answer: another one repeats the answer, and nothing is done twice."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeAlias

import aiohttp
import pytest
import yaml
from sqlalchemy import func, select

from ringflow.config import Config, DatabaseConfig
from ringflow.store.api_tables import api_answers
from ringflow.store.card_tables import cards, vouchers
from ringflow.store.ledger_tables import ledger_movements
from ringflow.store.tables import clis, customers, dids
from ringflow.web.api.routes import PREFIX

from .conftest import Api, Client, served

DYING = Path(__file__).with_name("dying_server.py")
Request: TypeAlias = "tuple[str, dict[str, object]]"
REQUESTS: tuple[Request, ...] = (
    ("/movements:pay", {"kind": "pay_in", "customer": 42, "amount": "5.00", "reason": "cash"}),
    ("/movements:transfer", {"customer": 42, "to": 50, "amount": "0.50", "reason": "gift"}),
    ("/customers", {"name": "made by a server that died"}),
    ("/clis", {"customer": 50, "number": "441910000050"}),
)
"""What moves money or makes something: of each kind of handler one."""


async def counts(api: Api) -> dict[str, int]:
    """How many rows the tables have that the requests add to."""
    tables = (ledger_movements, customers, clis, dids, cards, vouchers, api_answers)
    async with api.store.reading() as connection:
        found = [await connection.execute(select(func.count()).select_from(one)) for one in tables]
    return {table.name: one.scalar_one() for table, one in zip(tables, found, strict=True)}


async def ask_a_server_that_dies(config: Path, token: str, path: str, body: object, key: str) -> None:
    """Start a server, send it the request, and see it killed without an answer."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(DYING), str(config), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    port = 0
    async for line in process.stdout:
        if re.fullmatch(rb"\d+\n", line):
            port = int(line)
            break
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientError):
            await http.post(f"http://127.0.0.1:{port}{PREFIX}{path}", json=body, headers=headers)
    assert await process.wait() == -signal.SIGKILL


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


async def walk(config: Config, folder: Path, url: str, asked: Sequence[Request], left: str) -> None:
    """Send each request to a server that dies, and then to another. `left`: what customer 42 has at last."""
    async with served(config.model_copy(update={"database": DatabaseConfig(url=url)})) as api:
        token = await api.token()
        other = Client(api.http, token)
        assert (await other("POST", "/customers", {"id": 50})).status == 201
        dying = write_config(folder, config, url)
        for number, (path, body) in enumerate(asked):
            key = f"order-{number}"
            before = await counts(api)
            await ask_a_server_that_dies(dying, token, path, body, key)
            done = await counts(api)
            assert sum(done.values()) == sum(before.values()) + 2, (path, before, done)
            again = await other("POST", path, body, {"Idempotency-Key": key})
            once_more = await other("POST", path, body, {"Idempotency-Key": key})
            assert again.status == 201, again.text
            assert (again.status, again.text) == (once_more.status, once_more.text)
            assert await counts(api) == done
        assert (await other("GET", "/accounts/42")).json["balance"] == left


async def test_what_a_killed_server_did_is_done_once_and_answered_by_another_on_sqlite(
    server_config: Config, tmp_path: Path
) -> None:
    await walk(server_config, tmp_path, f"sqlite:///{tmp_path}/shared.db", REQUESTS, "4.50")


@pytest.mark.postgres
async def test_what_a_killed_server_did_is_done_once_and_answered_by_another_on_postgresql(
    server_config: Config,
    tmp_path: Path,
    postgres_database: Callable[[], AbstractContextManager[str]],
) -> None:
    database = postgres_database()
    url = await asyncio.to_thread(database.__enter__)
    try:
        # A start takes a second: what differs here is the database.
        await walk(server_config, tmp_path, url, REQUESTS[::2], "5.00")
    finally:
        await asyncio.to_thread(database.__exit__, None, None, None)
