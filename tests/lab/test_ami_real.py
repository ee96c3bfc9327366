"""The manager link against a real Asterisk: what it says, what it does, and what its death looks like."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from ringflow.ami.actions import ApplicationTarget, DialplanTarget, OriginateOutcome
from ringflow.ami.failures import LinkDown
from ringflow.ami.link import AmiLink, LinkState
from ringflow.ami.settings import AmiSettings
from ringflow.calls.manager_keys import ManagerKeys
from ringflow.errors import CommandRefused
from ringflow.lab import Lab
from ringflow.lab.asterisk import AsteriskInstance
from ringflow.lab.ports import free_tcp_port

pytestmark = pytest.mark.lab

PATIENCE_S = 20.0
SECRET = "listens-to-originate-3390"
# A user who hears of calls, and a context in which callees answer, ring on, and are busy.
MANAGER = f"\n[listener]\nsecret = {SECRET}\nread = call\nwrite = reporting,call,originate\n"
DIALPLAN = (
    "\n[callees]\nexten => answers,1,Answer()\n same => n,Wait(60)\n"
    "exten => rings,1,Wait(60)\nexten => busy,1,Busy(1)\n"
    "exten => says,1,GotoIf($[\"${SAID}\" = \"x,y\\\"z\\\\\"]?answers,1:busy,1)\n"
)  # fmt: skip


@pytest.fixture
def asterisk(lab: Lab, tmp_path: Path) -> Iterator[AsteriskInstance]:
    """An Asterisk of this test's own, since it will be killed."""
    instance = AsteriskInstance(tmp_path, lab.packages, free_tcp_port())
    instance.start()
    for name, text in (("manager.conf", MANAGER), ("extensions.conf", DIALPLAN)):
        with (tmp_path / "etc" / name).open("a", encoding="utf-8") as file:
            file.write(text)
    instance.ask("manager reload")
    instance.ask("dialplan reload")
    try:
        yield instance
    finally:
        instance.stop()


@pytest.fixture
async def link(asterisk: AsteriskInstance) -> AsyncIterator[AmiLink]:
    link = AmiLink(
        AmiSettings(
            "127.0.0.1", asterisk.state.ami_port, "listener", SECRET,
            ping_interval_s=0.5, silence_limit_s=2, backoff_min_s=0.1, backoff_max_s=0.5,
        )
    )  # fmt: skip
    await link.start()
    await link.wait_up(PATIENCE_S)
    yield link
    await link.close()


async def wait_for_channels(link: AmiLink, count: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while len(await link.live_channels()) != count:  # noqa: ASYNC110 -- asking is what is tested
            await asyncio.sleep(0.05)


async def test_keys_are_heard_by_the_operators_user_and_not_by_one_who_may_not_read_them(
    asterisk: AsteriskInstance, link: AmiLink
) -> None:
    operators = AmiLink(asterisk.manager_settings())
    await operators.start()
    await operators.wait_up(PATIENCE_S)
    try:
        with structlog.testing.capture_logs() as logs:
            assert await ManagerKeys(operators).ready()
            assert not await ManagerKeys(link).ready()
    finally:
        await operators.close()
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == [
        "a key ends a talk when it is pressed, not held"
    ]


async def test_the_operators_user_sees_channels_and_ends_them(asterisk: AsteriskInstance) -> None:
    secret = (asterisk.config / "ami.secret").read_text("utf-8").strip()
    link = AmiLink(AmiSettings("127.0.0.1", asterisk.state.ami_port, "ringflow", secret))
    await link.start()
    await link.wait_up(PATIENCE_S)
    state = await link.asterisk_state()
    assert state.version in asterisk.ask("core show version")
    assert state.started_at <= state.reloaded_at
    asterisk.ask("channel originate Local/answers@callees application Wait 60")
    await wait_for_channels(link, 2)
    channels = await link.live_channels()
    assert {channel.linked_id for channel in channels} == {channels[0].linked_id}
    assert {channel.channel[-2:] for channel in channels} == {";1", ";2"}
    await link.hang_up(channels[0].channel)
    await wait_for_channels(link, 0)
    with pytest.raises(CommandRefused, match="No such channel"):
        await link.hang_up(channels[0].channel)
    await link.close()


async def test_originate_tells_how_it_ended(link: AmiLink) -> None:
    target = ApplicationTarget("Wait", "60")
    answered = await link.originate("Local/answers@callees", target, caller_id="Bob <123>")
    assert answered.outcome is OriginateOutcome.ANSWERED
    caller = {one.unique_id: one.caller_id for one in await link.live_channels()}
    assert caller[answered.unique_id] == "123"
    await link.set_absolute_timeout(answered.channel, 0.2)
    await wait_for_channels(link, 0)
    for name, outcome in [("busy", OriginateOutcome.BUSY), ("rings", OriginateOutcome.NO_ANSWER)]:
        result = await link.originate(f"Local/{name}@callees", target, timeout_s=1)
        assert (name, result.outcome, result.unique_id) == (name, outcome, "")
    nobody = await link.originate("Local/nobody@callees", target, timeout_s=1)
    assert nobody.outcome is OriginateOutcome.FAILED
    with pytest.raises(CommandRefused, match="Extension does not exist"):
        await link.originate("Local/answers@callees", DialplanTarget("nowhere", "x"))


async def test_a_variable_arrives_as_it_was_given(link: AmiLink) -> None:
    for said, outcome in [('x,y"z\\', OriginateOutcome.ANSWERED), ("x", OriginateOutcome.BUSY)]:
        result = await link.originate(
            "Local/says@callees", ApplicationTarget("Wait", "1"), variables={"__SAID": said}, timeout_s=3
        )
        assert (said, result.outcome) == (said, outcome)


async def test_a_wrong_secret_is_refused_by_name(asterisk: AsteriskInstance) -> None:
    link = AmiLink(AmiSettings("127.0.0.1", asterisk.state.ami_port, "listener", "not it"))
    await link.start()
    await link.wait_for(LinkState.REFUSED, PATIENCE_S)
    assert link.reason == "user 'listener': Asterisk refused Login: Authentication failed"
    await link.close()


async def test_a_stopped_asterisk_is_found_out_and_rejoined(
    asterisk: AsteriskInstance, link: AmiLink
) -> None:
    pid = asterisk.state.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        await link.wait_for(LinkState.DOWN, PATIENCE_S)
        assert link.reason == "Asterisk sent nothing for 2 s"
    finally:
        os.kill(pid, signal.SIGCONT)
    await link.wait_up(PATIENCE_S)


async def test_a_killed_asterisk_fails_what_was_in_flight_and_is_rejoined(
    asterisk: AsteriskInstance, link: AmiLink
) -> None:
    ringing = asyncio.create_task(
        link.originate("Local/rings@callees", ApplicationTarget("Wait", "1"), timeout_s=30)
    )
    await wait_for_channels(link, 2)
    os.kill(asterisk.state.pid, signal.SIGKILL)
    with pytest.raises(LinkDown) as caught:
        await ringing
    assert caught.value.sent is True
    await link.wait_for(LinkState.DOWN, PATIENCE_S)
    main = asterisk.folder / "etc" / "asterisk.conf"
    again = await asyncio.create_subprocess_exec(
        *asterisk.packages.command("/usr/sbin/asterisk", "-f", "-C", str(main)),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        await link.wait_up(PATIENCE_S)
        assert await link.live_channels() == (), "the call was not placed a second time"
        assert (await link.asterisk_state()).live_calls == 0
    finally:
        await link.close()
        again.kill()
        await again.wait()
