"""What we ask of Asterisk: the bytes that leave, what the answers become, and every way to get none."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from ringflow.ami import guard
from ringflow.ami.actions import (
    ApplicationTarget,
    AsteriskState,
    LiveChannel,
)
from ringflow.ami.failures import LinkDown
from ringflow.ami.link import AmiLink, LinkState
from ringflow.errors import CommandRefused, PeerSilent, ProtocolViolation

if TYPE_CHECKING:
    from tests.ami.conftest import Peer, PeerConnection

PATIENCE_S = 60.0
WAIT = ApplicationTarget("Wait", "30")

Up = tuple[AmiLink, "PeerConnection"]

CHANNEL_LINES = (
    "Channel: PJSIP/alice-00000001", "ChannelState: 6", "ChannelStateDesc: Up", "CallerIDNum: 441910000001",
    "CallerIDName: Zoë", "ConnectedLineNum: <unknown>", "Language: en", "Exten: 18005550100",
    "Uniqueid: 1795413771.0", "Linkedid: 1795413771.0", "Application: AGI", "Duration: 101:02:03",
)  # fmt: skip
CHANNEL = LiveChannel(
    channel="PJSIP/alice-00000001", unique_id="1795413771.0", linked_id="1795413771.0",
    caller_id="441910000001", connected="", extension="18005550100", state="Up", application="AGI",
    duration_s=101 * 3600 + 123,
)  # fmt: skip


async def test_the_state_of_asterisk_is_joined_from_two_actions(up: Up) -> None:
    link, connection = up
    asked = asyncio.create_task(link.asterisk_state())
    settings = await connection.read()
    assert settings["Action"] == "CoreSettings"
    await connection.answer(settings, "Response: Success", "AsteriskVersion: 22.10.1", "SystemName: ")
    status = await connection.read()
    assert status["Action"] == "CoreStatus"
    await connection.answer(
        status, "Response: Success", "CoreStartupDate: 2026-11-23", "CoreStartupTime: 05:51:06",
        "CoreReloadDate: 2026-11-24", "CoreReloadTime: 00:00:01", "CoreCurrentCalls: 7",
    )  # fmt: skip
    assert await asked == AsteriskState(
        "22.10.1", datetime(2026, 11, 23, 5, 51, 6), datetime(2026, 11, 24, 0, 0, 1), 7
    )


async def test_live_channels_are_collected_by_action_id_among_other_messages(up: Up) -> None:
    link, connection = up
    heard: list[str] = []
    link.on_event("*", lambda message: heard.append(message.event))
    events = await connection.read()
    assert (events["Action"], events["EventMask"]) == ("Events", "on")
    first, second = asyncio.create_task(link.live_channels()), asyncio.create_task(link.live_channels())
    one, two = await connection.read(), await connection.read()
    await connection.answer(one, "Response: Success", "EventList: start", "Message: Channels will follow")
    await connection.answer(two, "Response: Success", "EventList: start", "Message: Channels will follow")
    await connection.message("Event: Newchannel", "Channel: PJSIP/bob-2")
    await connection.answer(two, "Event: CoreShowChannelsComplete", "EventList: Complete", "ListItems: 0")
    await connection.answer(one, "Event: CoreShowChannel", *CHANNEL_LINES)
    await connection.answer(one, "Event: CoreShowChannelsComplete", "EventList: Complete", "ListItems: 1")
    assert await first == (CHANNEL,)
    assert await second == ()
    assert heard == ["Newchannel"]


async def test_a_list_that_is_not_whole_is_a_violation(up: Up) -> None:
    link, connection = up
    asked = asyncio.create_task(link.live_channels())
    action = await connection.read()
    await connection.answer(action, "Response: Success", "EventList: start", "Message: Channels will follow")
    await connection.answer(action, "Event: CoreShowChannelsComplete", "ListItems: 3")
    with pytest.raises(ProtocolViolation, match="listed 0 channels and says 3"):
        await asked


async def test_a_family_of_astdb_is_read_whatever_asterisk_16_says_of_its_length(up: Up) -> None:
    link, connection = up
    asked = asyncio.create_task(link.database_tree("ringflow"))
    action = await connection.read()
    assert (action["Action"], action["Family"]) == ("DBGetTree", "ringflow")
    await connection.answer(action, "Response: Success", "EventList: start", "Message: Result will follow")
    for key, value in (("c1.1@1795413771.0", "1000|2500"), ("c2.1@1795413771.4", "|2500")):
        await connection.answer(action, "Event: DBGetTreeResponse", f"Key: /ringflow/{key}", f"Val: {value}")
    await connection.answer(action, "Event: DBGetTreeComplete", "EventList: Complete", "ListItems: 1")
    assert await asked == {"c1.1@1795413771.0": "1000|2500", "c2.1@1795413771.4": "|2500"}


async def test_a_list_without_end_fails_its_action_and_spares_the_link(
    up: Up, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "MAX_ANSWERS", 10)
    link, connection = up
    asked = asyncio.create_task(link.live_channels())
    action = await connection.read()
    await connection.answer(action, "Response: Success", "EventList: start", "Message: Channels will follow")
    for _ in range(30):
        await connection.answer(action, "Event: CoreShowChannel", *CHANNEL_LINES)
    with pytest.raises(ProtocolViolation, match="more than 10 messages"):
        await asked
    assert link.state is LinkState.UP


async def test_hang_up_and_absolute_timeout_send_these_bytes(up: Up) -> None:
    link, connection = up
    del connection.received[:]
    for operation in (link.hang_up("PJSIP/alice-1", 21), link.set_absolute_timeout("PJSIP/alice-1", 59.2)):
        asked = asyncio.create_task(operation)
        await connection.answer(await connection.read(), "Response: Success", "Message: ok")
        await asked
    assert re.sub(rb"ringflow/[0-9a-f]{32}/[0-9]+", b"ID", bytes(connection.received)) == (
        b"Action: Hangup\r\nActionID: ID\r\nCause: 21\r\nChannel: PJSIP/alice-1\r\n\r\n"
        b"Action: Setvar\r\nActionID: ID\r\nChannel: PJSIP/alice-1\r\nValue: 59.200\r\n"
        b"Variable: TIMEOUT(absolute)\r\n\r\n"
    )


async def test_a_variable_of_a_channel_is_read_by_these_bytes(up: Up) -> None:
    link, connection = up
    for said, value in [("Value: PJSIP/bob-2", "PJSIP/bob-2"), ("Value:", "")]:
        del connection.received[:]
        asked = asyncio.create_task(link.get_variable("PJSIP/alice-1", "SHARED(RINGFLOW_CALLEE)"))
        await connection.answer(await connection.read(), "Response: Success", "Variable: same", said)
        assert await asked == value
    assert re.sub(rb"ringflow/[0-9a-f]{32}/[0-9]+", b"ID", bytes(connection.received)) == (
        b"Action: Getvar\r\nActionID: ID\r\nChannel: PJSIP/alice-1\r\n"
        b"Variable: SHARED(RINGFLOW_CALLEE)\r\n\r\n"
    )


async def test_a_refusal_carries_asterisks_words_escaped_and_short(up: Up) -> None:
    link, connection = up
    for words, shown in [("No such channel", "No such channel"), ("\x1b[31m\nred", "'\\x1b[31m\\nred'")]:
        asked = asyncio.create_task(link.hang_up("PJSIP/gone-1"))
        await connection.answer(await connection.read(), "Response: Error", f"Message: {words}")
        with pytest.raises(CommandRefused) as caught:
            await asked
        assert str(caught.value) == f"Asterisk refused Hangup: {shown}"
    asked = asyncio.create_task(link.hang_up("PJSIP/gone-1"))
    await connection.answer(await connection.read(), "Response: Error", "Message: " + "x" * 10_000)
    with pytest.raises(CommandRefused) as caught:
        await asked
    assert len(str(caught.value)) < 400


async def test_an_action_never_answered_ends_in_time_and_its_late_answer_harms_nobody(
    peer: Peer, make_link: Callable[..., AmiLink]
) -> None:
    link = make_link(action_timeout_s=1.0)
    await link.start()
    connection = await peer.accept_login()
    await link.wait_up(PATIENCE_S)
    heard: list[str] = []
    link.on_event("*", lambda message: heard.append(message.event))
    await connection.read()
    asked = asyncio.create_task(link.live_channels())
    late = await connection.read()
    with pytest.raises(PeerSilent, match=r"did not answer CoreShowChannels within 1 s") as caught:
        await asked
    assert not isinstance(caught.value, LinkDown)
    await connection.answer(late, "Response: Success", "EventList: start", "Message: Channels will follow")
    await connection.answer(late, "Event: CoreShowChannel", *CHANNEL_LINES)
    await connection.answer(late, "Event: CoreShowChannelsComplete", "ListItems: 1")
    asked = asyncio.create_task(link.live_channels())
    action = await connection.read()
    await connection.answer(action, "Response: Success", "EventList: start", "Message: Channels will follow")
    await connection.answer(action, "Event: CoreShowChannelsComplete", "ListItems: 0")
    assert await asked == ()
    assert heard == []


async def test_a_cancelled_question_is_forgotten(up: Up) -> None:
    link, connection = up
    asked = asyncio.create_task(link.hang_up("PJSIP/a-1"))
    action = await connection.read()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert link._manager.protocol.responses == {}
    await connection.answer(action, "Response: Error", "Message: No such channel")
    assert link.state is LinkState.UP


async def test_what_was_in_flight_when_the_link_dropped_fails_and_is_never_sent_again(
    peer: Peer, up: Up
) -> None:
    link, connection = up
    asked = [asyncio.create_task(link.hang_up(f"PJSIP/a-{number}")) for number in range(3)]
    for _ in asked:
        await connection.read()
    connection.hang_up()
    for task in asked:
        with pytest.raises(LinkDown, match="carried the action out is not known") as caught:
            await task
        assert caught.value.sent is True
    again = await peer.accept_login()
    await again.message("Event: FullyBooted", "Status: Fully Booted")
    await link.wait_up(PATIENCE_S)
    task = asyncio.create_task(link.hang_up("PJSIP/b-1"))
    action = await again.read()
    assert action["Channel"] == "PJSIP/b-1"
    await again.answer(action, "Response: Success", "Message: Channel Hungup")
    await task
    assert again.received.count(b"Action: Hangup") == 1


@pytest.mark.parametrize("bad", ["PJSIP/a\r\nAction: Command", "PJSIP/a\n", "PJSIP/a\0"])
async def test_a_value_with_a_line_break_never_leaves_us(up: Up, bad: str) -> None:
    link, connection = up
    del connection.received[:]
    with pytest.raises(ProtocolViolation):
        await link.hang_up(bad)
    with pytest.raises(ProtocolViolation):
        await link.originate("Local/1@lab", WAIT, variables={"A": bad})
    assert link._manager.protocol.responses == {}
    asked = asyncio.create_task(link.hang_up("PJSIP/b-1"))
    actions = [await connection.read() for _ in range(3)]
    # A refused originate leaves nothing behind but the change of events before it and back.
    assert [(one["Action"], one.get("EventMask")) for one in actions] == [
        ("Events", "call"), ("Events", "off"), ("Hangup", None),
    ]  # fmt: skip
    await connection.answer(actions[2], "Response: Success")
    await asked


async def test_answers_cut_anywhere_and_in_one_read_are_understood(up: Up) -> None:
    link, connection = up
    asked = [asyncio.create_task(link.live_channels()), asyncio.create_task(link.hang_up("PJSIP/a-1"))]
    listing, hanging = await connection.read(), await connection.read()
    lines = [
        ["Response: Success", f"ActionID: {listing['ActionID']}", "EventList: start", "Message: will follow"],
        ["Event: CoreShowChannel", f"ActionID: {listing['ActionID']}", *CHANNEL_LINES],
        ["Event: CoreShowChannelsComplete", f"ActionID: {listing['ActionID']}", "ListItems: 1"],
        ["Response: Success", f"ActionID: {hanging['ActionID']}"],
    ]
    stream = "".join("\r\n".join(message) + "\r\n\r\n" for message in lines).encode()
    cut = stream.index("ë".encode()) + 1
    await connection.write(stream[:cut])
    await asyncio.sleep(0)
    await connection.write(stream[cut:-3])
    await connection.write(stream[-3:])
    assert await asked[0] == (CHANNEL,)
    await asked[1]


@pytest.mark.parametrize(
    "status",
    [
        ("CoreCurrentCalls: many",),
        ("CoreCurrentCalls: 1", "CoreStartupDate: yesterday", "CoreStartupTime: noon"),
        ("CoreCurrentCalls: 1", "CoreCurrentCalls: 2"),
    ],
)
async def test_a_state_that_is_none_is_a_violation(up: Up, status: tuple[str, ...]) -> None:
    link, connection = up
    asked = asyncio.create_task(link.asterisk_state())
    for lines in ((), status):
        await connection.answer(await connection.read(), "Response: Success", *lines)
    with pytest.raises(ProtocolViolation):
        await asked


async def test_an_answer_that_begins_with_an_event_is_a_violation(up: Up) -> None:
    link, connection = up
    asked = asyncio.create_task(link.hang_up("PJSIP/a-1"))
    await connection.answer(await connection.read(), "Event: Hangup")
    with pytest.raises(ProtocolViolation, match="Hangup was answered by the event Hangup"):
        await asked
    assert link.state is LinkState.UP


async def test_a_peer_that_does_not_read_is_given_up(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MAX_UNSENT_BYTES", 64 * 1024)
    link, _ = up
    variables = {f"V{number}": "x" * 1000 for number in range(60)}
    asked = [
        asyncio.create_task(link.originate("Local/1@lab", WAIT, variables=variables)) for _ in range(200)
    ]
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(one, LinkDown) for one in results)
    assert {one.reason for one in results if isinstance(one, LinkDown)} >= {
        "Asterisk does not read what we send"
    }
