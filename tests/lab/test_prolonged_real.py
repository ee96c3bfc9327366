"""Credit paid in during a real talk makes it longer; a killed server's talk ends where its hold does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import yaml
from tests.lab.passage import Passage

from ringflow.actor import acting, shell_operator
from ringflow.bench.charged_stage import CREDIT_MICROS, CUSTOMER, TRUNK, ChargedStage, charged_stage
from ringflow.bench.seed_call import CLI, DID
from ringflow.bench.sip_round import run_round
from ringflow.lab import Lab, LabCaller, TimedKeys
from ringflow.lab.call_values import LabCallResult
from ringflow.lab.ports import free_tcp_port
from ringflow.lab.sipp_scenarios import LabCallee
from ringflow.ledger.hold import standing_holds
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.payments import Purpose, pay_in
from ringflow.moments import system_now_ms

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parents[2]
RELEASES = ["forky", "bullseye"]
UNIT = 1_000_000
"""What a second of talk costs here, in micro-units."""

CALLER = LabCaller(DID, CLI, (TimedKeys(500, "441234567890#"),))
PATIENT = LabCallee(answers_after_ms=300, hangs_up_after_ms=None)
PATIENCE_S = 20.0
LATE_S = 0.5
"""How far the end of a talk may be from its time on a machine that does other things too."""


async def talking(stage: ChargedStage) -> None:
    """Until the callee has answered."""
    async with asyncio.timeout(PATIENCE_S):
        while (await asyncio.to_thread(stage.lab.asterisk().ask, "core show channels")).count(" Up ") < 2:  # noqa: ASYNC110 -- asking is all that can be done
            await asyncio.sleep(0.1)


async def cleared(stage: ChargedStage) -> None:
    """Until no hold stands."""
    async with asyncio.timeout(PATIENCE_S):
        while (await stage.left_over())[0]:  # noqa: ASYNC110 -- nobody tells
            await asyncio.sleep(0.1)


async def logged(stage: ChargedStage, event: str, **details: str) -> None:
    """Until the server has said so."""
    async with asyncio.timeout(PATIENCE_S):
        wanted = {"event": event, **details}
        while not any(wanted.items() <= one.items() for one in stage.server.logged):  # noqa: ASYNC110 -- another process logs
            await asyncio.sleep(0.1)


async def call_with_top_up(stage: ChargedStage, units: int, after_s: float) -> LabCallResult:
    """A call, and so much paid in so long after the callee's answer."""
    calling = asyncio.create_task(stage.lab.call(CALLER, {TRUNK: PATIENT}))
    await talking(stage)
    await asyncio.sleep(after_s)
    async with acting(stage.store, shell_operator("ann"), "US", system_now_ms()) as actor:
        purpose = Purpose("top-up", "in the talk")
        await pay_in(actor, CUSTOMER, units * UNIT, purpose)
    return await calling


async def spent_and_held(stage: ChargedStage, given: int) -> tuple[int, int]:
    account = await Ledger(stage.store, "test").account(CUSTOMER)
    assert account is not None
    return given * UNIT - account.balance_micros, account.held_micros


@pytest.mark.parametrize("release", RELEASES)
async def test_a_talk_that_is_paid_for_in_time_goes_on_and_one_that_is_not_ends(
    own_lab: Lab, tmp_path: Path
) -> None:
    settings = {"warn_s": 4}
    async with charged_stage(tmp_path, ROOT, own_lab, credit_micros=7 * UNIT, charging=settings) as stage:
        await stage.server.start()
        prolonged = await call_with_top_up(stage, units=6, after_s=4.5)
        await cleared(stage)
        assert await spent_and_held(stage, 13) == (13 * UNIT, 0)
        talked_s = prolonged.callees[TRUNK].talked_s
        assert talked_s == pytest.approx(13, abs=LATE_S)
        assert prolonged.callees[TRUNK].ended_by == "asterisk"
        # The caller alone is warned, 4 s before the first end and before the new one: that takes a second.
        answered = prolonged.callees[TRUNK].answered_at
        assert answered is not None
        warned = [one.begins - answered for one in prolonged.voiced if one.begins > answered]
        assert len(warned) >= 2
        assert warned[0] == pytest.approx(4, abs=1)
        assert any(at == pytest.approx(10, abs=1) for at in warned[1:])
        assert prolonged.callees[TRUNK].voiced == ()

        async with acting(stage.store, shell_operator("ann"), "US", system_now_ms()) as actor:
            purpose = Purpose("again", "for a second call")
            await pay_in(actor, CUSTOMER, 3 * UNIT, purpose)
        ended = await stage.lab.call(CALLER, {TRUNK: PATIENT})
        await cleared(stage)
        assert await spent_and_held(stage, 16) == (16 * UNIT, 0)
        assert ended.callees[TRUNK].talked_s == pytest.approx(3, abs=LATE_S)
        assert await stage.findings() == []
    # The caller's channel may go before the callee's handler can note the end.
    complaints = own_lab.asterisk().complaints()
    assert [line for line in complaints if "RINGFLOW_ENDED_MS" not in line] == []


