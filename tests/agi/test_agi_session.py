"""A session's commands against an Asterisk that says what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import pytest

from ringflow.agi.reply import Reply
from ringflow.errors import ChannelGone, CommandRefused, ProtocolViolation

if TYPE_CHECKING:
    from tests.agi.conftest import Line

    OpenLine = Callable[[bytes], AbstractAsyncContextManager[Line]]


async def test_a_command_gets_its_reply(line: Line) -> None:
    line.asterisk.replies = [b"200 result=0\n"]
    assert await line.session.command("ANSWER") == Reply(200, "0")
    assert line.asterisk.commands == [b"ANSWER\n"]


async def test_only_commands_carried_out_at_once_tell_of_the_load(line: Line) -> None:
    load = line.session.load
    assert load is not None
    session = line.session
    line.asterisk.replies = [b"200 result=0\n"] * 2
    await session.answer()
    await session.execute("Read", "KEYS,,14")
    assert load._replies == []
    line.asterisk.replies = [b"200 result=1\n", b"200 result=1 (x)\n"]
    await session.set_variable("A", "1")
    await session.get_full_variable("${A}")
    assert len(load._replies) == 2
    # The reply after a hang-up comes in a packet of its own, 40 ms later.
    line.asterisk.replies = [b"HANGUP\n200 result=1 (x)\n"]
    await session.get_full_variable("${A}")
    assert len(load._replies) == 2
    assert load._waiting == {}


async def test_a_command_that_is_cancelled_waits_no_longer(line: Line) -> None:
    task = await line.started(line.session.get_full_variable("${A}"))
    load = line.session.load
    assert load is not None
    assert len(load._waiting) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert load._waiting == {}
    assert load._replies == []


async def test_the_words_of_a_call(line: Line) -> None:
    line.asterisk.replies = [
        b"200 result=0\n",
        b"200 result=1\n",
        b"200 result=1 (BUSY:17)\n",
        b"200 result=0\n",
        b"200 result=0 endpos=800\n",
        b"200 result=35 endpos=80\n",
        b"200 result=0\n",
        b"200 result=1\n",
    ]
    session = line.session
    await session.answer()
    await session.set_variable("TIMEOUT(digit)", "3")
    assert await session.get_full_variable("${DIALSTATUS}:${HANGUPCAUSE}") == "BUSY:17"
    assert await session.get_full_variable("${X}") is None
    assert await session.stream_file("IVR/ivr-please") == ""
    assert await session.stream_file("IVR/ivr-please", "#") == "#"
    await session.execute("Read", 'KEYS,"x",14')
    await session.hangup()
    assert session.hung_up
    assert line.asterisk.commands == [
        b"ANSWER\n",
        b'SET VARIABLE "TIMEOUT(digit)" "3"\n',
        b'GET FULL VARIABLE "${DIALSTATUS}:${HANGUPCAUSE}"\n',
        b'GET FULL VARIABLE "${X}"\n',
        b'STREAM FILE "IVR/ivr-please" ""\n',
        b'STREAM FILE "IVR/ivr-please" "#"\n',
        b'EXEC Read "KEYS,\\"x\\",14"\n',
        b"HANGUP\n",
    ]


async def test_a_sound_can_begin_in_its_middle(line: Line) -> None:
    line.asterisk.replies = [b"200 result=35 endpos=4800\n"]
    assert await line.session.stream_file("IVR/ivr-please", "#", sample_offset=4000) == "#"
    assert line.asterisk.commands == [b'STREAM FILE "IVR/ivr-please" "#" "4000"\n']


async def test_a_reply_in_pieces_behind_a_notice(line: Line) -> None:
    command = await line.started(line.session.execute("Gosub", "a,s,1"))
    for piece in (b"100 result=0 Try", b"ing...\n200 res", b"ult=0 Gosub complete\n"):
        assert not command.done()
        line.asterisk.says(piece)
    assert (await command).tail == "Gosub complete"


@pytest.mark.parametrize(
    ("reply", "how"),
    [
        (b"200 result=-1\n", "result"),
        (b"200 result=-1 endpos=0\n", "result"),
        (b"511 Command Not Permitted on a dead channel or intercept routine\n", "dead"),
        (b"HANGUP\n200 result=-1\n", "hangup"),
        (b"HANGUP\n511 Command Not Permitted on a dead channel\n", "hangup"),
    ],
)
async def test_a_hangup_is_never_data(line: Line, reply: bytes, how: str) -> None:
    line.asterisk.replies = [reply, b"200 result=1 (CANCEL)\n"]
    with pytest.raises(ChannelGone) as ended:
        await line.session.stream_file("IVR/ivr-please")
    assert ended.value.how == how
    assert line.session.hung_up
    with pytest.raises(ChannelGone) as later:
        await line.session.answer()
    assert later.value.how == how
    assert await line.session.get_full_variable("${DIALSTATUS}") == "CANCEL"
    assert len(line.asterisk.commands) == 2, "the answer was not sent"


async def test_a_hangup_line_between_commands_stops_the_next_one_unsent(line: Line) -> None:
    line.asterisk.says(b"HANGUP\n")
    with pytest.raises(ChannelGone) as ended:
        await line.session.answer()
    assert ended.value.how == "hangup"
    await line.session.hangup()
    assert line.asterisk.commands == []
    line.asterisk.says(b"HANGUP\n")
    assert not line.asterisk.closed


async def test_a_hangup_line_right_behind_the_headers(open_line: OpenLine, headers: bytes) -> None:
    async with open_line(headers + b"HANGUP\n") as line:
        assert line.session.hung_up


async def test_a_hangup_line_does_not_take_the_reply_of_the_command_on_its_way(line: Line) -> None:
    command = await line.started(line.session.command("GET DATA", "IVR/ivr-please", "0", "14"))
    line.asterisk.says(b"HANGUP\n")
    await asyncio.sleep(0)
    assert not command.done()
    line.asterisk.says(b"200 result=4412\n")
    assert (await command).result == "4412"
    assert line.session.hung_up


async def test_the_end_of_the_connection_ends_the_command_on_its_way_and_all_later_ones(line: Line) -> None:
    command = await line.started(line.session.stream_file("IVR/ivr-please"))
    line.asterisk.says(b"200 resu")
    line.asterisk.hangs_up_the_line()
    for later in (command, line.session.answer(), line.session.get_full_variable("${X}")):
        with pytest.raises(ChannelGone) as ended:
            await later
        assert ended.value.how == "eof"
    assert line.session.closed
    assert not line.session.hung_up


async def test_the_end_of_the_connection_after_a_hangup(line: Line) -> None:
    line.asterisk.says(b"HANGUP\n")
    line.asterisk.hangs_up_the_line()
    for later in (line.session.answer(), line.session.get_full_variable("${X}")):
        with pytest.raises(ChannelGone) as ended:
            await later
        assert ended.value.how == "eof"
    assert line.session.hung_up


async def test_dial_that_ends_with_the_callees_hangup_is_data(line: Line) -> None:
    line.asterisk.replies = [b"200 result=-1\n", b"200 result=1 (ANSWER)\n"]
    reply = await line.session.execute("Dial", "PJSIP/1@c", hangup_is_data=True, timeout_s=None)
    assert reply.number == -1
    assert not line.session.hung_up
    assert await line.session.get_full_variable("${DIALSTATUS}") == "ANSWER"


async def test_dial_on_a_dead_channel_is_a_hangup(line: Line) -> None:
    line.asterisk.replies = [b"511 Command Not Permitted on a dead channel\n"]
    with pytest.raises(ChannelGone):
        await line.session.execute("Dial", "PJSIP/1@c", hangup_is_data=True)


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (b"510 Invalid or unknown command\n", "510 'Invalid or unknown command' to 'SET VARIABLE'"),
        (b"520 Invalid command syntax.  \xff\n", "520 'Invalid command syntax.  \\xff' to"),
        (b"520-Usage:\n" + b"long\n" * 500 + b"520 End of proper usage.\n", "520 'Usage:\\nlong\\nlong"),
    ],
)
async def test_a_refused_command_says_why_in_one_bounded_line(line: Line, reply: bytes, text: str) -> None:
    line.asterisk.replies = [reply, b"200 result=0\n"]
    with pytest.raises(CommandRefused) as refused:
        await line.session.set_variable("KEY", "secret")
    assert text in str(refused.value)
    assert "secret" not in str(refused.value)
    assert len(str(refused.value)) < 400
    await line.session.answer()


async def test_an_unknown_application_is_refused_by_its_name(line: Line) -> None:
    line.asterisk.replies = [b"200 result=-2\n"]
    with pytest.raises(CommandRefused, match="no application 'PJSIPHangup'"):
        await line.session.execute("PJSIPHangup", "403")


async def test_minus_two_of_anything_else_is_a_result(line: Line) -> None:
    line.asterisk.replies = [b"200 result=-2\n"]
    assert (await line.session.command("NOOP")).number == -2


async def test_an_old_asterisk_is_not_sent_a_line_that_it_would_split(
    open_line: OpenLine, headers: bytes
) -> None:
    async with open_line(headers.replace(b"22.10.0", b"16.28.0")) as line:
        with pytest.raises(ProtocolViolation, match="2048 bytes or more"):
            await line.session.set_variable("A", "x" * 3000)
        assert line.asterisk.commands == []
