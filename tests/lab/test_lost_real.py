"""Records of real calls whose server is killed: at a prompt, while it rings, in talk; charged and not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select

from ringflow.actor import acting, shell_operator
from ringflow.bench.charged_stage import CUSTOMER, TRUNK, ChargedStage, charged_stage
from ringflow.bench.seed_call import CLI, DID
from ringflow.lab import HangUp, Lab, LabCaller, Moment, TimedKeys
from ringflow.lab.sipp_scenarios import LabCallee
from ringflow.ledger.rates.card import assign_trunk, get_card
from ringflow.moments import system_now_ms
from ringflow.records.queries import Filter, RecordedCall, RecordedSlot, call_page, find_call
from ringflow.sounds import PromptLibrary
from ringflow.store.pages import PageRequest
from ringflow.store.record_tables import call_drafts

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parents[2]
RELEASES = ["forky", "bullseye"]
NUMBER = "441234567890"
KEYED_MS = 400
TALK_MS = 6000
PATIENCE_S = 20.0
TALK_TOLERANCE_MS = 300


async def until_drafted(stage: ChargedStage, calls: int) -> None:
    """Wait until so many calls have drafts, and the leg of the first one stands in its own."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with stage.store.reading() as connection:
                query = select(call_drafts.c.facts).order_by(call_drafts.c.call_id)
                drafts = list((await connection.execute(query)).scalars())
            if len(drafts) == calls and f'"dialled":"{NUMBER}","trunk":"carrier"' in drafts[0]:
                return
            await asyncio.sleep(0.05)


async def recorded(stage: ChargedStage, calls: int) -> list[RecordedCall]:
    """Wait until so many calls are on record, no draft is left, and each answered leg has its talk."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with stage.store.reading() as connection:
                found = (await call_page(connection, Filter(), PageRequest(10))).items
                drafts = (await connection.execute(select(call_drafts.c.call_id))).all()
            known = all(leg.talked_ms is not None for call in found for leg in call.legs)
            if len(found) == calls and not drafts and known:
                return list(found)
            await asyncio.sleep(0.1)


async def slots_of(stage: ChargedStage, call: RecordedCall) -> list[RecordedSlot]:
    async with stage.store.reading() as connection:
        return (await find_call(connection, call.call_id))[1]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("rated", ["local", "upstream"])
@pytest.mark.parametrize("rings_ms", [500, 4000], ids=["in talk", "while it rings"])
async def test_a_killed_servers_calls_are_on_record_once_with_their_talk(
    own_lab: Lab, tmp_path: Path, rated: str, rings_ms: int
) -> None:
    prompt_ms = round(PromptLibrary(ROOT / "sounds").duration_s("IVR/ivr-please") * 1000)
    dials = LabCaller(DID, CLI, (TimedKeys(prompt_ms + KEYED_MS, f"{NUMBER}#"),))
    waits = LabCaller(DID, CLI, (), HangUp(Moment.ANSWERED, 30_000))
    callee = LabCallee(answers_after_ms=rings_ms, hangs_up_after_ms=TALK_MS)
    async with charged_stage(tmp_path, ROOT, own_lab) as stage:
        stage.rate(rated)
        async with acting(stage.store, shell_operator("ann"), "US", system_now_ms()) as actor:
            # The trunk's owner charges us by what customers are charged by.
            card = await get_card(actor.connection, "bench")
            await assign_trunk(actor, "carrier", card)
        await stage.server.start()
        talking = asyncio.create_task(own_lab.call(dials, {TRUNK: callee}))
        await until_drafted(stage, 1)
        waiting = asyncio.create_task(own_lab.call(waits))
        await until_drafted(stage, 2)
        await stage.server.kill()
        await stage.server.start()
        result, _ = await asyncio.gather(talking, waiting)
        at_prompt, dialled = await recorded(stage, 2)
        slots = await slots_of(stage, at_prompt), await slots_of(stage, dialled)
        findings = await stage.findings()
    for call in (at_prompt, dialled):
        assert (call.outcome, call.released_by, call.app) == ("lost", "server", "calling_card")
        assert (call.did, call.cli, call.customer_id) == (DID, CLI, CUSTOMER)
    assert at_prompt.legs == ()
    assert [(slot.type, slot.exit) for slot in slots[0]] == [("ivr", None)]
    assert [(slot.type, slot.exit) for slot in slots[1]] == [("ivr", "done"), ("destination", None)]
    (leg,) = dialled.legs
    assert (leg.position, leg.dialled, leg.trunk, leg.status) == (1, NUMBER, "carrier", "answered")
    assert leg.talked_ms is not None
    assert abs(leg.talked_ms - result.callees[TRUNK].talked_s * 1000) < TALK_TOLERANCE_MS
    seconds = -(-leg.talked_ms // 1000)
    assert (leg.billed_s, leg.charged_micros) == (
        (seconds, seconds * 1_000_000) if rated == "local" else (None, None)
    )
    assert (leg.cost_micros, leg.cost_currency) == (seconds * 1_000_000, "USD")
    assert findings == []