@pytest.mark.parametrize("release", RELEASES)
async def test_calls_at_once_talk_for_all_the_credit_that_they_share_and_no_more(
    own_lab: Lab, tmp_path: Path
) -> None:
    settings = {"slice_s": 2, "warn_s": 1}
    async with charged_stage(tmp_path, ROOT, own_lab, credit_micros=60 * UNIT, charging=settings) as stage:
        await stage.server.start()
        calls = await run_round(own_lab.packages, stage.way, 10, 10, PATIENT)
        await cleared(stage)
        assert await spent_and_held(stage, 60) == (60 * UNIT, 0)
        assert sum(call.talked_ms for call in calls) / 1000 == pytest.approx(60, abs=10 * LATE_S)
        assert await stage.findings() == []


@pytest.mark.parametrize("release", RELEASES)
async def test_without_a_manager_a_talk_ends_with_what_was_held_before_it(
    own_lab: Lab, tmp_path: Path
) -> None:
    settings = {"slice_s": 4, "warn_s": 2}
    async with charged_stage(
        tmp_path, ROOT, own_lab, with_ami=False, credit_micros=6 * UNIT, charging=settings
    ) as stage:
        await stage.server.start()
        result = await call_with_top_up(stage, units=5, after_s=1)
        await cleared(stage)
        assert await spent_and_held(stage, 11) == (4 * UNIT, 0)
        assert result.callees[TRUNK].talked_s == pytest.approx(4, abs=LATE_S)
        assert await stage.findings() == []


@pytest.mark.parametrize("release", RELEASES)
async def test_a_manager_that_is_away_for_a_part_of_the_talk_prolongs_it_when_it_is_back(
    own_lab: Lab, tmp_path: Path
) -> None:
    settings = {"warn_s": 6}
    async with charged_stage(tmp_path, ROOT, own_lab, credit_micros=14 * UNIT, charging=settings) as stage:
        manager = Passage(free_tcp_port(), own_lab.asterisk().state.ami_port)
        config = yaml.safe_load(stage.server.config.read_text("utf-8"))
        config["ami"]["port"] = manager.port
        stage.server.config.write_text(yaml.safe_dump(config), "utf-8")
        await manager.open()
        await stage.server.start()
        await logged(stage, "ami link", state="up")
        calling = asyncio.create_task(call_with_top_up(stage, units=4, after_s=1))
        await talking(stage)
        manager.cut()
        # The hold is raised 6 s before its end, and Asterisk cannot be told.
        await logged(stage, "talk not prolonged")
        await manager.open()
        result = await calling
        await cleared(stage)
        assert await spent_and_held(stage, 18) == (18 * UNIT, 0)
        assert result.callees[TRUNK].talked_s == pytest.approx(18, abs=LATE_S)
        manager.cut()
        assert await stage.findings() == []


@pytest.mark.parametrize("release", RELEASES)
async def test_a_talk_goes_from_slice_to_slice_until_its_server_dies_and_ends_with_the_last(
    own_lab: Lab, tmp_path: Path
) -> None:
    settings = {"slice_s": 3, "warn_s": 1}
    async with charged_stage(tmp_path, ROOT, own_lab, charging=settings) as stage:
        await stage.server.start()
        calling = asyncio.create_task(stage.lab.call(CALLER, {TRUNK: PATIENT}))
        await talking(stage)
        await asyncio.sleep(4.5)
        await stage.server.kill()
        async with stage.store.reading() as connection:
            (hold,) = await standing_holds(connection)
        await stage.server.start()
        result = await calling
        await cleared(stage)
        # Two slices and more had been held, and the last one was the end.
        assert hold.micros >= 6 * UNIT
        assert result.callees[TRUNK].talked_s == pytest.approx(hold.micros / UNIT, abs=LATE_S)
        assert await spent_and_held(stage, CREDIT_MICROS // UNIT) == (hold.micros, 0)
        findings = await stage.findings()
    assert findings == []


@pytest.mark.parametrize("release", RELEASES)
async def test_without_the_manager_interface_asterisk_warns_by_our_own_prompt(
    own_lab: Lab, tmp_path: Path
) -> None:
    """The lab has none of Asterisk's sound files, by which it would otherwise say the time that is left."""
    async with charged_stage(
        tmp_path, ROOT, own_lab, credit_micros=6 * UNIT, charging={"warn_s": 4}, with_ami=False
    ) as stage:
        await stage.server.start()
        ended = await stage.lab.call(CALLER, {TRUNK: PATIENT})
        await cleared(stage)
        callee = ended.callees[TRUNK]
        assert callee.talked_s == pytest.approx(6, abs=LATE_S)
        answered = callee.answered_at
        assert answered is not None
        warned = [one.begins - answered for one in ended.voiced if one.begins > answered]
        assert warned[0] == pytest.approx(2, abs=1)
        assert callee.voiced == ()
    assert own_lab.asterisk().complaints() == []
