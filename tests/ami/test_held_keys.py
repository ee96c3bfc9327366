"""Keys that are held down, as they are heard through the manager interface and end a leg."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import structlog

from ringflow.ami.link import AmiLink
from ringflow.calls import manager_keys
from ringflow.calls.held_keys import EndKeys
from ringflow.calls.manager_keys import ManagerKeys

if TYPE_CHECKING:
    from tests.ami.conftest import Peer, PeerConnection

CALLER = "PJSIP/caller-00000001"
CALLEE = "PJSIP/carrier-00000002"
KEYS = EndKeys("*#", 1000)

Up = tuple[AmiLink, "PeerConnection"]


async def let_go(connection: PeerConnection, key: str, length_ms: int, channel: str = CALLER) -> None:
    """Tell of a key as Asterisk does."""
    await connection.message(
        "Event: DTMFEnd", f"Channel: {channel}", f"Digit: {key}", f"DurationMs: {length_ms}",
        "Direction: Received",
    )  # fmt: skip


async def try_keys(connection: PeerConnection, *, told: bool) -> list[str]:
    """Play Asterisk's side of a trial, which tells of a key or not; gives the masks that were asked for."""
    first, originate = await connection.read(), None
    masks = [first["EventMask"]]
    while originate is None:
        action = await connection.read()
        if action["Action"] == "Events":
            masks.append(action["EventMask"])
        else:
            originate = action
    assert originate["Channel"] == "Local/s@ringflow-keys"
    if told:
        await let_go(connection, "D", 100, "Local/s@ringflow-keys-00000007;1")
    await connection.answer(originate, "Response: Success", "Message: Originate successfully queued")
    await connection.answer(originate, "Event: OriginateResponse", "Response: Failure", "Reason: 0")
    return masks


async def test_a_key_held_long_enough_hangs_up_the_callee_that_the_dialplan_named(up: Up) -> None:
    link, connection = up
    keys = ManagerKeys(link)
    with keys.watch(CALLER, KEYS) as watch:
        assert (await connection.read())["EventMask"] == "dtmf"
        await let_go(connection, "#", 1000)
        asked = await connection.read()
        assert (asked["Action"], asked["Channel"], asked["Variable"]) == (
            "Getvar", CALLER, "SHARED(RINGFLOW_CALLEE)",
        )  # fmt: skip
        await connection.answer(asked, "Response: Success", f"Value: {CALLEE}")
        hanging = await connection.read()
        assert (hanging["Action"], hanging["Channel"]) == ("Hangup", CALLEE)
        assert watch.key == "#"
        await connection.answer(hanging, "Response: Success")
    assert (await connection.read())["EventMask"] == "off"


async def test_a_second_key_does_not_ask_again_for_what_the_first_one_has_done(up: Up) -> None:
    link, connection = up
    keys = ManagerKeys(link)
    with keys.watch(CALLER, KEYS) as watch:
        await connection.read()
        await let_go(connection, "#", 1000)
        await connection.answer(await connection.read(), "Response: Success", f"Value: {CALLEE}")
        await connection.answer(await connection.read(), "Response: Success")
        await let_go(connection, "*", 1000)
        asked = asyncio.create_task(link.get_variable(CALLER, "next"))
        action = await connection.read()
        assert action["Variable"] == "next"
        await connection.answer(action, "Response: Success")
        await asked
        assert watch.key == "#"


async def test_taps_other_keys_other_channels_and_keys_sent_to_the_callee_end_nothing(up: Up) -> None:
    link, connection = up
    keys = ManagerKeys(link)
    with keys.watch(CALLER, KEYS) as watch:
        await connection.read()
        await let_go(connection, "#", 999)
        await let_go(connection, "5", 5000)
        await let_go(connection, "#", 5000, channel="PJSIP/somebody-00000009")
        await connection.message(
            "Event: DTMFEnd", f"Channel: {CALLER}", "Digit: #", "DurationMs: 5000", "Direction: Sent"
        )
        await connection.message("Event: DTMFEnd", f"Channel: {CALLER}", "Digit: #", "Direction: Received")
        asked = asyncio.create_task(link.get_variable(CALLER, "next"))
        action = await connection.read()
        # Whatever a key had asked for would have been asked before.
        assert action["Variable"] == "next"
        await connection.answer(action, "Response: Success", "Value: x")
        assert await asked == "x"
        assert watch.key == ""


async def test_a_callee_who_was_quicker_is_not_said_to_have_been_ended_by_a_key(up: Up) -> None:
    link, connection = up
    keys = ManagerKeys(link)
    with keys.watch(CALLER, KEYS) as watch, structlog.testing.capture_logs() as logs:
        await connection.read()
        await let_go(connection, "#", 1000)
        asked = await connection.read()
        await connection.answer(asked, "Response: Success", f"Value: {CALLEE}")
        hanging = await connection.read()
        await connection.answer(hanging, "Response: Error", "Message: No such channel")
        async with asyncio.timeout(60):
            while watch.key:  # noqa: ASYNC110 -- the answer is read by the loop
                await asyncio.sleep(0)
    assert logs == []


async def test_keys_are_ready_once_a_key_of_our_own_was_heard_and_the_trial_is_made_once(up: Up) -> None:
    link, connection = up
    keys = ManagerKeys(link)
    asked = [asyncio.create_task(keys.ready()) for _ in range(3)]
    masks = await try_keys(connection, told=True)
    assert masks == ["dtmf", "call,dtmf"]
    assert await asyncio.gather(*asked) == [True, True, True]
    assert await keys.ready()
    assert [(await connection.read())["EventMask"] for _ in range(2)] == ["dtmf", "off"]


async def test_a_manager_user_who_may_not_read_keys_is_said_once_with_the_mend(
    up: Up, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manager_keys, "TRIAL_S", 0.2)
    link, connection = up
    keys = ManagerKeys(link)
    with structlog.testing.capture_logs() as logs:
        asked = asyncio.create_task(keys.ready())
        await try_keys(connection, told=False)
        assert not await asked
        assert not await keys.ready()
    [entry] = logs
    assert entry["log_level"] == "warning"
    assert entry["event"] == "a key ends a talk when it is pressed, not held"
    assert "ringflow asterisk config" in entry["mend"]


async def test_what_was_learnt_of_a_connection_is_asked_again_of_the_next(up: Up, peer: Peer) -> None:
    link, connection = up
    keys = ManagerKeys(link)
    asked = asyncio.create_task(keys.ready())
    await try_keys(connection, told=True)
    assert await asked
    connection.hang_up()
    again = await peer.accept_login()
    await link.wait_up(5)
    asked = asyncio.create_task(keys.ready())
    await try_keys(again, told=True)
    assert await asked


async def test_keys_are_not_ready_without_a_link(make_link: Callable[[], AmiLink]) -> None:
    assert not await ManagerKeys(make_link()).ready()
