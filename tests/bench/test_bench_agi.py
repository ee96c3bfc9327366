"""`ringflow bench agi` and `bench held`: every call is a whole one, and those that fail give no figures."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time
from pathlib import Path
from typing import ClassVar

import pytest

from ringflow.accounts.security_key import SecurityKeys
from ringflow.bench.agi import AgiFigures, measure_agi, measure_held, measure_round
from ringflow.bench.load import VirtualCaller, run_load
from ringflow.bench.peers import BARE, COMMANDS, KINDS, CallingCard
from ringflow.bench.seed_call import CLI, CUSTOMER
from ringflow.bench.servers import MeasuredServer, peer_server, ringflow_server
from ringflow.cli import main

PROJECT = Path(__file__).parents[2]


def words(line: str) -> str:
    """A command less its quotes, which are written in two ways, and what is new in each call: key and leg."""
    plain = line.replace('"', "").rstrip()
    if "X-CX-Sec^" not in plain:
        return plain
    return plain.partition("v1.")[0] + plain[plain.rindex("))U") :].partition("^")[0]


class Overheard(VirtualCaller):
    """Keeps what it is asked."""

    heard: ClassVar[list[str]] = []

    def data_received(self, data: bytes) -> None:
        Overheard.heard += data.decode().splitlines()
        super().data_received(data)


async def overhear(port: int) -> list[str]:
    """What a server sends in one call."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[bool] = loop.create_future()
    Overheard.heard = []
    await loop.create_connection(lambda: Overheard(1, over), "127.0.0.1", port)
    assert await over
    return [words(line).replace(str(PROJECT / "sounds"), "/sounds") for line in Overheard.heard]


async def test_ringflow_sends_the_commands_of_the_bare_peer(tmp_path: Path) -> None:
    with ringflow_server(tmp_path, PROJECT) as server:
        assert await overhear(server.port) == [words(line) for line in COMMANDS]


@pytest.mark.parametrize("kind", KINDS)
async def test_every_peer_sends_them(kind: str) -> None:
    with peer_server(kind) as server:
        assert await overhear(server.port) == [words(line) for line in COMMANDS]


async def test_the_flow_on_panoramisk_knows_its_callers_and_judges_what_is_keyed() -> None:
    sent: list[str] = []
    keyed = iter(["TIMEOUT:", "OK:123", "OK:441234567890"])

    class Request:
        headers: ClassVar[dict[str, str]] = {"agi_callerid": CLI, "agi_uniqueid": "1.1"}

        async def send_command(self, command: str) -> dict[str, tuple[str, str]]:
            sent.append(command)
            return {"result": ("1", next(keyed) if "READSTATUS" in command else "")}

    secret = "a secret of more than thirty-two characters"
    flow = CallingCard(secret.encode())
    await flow.serve(Request())
    key = sent[-2].partition("X-CX-Sec^")[2].partition("^")[0]
    SecurityKeys(secret).verify(key, CUSTOMER, "carrier", int(time.time()))
    assert [command.split()[1] for command in sent] == [
        *('"Read"', "FULL", "FILE", '"Read"', "FULL", "FILE", '"Read"', "FULL", '"Dial"', "FULL")
    ]
    sent.clear()
    Request.headers["agi_callerid"] = "1"
    await flow.serve(Request())
    assert sent == ["HANGUP"]


def test_every_server_completes_its_calls_and_is_measured() -> None:
    figures = measure_agi(PROJECT, calls=4, at_once=2, rounds=2)
    assert [(found.name, found.complete, found.failed) for found in figures] == [
        (name, 8, 0) for name in ("ringflow", *KINDS)
    ]
    assert all(len(found.cpu_us) == 2 and found.calls_per_core_s > 0 for found in figures)
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_figures_are_compared_round_by_round() -> None:
    ours, theirs = AgiFigures("ours", [200.0, 400.0, 200.0]), AgiFigures("theirs", [100.0, 100.0, 100.0])
    assert ours.times_as_many_as(theirs) == 0.5
    assert ours.calls_per_core_s == 5000


def test_a_call_that_is_not_served_has_failed_and_no_time() -> None:
    with peer_server(BARE) as server:
        pass
    # Its port is closed; the processor time asked for is our own.
    found = AgiFigures("gone")
    measure_round(MeasuredServer("gone", os.getpid(), server.port), found, calls=3, at_once=2)
    assert (found.complete, found.failed, found.cpu_us) == (0, 3, [])


@pytest.mark.parametrize("figure", ["agi", "held"])
def test_calls_that_fail_end_the_command_with_1_and_no_table(
    figure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "app_flows").mkdir()
    (tmp_path / "config.yaml").write_text("flows: app_flows\n", "utf-8")
    rounds = ["--rounds", "1", "--at-once", "1"] if figure == "agi" else []
    words = ["--config", str(tmp_path / "config.yaml"), "bench", figure, "--calls", "2", *rounds]
    monkeypatch.setattr(sys, "argv", ["ringflow", *words])
    monkeypatch.setenv("RINGFLOW_CONFIG", "")
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    assert (ended.value.code, printed.out) == (1, "")
    assert "so the figures mean nothing" in printed.err


def test_held_calls_are_all_held_and_their_memory_is_shared_out() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = measure_held(PROJECT, 50)
    assert held.calls == 50
    assert 0 < held.bytes_per_call < 1_000_000
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])


async def test_a_server_gone_is_no_endless_wait() -> None:
    with peer_server(BARE) as server:
        pass
    async with asyncio.timeout(60):
        assert (await run_load(server.port, 2, 1)).failed == 2
