"""DIDs with a script: it says who calls, who pays and where to, or refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from ringflow.accounts import operators
from ringflow.accounts.operators import Operator
from ringflow.actor import acting, shell_operator
from ringflow.calls.events import Noted
from ringflow.config import CustomerDeclaration, DidDeclaration
from ringflow.flows.flow import Flow
from ringflow.scripts.folder import ScriptFolder
from ringflow.scripts.host import host_calls
from ringflow.scripts.run import RunLimits
from ringflow.scripts.service import Scripts
from ringflow.scripts.workers import ScriptWorkers, WorkerSettings
from ringflow.simulator.virtual_call import CarriedCall
from ringflow.slots.debug import Debug
from ringflow.slots.destination import Destination

from .conftest import CLI, DID, Configure, Place

PINLESS = """
const cxRest = require('cxRest');
const cxHelper = require('cxHelper');

export async function main(data) {
  const api = cxRest.auth('scripts@example.com');
  const found = await api.get('cli', { cli: data.routing.cli });
  if (!found.length) throw new Error('401 CLI Not Authorized');
  const { company_id } = found[0];
  data.routing.egress_routing.forEach((row) => row.headers.forEach((header) => {
    if (header.key === 'X-Customer-ID') header.value = company_id;
    if (header.key === 'X-CX-Sec')
      header.value = cxHelper.generatePbxSecurityKey(company_id, data.routing.server);
  }));
  return data;
}
"""

NOTES = ("script", "script_failed", "console")
Call = Callable[..., Awaitable[CarriedCall]]


@pytest.fixture
async def scripted(configured: Configure, tmp_path: Path) -> AsyncIterator[Call]:
    """Carries a call to a DID whose script has this text."""
    workers = ScriptWorkers(WorkerSettings(size=1))

    async def call(text: str | None, caller: str | None = CLI, **did: object) -> CarriedCall:
        (tmp_path / "one.js").unlink(missing_ok=True)
        if text is not None:
            (tmp_path / "one.js").write_text(text)
        fields = {"identify": "none", "script": "one"} | did
        place = await configured(
            customers=(
                CustomerDeclaration(id=42, clis=(CLI,)),
                CustomerDeclaration(id=7, status="inactive"),
                CustomerDeclaration(id=8),
            ),
            dids=(
                DidDeclaration.model_validate({"number": DID, "app": "tested"} | fields),
                DidDeclaration(number="100", app="other", identify="none"),
            ),
        )
        async with acting(place.store, shell_operator("test"), "US") as actor:
            await operators.add(actor, Operator("scripts@example.com", "viewer"), None)
        return await carry(place, tmp_path, workers, caller)

    yield call
    await workers.close()


async def carry(place: Place, folder: Path, workers: ScriptWorkers, caller: str | None) -> CarriedCall:
    hosts = host_calls(place.store, place.config, lambda: round(place.clock.now_s() * 1000))
    place.scripts = Scripts(ScriptFolder(folder), workers, RunLimits(time_ms=5000), hosts, "ringflow")
    dial = Destination.model_validate({"slot": "destination", "external": "442071838750"})
    other = Debug.model_validate({"slot": "debug", "text": "other ${greeting}"})
    flows = [Flow("other", "", (other,), "o.yaml", "r2"), Flow("tested", "", (dial,), "t.yaml", "r1")]
    return await place.call(also=flows, caller=caller)


def notes(call: CarriedCall) -> list[str]:
    return [one.detail for one in call.record.events if isinstance(one, Noted) and one.what in NOTES]


async def test_the_pinless_script_lets_a_known_number_call_as_its_customer(scripted: Call) -> None:
    call = await scripted(PINLESS)
    assert (call.record.customer, len(call.legs), call.record.outcome) == (42, 1, "completed")
    assert notes(call)[0].startswith("one ")
    assert notes(call)[0].endswith(": customer 42")


async def test_the_pinless_script_refuses_others_before_answer_with_its_code(scripted: Call) -> None:
    call = await scripted(PINLESS, caller="442071111111")
    assert (call.sip_code, call.record.reason, call.legs) == (401, "CLI Not Authorized", ())
    assert notes(call) == ["one.js:8:32 refused the call: 401 CLI Not Authorized"]


async def test_a_script_that_changes_nothing_leaves_the_rule_of_the_did(scripted: Call) -> None:
    same = "module.exports = async (data) => data;"
    assert (await scripted(same, identify="cli")).record.customer == 42
    unknown = await scripted(same, identify="cli", caller="442071111111")
    assert (unknown.sip_code, unknown.record.reason) == (403, "CLI Not Authorized")


async def test_a_script_leads_to_an_app_a_did_and_gives_variables_and_a_number(scripted: Call) -> None:
    call = await scripted(
        "async function main(data) { data.did.app = 'other'; data.routing.cli = '+44 20 7183 8751';"
        " data.variables.greeting = 'hi ' + data.vars.brand;"
        " console.log('from', data.call.trunk); return data; }",
        script_vars='{"brand": "acme"}',
    )
    assert (call.record.app, call.record.cli) == ("other", "442071838751")
    assert [one.detail for one in call.record.events if isinstance(one, Noted) and one.what == "debug"] == [
        "other hi acme"
    ]
    assert notes(call)[0] == "one: info: from simulated"
    assert "CLI 442071838751; app other; variables greeting" in notes(call)[1]
    call = await scripted("async function main(data) { data.routing.dest_number = 100; return data; }")
    assert call.record.app == "other"


async def test_headers_that_a_script_adds_go_out_with_the_leg(scripted: Call) -> None:
    call = await scripted(
        "async function main(data) {"
        " data.routing.egress_routing[0].headers.push({key: 'X-Brand', value: 'acme, 100 %'});"
        " return data; }",
        identify="cli",
    )
    assert any("X-Brand=acme, 100 %" in line for line in call.wire)


BAD = [
    ("return {};", "routing is no object: main returns data, with all that it was given"),
    ("return null;", "what main returned is no object: main returns data, with all that it was given"),
    ("return 'yes';", "what main returned is no object: main returns data, with all that it was given"),
    ("data.routing.cli = 'x'; return data;", "routing.cli: x is no telephone number"),
    ("data.routing.cli = {}; return data;", "routing.cli: this is no telephone number"),
    ("data.routing.dest_number = '999'; return data;", "routing.dest_number: 999: DID Not Found"),
    ("data.did.app = 'nowhere'; return data;", "did.app: there is no app nowhere"),
    ("data.variables = {'a b': 1}; return data;", "variables: "),
    ("data.variables = {did: '1', 'customer.id': '8'}; return data;", "variables: "),
    ("data.variables = {big: 'x'.repeat(200000)}; return data;", "variables: "),
    ("h[0].value = '8'; return data;", "X-CX-Sec is no key for customer 8 and server ringflow"),
    ("h[0].value = '8'; h[1].value = 'v1.1.ab'; return data;", "X-CX-Sec is no key for customer 8"),
    ("h[0].value = '8'; h[1].value = key('9', data.routing.server); return data;", "X-CX-Sec is no key for"),
    (
        "h[0].value = '8'; h[1].value = key('8', 'elsewhere'); return data;",
        "X-CX-Sec is no key for customer 8",
    ),
    (
        "h[0].value = '99'; h[1].value = key(99, 'ringflow'); return data;",
        "X-Customer-ID: customer 99 does not",
    ),
    ("h[0].value = '8\\r\\nX: y'; return data;", "header X-Customer-ID: its value is one line"),
    ("h.push({key: 'X-A', value: 'a\\nVia: x'}); return data;", "header X-A: its value is one line"),
    ("h.push({key: 'Via', value: 'a'}); return data;", "header Via is written by Asterisk; remove it"),
    ("h.push({key: 'A:B', value: 'a'}); return data;", "header A:B cannot name a header"),
    ("h.push({key: 'X', value: 'é'}); return data;", "header X: its value is one line"),
    ("h.push(1); return data;", "a header is no object"),
    (
        "for (let i = 0; i < 99; i++) h.push({key: 'X-' + i, value: 'a'}); return data;",
        "routing.egress_routing[0]",
    ),
    ("data.routing.egress_routing = 5; return data;", "routing.egress_routing is no list"),
    ("throw new Error('no code');", "no code"),
    ("throw new Error('200 OK');", "200 OK"),
    ("throw new Error('4010 Long');", "4010 Long"),
    ("for (;;) ;", "it took longer than 100 ms"),
    ("undefined_name();", "ReferenceError: undefined_name is not defined"),
    ("require('cxRest').auth('nobody').get('cli'); await 1; require('x');", "there is no module `x`"),
    ("await require('cxRest').auth('nobody').get('cli');", "cxRest: there is no API user nobody"),
    (
        "await require('cxRest').auth('scripts@example.com').delete('cli', {cli: '1'});",
        "scripts@example.com does not",
    ),
    ("await require('cxRest').auth('scripts@example.com').get('secrets');", "cxRest: cannot read secrets"),
    ("await fetch('http://127.0.0.1/');", "fetch: 127.0.0.1 is not among scripts.hosts of config.yaml"),
    ("await require('cxKV').set('', 1);", "cxKV: a key is a text of 1 to 200 characters"),
]


async def test_whatever_a_script_makes_of_a_call_is_checked_and_ends_by_the_fallback(scripted: Call) -> None:
    for body, said in BAD:
        call = await scripted(
            "const key = require('cxHelper').generatePbxSecurityKey;\n"
            "async function main(data) { const h = data.routing.egress_routing[0].headers; " + body + " }",
            script_timeout_s=0.1 if "for (;;)" in body else None,
        )
        assert (call.sip_code, call.record.reason, call.legs) == (503, "Script Failed", ()), body
        (failed,) = notes(call)
        assert failed.partition(": ")[2].startswith(said), (body, failed)
        assert failed.startswith("one.js"), failed


async def test_a_did_says_what_becomes_of_a_call_whose_script_fails(scripted: Call) -> None:
    broken = "async function main(data) { throw new Error('oh'); }"
    call = await scripted(broken, script_fallback="480 Try Later")
    assert (call.sip_code, call.record.reason) == (480, "Try Later")
    call = await scripted(broken, script_fallback="app", identify="cli")
    assert (call.record.customer, len(call.legs)) == (42, 1)
    call = await scripted(broken, script_fallback="app", identify="cli", caller="442071111111")
    assert (call.sip_code, call.record.reason) == (403, "CLI Not Authorized")
    call = await scripted(None)
    assert (call.sip_code, notes(call)[0].partition(": ")[2]) == (
        503,
        "there is no script one (write it to one.js there)",
    )


async def test_a_customer_who_may_not_call_is_refused_whoever_says_so(scripted: Call) -> None:
    call = await scripted(
        "async function main(data) { const h = data.routing.egress_routing[0].headers; h[0].value = 7;"
        " h[1].value = require('cxHelper').generatePbxSecurityKey(7, data.routing.server); return data; }"
    )
    assert (call.sip_code, call.record.reason) == (403, "Customer Not Active: inactive")
