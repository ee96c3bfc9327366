"""The lab goes up, says where it is, and leaves nothing behind; its files are an operator's."""

from __future__ import annotations

import asyncio
import concurrent.futures.thread  # noqa: F401 - loaded now: as nobody, Python may find none of its modules
import multiprocessing
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ringflow.errors import StartError
from ringflow.lab import Lab, LabCallee, LabCaller
from ringflow.lab.ports import free_tcp_port

if TYPE_CHECKING:
    from tests.lab.conftest import Scripts

pytestmark = pytest.mark.lab

NOBODY = 65534


@pytest.fixture
def own_lab(lab: Lab, tmp_path: Path) -> Lab:
    """Another Asterisk of the same release, not started."""
    return Lab(lab.folder, lab.release, tmp_path / "asterisk")


def test_up_twice_is_one_asterisk_and_down_leaves_nothing(own_lab: Lab) -> None:
    port = free_tcp_port()
    first = own_lab.up(port)
    try:
        assert own_lab.up(port) == first
        # Another process sees the same one.
        status = Lab(own_lab.folder, own_lab.release, own_lab._place).status()
        assert status.state == first
        assert status.version.startswith("Asterisk 22." if own_lab.release == "forky" else "Asterisk 16.")
        assert status.live_channels == 0
        assert own_lab.asterisk().complaints() == []
    finally:
        assert own_lab.down()
    assert not own_lab.down()
    assert any("Asterisk Ready" in line for line in own_lab.logs(1000)), "the log outlives it"
    assert len(own_lab.logs(3)) == 3
    assert own_lab.status().state is None
    assert not Path(first.run_folder).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(first.pid, 0)


def test_an_asterisk_that_cannot_start_says_why(own_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    asterisk = own_lab.asterisk()
    (asterisk.folder / "etc").mkdir(parents=True)
    (asterisk.folder / "etc" / "rtp.conf").mkdir()  # where a file must be written
    with pytest.raises(StartError, match=r"cannot be set up in .*rtp\.conf"):
        asterisk.start()
    assert not asterisk.is_running()


async def ask_manager(port: int, secret: str, *actions: str) -> list[dict[str, str]]:
    """Log in as `ringflow` and give the reply to each action."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert (await reader.readline()).startswith(b"Asterisk Call Manager/")
    replies = []
    login = f"Action: Login\r\nUsername: ringflow\r\nSecret: {secret}"
    for number, action in enumerate([login, *actions]):
        writer.write(f"{action}\r\nActionID: {number}\r\n\r\n".encode())
        while True:
            text = (await reader.readuntil(b"\r\n\r\n")).decode()
            fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
            if fields.get("ActionID") == str(number) and "Response" in fields:
                replies.append(fields)
                break
    writer.close()
    return replies


async def test_the_manager_user_may_do_what_ringflow_does_and_no_more(lab: Lab, scripts: Scripts) -> None:
    asterisk = lab.asterisk()
    secret = (asterisk.config / "ami.secret").read_text().strip()
    allowed = ["CoreStatus", "CoreSettings", "CoreShowChannels", "Ping"]
    tried = ["Hangup\r\nChannel: nobody", "AbsoluteTimeout\r\nChannel: nobody\r\nTimeout: 1"]
    refused = [
        "Command\r\nCommand: core stop now",
        "GetConfig\r\nFilename: manager.conf",
        "ModuleCheck\r\nModule: x",
    ]
    originate = (
        "Originate\r\nChannel: Local/18005550100@nowhere\r\nContext: nowhere\r\nExten: 1\r\nPriority: 1"
    )
    replies = await ask_manager(
        asterisk.state.ami_port,
        secret,
        *(f"Action: {one}" for one in [*allowed, *tried, originate, *refused]),
    )
    assert [reply["Response"] for reply in replies[:5]] == ["Success"] * 5
    assert [reply["Message"] for reply in replies[5:7]] == ["No such channel"] * 2
    assert "Permission" not in replies[7]["Message"]
    assert {reply["Message"] for reply in replies[8:]} == {"Permission denied"}
    wrong = await ask_manager(asterisk.state.ami_port, "wrong")
    assert wrong[0]["Message"] == "Authentication failed"


def _call_as_nobody(folder: Path, release: str, place: Path) -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)

    async def run() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\n\n")
            for command in (b"ANSWER\n", b'EXEC Dial "PJSIP/44@callee01,10,g"\n'):
                writer.write(command)
                await reader.readuntil(b"\n")
            writer.close()

        lab = Lab(folder, release, place)
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            lab.up(server.sockets[0].getsockname()[1])
            try:
                callees = {"callee01": LabCallee(hangs_up_after_ms=300)}
                result = await lab.call(LabCaller("1800", "44"), callees, timeout_s=20)
            finally:
                lab.down()
        assert result.callees["callee01"].talked_s > 0.2

    asyncio.run(run())


@pytest.mark.skipif(os.geteuid() != 0, reason="nothing else in these tests runs as root then")
def test_a_call_needs_no_root(lab: Lab) -> None:
    # Below /tmp itself: pytest's own folders are closed to others.
    place = Path(tempfile.mkdtemp(prefix="ringflow-nobody-"))
    os.chown(place, NOBODY, NOBODY)
    try:
        child = multiprocessing.get_context("fork").Process(
            target=_call_as_nobody, args=(lab.folder, lab.release, place / "asterisk")
        )
        child.start()
        child.join(60)
        assert child.exitcode == 0
    finally:
        shutil.rmtree(place)
