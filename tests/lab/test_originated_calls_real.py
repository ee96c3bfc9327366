"""Calls that are asked for over HTTP, on a real Asterisk: dialled, charged, and connected to an app."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from tests.lab.called_party import PATIENCE_S, called, digits_heard
from tests.paying_customers import UNIT, add_card, add_customer, as_ann, rate

from ringflow.accounts import operators, tokens
from ringflow.accounts.operators import Operator
from ringflow.accounts.tokens import TokenPlan
from ringflow.accounts.trunks import Trunk, add
from ringflow.app import Application, running
from ringflow.config import AmiConfig, Config, HttpConfig, ImpersonationConfig, load_config
from ringflow.lab import LabCallee
from ringflow.lab.asterisk import AsteriskInstance
from ringflow.lab.sipp_scenarios import Behaviour
from ringflow.ledger.check import check_books
from ringflow.moments import system_now_ms

RELEASES = ["forky", "bullseye"]
pytestmark = [
    pytest.mark.lab,
    pytest.mark.parametrize("started_lab", RELEASES, indirect=True, scope="session"),
]

PROJECT = Path(__file__).parents[2]
CUSTOMER, NUMBER = 50, "441910000077"
FLOW = """
app: reminder
slots:
  - {slot: say, value: "${code|0}", as: digits}
  - {slot: say, value: "${customer.id|0}", as: digits}
"""


@dataclass
class Server:
    """A server with the lab's Asterisk, and its API as an operator's program sees it."""

    asterisk: AsteriskInstance
    application: Application
    http: ClientSession

    async def ask(self, method: str, path: str, json: object = None, **headers: str) -> tuple[int, Any]:
        async with self.http.request(method, f"/api/v1{path}", json=json, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def originate(self, **more: Any) -> tuple[int, Any]:
        wanted = {"customer": CUSTOMER, "number": f"+{NUMBER}", "app": "reminder"}
        return await self.ask("POST", "/calls:originate", {**wanted, "variables": {"code": "471"}, **more})

    async def until(self, path: str, true: Callable[[Any], bool]) -> Any:
        """What is at a path, once that is true of it."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                status, found = await self.ask("GET", path)
                if status == 200 and true(found):
                    return found
                await asyncio.sleep(0.05)


def configured(asterisk: AsteriskInstance, folder: Path) -> Config:
    (folder / "key").write_text("a-secret-for-this-test-only")
    (folder / "flows").mkdir()
    (folder / "flows" / "reminder.yaml").write_text(FLOW)
    shipped = load_config(PROJECT / "config.yaml", environ={})
    carrier = shipped.trunks[0].model_copy(update={"rated": "local", "caller_id": "18005550100"})
    changes: dict[str, Any] = {
        "database": shipped.database.model_copy(update={"url": f"sqlite:///{folder}/ringflow.db"}),
        "fastagi": shipped.fastagi.model_copy(update={"port": asterisk.fastagi_port, "drain_s": 0.0}),
        "impersonation": ImpersonationConfig(key_file=folder / "key"),
        "http": HttpConfig(port=0),
        "ami": AmiConfig(port=asterisk.state.ami_port, secret_file=asterisk.config / "ami.secret"),
        "flows": folder / "flows",
        "trunks": (carrier, *shipped.trunks[1:]),
        "dids": (),
    }
    return shipped.model_copy(update=changes)


@pytest.fixture
async def server(asterisk: AsteriskInstance, tmp_path: Path) -> AsyncIterator[Server]:
    async with running(configured(asterisk, tmp_path)) as application:
        assert application.ami is not None
        await application.ami.wait_up(PATIENCE_S)
        async with as_ann(application.core.store) as ann:
            await add_customer(ann, CUSTOMER, 5 * UNIT)
            await add_card(ann, rate(600_000))
            await operators.add(ann, Operator("dialler", "operator"), None)
            _, text = await tokens.add(ann, TokenPlan("dialler", "program"))
        base, headers = f"http://127.0.0.1:{application.http_port}", {"Authorization": f"Bearer {text}"}
        async with ClientSession(base, headers=headers) as http:
            yield Server(asterisk, application, http)


