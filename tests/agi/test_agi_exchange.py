"""What a session does when the peer, or a task of ours, is not where it should be."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ringflow.calls.digits import Collection, Collector
from ringflow.errors import ChannelGone, PeerSilent, ProtocolViolation
from ringflow.simulator.clock import VirtualClock

if TYPE_CHECKING:
    from tests.agi.conftest import Line


async def test_a_silent_peer_ends_the_connection(line: Line) -> None:
    with pytest.raises(PeerSilent):
        await line.session.command("ANSWER", timeout_s=0.01)
    assert line.asterisk.closed == "aborted"
    with pytest.raises(ChannelGone) as ended:
        await line.session.answer()
    assert ended.value.how == "eof"


async def test_a_peer_that_falls_silent_in_a_prompt_or_an_input_is_given_up_in_minutes(line: Line) -> None:
    loop = asyncio.get_running_loop()
    fourteen = Collection(("IVR/ivr-please",), 14, "#", 5, 3, barge_in=True, fixed_length=False)
    longest_s = 600 + 5 + 14 * 3 + 30
    line.asterisk.replies = [b"200 result=0\n"]
    reading = await line.started(Collector(line.session, VirtualClock()).collect(fourteen), 2)
    line.session.exchange.look(loop.time() + longest_s - 1)
    assert not reading.done()
    line.session.exchange.look(loop.time() + longest_s + 1)
    with pytest.raises(PeerSilent):
        await reading


async def test_a_talk_may_last_for_hours_without_a_word_of_the_peer(line: Line) -> None:
    dialling = await line.started(line.session.execute("Dial", "PJSIP/1@carrier", timeout_s=None))
    line.session.exchange.look(asyncio.get_running_loop().time() + 100_000)
    assert not dialling.done()
    line.asterisk.says(b"200 result=0\n")
    await dialling


async def test_a_short_limit_counts_while_an_earlier_long_one_still_runs(line: Line) -> None:
    line.asterisk.replies = [b"200 result=0\n"]
    await line.session.command("ANSWER", timeout_s=60)
    with pytest.raises(PeerSilent):
        await line.session.command("NOOP", timeout_s=0.01)


async def test_a_long_limit_outlives_an_earlier_short_one(line: Line) -> None:
    line.asterisk.replies = [b"200 result=0\n"]
    await line.session.command("ANSWER", timeout_s=0.01)
    for timeout_s in (60, None):
        command = await line.started(
            line.session.command("NOOP", timeout_s=timeout_s), len(line.asterisk.commands) + 1
        )
        await asyncio.sleep(0.03)
        assert not command.done()
        line.asterisk.says(b"200 result=0\n")
        await command


async def test_a_reply_to_no_command_breaks_the_connection_off_and_the_next_command_says_so(
    line: Line,
) -> None:
    line.asterisk.says(b"200 result=1\n")
    assert line.asterisk.closed == "aborted"
    with pytest.raises(ProtocolViolation, match="a reply to no command"):
        await line.session.answer()
    with pytest.raises(ChannelGone):
        await line.session.answer()


async def test_garbage_reaches_the_command_on_its_way(line: Line) -> None:
    command = await line.started(line.session.answer())
    line.asterisk.says(b"\xff\xfe nonsense\n")
    with pytest.raises(ProtocolViolation, match=r"not a reply: '\\xff\\xfe nonsense'"):
        await command
    assert line.asterisk.closed == "aborted"


async def test_a_command_that_cannot_be_sent_leaves_the_session_whole(line: Line) -> None:
    line.asterisk.replies = [b"200 result=0\n"]
    with pytest.raises(ProtocolViolation, match="Ringflow"):
        await line.session.set_variable("A", "b\nEXEC System x")
    await line.session.answer()
    assert line.asterisk.commands == [b"ANSWER\n"]


async def test_two_commands_at_once_are_our_fault(line: Line) -> None:
    first = await line.started(line.session.answer())
    with pytest.raises(RuntimeError, match="one command at a time"):
        await line.session.command("NOOP")
    line.asterisk.says(b"200 result=0\n")
    await first


async def test_a_cancelled_commands_reply_is_not_taken_for_the_next_ones(line: Line) -> None:
    first = await line.started(line.session.command("GET DATA", "IVR/ivr-please", "0", "14"))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    second = asyncio.ensure_future(line.session.get_full_variable("${X}"))
    await asyncio.sleep(0)
    assert len(line.asterisk.commands) == 1, "the next command waits for the reply that is owed"
    line.asterisk.replies = [b"200 result=1 (mine)\n"]
    line.asterisk.says(b"200 result=4412\n")
    assert await second == "mine"


async def test_waiting_for_an_owed_reply_has_the_same_limit(line: Line) -> None:
    first = await line.started(line.session.answer())
    first.cancel()
    with pytest.raises(PeerSilent):
        await line.session.command("NOOP", timeout_s=0.01)


async def test_nothing_is_written_while_the_peer_does_not_read(line: Line) -> None:
    line.asterisk.replies = [b"200 result=0\n"]
    line.asterisk.protocol.pause_writing()
    command = asyncio.ensure_future(line.session.answer())
    await asyncio.sleep(0)
    assert line.asterisk.commands == []
    line.asterisk.protocol.resume_writing()
    await command
    assert line.asterisk.commands == [b"ANSWER\n"]


async def test_a_peer_that_never_reads_is_silent(line: Line) -> None:
    line.asterisk.protocol.pause_writing()
    with pytest.raises(PeerSilent):
        await line.session.command("ANSWER", timeout_s=0.01)


async def test_an_abandoned_call_is_hung_up_without_waiting(line: Line) -> None:
    command = await line.started(line.session.stream_file("IVR/ivr-please"))
    line.session.abandon()
    line.session.abandon()
    with pytest.raises(ChannelGone):
        await command
    assert line.asterisk.commands[1:] == [b"HANGUP\n"]
    assert line.asterisk.closed == "closed"
    assert line.session.hung_up


async def test_an_abandoned_call_whose_peer_answers_within_the_write(line: Line) -> None:
    line.asterisk.replies = [b"200 result=1\nHANGUP\n"]
    line.session.abandon()
    assert line.asterisk.closed == "closed"
