"""Keys on real RTP: what `Read` and `GET DATA` make of silence, of early keys and of very short ones."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from ringflow.lab import HangUp, Lab, LabCaller, Moment, TimedKeys

if TYPE_CHECKING:
    from tests.lab.conftest import Peer, Scripts

pytestmark = pytest.mark.lab

PROMPT_S = 2.04
FIRST_S, BETWEEN_S = 1.5, 0.7

# name: keys, options of Read, hang-up -> READSTATUS, digits, seconds from the answer to the end of Read
READS: dict[str, tuple[tuple[TimedKeys, ...], str, HangUp | None, str, str, float]] = {
    "silence": ((), "", None, "TIMEOUT", "", PROMPT_S + FIRST_S),
    "two digits, then quiet": ((TimedKeys(400, "44"),), "", None, "TIMEOUT", "44", 0.7 + BETWEEN_S),
    "# at once": ((TimedKeys(300, "#"),), "", None, "OK", "", 0.4),
    "all during the prompt": ((TimedKeys(300, "441234567890#"),), "", None, "OK", "441234567890", 2.8),
    "40 ms, 40 apart": ((TimedKeys(300, "441234567890#", 40, 40),), "", None, "OK", "441234567890", 1.3),
    "40 ms, 20 apart": ((TimedKeys(300, "441234567890#", 40, 20),), "", None, "OK", "441234567890", 1.06),
    "too many": ((TimedKeys(300, "123456789012345", 50, 50),), "", None, "OK", "12345678901234", 1.65),
    "another terminator": ((TimedKeys(300, "1#2*"),), "t(*)", None, "OK", "1#2", 1.0),
    "hang-up among digits": (
        (TimedKeys(300, "123"),), "", HangUp(Moment.ANSWERED, 1100), "HANGUP", "123", 1.1,
    ),
    "hang-up in the prompt": ((), "", HangUp(Moment.ANSWERED, 500), "HANGUP", "", 0.5),
}  # fmt: skip


def prompt(lab: Lab) -> str:
    """A file that Asterisk speaks for `PROMPT_S`."""
    return str(lab.packages.path("/usr/share/asterisk/sounds/en_US_f_Allison/vm-enter-num-to-call.gsm"))[:-4]


async def test_read_tells_silence_keys_and_hang_up_apart(lab: Lab, scripts: Scripts) -> None:
    async def one(number: int, name: str) -> None:
        keys, options, hang_up, status, digits, ends_s = READS[name]
        did, seen = f"180055503{number:02}", list[object]()

        async def script(peer: Peer) -> None:
            await peer.ask("ANSWER")
            began = time.monotonic()
            await peer.ask(f"SET VARIABLE TIMEOUT(response) {FIRST_S}")
            await peer.ask(f"SET VARIABLE TIMEOUT(digit) {BETWEEN_S}")
            seen.append(await peer.ask(f'EXEC Read "KEYS,{prompt(lab)},14,{options},1,0"'))
            seen.append(time.monotonic() - began)
            seen.append(await peer.values("READSTATUS", "KEYS"))
            seen.append(peer.inline)
            if hang_up is None:
                await peer.ask("HANGUP")

        scripts.put(did, script)
        result = await lab.call(LabCaller(did, "441910000001", keys, hang_up))
        await scripts.ended(did)
        assert seen[0] == "200 result=0"
        assert seen[1] == pytest.approx(ends_s, abs=0.25), name
        assert (name, seen[2]) == (name, [status, digits])
        assert (name, seen[3]) == (name, ["HANGUP"] if hang_up else [])
        # The first key stops the prompt: no sound comes after it.
        assert result.answered_at is not None
        speech_s = result.heard[-1].ends - result.answered_at
        first_key_s = keys[0].at_ms / 1000 + keys[0].tone_ms / 1000 if keys else min(ends_s, PROMPT_S)
        assert speech_s == pytest.approx(first_key_s, abs=0.2), name

    await asyncio.gather(*(one(number, name) for number, name in enumerate(READS)))
    # PINs are keys too: the lab's Asterisk stays below the verbosity at which `Read` writes them to its log.
    assert [line for line in lab.logs(100_000) if "User entered" in line] == []


async def test_one_more_key_is_waited_for_as_long_as_read_is_told_to(lab: Lab, scripts: Scripts) -> None:
    """Without a file, and with a time of its own, whatever TIMEOUT() says."""

    async def one(did: str, keys: tuple[TimedKeys, ...], values: list[str], ends_s: float) -> None:
        seen: list[object] = []

        async def script(peer: Peer) -> None:
            await peer.ask("ANSWER")
            began = time.monotonic()
            await peer.ask('EXEC Read "KEYS,,1,,1,0.4"')
            seen.extend((await peer.values("READSTATUS", "KEYS"), time.monotonic() - began))
            await peer.ask("HANGUP")

        scripts.put(did, script)
        await lab.call(LabCaller(did, "441910000001", keys))
        await scripts.ended(did)
        assert seen == [values, pytest.approx(ends_s, abs=0.15)]

    await asyncio.gather(
        one("18005550405", (), ["TIMEOUT", ""], 0.4),
        one("18005550406", (TimedKeys(100, "5"),), ["OK", "5"], 0.2),
        one("18005550407", (TimedKeys(100, "#"),), ["OK", ""], 0.2),
    )


async def test_a_prompt_that_a_key_stopped_goes_on_from_there(lab: Lab, scripts: Scripts) -> None:
    """What is heard is as long as the whole prompt: nothing is left out, nothing comes twice."""
    seen: list[object] = []

    async def script(peer: Peer) -> None:
        await peer.ask("ANSWER")
        began = time.monotonic()
        await peer.ask(f'EXEC Read "KEYS,{prompt(lab)},14,,1,3"')
        offset = round((time.monotonic() - began) * 8000)
        seen.append(await peer.values("READSTATUS", "KEYS"))
        seen.append(await peer.ask(f'STREAM FILE {prompt(lab)} "0123456789*#ABCD" {offset}'))
        seen.append(time.monotonic() - began)
        await peer.ask("HANGUP")

    scripts.put("18005550408", script)
    result = await lab.call(LabCaller("18005550408", "441910000001", (TimedKeys(500, "#"),)))
    await scripts.ended("18005550408")
    assert seen[0] == ["OK", ""]
    assert str(seen[1]).startswith("200 result=0 endpos=")
    # From its beginning it would end 0.6 s later.
    assert seen[2] == pytest.approx(PROMPT_S, abs=0.35)
    assert result.answered_at is not None
    assert result.heard[-1].ends - result.answered_at == pytest.approx(PROMPT_S, abs=0.35)


async def test_get_data_has_timeouts_of_its_own(lab: Lab, scripts: Scripts) -> None:
    """Six seconds, then two: ast_app_getdata_full in main/app.c. TIMEOUT() does not change them."""

    async def one(did: str, keys: tuple[TimedKeys, ...], reply: str, ends_s: float) -> None:
        seen: list[object] = []

        async def script(peer: Peer) -> None:
            await peer.ask("ANSWER")
            began = time.monotonic()
            await peer.ask("SET VARIABLE TIMEOUT(response) 1")
            await peer.ask("SET VARIABLE TIMEOUT(digit) 1")
            seen.append(await peer.ask(f"GET DATA {prompt(lab)} 0 14"))
            assert time.monotonic() - began == pytest.approx(ends_s, abs=0.25)

        scripts.put(did, script)
        await lab.call(LabCaller(did, "441910000001", keys))
        await scripts.ended(did)
        assert seen == [reply]

    await asyncio.gather(
        one("18005550401", (), "200 result= (timeout)", PROMPT_S + 6),
        one("18005550402", (TimedKeys(300, "44"),), "200 result=44 (timeout)", 0.6 + 2),
        one("18005550403", (TimedKeys(300, "#"),), "200 result=", 0.4),
    )


async def test_keys_between_two_commands_are_lost(lab: Lab, scripts: Scripts) -> None:
    digits: list[str] = []

    async def script(peer: Peer) -> None:
        await peer.ask("ANSWER")
        await peer.ask("WAIT FOR DIGIT 2000")  # takes the first key
        await asyncio.sleep(0.5)  # the callers' next two come now, and nobody asks for them
        await peer.ask(f'EXEC Read "KEYS,{prompt(lab)},14,,1,3"')
        digits.extend(await peer.values("KEYS"))

    scripts.put("18005550100", script)
    keys = (TimedKeys(200, "1"), TimedKeys(450, "23", 50, 50), TimedKeys(1200, "4#"))
    await lab.call(LabCaller("18005550100", "441910000001", keys))
    await scripts.ended("18005550100")
    assert digits == ["4"]
