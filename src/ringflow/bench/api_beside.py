"""How much later calls are dialled while the API is under load and rates are imported: by turns."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import uvloop
from aiohttp import ClientSession

from ringflow.accounts import operators, tokens
from ringflow.accounts.operators import Operator
from ringflow.accounts.tokens import TokenPlan
from ringflow.actor import acting, shell_operator
from ringflow.bench.load import ASKS_FOR_KEYS, DIAL, VirtualCaller, reply_to, run_load
from ringflow.bench.servers import MeasuredServer, ringflow_server
from ringflow.bench.sip import percentile
from ringflow.errors import Refused
from ringflow.store import Store
from ringflow.web.rest.operation import PREFIX

WARM_UP_CALLS = 50
KEYS_AFTER_S = 0.5
TALK_S = 0.5
CALL_LIMIT_S = 30.0
LOOK_EVERY_S = 0.2
RATE_CARD = "bench"
NICENESS = 10
"""Of the load: on a machine of its own it would not take the server's processor."""


@dataclass(slots=True)
class BesideFigures:
    """Calls alone, or beside the load: from the last key's report to the order to dial."""

    name: str
    key_to_dial_ms: list[float] = field(default_factory=list)
    failed: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    imports_s: list[float] = field(default_factory=list)

    def percentile_ms(self, share: float) -> float:
        """That percentile."""
        return percentile(self.key_to_dial_ms, share)


def measure_beside(
    project: Path, calls: int, calls_per_s: float, rounds: int, connections: int, rates: int, limited: bool
) -> tuple[BesideFigures, BesideFigures]:
    """Make calls alone and beside the load, by turns. `rates`: how many an import has; it is repeated.

    `limited` False: the API takes as many requests of one token as come.
    """
    unlimited = {"per_token_per_s": None, "per_address_per_s": None}
    http = {"http": {"port": 0, "limits": {} if limited else unlimited}}
    with (
        tempfile.TemporaryDirectory() as folder,
        # The process of an import has the other core too.
        ringflow_server(Path(folder), project, more=http, on_all_cores=True) as server,
    ):
        url = f"sqlite:///{folder}/bench.db"
        return uvloop.run(_measure(server, url, calls, calls_per_s, rounds, connections, rates))


async def _measure(
    server: MeasuredServer,
    url: str,
    calls: int,
    calls_per_s: float,
    rounds: int,
    connections: int,
    rates: int,
) -> tuple[BesideFigures, BesideFigures]:
    importer, loading = await _tokens(url)
    alone, beside = BesideFigures("alone"), BesideFigures("beside")
    await run_load(server.port, WARM_UP_CALLS, 5)
    async with ClientSession(f"http://127.0.0.1:{server.http_port}") as http:
        http.headers["Authorization"] = f"Bearer {importer}"
        importing = _Imports(http, _sheet(rates))
        await importing.make_card()
        for _ in range(rounds):
            await _calls(server.port, calls, calls_per_s, alone)
            async with importing.going_on(beside), _load(server.http_port, connections, loading, beside):
                await _calls(server.port, calls, calls_per_s, beside)
    return alone, beside


async def _tokens(url: str) -> tuple[str, str]:
    """Make two tokens: limits of requests count for each."""
    store = await Store.open(url)
    try:
        async with acting(store, shell_operator("bench"), "US") as actor:
            await operators.add(actor, Operator("bench", "admin"), None)
            _, importer = await tokens.add(actor, TokenPlan("bench", "import"))
            _, loading = await tokens.add(actor, TokenPlan("bench", "load"))
            return importer, loading
    finally:
        await store.close()


def _sheet(rates: int) -> bytes:
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(("prefix", "destination", "price", "minimum", "increment"))
    for number in range(rates):
        lines.writerow((1_000_000 + number, f"Place {number % 500}", f"0.{number % 900 + 1:04}", 1, 1))
    return text.getvalue().encode()