async def test_who_answers_is_in_the_app_and_the_talk_is_charged(server: Server) -> None:
    (status, asked), callee, voice = await called(
        server.asterisk, LabCallee(answers_after_ms=200), lambda: server.originate()
    )
    assert (status, asked["status"], asked["called"]) == (202, "asked", f"+{NUMBER}")
    assert digits_heard(voice) == "47150"
    assert (callee.dialled, callee.from_user, callee.ended_by) == (NUMBER, "18005550100", "asterisk")
    assert callee.header("X-Customer-ID") == str(CUSTOMER)
    dialled = await server.until(f"/calls/{asked['call_id']}", bool)
    (leg,) = dialled["legs"]
    assert (dialled["outcome"], leg["status"], leg["dialled"]) == ("completed", "answered", NUMBER)
    assert abs(leg["talked_s"] - callee.talked_s) < 0.3
    assert (dialled["customer"], dialled["holds"][0]["status"]) == (CUSTOMER, "settled")
    seconds = -(-round(leg["talked_s"] * 1000) // 1000)
    assert [one["amount"] for one in dialled["movements"]] == [f"{seconds / 100:.2f}"]
    ended = (await server.ask("GET", f"/originations/{asked['call_id']}"))[1]
    assert (ended["status"], ended["outcome"]) == ("ended", "answered")
    in_app = await server.until(f"/calls/{ended['app_call_id']}", bool)
    assert (in_app["app"], in_app["cli"], in_app["customer"]) == ("reminder", NUMBER, CUSTOMER)
    assert [slot["exit"] for slot in in_app["slots"]] == ["done", "done"]
    assert await check_books(server.application.core.store, system_now_ms()) == []


async def test_who_is_busy_costs_nothing(server: Server) -> None:
    (_, asked), callee, voice = await called(
        server.asterisk, LabCallee(Behaviour.BUSY), lambda: server.originate()
    )
    assert (callee.answered_at, digits_heard(voice)) == (None, "")
    dialled = await server.until(f"/calls/{asked['call_id']}", bool)
    assert (dialled["outcome"], dialled["legs"][0]["sip_code"]) == ("busy", 486)
    assert [one["status"] for one in dialled["holds"]] == ["released"]
    ended = (await server.ask("GET", f"/originations/{asked['call_id']}"))[1]
    assert (ended["status"], ended["outcome"], ended["app_call_id"]) == ("ended", "busy", None)


async def test_a_call_that_is_asked_for_is_among_the_live_calls_and_can_be_hung_up(server: Server) -> None:
    async def hung_up() -> Any:
        _, asked = await server.originate()
        call_id = asked["call_id"]
        await server.until("/live", lambda live: any(one["call_id"] == call_id for one in live["items"]))
        assert (await server.ask("POST", f"/live/{call_id}:hangup", {}))[0] == 200
        return asked

    asked, callee, _ = await called(
        server.asterisk, LabCallee(Behaviour.NO_ANSWER, answers_after_ms=200), hung_up
    )
    assert callee.cancelled
    dialled = await server.until(f"/calls/{asked['call_id']}", bool)
    assert dialled["legs"][0]["status"] == "cancelled"
    assert [one["status"] for one in dialled["holds"]] == ["released"]


async def test_a_trunk_that_asterisk_does_not_have_is_said_to_be_down(server: Server) -> None:
    async with as_ann(server.application.core.store) as ann:
        await add(ann, Trunk("nowhere", "PJSIP/{number}@nowhere"))
    status, refused = await server.originate(trunk="nowhere")
    assert (status, refused["code"], refused["fields"]) == (409, "trunk.down", {"trunks": "nowhere"})
