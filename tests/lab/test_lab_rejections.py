"""Calls refused before their answer: which SIP code the caller's side sees, on Asterisk 22 and 16."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ringflow.lab import Behaviour, Lab, LabCallee, LabCaller

if TYPE_CHECKING:
    from tests.lab.conftest import Peer, Scripts

pytestmark = pytest.mark.lab

# Q.850 cause -> SIP code (hangup_cause2sip in chan_pjsip.c); any other cause gives 603.
CAUSES = {
    1: 404, 2: 404, 3: 404, 16: 603, 17: 486, 18: 408, 19: 480, 20: 480, 21: 403, 22: 410, 27: 502, 28: 484,
    29: 501, 31: 480, 34: 503, 38: 500, 41: 603, 42: 503, 58: 488, 66: 503, 127: 500,
}  # fmt: skip
CODES = (401, 403, 404, 407, 410, 480, 484, 486, 488, 500, 503, 603)


async def refuse(lab: Lab, scripts: Scripts, did: str, command: str) -> tuple[int, str]:
    """The SIP code that the caller gets, and the reply that the command got."""
    replies: list[str] = []

    async def script(peer: Peer) -> None:
        replies.append(await peer.ask(command))

    scripts.put(did, script)
    result = await lab.call(LabCaller(did, "441910000001"))
    await scripts.ended(did)
    assert result.answered_at is None
    return result.status, replies[0]


async def test_a_hang_up_cause_becomes_a_sip_code(lab: Lab, scripts: Scripts) -> None:
    seen = await asyncio.gather(
        *(refuse(lab, scripts, f"1800555{cause:04}", f"EXEC Hangup {cause}") for cause in CAUSES)
    )
    assert dict(zip(CAUSES, seen, strict=True)) == {
        cause: (code, "200 result=-1") for cause, code in CAUSES.items()
    }


async def test_pjsiphangup_sends_the_very_code_or_is_not_there(lab: Lab, scripts: Scripts) -> None:
    seen = await asyncio.gather(
        *(refuse(lab, scripts, f"1800555{code:04}", f"EXEC PJSIPHangup {code}") for code in CODES)
    )
    # Asterisk 16 has no such application; the script then ends, and the dialplan refuses with cause 34.
    expected = {
        code: (code, "200 result=-1") if lab.release == "forky" else (503, "200 result=-2") for code in CODES
    }
    assert dict(zip(CODES, seen, strict=True)) == expected


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (Behaviour.BUSY, 486),
        (Behaviour.NO_ANSWER, 480),
        (Behaviour.CONGESTION, 503),
        pytest.param(None, 503, id="before anything was dialled"),
    ],
)
async def test_a_caller_whose_ringflow_is_gone_hears_how_the_leg_ended(
    lab: Lab, scripts: Scripts, behaviour: Behaviour | None, code: int
) -> None:
    async def script(peer: Peer) -> None:
        if behaviour is not None:
            await peer.ask("EXEC Dial PJSIP/4412@callee01,1,g")

    did = "18005550130"
    scripts.put(did, script)
    callees = {"callee01": LabCallee(behaviour)} if behaviour is not None else {}
    result = await lab.call(LabCaller(did, "441910000001"), callees)
    await scripts.ended(did)
    assert (result.status, result.answered_at) == (code, None)
