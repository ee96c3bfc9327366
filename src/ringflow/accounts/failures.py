"""Failures to give a right PIN, code or password, kept in the database, so that every server knows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from ringflow.accounts.lockout import Limit, Limits, Standing, Subject, Verdict
from ringflow.store import Store
from ringflow.store.card_tables import lockouts
from ringflow.store.statement import Statement

MAX_SWEPT = 100

# A failure adds `each_ms` to what is left of the earlier ones. While the clock is behind the last failure,
# nothing has been forgotten.
_COUNT = Statement(
    "INSERT INTO lockouts AS l (subject, failed_ms, clear_ms) "
    "SELECT v.subject, CAST(:now_ms AS BIGINT), :now_ms + v.each_ms FROM {rows} WHERE true "
    "ON CONFLICT (subject) DO UPDATE SET failed_ms = excluded.failed_ms, clear_ms = excluded.clear_ms + CASE "
    "WHEN l.failed_ms > excluded.failed_ms THEN l.clear_ms - l.failed_ms "
    "WHEN l.clear_ms > excluded.failed_ms THEN l.clear_ms - excluded.failed_ms ELSE 0 END",
    rows={"subject": "text", "each_ms": "bigint"},
    now_ms="bigint",
)
# Found by the index of `clear_ms`, however many there are after an attack, and locked in the order in which
# `_COUNT` takes its rows, so that no two transactions wait for each other.
_SWEEP = Statement(
    "DELETE FROM lockouts WHERE subject IN (SELECT subject FROM lockouts WHERE clear_ms < :now_ms "
    "AND subject IN (SELECT subject FROM lockouts WHERE clear_ms < :now_ms ORDER BY clear_ms LIMIT :most) "
    "ORDER BY subject {lock})",
    now_ms="bigint",
    most="bigint",
)
_SET_BACK = Statement(
    "UPDATE lockouts SET clear_ms = clear_ms - failed_ms + :now_ms, failed_ms = :now_ms "
    "WHERE subject IN (SELECT v.subject FROM {rows}) AND failed_ms > :now_ms",
    rows={"subject": "text"},
    now_ms="bigint",
)


async def judge(store: Store, limits: Limits, now_ms: int) -> Verdict:
    """Return what may be compared now. After the clock went back, what stands in the future is of now."""
    kinds: dict[str, Subject] = {one.name: kind for kind, one in limits.all.items()}
    query = select(lockouts.c.subject, lockouts.c.failed_ms, lockouts.c.clear_ms)
    async with store.reading() as connection:
        rows = (await connection.execute(query.where(lockouts.c.subject.in_([*kinds])))).all()
    standings = {kinds[row.subject]: Standing(row.failed_ms, row.clear_ms) for row in rows}
    verdict = limits.judge(standings, now_ms)
    if verdict.wait_ms and any(one.failed_ms > now_ms for one in standings.values()):
        await set_back(store, [*kinds], now_ms)
    return verdict


async def count_failure(store: Store, limits: Sequence[Limit], now_ms: int) -> None:
    """Use one try of every limit's budget; drop some rows whose failures are all forgotten."""
    rows = [{"subject": one.name, "each_ms": one.budget.each_ms} for one in limits]
    async with store.writing() as connection:
        await _COUNT.run(connection, sorted(rows, key=lambda row: str(row["subject"])), now_ms=now_ms)
    async with store.writing() as connection:
        await _SWEEP.run(connection, None, now_ms=now_ms, most=MAX_SWEPT)


async def set_back(store: Store, subjects: Iterable[str], now_ms: int) -> None:
    """After the clock went back: failures of a time that is yet to come are failures of now.

    A lock then ends after its wait, and not when the clock has come to where it was.
    """
    async with store.writing() as connection:
        await _SET_BACK.run(connection, [{"subject": name} for name in sorted(subjects)], now_ms=now_ms)
