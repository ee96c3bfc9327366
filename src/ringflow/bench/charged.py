"""`ringflow bench charged`: the seed call with money held and settled, against the same call for nothing."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from ringflow.agi.open_files import raise_open_file_limit
from ringflow.bench.charged_stage import give_credit
from ringflow.bench.load import run_load
from ringflow.bench.servers import MeasuredServer, on_server_core, ringflow_server, taking_turns
from ringflow.errors import Refused
from ringflow.ledger.check import check_books
from ringflow.moments import system_now_ms
from ringflow.store import Store

WARM_UP_CALLS = 200


@dataclass(slots=True)
class ChargedFigures:
    """Calls per second of time, and per second of processor time, a value for each round; and what failed."""

    database: str
    charged: list[float] = field(default_factory=list)
    uncharged: list[float] = field(default_factory=list)
    charged_cpu: list[float] = field(default_factory=list)
    uncharged_cpu: list[float] = field(default_factory=list)
    failed: int = 0


def measure_charged(
    project: Path, calls: int, at_once: int, rounds: int, database_url: str | None
) -> ChargedFigures:
    """Rounds of `calls` calls, `at_once` at any time, uncharged and charged in turns, on one database.

    Raises `Refused` when the books are not right afterwards.
    """
    raise_open_file_limit()
    with tempfile.TemporaryDirectory() as name, on_server_core(), taking_turns():
        folder = Path(name)
        url = database_url or f"sqlite:///{folder}/charged.db"
        with ringflow_server(folder, project, url):
            asyncio.run(_give_credit(url))
        figures = ChargedFigures(url.partition(":")[0])
        for _ in range(rounds):
            with ringflow_server(folder, project, url) as server:
                _round(server, calls, at_once, figures, figures.uncharged, figures.uncharged_cpu)
            with ringflow_server(folder, project, url, rated="local") as server:
                _round(server, calls, at_once, figures, figures.charged, figures.charged_cpu)
        asyncio.run(_check(url, charges=rounds * (calls + WARM_UP_CALLS)))
        return figures


def _round(
    server: MeasuredServer,
    calls: int,
    at_once: int,
    figures: ChargedFigures,
    per_s: list[float],
    per_cpu_s: list[float],
) -> None:
    uvloop.run(run_load(server.port, WARM_UP_CALLS, at_once))
    before_s = server.cpu_s()
    result = uvloop.run(run_load(server.port, calls, at_once))
    spent_s = server.cpu_s() - before_s
    per_s.append(result.calls_per_second)
    per_cpu_s.append(result.complete / spent_s if spent_s else 0.0)
    figures.failed += result.failed


async def _give_credit(url: str) -> None:
    store = await Store.open(url)
    try:
        await give_credit(store)
    finally:
        await store.close()


async def _check(url: str, charges: int) -> None:
    store = await Store.open(url)
    try:
        findings = await check_books(store, system_now_ms())
        async with store.reading() as connection:
            query = "SELECT COUNT(*) FROM ledger_movements WHERE kind = 'charge'"
            booked = (await connection.exec_driver_sql(query)).scalar_one()
    finally:
        await store.close()
    if findings or booked != charges:
        raise Refused(
            "measurement.failed",
            f"{booked} of {charges} calls were charged; {'; '.join(map(str, findings[:3]))}",
        )
