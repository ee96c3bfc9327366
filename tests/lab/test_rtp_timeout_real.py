"""A caller that vanishes: without its sound Asterisk cuts the call, and the talk is charged until then."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.lab.conftest import FOLDER

from ringflow.bench.charged_stage import CREDIT_MICROS, CUSTOMER, TERMS, TRUNK, charged_stage
from ringflow.bench.seed_call import CLI, DID
from ringflow.errors import StartError
from ringflow.lab import HangUp, Lab, LabCaller, Moment, TimedKeys
from ringflow.lab.sipp_scenarios import LabCallee
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.terms import charge_micros

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parents[2]
RELEASES = ["forky", "bullseye"]
RTP_TIMEOUT_S = 2
SPEAKS_MS = 1000
VANISHES = LabCaller(
    DID, CLI, (TimedKeys(1000, "441234567890#"),), falls_silent=HangUp(Moment.TALKING, after_ms=SPEAKS_MS)
)
PATIENT = LabCallee(answers_after_ms=200, hangs_up_after_ms=None)
PATIENCE_S = 20.0


@pytest.mark.parametrize("release", RELEASES)
async def test_a_caller_whose_sound_stops_is_cut_off_and_charged_until_then(
    release: str, tmp_path: Path
) -> None:
    lab = Lab(FOLDER, release, tmp_path / "asterisk", {"rtp_timeout": str(RTP_TIMEOUT_S)})
    try:
        assert lab.packages
    except StartError as error:
        pytest.skip(f"the lab is missing: {error}")
    async with charged_stage(tmp_path, ROOT, lab) as stage:
        await stage.server.start()
        result = await lab.call(VANISHES, {TRUNK: PATIENT})
        async with asyncio.timeout(PATIENCE_S):
            while await stage.left_over() != (0, 0):  # noqa: ASYNC110 -- nobody tells
                await asyncio.sleep(0.1)
        account = await Ledger(stage.store, "test").account(CUSTOMER)
        findings = await stage.findings()
    assert (result.ended_by, result.callees[TRUNK].ended_by) == ("asterisk", "asterisk")
    # Asterisk compares whole seconds: it may see the silence as one second longer or shorter than it is.
    talked_ms = result.callees[TRUNK].talked_s * 1000
    assert talked_ms - SPEAKS_MS == pytest.approx(RTP_TIMEOUT_S * 1000, abs=1500)
    assert account is not None
    charged = CREDIT_MICROS - account.balance_micros
    assert (
        charge_micros(TERMS, round(talked_ms - 100))
        <= charged
        <= charge_micros(TERMS, round(talked_ms + 100))
    )
    assert findings == []