@dataclass(frozen=True, slots=True)
class _Imports:
    """Imports of one sheet into one card, one after the other."""

    http: ClientSession
    sheet: bytes

    async def make_card(self) -> None:
        body = {"name": RATE_CARD, "currency": "USD"}
        async with self.http.post(f"{PREFIX}/rate-cards", json=body) as answer:
            answer.raise_for_status()

    @asynccontextmanager
    async def going_on(self, found: BesideFigures) -> AsyncIterator[None]:
        """Import again and again during the block, and let the last one come to its end."""
        over = asyncio.Event()
        task = asyncio.create_task(self._repeat(found, over))
        try:
            yield
        finally:
            over.set()
            await task

    async def _repeat(self, found: BesideFigures, over: asyncio.Event) -> None:
        while not over.is_set():
            began_s = time.perf_counter()
            await self._import()
            found.imports_s.append(time.perf_counter() - began_s)

    async def _import(self) -> None:
        path = f"{PREFIX}/rate-cards/{RATE_CARD}:import?replace=true&file=rates.csv"
        job = await self._ask("POST", path, data=self.sheet, headers={"Content-Type": "text/csv"})
        while job["status"] in ("queued", "running"):
            await asyncio.sleep(LOOK_EVERY_S)
            job = await self._ask("GET", f"{PREFIX}/jobs/{job['id']}")
        if job["status"] != "done":
            raise Refused("measurement.failed", f"the import failed, so the figures mean nothing: {job}")

    async def _ask(self, method: str, path: str, **more: object) -> dict[str, str]:
        while True:
            async with self.http.request(method, path, **more) as answer:  # type: ignore[arg-type]
                if answer.status == 429:
                    await asyncio.sleep(LOOK_EVERY_S)
                    continue
                if answer.status >= 400:
                    raise Refused("measurement.failed", f"{path}: {await answer.text()}")
                found: dict[str, str] = await answer.json()
                return found


@asynccontextmanager
async def _load(port: int, connections: int, token: str, found: BesideFigures) -> AsyncIterator[None]:
    command = [sys.executable, "-m", "ringflow.bench.api_load", str(port), str(connections)]
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "TOKEN": token},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: os.nice(NICENESS),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        yield
    finally:
        process.stdin.close()
        out, _ = await process.communicate()
    found.answers.update({int(status): count for status, count in json.loads(out).items()})


async def _calls(port: int, calls: int, calls_per_s: float, found: BesideFigures) -> None:
    """Begin calls at a rate, and wait for their ends."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    ends = []
    for number in range(calls):
        await asyncio.sleep(max(0.0, began_s + number / calls_per_s - loop.time()))
        over: asyncio.Future[bool] = loop.create_future()
        await loop.create_connection(partial(_TimedCaller, number, over, found), "127.0.0.1", port)
        ends.append(over)
    done, late = await asyncio.wait(ends, timeout=CALL_LIMIT_S)
    found.failed += len(late) + sum(not one.result() for one in done)


class _TimedCaller(VirtualCaller):
    """Keys after a while, and takes the time until it is dialled."""

    def __init__(self, number: int, over: asyncio.Future[bool], found: BesideFigures) -> None:
        super().__init__(number, over)
        self._found = found
        self._keyed_s = 0.0

    def answer(self, command: bytes) -> None:
        """Answer a command: the prompt when the keys have come, the talk when it is over."""
        loop = asyncio.get_running_loop()
        reply = reply_to(command)
        if command.startswith(ASKS_FOR_KEYS):
            loop.call_later(KEYS_AFTER_S, self._key, reply)
        elif command.startswith(DIAL):
            self._found.key_to_dial_ms.append((time.perf_counter() - self._keyed_s) * 1000)
            loop.call_later(TALK_S, self.send, reply)
        else:
            self.send(reply)

    def _key(self, reply: bytes) -> None:
        self._keyed_s = time.perf_counter()
        self.send(reply)
