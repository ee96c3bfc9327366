"""`ringflow bench identify`: what it costs to know a caller, in a small directory and in a large one."""

from __future__ import annotations

import random
import time
from asyncio import gather
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Literal

import uvloop
from sqlalchemy import make_url, text

from ringflow.accounts.admission import Admission
from ringflow.accounts.directory import Directory
from ringflow.errors import Refused
from ringflow.lab.postgres import temporary_postgres
from ringflow.store import Store

Databases = Literal["sqlite", "postgresql", "both"]

COUNTRY = "US"
FIRST_CLI = 447_000_000_000
FIRST_DID = 18_000_000_000
CLIS_PER_CUSTOMER = 10
SMALL_CLIS, SMALL_DIDS = 1_000, 100
WARM_UP = 500
AT_ONCE = 50
CALLERS_PER_COMMIT = 10

# The same SQL on SQLite and PostgreSQL; they make a million rows in seconds by themselves.
_SERIES = """
WITH RECURSIVE series(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM series WHERE i < :count)
"""
_FILL_CUSTOMERS = f"""
INSERT INTO customers (id, name, status, currency, source, created_ms, updated_ms)
{_SERIES} SELECT i, 'Customer ' || i, 'active', 'USD', 'operator', 0, 0 FROM series
"""  # noqa: S608 -- constants of ours
_FILL_CLIS = f"""
INSERT INTO clis (customer_id, number, notes, source, created_ms, updated_ms)
{_SERIES} SELECT 1 + (i - 1) / {CLIS_PER_CUSTOMER}, CAST({FIRST_CLI} + i AS TEXT), '', 'operator', 0, 0
FROM series
"""  # noqa: S608 -- constants of ours
_FILL_DIDS = f"""
INSERT INTO dids (number, app, identify, enabled, reject_code, source, created_ms, updated_ms)
{_SERIES} SELECT CAST({FIRST_DID} + i AS TEXT), 'calling_card', 'cli', true, 403, 'operator', 0, 0 FROM series
"""  # noqa: S608 -- constants of ours
_COMMITTED = "UPDATE customers SET updated_ms = updated_ms + 1 WHERE id = 1"


@dataclass(slots=True)
class Filled:
    """A directory of a size, and the microseconds per caller of each round."""

    store: Store
    directory: Directory
    clis: int
    dids: int
    rounds_us: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class IdentifyFigures:
    """What a caller costs, in microseconds, medians of the rounds. `callers`: in which way they come."""

    database: str
    callers: str
    small_us: float
    large_us: float
    ratio: float


def measure_identify(
    lab_folder: Path, database: Databases, clis: int, dids: int, callers: int, rounds: int
) -> list[IdentifyFigures]:
    """Identify callers in a small directory and in one of `clis` and `dids`, by turns, on each database."""
    with TemporaryDirectory(prefix="ringflow-bench-") as folder, ExitStack() as stack:
        return [
            figures
            for name, small, large in _databases(Path(folder), lab_folder, database, stack)
            for figures in uvloop.run(_measure(name, small, large, clis, dids, callers, rounds))
        ]


def _databases(
    folder: Path, lab_folder: Path, wanted: Databases, stack: ExitStack
) -> Iterator[tuple[str, str, str]]:
    if wanted != "postgresql":
        yield "SQLite", f"sqlite:///{folder}/small.db", f"sqlite:///{folder}/large.db"
    if wanted != "sqlite":
        server = make_url(stack.enter_context(temporary_postgres(lab_folder)))
        uvloop.run(_create_databases(server.render_as_string(hide_password=False)))
        small, large = (server.set(database=name).render_as_string(False) for name in ("small", "large"))
        yield "PostgreSQL", small, large


async def _create_databases(server: str) -> None:
    store = await Store.open(server)
    async with store.reading() as connection:
        await connection.execute(text("CREATE DATABASE small"))
        await connection.execute(text("CREATE DATABASE large"))
    await store.close()


async def _measure(
    name: str, small_url: str, large_url: str, clis: int, dids: int, callers: int, rounds: int
) -> list[IdentifyFigures]:
    small = await _fill(small_url, SMALL_CLIS, SMALL_DIDS)
    large = await _fill(large_url, clis, dids)
    found = []
    for said, measure in _WAYS.items():
        for filled in (small, large):
            filled.rounds_us.clear()
            await measure(filled, max(callers, WARM_UP))
        for _ in range(rounds):
            for filled in (small, large):
                filled.rounds_us.append(await measure(filled, callers))
        ratio = median(b / a for a, b in zip(small.rounds_us, large.rounds_us, strict=True))
        found.append(IdentifyFigures(name, said, median(small.rounds_us), median(large.rounds_us), ratio))
    await small.store.close()
    await large.store.close()
    return found


async def _fill(url: str, clis: int, dids: int) -> Filled:
    store = await Store.open(url)
    await store.migrate()
    customers = 1 + clis // CLIS_PER_CUSTOMER
    async with store.writing() as connection:
        for statement, count in ((_FILL_CUSTOMERS, customers), (_FILL_CLIS, clis), (_FILL_DIDS, dids)):
            await connection.execute(text(statement), {"count": count})
    async with store.reading() as connection:
        # As it is in any database some minutes after a large import.
        await connection.execute(text("ANALYZE"))
    return Filled(store, Directory(store, COUNTRY), clis, dids)


async def _one_by_one(filled: Filled, callers: int) -> float:
    return await _at_once(filled, callers, 1)


async def _many_at_once(filled: Filled, callers: int) -> float:
    return await _at_once(filled, callers, AT_ONCE)


async def _at_once(filled: Filled, callers: int, at_once: int) -> float:
    """Microseconds per caller."""
    arrive = _arrivals(filled, callers)

    async def call(count: int) -> None:
        for _ in range(count):
            await arrive()

    share = max(1, callers // at_once)
    started = time.perf_counter()
    await gather(*[call(share) for _ in range(at_once)])
    return (time.perf_counter() - started) / (share * at_once) * 1e6


async def _after_commits(filled: Filled, callers: int) -> float:
    """Microseconds per caller, each after a commit by which SQLite's other connections lose their pages."""
    arrive = _arrivals(filled, callers)
    count = max(1, callers // CALLERS_PER_COMMIT)
    taken_s = 0.0
    for _ in range(count):
        async with filled.store.writing_directly() as connection:
            await connection.rows(_COMMITTED, [])
        started = time.perf_counter()
        await arrive()
        taken_s += time.perf_counter() - started
    return taken_s / count * 1e6


def _arrivals(filled: Filled, seed: int) -> Callable[[], Awaitable[None]]:
    """A caller at each call of it, with a CLI and a DID taken at random."""
    choose = random.Random(seed)  # noqa: S311 -- a load, not a secret

    async def arrive() -> None:
        cli = FIRST_CLI + choose.randint(1, filled.clis)
        did = FIRST_DID + choose.randint(1, filled.dids)
        answer = await filled.directory.arrive(str(did), str(cli), withheld=False)
        if not isinstance(answer, Admission):
            raise Refused(
                "measurement.failed", f"a caller was rejected ({answer.reason}), so the figures mean nothing"
            )

    return arrive


_WAYS = {
    "one by one": _one_by_one,
    f"{AT_ONCE} at once": _many_at_once,
    "each after a commit": _after_commits,
}
