"""A customer has a number called with a code, on a real Asterisk, and sends back what is heard there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from tests.lab.called_party import PATIENCE_S, called, digits_heard

from ringflow.accounts.customer_access.tokens import add_program
from ringflow.actor import acting, shell_operator
from ringflow.ami.link import AmiLink
from ringflow.app import Application, running
from ringflow.config import AmiConfig, CallBackConfig, Config, HttpConfig, ImpersonationConfig, load_config
from ringflow.forms.call import call_form
from ringflow.forms.json_value import json_object
from ringflow.lab import LabCallee
from ringflow.lab.asterisk import AsteriskInstance
from ringflow.lab.sipp_scenarios import Behaviour
from ringflow.records.queries import Filter, call_page
from ringflow.store.pages import PageRequest

RELEASES = ["forky", "bullseye"]
pytestmark = [
    pytest.mark.lab,
    pytest.mark.parametrize("started_lab", RELEASES, indirect=True, scope="session"),
]

PROJECT = Path(__file__).parents[2]
CUSTOMER, NUMBER = 42, "441910000077"


@dataclass
class Server:
    """A server with the lab's Asterisk, and its API as a program of the customer sees it."""

    asterisk: AsteriskInstance
    application: Application
    http: ClientSession

    async def ask(self, method: str, path: str, json: object = None) -> tuple[int, Any]:
        async with self.http.request(method, f"/api/v1/me{path}", json=json) as answer:
            return answer.status, await answer.json(content_type=None)

    async def called(self, callee: LabCallee) -> tuple[Any, Any, bytes]:
        """Have the number called; returns the call-back, the callee's record, and what it heard (A-law)."""
        asking = self.ask("POST", "/call-backs", {"number": f"+{NUMBER}"})
        (status, asked), record, voice = await called(self.asterisk, callee, lambda: asking)
        assert (status, asked["status"], asked["tries_left"]) == (202, "calling", 5)
        return asked, record, voice

    async def call_on_record(self) -> Any:
        """The newest call, once it is on record."""
        store = self.application.core.store
        async with asyncio.timeout(PATIENCE_S):
            while True:
                async with store.reading() as connection:
                    page = await call_page(connection, Filter(), PageRequest(1))
                if page.items:
                    return json_object(call_form(page.items[0]))
                await asyncio.sleep(0.05)

    async def status(self, asked: Any, wanted: str) -> None:
        """Wait until the call-back has this status."""
        async with asyncio.timeout(PATIENCE_S):
            while (await self.ask("GET", f"/call-backs/{asked['id']}"))[1]["status"] != wanted:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


def configured(asterisk: AsteriskInstance, folder: Path) -> Config:
    (folder / "key").write_text("a-secret-for-this-test-only")
    shipped = load_config(PROJECT / "config.yaml", environ={})
    changes: dict[str, Any] = {
        "database": shipped.database.model_copy(update={"url": f"sqlite:///{folder}/ringflow.db"}),
        "fastagi": shipped.fastagi.model_copy(update={"port": asterisk.fastagi_port, "drain_s": 0.0}),
        "impersonation": ImpersonationConfig(key_file=folder / "key"),
        "http": HttpConfig(port=0),
        "ami": AmiConfig(port=asterisk.state.ami_port, secret_file=asterisk.config / "ami.secret"),
        "call_backs": CallBackConfig(countries=("GB",), ring_s=5),
    }
    return shipped.model_copy(update=changes)


@asynccontextmanager
async def serving(asterisk: AsteriskInstance, folder: Path) -> AsyncIterator[Server]:
    async with running(configured(asterisk, folder)) as application:
        link = application.ami
        assert isinstance(link, AmiLink)
        await link.wait_up(PATIENCE_S)
        async with acting(application.core.store, shell_operator("ann"), "US") as actor:
            _, text = await add_program(actor, CUSTOMER, "portal", None)
        base, headers = f"http://127.0.0.1:{application.http_port}", {"Authorization": f"Bearer {text}"}
        async with ClientSession(base, headers=headers) as http:
            yield Server(asterisk, application, http)


@pytest.fixture
async def server(asterisk: AsteriskInstance, tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(asterisk, tmp_path) as one:
        yield one


async def test_the_code_that_is_heard_at_a_number_adds_it(server: Server) -> None:
    asked, callee, voice = await server.called(LabCallee(answers_after_ms=200))
    heard = digits_heard(voice)
    assert len(heard) == 18
    assert heard == heard[:6] * 3
    assert callee.dialled == NUMBER
    assert callee.ended_by == "asterisk"
    assert callee.header("X-Customer-ID") == str(CUSTOMER)
    assert (callee.header("X-CX-Sec") or "").startswith("v1.")
    await server.status(asked, "answered")
    wrong = f"{(int(heard[:6]) + 1) % 1_000_000:06}"
    status, refused = await server.ask("POST", f"/call-backs/{asked['id']}:confirm", {"code": wrong})
    assert (status, refused["code"], refused["fields"]) == (422, "call_back.wrong_code", {"tries_left": 4})
    status, cli = await server.ask("POST", f"/call-backs/{asked['id']}:confirm", {"code": heard[:6]})
    assert (status, cli["number"]) == (201, NUMBER)
    assert NUMBER in [one["number"] for one in (await server.ask("GET", "/clis"))[1]["items"]]
    customer = await server.application.core.directory.recognise(NUMBER)
    assert customer is not None
    assert customer.id == CUSTOMER


async def test_a_number_that_is_busy_hears_no_code(server: Server) -> None:
    asked, callee, voice = await server.called(LabCallee(Behaviour.BUSY))
    assert (callee.answered_at, digits_heard(voice)) == (None, "")
    await server.status(asked, "not_answered")
    call = await server.call_on_record()
    assert (call["outcome"], call["legs"][0]["status"], call["legs"][0]["sip_code"]) == ("busy", "busy", 486)
