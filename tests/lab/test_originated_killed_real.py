"""Calls that are asked for of a server that is killed while they ring and while they are talked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import ClientSession
from sqlalchemy import select
from tests.lab.called_party import called
from tests.lab.test_originated_calls_real import PROJECT
from tests.paying_customers import UNIT, add_card, add_customer, as_ann, rate

from ringflow.accounts import operators, tokens
from ringflow.accounts.operators import Operator
from ringflow.accounts.tokens import TokenPlan
from ringflow.bench.charged_stage import KEY_VARIABLE, TRUNK, KillableServer
from ringflow.calls.originations import show
from ringflow.lab import LabCallee
from ringflow.lab.asterisk import CARRIER, AsteriskInstance
from ringflow.lab.ports import free_tcp_port
from ringflow.ledger.check import check_books
from ringflow.moments import system_now_ms
from ringflow.store import Store
from ringflow.store.ledger_tables import ledger_holds

RELEASES = ["forky", "bullseye"]
pytestmark = [
    pytest.mark.lab,
    pytest.mark.parametrize("started_lab", RELEASES, indirect=True, scope="session"),
]

CUSTOMERS = {CARRIER: 50, TRUNK: 51}
"""Who pays for the call by a trunk: a call holds all of a customer's credit."""
FLOW = "app: reminder\nslots: [{slot: wait, seconds: 60}]\n"
PATIENCE_S = 30.0
RINGS_MS, TALK_MS = 5000, 2500


@dataclass
class Stage:
    """An Asterisk, a database, and one server after the other, with the token of a program."""

    asterisk: AsteriskInstance
    folder: Path
    store: Store
    token: str
    http_port: int

    def server(self, name: str) -> KillableServer:
        """A server of this name, which is not started."""
        instance = self.asterisk
        config = {
            "flows": str(self.folder / "flows"),
            "sounds": {"folder": str(PROJECT / "sounds")},
            "database": {"url": f"sqlite:///{self.folder}/ringflow.db"},
            "fastagi": {"port": instance.fastagi_port, "drain_s": 0},
            "http": {"port": self.http_port},
            "impersonation": {"key_env": KEY_VARIABLE},
            "ami": {"port": instance.state.ami_port, "secret_file": str(instance.config / "ami.secret")},
            "charging": {"server": name, "dead_after_s": 3},
            "trunks": [
                {"name": one, "dial": f"PJSIP/{{number}}@{one}", "rated": "local"} for one in (CARRIER, TRUNK)
            ],
        }
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(config))
        return KillableServer(path, key="a-secret-for-this-test-only")

    async def originate(self, key: str, trunk: str) -> tuple[int, Any]:
        """Ask the server that runs for a call."""
        wanted = {
            "customer": CUSTOMERS[trunk], "number": "+441910000077", "app": "reminder", "trunk": trunk,
        }  # fmt: skip
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        url = f"http://127.0.0.1:{self.http_port}/api/v1/calls:originate"
        async with ClientSession() as http, http.post(url, json=wanted, headers=headers) as answer:
            return answer.status, await answer.json()

    async def until(self, true: Callable[[], Awaitable[bool]]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(PATIENCE_S):
            is_so = False
            while not is_so:
                await asyncio.sleep(0.05)
                is_so = await true()

    async def holds(self, state: str | None = None) -> list[Any]:
        """The holds that there are, or those of a state."""
        query = select(ledger_holds).order_by(ledger_holds.c.opened_ms)
        async with self.store.reading() as connection:
            found = (await connection.execute(query)).all()
        return [one for one in found if state in (None, one.state)]

    async def has_ended(self, call_id: str) -> bool:
        """Whether it is known that a call is over, and that it was answered."""
        async with self.store.reading() as connection:
            found = await show(connection, call_id)
        return (found.status(system_now_ms()), found.outcome) == ("ended", "answered")

    async def status(self, call_id: str) -> str:
        """How far a call has come."""
        async with self.store.reading() as connection:
            return (await show(connection, call_id)).status(system_now_ms())


@asynccontextmanager
async def staged(asterisk: AsteriskInstance, folder: Path) -> AsyncIterator[Stage]:
    (folder / "flows").mkdir()
    (folder / "flows" / "reminder.yaml").write_text(FLOW)
    store = await Store.open(f"sqlite:///{folder}/ringflow.db")
    try:
        await store.migrate()
        async with as_ann(store) as ann:
            for customer in CUSTOMERS.values():
                await add_customer(ann, customer, 5 * UNIT)
            await add_card(ann, rate(600_000))
            await operators.add(ann, Operator("dialler", "operator"), None)
            _, token = await tokens.add(ann, TokenPlan("dialler", "program"))
        yield Stage(asterisk, folder, store, token, free_tcp_port())
    finally:
        await store.close()


async def test_calls_of_a_killed_server_are_made_once_and_charged_to_their_end(
    asterisk: AsteriskInstance, tmp_path: Path
) -> None:
    async with staged(asterisk, tmp_path) as stage:
        first, second = stage.server("first"), stage.server("second")
        await first.start()
        killed = asyncio.Event()
        asked: dict[str, tuple[int, Any]] = {}

        async def ask(trunk: str) -> None:
            answer: tuple[int, Any] = (503, {})
            while answer[0] in (503, 409):
                # The server has not spoken with Asterisk yet.
                await asyncio.sleep(0.1)
                answer = await stage.originate(trunk, trunk)
            asked[trunk] = answer
            await killed.wait()

        async def kill() -> None:
            async def rings_and_talks() -> bool:
                if len(asked) < 2 or len(await stage.holds("held")) < 2:
                    return False
                talks = await stage.status(asked[CARRIER][1]["call_id"])
                return talks == "answered" and await stage.status(asked[TRUNK][1]["call_id"]) == "dialling"

            await stage.until(rings_and_talks)
            await first.kill()
            await second.start()
            for trunk, answer in asked.items():
                assert await stage.originate(trunk, trunk) == answer
            killed.set()

        talks = LabCallee(answers_after_ms=200, hangs_up_after_ms=RINGS_MS + TALK_MS)
        rings = LabCallee(answers_after_ms=RINGS_MS, hangs_up_after_ms=TALK_MS)
        try:
            (_, talked, _), (_, rung, _), _ = await asyncio.gather(
                called(asterisk, talks, lambda: ask(CARRIER)),
                called(asterisk, rings, lambda: ask(TRUNK), TRUNK),
                kill(),
            )
            assert {status for status, _ in asked.values()} == {202}

            async def is_over() -> bool:
                return not await stage.holds("held")

            await stage.until(is_over)
            # Asked again under its key, even now, a call is not made again.
            for trunk, answer in asked.items():
                assert await stage.originate(trunk, trunk) == answer
            holds = await stage.holds()
            assert [one.state for one in holds] == ["settled", "settled"]
            charged = sorted(one.charged_micros for one in holds)
            assert charged == sorted(
                -(-round(one.talked_s * 1000) // 1000) * 10_000 for one in (talked, rung)
            )
            # The record that another server makes of them says that they are over.
            for _, answer in asked.values():
                await stage.until(partial(stage.has_ended, answer["call_id"]))
            assert await check_books(stage.store, system_now_ms()) == []
        finally:
            await first.kill()
            await second.kill()
