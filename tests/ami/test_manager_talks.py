"""Talks in progress, found, moved and warned through the manager interface."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import structlog

from ringflow.ami.link import AmiLink
from ringflow.calls.manager_talks import ManagerTalks
from ringflow.calls.prolonged_talk import Talk
from ringflow.errors import CommandRefused, ProtocolViolation

if TYPE_CHECKING:
    from tests.ami.conftest import PeerConnection

CALLER, CALLEE, LEG = "PJSIP/caller-00000001", "PJSIP/carrier-00000002", "c1.1@1767225600.1"
IN_TALK = {
    "SHARED(RINGFLOW_ANSWERED_LEG)": LEG,
    "SHARED(RINGFLOW_CALLEE)": CALLEE,
    "SHARED(RINGFLOW_ANSWERED_MS)": "1767225600250",
    "STRFTIME(,,%s%3q)": "1767225661750",
}

Up = tuple[AmiLink, "PeerConnection"]


async def find(up: Up, variables: dict[str, str]) -> tuple[Talk | None, list[str]]:
    """Ask for the talk of the caller's channel, which has these variables; gives what was asked."""
    link, connection = up
    finding = asyncio.create_task(ManagerTalks(link).find(CALLER, LEG))
    asked: list[str] = []

    async def answer() -> None:
        while True:
            action = await connection.read()
            assert (action["Action"], action["Channel"]) == ("Getvar", CALLER)
            asked.append(action["Variable"])
            await connection.answer(
                action, "Response: Success", f"Value: {variables.get(action['Variable'], '')}"
            )

    answering = asyncio.create_task(answer())
    try:
        return await finding, asked
    finally:
        answering.cancel()


async def test_a_talk_is_as_long_as_asterisks_clock_says(up: Up) -> None:
    talk, asked = await find(up, IN_TALK)
    assert talk == Talk(CALLEE, 61_500)
    assert asked == list(IN_TALK)


@pytest.mark.parametrize("leg", ["", "c1.0@1767225600.1"], ids=["none yet", "the one before"])
async def test_a_leg_that_still_rings_is_one_question(up: Up, leg: str) -> None:
    talk, asked = await find(up, IN_TALK | {"SHARED(RINGFLOW_ANSWERED_LEG)": leg})
    assert talk is None
    assert len(asked) == 1


async def test_a_dialplan_that_does_not_name_the_callee_is_told_to_be_written_anew(up: Up) -> None:
    with pytest.raises(ProtocolViolation, match="ringflow asterisk config"):
        await find(up, IN_TALK | {"SHARED(RINGFLOW_CALLEE)": ""})


async def test_a_moment_that_is_none_is_refused(up: Up) -> None:
    with pytest.raises(ProtocolViolation, match="not moments"):
        await find(up, IN_TALK | {"SHARED(RINGFLOW_ANSWERED_MS)": "soon"})


@pytest.mark.parametrize(("left_ms", "sent"), [(61_250, "61.250"), (0, "0.001"), (-300, "0.001")])
async def test_the_end_is_moved_on_the_callees_channel_and_never_to_no_end(
    up: Up, left_ms: int, sent: str
) -> None:
    link, connection = up
    moving = asyncio.create_task(ManagerTalks(link).end_after(CALLEE, left_ms))
    action = await connection.read()
    assert (action["Action"], action["Channel"]) == ("Setvar", CALLEE)
    assert (action["Variable"], action["Value"]) == ("TIMEOUT(absolute)", sent)
    await connection.answer(action, "Response: Error", "Message: No such channel")
    with pytest.raises(CommandRefused):
        await moving


async def test_a_warning_is_whispered_to_the_callers_channel(up: Up) -> None:
    link, connection = up
    warning = asyncio.create_task(ManagerTalks(link).warn(CALLER, "/sounds/MISC/credit-ends"))
    action = await connection.read()
    while action["Action"] == "Events":
        action = await connection.read()
    assert action["Channel"] == "Local/whisper@ringflow-warn/n"
    assert (action["Context"], action["Exten"]) == ("ringflow-warn", "play")
    assert action["Variable"] == (
        f'"__RINGFLOW_WARNED={CALLER}"\n"__RINGFLOW_WARNING=/sounds/MISC/credit-ends"'
    )
    # Asterisk would not; the talk goes on all the same.
    await connection.answer(action, "Response: Error", "Message: Extension does not exist.")
    await warning


async def test_a_channel_whose_name_would_change_the_dialplan_is_not_whispered_to(up: Up) -> None:
    link, connection = up
    with structlog.testing.capture_logs() as logged:
        await ManagerTalks(link).warn("Local/44,wB@out-00000001;1", "/sounds/MISC/credit-ends")
    assert [one["event"] for one in logged] == ["caller not warned"]
    asked = asyncio.create_task(link.hang_up(CALLER))
    action = await connection.read()
    assert action["Action"] == "Hangup"
    await connection.answer(action, "Response: Success")
    await asked


async def test_it_is_looked_as_often_as_each_look_says_and_not_after_the_end(up: Up) -> None:
    link, _ = up
    waits: list[int | None] = [1, 0, None, 0]
    looks: list[int | None] = []
    third = asyncio.Event()

    async def look() -> int | None:
        looks.append(waits.pop(0))
        if len(looks) == 3:
            third.set()
        return looks[-1]

    async with ManagerTalks(link).looked_after(look, 1):
        await third.wait()
        await asyncio.sleep(0.01)
    assert looks == [1, 0, None]


async def test_a_look_that_is_under_way_at_the_end_is_given_up(up: Up) -> None:
    link, _ = up
    begun, ended = asyncio.Event(), asyncio.Event()

    async def look() -> int | None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return 0

    async with ManagerTalks(link).looked_after(look, 0):
        await begun.wait()
    assert ended.is_set()


async def test_a_look_that_fails_by_our_own_fault_does_not_end_the_call(up: Up) -> None:
    link, _ = up
    failed = asyncio.Event()

    async def look() -> int | None:
        failed.set()
        raise ZeroDivisionError

    with structlog.testing.capture_logs() as logged:
        async with ManagerTalks(link).looked_after(look, 0):
            await failed.wait()
            await asyncio.sleep(0)
    assert [one["event"] for one in logged] == ["a talk is not looked after any more"]


async def test_asterisk_is_out_of_reach_while_the_link_is_down(up: Up) -> None:
    link, _ = up
    talks = ManagerTalks(link)
    assert talks.reachable
    await link.close()
    assert not talks.reachable
