"""What the signals of a terminal that closes do to `ringflow serve` while a caller is at a prompt."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ringflow.calls.collecting import DIALPLAN_TIMERS
from ringflow.engine.dialplan import DIALPLAN_VERSION

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60
GREETING = (
    "agi_network: yes\nagi_network_script: call\nagi_request: agi://127.0.0.1/call\nagi_channel: PJSIP/x-1\n"
    "agi_uniqueid: 1.1\nagi_callerid: 441910000001\nagi_callingpres: 0\nagi_extension: 18005550100\n"
    f"agi_arg_1: {DIALPLAN_VERSION}\nagi_arg_2: {DIALPLAN_TIMERS}\n\n"
).encode()


@asynccontextmanager
async def serve(folder: Path, *, ignoring_hang_ups: bool = False) -> AsyncIterator[tuple[Process, int]]:
    """A server in a process of its own, and its FastAGI port."""
    config = (ROOT / "config.yaml").read_text("utf-8")
    config += f"\nflows: {ROOT / 'app_flows'}\nsounds: {{folder: {ROOT / 'sounds'}}}\nhttp: null\nami: null\n"
    config += "fastagi: {port: 0, drain_s: 60}\n"
    (folder / "config.yaml").write_text(config)
    (folder / ".ringflow").mkdir()
    (folder / ".ringflow" / "security.key").write_text(secrets.token_hex())
    command = [sys.executable, "-m", "ringflow", "--config", str(folder / "config.yaml"), "serve"]
    if ignoring_hang_ups:
        command = ["nohup", *command]
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


async def test_under_nohup_it_means_nothing(tmp_path: Path) -> None:
    async with serve(tmp_path, ignoring_hang_ups=True) as (server, port), asyncio.timeout(PATIENCE_S):
        server.send_signal(signal.SIGHUP)
        _, writer = await caller_at_prompt(port)
        writer.close()
        assert (await logged(server, "call ended"))["outcome"] == "error"
        server.send_signal(signal.SIGTERM)
        assert await server.wait() == 0
