"""A party that a real Asterisk calls because somebody asked for the call, and what it heard."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from ringflow.lab import LabCallee
from ringflow.lab.asterisk import CARRIER, AsteriskInstance
from ringflow.lab.call_values import CalleeRecord
from ringflow.lab.calls import _callee_record, _is_invite, _LabCall, _speak_when_invited

PATIENCE_S = 20.0
SAID = Path(__file__).parents[2] / "sounds" / "SAY" / "en"

Asked = TypeVar("Asked")


async def called(
    asterisk: AsteriskInstance,
    callee: LabCallee,
    ask: Callable[[], Awaitable[Asked]],
    trunk: str = CARRIER,
) -> tuple[Asked, CalleeRecord, bytes]:
    """Ask for the call; return the answer, the callee's record, and what it heard (A-law)."""
    with tempfile.TemporaryDirectory() as folder:
        call = _LabCall(asterisk.state, asterisk.packages, Path(folder))
        try:
            await call.add_callee(trunk, callee)
            side = call.sides[trunk]
            speaking = asyncio.create_task(_speak_when_invited(side))
            asked = await ask()
            async with asyncio.timeout(PATIENCE_S):
                assert await side.sipp.wait_for(_is_invite) is not None
                await side.sipp.ended()
                await speaking
            record = _callee_record(side)
            assert record is not None
            return asked, record, bytes(side.sound.voice)
        finally:
            await call.close()


def digits_heard(voice: bytes) -> str:
    """The digits that are said in a sound: the middle of each one's own recording is found in it."""
    found: list[tuple[int, str]] = []
    for digit in "0123456789":
        said = (SAID / f"{digit}.alaw").read_bytes()
        middle = said[len(said) // 2 - 400 : len(said) // 2 + 400]
        at = voice.find(middle)
        while at >= 0:
            found.append((at, digit))
            at = voice.find(middle, at + 1)
    return "".join(digit for _, digit in sorted(found))
