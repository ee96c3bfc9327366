"""Sound before the answer, and Q.850 causes, as a caller's SIP and RTP have them, on Asterisk 22 and 16."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ringflow.lab import Lab, LabCaller
from ringflow.lab.call_values import LabCallResult

if TYPE_CHECKING:
    from tests.lab.conftest import Peer, Scripts

pytestmark = pytest.mark.lab

PROMPT_S = 0.5


def prompt(lab: Lab) -> str:
    """A file that Asterisk speaks for at least `PROMPT_S`."""
    return str(lab.packages.path("/usr/share/asterisk/sounds/en_US_f_Allison/vm-goodbye.gsm"))[:-4]


def statuses(result: LabCallResult) -> list[int]:
    """Of the responses to the caller's INVITE, in order."""
    return [one.status for one in result.messages if one.method == "INVITE" and one.status]


def voiced_s(result: LabCallResult) -> float:
    return sum(one.ends - one.begins for one in result.voiced)


async def calls(lab: Lab, scripts: Scripts, *commands: tuple[str, ...]) -> list[LabCallResult]:
    """A call for each of these lists of commands, all at once."""

    async def one(number: int, asked: tuple[str, ...]) -> LabCallResult:
        did = f"180055508{number:02}"

        async def script(peer: Peer) -> None:
            for command in asked:
                assert (await peer.ask(command)).startswith("200 result=")

        scripts.put(did, script)
        result = await lab.call(LabCaller(did, "441910000001"))
        await scripts.ended(did)
        return result

    return list(await asyncio.gather(*(one(*numbered) for numbered in enumerate(commands))))


async def test_after_progress_a_caller_hears_a_prompt_and_is_not_answered(lab: Lab, scripts: Scripts) -> None:
    play = f'STREAM FILE {prompt(lab)} ""'
    refused, answered, unopened = await calls(
        lab,
        scripts,
        ("EXEC Progress", play, "EXEC Hangup 17"),
        ("EXEC Progress", "EXEC Progress", play, "ANSWER", play, "HANGUP"),
        (play, "EXEC Hangup 17"),
    )
    assert statuses(refused) == [100, 183, 486]
    assert voiced_s(refused) > PROMPT_S
    # Each `Progress` sends a response of its own.
    assert statuses(answered) == [100, 183, 183, 200]
    assert answered.answered_at is not None
    assert answered.voiced[0].begins < answered.answered_at - PROMPT_S
    # Without a 183 a caller knows of no sound.
    assert statuses(unopened) == [100, 486]


async def test_a_cause_is_in_the_bye_of_a_call_that_was_answered(lab: Lab, scripts: Scripts) -> None:
    given, none = await calls(lab, scripts, ("ANSWER", "EXEC Hangup 17"), ("ANSWER", "EXEC Hangup"))
    for result, cause in ((given, 17), (none, 16)):
        bye = next(one for one in result.messages if one.first_line.startswith("BYE "))
        assert f"Q.850;cause={cause}" in bye.all_headers("Reason")
        assert result.ended_by == "asterisk"


async def test_waiting_for_a_key_answers_nothing(lab: Lab, scripts: Scripts) -> None:
    (result,) = await calls(lab, scripts, ("WAIT FOR DIGIT 300", "EXEC Hangup 19"))
    assert statuses(result) == [100, 480]
