"""What the signals of a terminal that closes do to `ringflow serve` while a caller is at a prompt."""

from __future__ import annotations

import asyncio
import gc
import json
import secrets
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from ringflow.calls.digits import DIALPLAN_TIMERS
from ringflow.cli.serve import run_server
from ringflow.config import Config
from ringflow.engine.dialplan import DIALPLAN_VERSION

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60
GREETING = (
    "agi_network: yes\nagi_network_script: call\nagi_request: agi://127.0.0.1/call\nagi_channel: PJSIP/x-1\n"
    "agi_uniqueid: 1.1\nagi_callerid: 441910000001\nagi_callingpres: 0\nagi_extension: 18005550100\n"
    f"agi_arg_1: {DIALPLAN_VERSION}\nagi_arg_2: {DIALPLAN_TIMERS}\n\n"
).encode()


@asynccontextmanager
async def serve(folder: Path) -> AsyncIterator[tuple[Process, int]]:
    """A server in a process of its own, and its FastAGI port."""
    config = (ROOT / "config.yaml").read_text("utf-8")
    config += f"\nflows: {ROOT / 'app_flows'}\nsounds: {{folder: {ROOT / 'sounds'}}}\nhttp: null\nami: null\n"
    config += "fastagi: {port: 0, drain_s: 60}\n"
    (folder / "config.yaml").write_text(config)
    (folder / ".ringflow").mkdir()
    (folder / ".ringflow" / "security.key").write_text(secrets.token_hex())
    command = [sys.executable, "-m", "ringflow", "--config", str(folder / "config.yaml"), "serve"]
    # Tests that run under nohup themselves hand SIGHUP ignored to their children.
    server = await asyncio.create_subprocess_exec(
        *command, stdout=PIPE, stderr=STDOUT, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL)
    )
    try:
        ready = await logged(server, "ready")
        yield server, int(str(ready["fastagi"]).rpartition(":")[2])
    finally:
        if server.returncode is None:
            server.kill()
        await server.wait()


async def logged(server: Process, event: str) -> dict[str, object]:
    """The next line of the log with this event."""
    assert server.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        async for line in server.stdout:
            found: dict[str, object] = json.loads(line) if line.startswith(b"{") else {}
            if found.get("event") == event:
                return found
    raise AssertionError(f"the server ended without {event!r}")


async def caller_at_prompt(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GREETING)
    assert (await reader.readline()).startswith(b"EXEC Read")
    return reader, writer


async def test_a_terminal_that_closes_stops_the_server_when_its_calls_are_over(tmp_path: Path) -> None:
    async with serve(tmp_path) as (server, port), asyncio.timeout(PATIENCE_S):
        reader, writer = await caller_at_prompt(port)
        server.send_signal(signal.SIGHUP)
        assert (await logged(server, "stopping"))["live_calls"] == 1
        server.send_signal(signal.SIGHUP)
        # The call goes on: its next command still comes.
        writer.write(b"200 result=0\n")
        assert (await reader.readline()).startswith(b"GET FULL VARIABLE")
        writer.close()
        await logged(server, "stopped")
        assert await server.wait() == 0


@pytest.fixture
def garbage_collected_as_before() -> Iterator[None]:
    """A server changes how Python looks for garbage in its process, which here is that of the tests."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("garbage_collected_as_before")
async def test_under_nohup_it_means_nothing(server_config: Config) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with capture_logs() as lines:
        serving = asyncio.create_task(run_server(server_config))
        try:
            async with asyncio.timeout(PATIENCE_S):
                port = int(str((await line_of(lines, "ready"))["fastagi"]).rpartition(":")[2])
                signal.raise_signal(signal.SIGHUP)
                _, writer = await caller_at_prompt(port)
                writer.close()
                assert (await line_of(lines, "call ended"))["outcome"] == "error"
                assert not serving.done()
                signal.raise_signal(signal.SIGTERM)
                await serving
        finally:
            serving.cancel()
            signal.signal(signal.SIGHUP, before)


async def line_of(lines: list[EventDict], event: str) -> EventDict:
    """The first line of the log with this event."""
    while not (found := [line for line in lines if line["event"] == event]):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    return found[0]
