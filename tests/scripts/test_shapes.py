"""Scripts as they are written elsewhere, for the system whose names they use: each runs unchanged, or says
what is missing.

Their first lines say what comes of them: `customer 42`, `401 CLI Not Authorized`, or how an error begins.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from ringflow.accounts import operators
from ringflow.accounts.admission import Admission, Rejection
from ringflow.accounts.declarations import apply_declarations
from ringflow.accounts.directory import Directory
from ringflow.accounts.operators import Operator
from ringflow.accounts.security_key import SecurityKeys
from ringflow.actor import acting, shell_operator
from ringflow.calls.world import CallWorld
from ringflow.config import Config, CustomerDeclaration, DidDeclaration, ScriptsConfig
from ringflow.engine.did_script import DidScripts, Scripted
from ringflow.flows.flow import Flow
from ringflow.scripts.folder import ScriptFolder
from ringflow.scripts.host import host_calls
from ringflow.scripts.run import RunLimits
from ringflow.scripts.service import Scripts
from ringflow.scripts.workers import ScriptWorkers, WorkerSettings
from ringflow.simulator.clock import VirtualClock
from ringflow.store import Store

SHAPES = Path(__file__).with_name("shapes")
CALLER = "441910000001"
DID = "18005550100"


async def _lookup(request: web.Request) -> web.Response:
    return web.json_response({"city": "Leeds"})


async def _dnc(request: web.Request) -> web.Response:
    asked = await request.json()
    return web.json_response({"listed": asked["number"] == DID})


@pytest.fixture
async def service() -> AsyncIterator[str]:
    """The URL of somebody else's server."""
    application = web.Application()
    application.add_routes([web.get("/lookup", _lookup), web.post("/dnc", _dnc)])
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://localhost:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def config(service: str) -> Config:
    return Config(
        customers=(
            CustomerDeclaration(id=42, name="Ann", clis=(CALLER,)),
            CustomerDeclaration(id=7, status="inactive"),
        ),
        dids=(
            DidDeclaration(number=DID, app="tested", identify="none"),
            DidDeclaration(number="18005550142", app="tested", customer=42),
            DidDeclaration(number="100", app="other", identify="none"),
        ),
        scripts=ScriptsConfig(hosts=(service.removeprefix("http://"),), networks=("127.0.0.0/8", "::1/128")),
    )


def _summary(scripted: Scripted, before: Admission) -> str:
    """What came of a call, in words."""
    failed = [detail for what, detail in scripted.remarks if what == "script_failed"]
    answer = scripted.answer
    if failed:
        return f"failed: {failed[0]}"
    if isinstance(answer, Rejection):
        return f"{answer.sip} {answer.reason}"
    parts = [
        f"customer {answer.customer.id}" if answer.customer is not None else "",
        f"cli {answer.cli}" if answer.cli != before.cli else "",
        f"app {answer.did.app}" if answer.did.app != before.did.app else "",
        "headers " + ", ".join(answer.headers) if answer.headers else "",
        "variables " + json.dumps(answer.variables, separators=(",", ":")) if answer.variables else "",
    ]
    return "; ".join(filter(None, parts)) or "nothing changed"


async def test_each_shape_runs_unchanged_or_says_what_is_missing(
    store: Store, config: Config, service: str
) -> None:
    await apply_declarations(store, config)
    async with acting(store, shell_operator("test"), "US") as actor:
        await operators.add(actor, Operator("scripts@example.com", "viewer"), None)
        await operators.add(actor, Operator("writer@example.com", "admin"), None)
    clock = VirtualClock()
    workers = ScriptWorkers(WorkerSettings(size=2))
    calls = host_calls(store, config, lambda: round(clock.now_s() * 1000))
    directory = Directory(store, "US")
    given = {
        "CX_API_USER": "scripts@example.com",
        "WRITER": "writer@example.com",
        "service": service,
        "secret": "s3cret",
        "brand": "acme",
        "schedule": {"week": "25-26", "weekend": "25-26"},
        "ranges": [[441910000005, 441910000005]],
    }
    results, expected = {}, {}
    try:
        world = CallWorld(
            trunks=directory.trunks,
            may_call=directory.may_call,
            security_keys=SecurityKeys("a secret for tests only"),
            asterisk_sounds="/sounds",
            apology="MISC/sorry",
            uri_dial=config.uri_dial,
            clock=clock,
            scripts=Scripts(ScriptFolder(SHAPES), workers, RunLimits(time_ms=20_000), calls, "ringflow"),
        )
        flows = {name: Flow(name, "", (), f"{name}.yaml", "r1") for name in ("tested", "other")}
        runs = DidScripts(directory, world, lambda: flows)
        found = await directory.arrive(DID, CALLER, False)
        assert isinstance(found, Admission)
        for path in sorted(SHAPES.glob("*.js")):
            did = replace(found.did, script=path.stem, script_vars=json.dumps(given))
            before = replace(found, did=did)
            results[path.stem] = _summary(await runs.run("c1", "", "trunk", before), before)
            expected[path.stem] = path.read_text().partition("\n")[0].removeprefix("// -> ")
    finally:
        await workers.close()
    assert len(results) >= 40
    wrong = {
        name: (result, expected[name])
        for name, result in results.items()
        if not (
            result.startswith(expected[name]) if "failed: " in expected[name] else result == expected[name]
        )
    }
    assert wrong == {}
