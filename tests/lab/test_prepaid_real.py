"""The shipped prepaid card on a real Asterisk: told the credit, put through, back by a held key."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from ringflow.bench.charged_stage import CREDIT_MICROS, CUSTOMER, TERMS, TRUNK, ChargedStage, charged_stage
from ringflow.bench.seed_call import CLI, DID
from ringflow.lab import HangUp, Lab, LabCaller, Moment, TimedKeys
from ringflow.lab.sipp_scenarios import LabCallee
from ringflow.ledger.ledger import Ledger
from ringflow.sounds import PromptLibrary
from ringflow.speaking import say_balance, say_rate

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parents[2]
LAB = ROOT / ".ringflow" / "lab"
RELEASES = ["forky", "bullseye"]
TALK_S = 2.0
RINGING_MS = 500
HELD_MS = 1500
SLACK_S = 1.0
PATIENCE_S = 10.0


def length_s(*prompts: str) -> float:
    library = PromptLibrary(ROOT / "sounds")
    return sum(library.duration_s(prompt) for prompt in prompts)


async def credit_of(stage: ChargedStage) -> int:
    account = await Ledger(stage.store, "test").account(CUSTOMER)
    assert account is not None
    return account.balance_micros


async def calls_ended(stage: ChargedStage) -> list[dict[str, Any]]:
    """What the server logged of calls, once it has logged one."""
    async with asyncio.timeout(PATIENCE_S):
        while not (ended := [one for one in stage.server.logged if one.get("event") == "call ended"]):  # noqa: ASYNC110 -- another process logs
            await asyncio.sleep(0.05)
    return ended


@pytest.mark.parametrize("release", RELEASES)
async def test_a_held_key_ends_a_real_talk_and_the_caller_is_asked_for_the_next_number(
    own_lab: Lab, tmp_path: Path
) -> None:
    before_s = length_s("IVR/welcome", *say_balance(CREDIT_MICROS, "USD", "en"))
    dialled_s = before_s + SLACK_S + 2.5 + length_s(*say_rate(TERMS.price_micros, TERMS.currency, "en"))
    tapped_s = dialled_s + RINGING_MS / 1000 + SLACK_S
    held_s = tapped_s + TALK_S
    ends_s = held_s + HELD_MS / 1000 + length_s("CARD/next-call", "IVR/ivr-please") + SLACK_S
    number = TimedKeys(round((before_s + SLACK_S) * 1000), "441234567890#")
    tapped = TimedKeys(round(tapped_s * 1000), "*#")
    held = TimedKeys(round(held_s * 1000), "#", HELD_MS)
    caller = LabCaller(DID, CLI, (number, tapped, held), HangUp(Moment.ANSWERED, round(ends_s * 1000)))
    patient = LabCallee(answers_after_ms=RINGING_MS, hangs_up_after_ms=None)
    async with charged_stage(tmp_path, ROOT, own_lab) as stage:
        config = yaml.safe_load(stage.server.config.read_text("utf-8"))
        config["dids"] = [{"number": DID, "app": "prepaid_card", "identify": "none"}]
        stage.server.config.write_text(yaml.safe_dump(config), "utf-8")
        await stage.server.start()
        result = await own_lab.call(caller, {TRUNK: patient})
        ended = await calls_ended(stage)
        charged = CREDIT_MICROS - await credit_of(stage)
        findings = await stage.findings()

    callee = result.callees[TRUNK]
    # What was tapped is for the callee's own menu, and ends nothing.
    assert [key.key for key in callee.keys[:2]] == ["*", "#"]
    assert callee.talked_s == pytest.approx(SLACK_S + TALK_S + HELD_MS / 1000, abs=1.5)
    assert callee.ended_by == "asterisk"
    assert result.ended_by == "caller"
    assert result.ended_at is not None
    assert callee.ended_at is not None
    # The caller stayed for the next prompt after the callee was let go.
    assert result.ended_at - callee.ended_at > length_s("CARD/next-call")
    assert [(one["customer"], one["outcome"]) for one in ended] == [(CUSTOMER, "completed")]
    bad = [one for one in stage.server.logged if one.get("level") in ("warning", "error")]
    # Trunks of the lab have no `qualify_frequency`.
    assert [one for one in bad if one.get("event") != "asterisk check"] == []
    # One dollar for each second begun.
    assert charged == pytest.approx((callee.talked_s + 0.5) * 1_000_000, abs=700_000)
    assert findings == []
