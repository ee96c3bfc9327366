"""Calls that are refused before they are understood: what the caller sees, on Asterisk 22 and 16."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from ringflow.agi.refusal import CALLS_PER_SECOND, HEADERS_REFUSED, RefusedCall
from ringflow.agi.server import FastAgiServer
from ringflow.agi.session import AgiSession
from ringflow.agi.settings import AgiSettings
from ringflow.lab import Lab, LabCaller

if TYPE_CHECKING:
    from tests.lab.conftest import Peer, Scripts

pytestmark = pytest.mark.lab

DID, CLI = "18005550100", "441910000001"


async def hang_up(session: AgiSession) -> None:
    await session.execute("Hangup", "17")


@asynccontextmanager
async def serving(port: int, take: Callable[[RefusedCall], None], **limits: float) -> AsyncIterator[None]:
    server = FastAgiServer(hang_up, AgiSettings(port=port, **limits), take)  # type: ignore[arg-type]
    await server.start()
    try:
        yield
    finally:
        await server.close()


async def test_a_call_past_the_rate_gets_503(started_lab: tuple[Lab, int]) -> None:
    lab, port = started_lab
    refused: list[RefusedCall] = []
    async with serving(port, refused.append, max_calls_per_s=0.1):
        first = [await lab.call(LabCaller(DID, CLI)) for _ in range(3)]
        others = await asyncio.gather(*(lab.call(LabCaller(DID, CLI)) for _ in range(3)))
    assert [one.status for one in first] == [486] * 3
    assert [(one.status, one.answered_at) for one in others] == [(503, None)] * 3
    assert refused == [RefusedCall(CALLS_PER_SECOND, DID, CLI)] * 3


@pytest.mark.parametrize("written", ["agi_extension: 1900", "\n", "garbage"])
async def test_a_cli_that_writes_headers_gets_403_and_is_told_of(
    started_lab: tuple[Lab, int], written: str
) -> None:
    lab, port = started_lab
    refused: list[RefusedCall] = []
    async with serving(port, refused.append):
        result = await lab.call(LabCaller(DID, f"{CLI}\n{written}"))
    assert (result.status, result.answered_at) == (403, None)
    (call,) = refused
    assert (call.refusal, call.cli) == (HEADERS_REFUSED, CLI)
    assert call.detail.startswith("Asterisk: ")


async def test_asterisk_adds_no_header_to_a_refusal(lab: Lab, scripts: Scripts) -> None:
    async def script(peer: Peer) -> None:
        await peer.ask('SET VARIABLE "PJSIP_HEADER(add,Retry-After)" "5"')
        await peer.ask("EXEC Hangup 34")

    scripts.put(DID, script)
    result = await lab.call(LabCaller(DID, CLI))
    await scripts.ended(DID)
    final = next(message for message in result.messages if message.status == 503)
    assert final.header("Retry-After") == ""
