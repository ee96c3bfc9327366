"""A dry run's store: changes are seen by way of it alone, and keep nobody waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from sqlalchemy import BigInteger, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import Refused
from ringflow.store import LookUp, Store
from ringflow.store.card_tables import lockouts
from ringflow.store.statement import Statement
from ringflow.store.tables import trunks

STANDING = LookUp(
    select(lockouts.c.subject, lockouts.c.clear_ms).where(
        lockouts.c.clear_ms >= bindparam("from_ms", type_=BigInteger)
    ),
    ["from_ms"],
)
COUNT = Statement(
    "INSERT INTO lockouts (subject, failed_ms, clear_ms) SELECT v.subject, :now_ms, v.clear_ms FROM {rows} "
    "WHERE true ON CONFLICT (subject) DO UPDATE SET clear_ms = lockouts.clear_ms + 1 RETURNING clear_ms",
    rows={"subject": "text", "clear_ms": "bigint"},
    now_ms="bigint",
)


def failure(subject: str, clear_ms: int = 10) -> dict[str, object]:
    return {"subject": subject, "failed_ms": 1, "clear_ms": clear_ms}


async def subjects(store: Store) -> list[tuple[str, int]]:
    """As a report and as a look-up of the call path read them."""
    async with store.reading() as connection:
        found = (await connection.execute(select(lockouts.c.subject, lockouts.c.clear_ms))).all()
    looked_up = await store.look_up(STANDING, 0)
    assert sorted(map(tuple, looked_up)) == sorted(map(tuple, found))
    return sorted((one.subject, one.clear_ms) for one in found)


async def write_twice(store: Store) -> None:
    """A row that can be, and one that cannot."""
    async with store.writing() as connection:
        await connection.execute(insert(lockouts), [failure("a")])
        await connection.execute(insert(lockouts), [failure("real")])


@pytest.fixture
async def dry(database_url: str, store: Store) -> AsyncIterator[Store]:
    """A dry run on the database of `store`, where one failure is counted already."""
    async with store.writing() as connection:
        await connection.execute(insert(lockouts), [failure("real")])
    opened = (await Store.open(database_url)).dry_run()
    yield opened
    await opened.close()


async def test_what_a_dry_run_writes_it_reads_back_and_nobody_else_does(dry: Store, store: Store) -> None:
    async with dry.writing() as connection:
        await connection.execute(insert(lockouts), [failure("a"), failure("b")])
        await connection.execute(update(lockouts).values(clear_ms=20).where(lockouts.c.subject == "real"))
    async with dry.writing_directly() as direct:
        assert [row[0] for row in await COUNT.run(direct, [{"subject": "a", "clear_ms": 7}], now_ms=3)] == [
            11
        ]
    async with dry.writing_one_statement() as direct:
        await COUNT.run(direct, [{"subject": "c", "clear_ms": 7}], now_ms=3)

    assert await subjects(dry) == [("a", 11), ("b", 10), ("c", 7), ("real", 20)]
    assert await subjects(store) == [("real", 10)]
    await dry.close()
    assert await subjects(store) == [("real", 10)]


async def test_a_transaction_that_fails_leaves_nothing_in_a_dry_run_either(dry: Store) -> None:
    with pytest.raises(IntegrityError):
        await write_twice(dry)
    assert await subjects(dry) == [("real", 10)]


async def test_a_savepoint_that_was_rolled_back_is_so_at_every_access(dry: Store) -> None:
    async with dry.writing() as connection:
        await connection.execute(insert(lockouts), [failure("a")])
        with suppress(IntegrityError):
            async with connection.begin_nested():
                await connection.execute(insert(lockouts), [failure("undone")])
                await connection.execute(insert(lockouts), [failure("real")])
        await connection.execute(insert(lockouts), [failure("b")])
    assert await subjects(dry) == [("a", 10), ("b", 10), ("real", 10)]


async def test_others_write_while_a_dry_run_goes_on_and_it_sees_that(dry: Store, store: Store) -> None:
    async with dry.writing() as connection:
        await connection.execute(update(lockouts).values(clear_ms=lockouts.c.clear_ms + 1))
    async with store.writing() as connection:
        await connection.execute(update(lockouts).values(clear_ms=100))
    assert await subjects(dry) == [("real", 101)]
    assert await subjects(store) == [("real", 100)]


async def test_json_and_truth_values_are_written_again_as_they_were(dry: Store) -> None:
    values = {"name": "t", "dial": "PJSIP/{number}@t", "headers": {"X-A": "ü"}, "position": 1}
    values |= {"enabled": True, "server": "", "rated": "local", "source": "operator"}
    values |= {"created_ms": 1, "updated_ms": 1, "failover": ["5xx"], "as_keyed": [], "silent_s": 6}
    async with dry.writing() as connection:
        await connection.execute(insert(trunks), [values])
    async with dry.reading() as connection:
        (trunk,) = (await connection.execute(select(trunks))).all()
    assert (trunk.headers, trunk.enabled, trunk.failover) == ({"X-A": "ü"}, True, ["5xx"])


async def test_what_somebody_else_takes_for_good_meanwhile_is_told_of(dry: Store, store: Store) -> None:
    async with dry.writing() as connection:
        await connection.execute(insert(lockouts), [failure("taken")])
    async with store.writing() as connection:
        await connection.execute(insert(lockouts), [failure("taken")])
    with pytest.raises(Refused, match="the database has changed"):
        await subjects(dry)


async def test_accesses_at_the_same_time_see_whole_transactions(dry: Store) -> None:
    async def count(connection: AsyncConnection) -> int:
        return (await connection.execute(select(func.count()).select_from(lockouts))).scalar_one()

    async def add(number: int) -> None:
        async with dry.writing() as connection:
            await connection.execute(insert(lockouts), [failure(f"{number}")])
            await connection.execute(insert(lockouts), [failure(f"{number} again")])

    async def read() -> int:
        async with dry.reading() as connection:
            return await count(connection)

    *_, first, second = await asyncio.gather(add(1), add(2), add(3), read(), read())
    assert {first % 2, second % 2} == {1}
    assert await read() == 7
