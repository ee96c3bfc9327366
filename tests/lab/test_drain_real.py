"""`ringflow serve` told to stop while real calls are up: they finish, new ones are refused, and it exits."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from ringflow.lab import Lab, LabCallee, LabCaller, LabCallResult, TimedKeys
from ringflow.lab.asterisk import CARRIER

FORKY = "forky"
pytestmark = [
    pytest.mark.lab,
    # What is tried here is Ringflow's end; any Asterisk will do.
    pytest.mark.parametrize("started_lab", [FORKY], indirect=True, scope="session"),
]

ROOT = Path(__file__).parents[2]
DID, CLI, TRUNK = "18005550100", "441910000001", "carrier"
KEYS = (TimedKeys(300, "441234567890#", tone_ms=60, gap_ms=40),)
READY_S = 20.0
EXIT_S = 10.0
PATIENCE_S = 20.0


class Served:
    """A `ringflow serve` process, and what it logs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.logged: list[dict[str, object]] = []
        self._changed = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    async def wait_for(self, event: str) -> dict[str, object]:
        """The first log line of this event, now or later."""
        async with asyncio.timeout(READY_S), self._changed:
            await self._changed.wait_for(lambda: any(one.get("event") == event for one in self.logged))
        return next(one for one in self.logged if one.get("event") == event)

    async def exit_code(self) -> int:
        """Its exit code, waited for."""
        async with asyncio.timeout(EXIT_S):
            await self._reading
            return await self.process.wait()

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            async with self._changed:
                self.logged.append(json.loads(line) if line.startswith(b"{") else {"event": line.decode()})
                self._changed.notify_all()


@asynccontextmanager
async def serve(
    folder: Path, lab: Lab, fastagi_port: int, drain_s: float, with_ami: bool = False
) -> AsyncIterator[Served]:
    """A server on the lab's FastAGI port with the shipped flows, demo data and prompts."""
    demo = (ROOT / "config.yaml").read_text("utf-8")
    demo += (
        f"\nflows: {ROOT / 'app_flows'}\nsounds: {{folder: {ROOT / 'sounds'}}}\nhttp: null\n"
        f"fastagi: {{port: {fastagi_port}, drain_s: {drain_s}}}\n"
    )
    if with_ami:
        asterisk = lab.asterisk()
        demo += f"\nami: {{port: {asterisk.state.ami_port}, secret_file: {asterisk.config / 'ami.secret'}}}\n"
    (folder / ".ringflow").mkdir()
    (folder / "config.yaml").write_text(demo)
    (folder / ".ringflow" / "security.key").write_text(secrets.token_hex())
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ringflow", "--config", str(folder / "config.yaml"), "serve",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    served = Served(process)
    try:
        await served.wait_for("ready")
        yield served
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def call(lab: Lab, talk_ms: int | None = None) -> LabCallResult:
    return await lab.call(LabCaller(DID, CLI, KEYS), {CARRIER: LabCallee(hangs_up_after_ms=talk_ms)})


async def wait_for_channels(lab: Lab, count: int) -> None:
    """Until Asterisk has so many: two are a caller who has been put through, ringing or talking."""
    async with asyncio.timeout(PATIENCE_S):
        # Channels of telephones only: the server itself makes others for a moment, when it checks Asterisk.
        while (await asyncio.to_thread(telephones, lab)) != count:  # noqa: ASYNC110 -- nobody tells
            await asyncio.sleep(0.1)


def telephones(lab: Lab) -> int:
    lines = lab.asterisk().ask("core show channels concise").splitlines()
    return sum(line.startswith("PJSIP/") for line in lines)


def released_by(folder: Path) -> tuple[str, str | None]:
    """Who ended the one call on record, and its last leg, if it has one."""
    with closing(sqlite3.connect(folder / ".ringflow" / "ringflow.db")) as database:
        found = database.execute(
            "SELECT c.released_by, l.released_by FROM call_records AS c "
            "LEFT JOIN call_legs AS l ON l.call_id = c.call_id"
        )
        return tuple(found.fetchone())


async def test_a_call_in_talk_finishes_and_a_new_one_is_refused(
    started_lab: tuple[Lab, int], tmp_path: Path
) -> None:
    lab, port = started_lab
    async with serve(tmp_path, lab, port, drain_s=30) as served:
        talking = asyncio.create_task(call(lab, talk_ms=3000))
        await wait_for_channels(lab, 2)
        served.process.send_signal(signal.SIGTERM)
        assert (await served.wait_for("stopping"))["live_calls"] == 1
        late = await lab.call(LabCaller(DID, CLI))
        assert (late.status, late.answered_at) == (500, None)
        assert served.process.returncode is None
        wire = await talking
        assert await served.exit_code() == 0
    callee = wire.callees[CARRIER]
    assert callee.ended_by == "callee"
    assert callee.talked_s == pytest.approx(3.0, abs=0.3)
    assert (await served.wait_for("call ended"))["outcome"] == "completed"


async def test_a_call_in_talk_is_hung_up_at_the_limit(started_lab: tuple[Lab, int], tmp_path: Path) -> None:
    lab, port = started_lab
    async with serve(tmp_path, lab, port, drain_s=1, with_ami=True) as served:
        talking = asyncio.create_task(call(lab))
        await wait_for_channels(lab, 2)
        served.process.send_signal(signal.SIGTERM)
        wire = await talking
        assert await served.exit_code() == 0
    callee = wire.callees[CARRIER]
    assert (wire.ended_by, callee.ended_by) == ("asterisk", "asterisk")
    ended = await served.wait_for("call ended")
    assert ended["outcome"] == "completed"
    # What was talked until then is known: a call that nobody ends, or whose end nobody hears of, is not paid.
    logged = re.fullmatch(rf"441234567890 {TRUNK} answered (\d+)ms", ended["legs"][0])  # type: ignore[index]
    assert logged is not None
    assert int(logged[1]) / 1000 == pytest.approx(callee.talked_s, abs=0.3)
    # To Ringflow the end looks like the caller's own hang-up; docs/records.md says so.
    assert released_by(tmp_path) == ("caller", "caller")


async def test_a_call_at_a_prompt_is_ended_at_the_limit(started_lab: tuple[Lab, int], tmp_path: Path) -> None:
    lab, port = started_lab
    async with serve(tmp_path, lab, port, drain_s=0.5) as served:
        listening = asyncio.create_task(lab.call(LabCaller(DID, CLI)))
        await wait_for_channels(lab, 1)
        served.process.send_signal(signal.SIGTERM)
        assert await served.exit_code() == 0
        wire = await listening
    assert (wire.status, wire.ended_by) == (200, "asterisk")
    ended = await served.wait_for("call ended")
    assert (ended["outcome"], ended["reason"]) == ("drained", "Ringflow is stopping")
    assert released_by(tmp_path) == ("drain", None)
