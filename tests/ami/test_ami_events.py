"""What Asterisk tells unasked: events, who listens to them, and how an originated call ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import structlog

from ringflow.ami.actions import (
    ApplicationTarget,
    DialplanTarget,
    OriginateOutcome,
    OriginateResult,
)
from ringflow.ami.link import AmiLink, LinkState
from ringflow.ami.messages import AmiMessage
from ringflow.errors import CommandRefused

if TYPE_CHECKING:
    from tests.ami.conftest import Peer, PeerConnection

PATIENCE_S = 60.0
WAIT = ApplicationTarget("Wait", "30")

Up = tuple[AmiLink, "PeerConnection"]


async def test_a_callback_that_raises_harms_neither_link_nor_neighbours(up: Up) -> None:
    link, connection = up
    heard: list[str] = []
    last = asyncio.Event()

    def fail(message: AmiMessage) -> None:
        raise ValueError("a bug of its own")

    def look_into_a_cancelled_future(message: AmiMessage) -> None:
        raise asyncio.CancelledError

    def hear(message: AmiMessage) -> None:
        heard.append(message.text("Uniqueid"))
        if message.text("Uniqueid") == "2":
            last.set()

    for callback in (fail, look_into_a_cancelled_future, hear):
        link.on_event("Hangup", callback)
    link.on_event("Hang*", fail)
    link.on_event("Newchannel", lambda message: heard.append("not this"))
    with structlog.testing.capture_logs() as logs:
        await connection.write(
            b"Event: Hangup\r\nUniqueid: 1\r\n\r\nEvent: Newstate\r\n\r\nEvent: Hangup\r\nUniqueid: 2\r\n\r\n"
        )
        async with asyncio.timeout(PATIENCE_S):
            await last.wait()
    assert heard == ["1", "2"]
    assert [entry["event"] for entry in logs] == ["an AMI event callback failed"] * 6
    assert link.state is LinkState.UP


def test_a_coroutine_function_is_no_callback(make_link: Callable[..., AmiLink]) -> None:
    async def callback(message: AmiMessage) -> None: ...

    link = AmiLink.__new__(AmiLink)
    with pytest.raises(TypeError, match="plain function"):
        link.on_event("*", callback)  # type: ignore[arg-type]


async def test_a_link_with_listeners_logs_in_with_events_on(
    peer: Peer, make_link: Callable[..., AmiLink]
) -> None:
    link = make_link()
    link.on_event("Hangup", lambda message: None)
    await link.start()
    assert (await (await peer.accept()).log_in())["Events"] == "on"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("Response: Success", "Reason: 4", "Channel: Local/1@lab-0;1", "Uniqueid: 17.1"),
         OriginateResult(OriginateOutcome.ANSWERED, "Local/1@lab-0;1", "17.1", "4")),
        (("Response: Failure", "Reason: 5", "Channel: Local/1@lab", "Uniqueid: <unknown>"),
         OriginateResult(OriginateOutcome.BUSY, "Local/1@lab", "", "5")),
        (("Response: Failure", "Reason: 3", "Channel: Local/1@lab", "Uniqueid: <unknown>"),
         OriginateResult(OriginateOutcome.NO_ANSWER, "Local/1@lab", "", "3")),
        (("Response: Failure", "Reason: 8", "Channel: Local/1@lab", "Uniqueid: <unknown>"),
         OriginateResult(OriginateOutcome.CONGESTION, "Local/1@lab", "", "8")),
        (("Response: Failure", "Reason: 0", "Channel: Local/1@lab", "Uniqueid: <unknown>"),
         OriginateResult(OriginateOutcome.FAILED, "Local/1@lab", "", "0")),
    ],
)  # fmt: skip
async def test_originate_waits_for_how_it_ended(
    up: Up, lines: tuple[str, ...], expected: OriginateResult
) -> None:
    link, connection = up
    asked = asyncio.create_task(
        link.originate(
            "Local/1@lab", DialplanTarget("lab", "wait"), caller_id="Bob <1>",
            variables={"A": "1,2", "B": "é"}, timeout_s=7,
        )
    )  # fmt: skip
    events = await connection.read()
    assert (events["Action"], events["EventMask"]) == ("Events", "call")
    action = await connection.read()
    assert {key: value for key, value in action.items() if key != "ActionID"} == {
        "Action": "Originate", "Async": "true", "CallerID": "Bob <1>", "Channel": "Local/1@lab",
        "Context": "lab", "Exten": "wait", "Priority": "1", "Timeout": "7000",
        "Variable": '"A=1,2"\n"B=é"',
    }  # fmt: skip
    await connection.answer(action, "Response: Success", "Message: Originate successfully queued")
    await connection.message("Event: OriginateResponse", "ActionID: another/session", "Response: Success")
    await connection.answer(action, "Event: OriginateResponse", *lines)
    assert await asked == expected
    assert (await connection.read())["EventMask"] == "off"


async def test_events_stay_on_until_the_last_of_two_originates_has_ended(up: Up) -> None:
    link, connection = up
    asked = [asyncio.create_task(link.originate(f"Local/{number}@lab", WAIT)) for number in (1, 2)]
    actions = [await connection.read() for _ in range(3)]
    assert [one["Action"] for one in actions] == ["Events", "Originate", "Originate"]
    for action in actions[2], actions[1]:
        await connection.answer(action, "Response: Success", "Message: Originate successfully queued")
        await connection.answer(action, "Event: OriginateResponse", "Response: Success", "Reason: 4")
    await asyncio.gather(*asked)
    after = await connection.read()
    assert (after["Action"], after["EventMask"]) == ("Events", "off")


async def test_an_originate_refused_at_once_carries_asterisks_words(up: Up) -> None:
    link, connection = up
    asked = asyncio.create_task(link.originate("Local/1@lab", DialplanTarget("nowhere", "x")))
    await connection.read()
    await connection.answer(await connection.read(), "Response: Error", "Message: Extension does not exist.")
    with pytest.raises(CommandRefused, match="Asterisk refused Originate: Extension does not exist"):
        await asked
