"""A database is read as one moment has it and made again, on either kind, of any schema version."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ringflow.accounts import dids, trunks
from ringflow.accounts.dids import Did
from ringflow.accounts.trunks import Trunk
from ringflow.actor import acting, shell_operator
from ringflow.errors import Refused
from ringflow.ledger.channel_limits import abandoned_calls
from ringflow.ledger.server_names import ServerName, attended_asterisks
from ringflow.store import Store
from ringflow.store.dump import Rows, read_rows, servers_seen, write_rows
from ringflow.store.schema import HEAD

CUSTOMER = (
    "INSERT INTO customers (id, name, status, currency, source, created_ms, updated_ms) "
    "VALUES ({id}, 'é\n\"', 'active', 'USD', 'operator', 1, 2)"
)
DID = (
    "INSERT INTO dids (number, app, identify, customer_id, enabled, reject_code, source, created_ms, "
    "updated_ms) VALUES ('100', 'menu', 'none', 42, {enabled}, 403, 'operator', 3, 4)"
)


async def filled(store: Store) -> None:
    async with store.writing() as connection:
        for statement in (CUSTOMER.format(id=42), DID.format(enabled="false")):
            await connection.execute(text(statement))


async def read(url: str) -> list[Rows]:
    return [batch async for batch in read_rows(url)]


async def as_dicts(url: str) -> dict[str, list[dict[str, Any]]]:
    """All rows but the version's, booleans as numbers."""
    found: dict[str, list[dict[str, Any]]] = {}
    for batch in await read(url):
        rows = [dict(zip(batch.columns, row, strict=True)) for row in batch.rows]
        found.setdefault(batch.table, []).extend(rows)
    return found


async def test_a_database_made_of_anothers_rows_has_the_same_and_is_migrated(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    await filled(store)
    copy = f"sqlite:///{tmp_path}/copy.db"
    assert await write_rows(copy, HEAD, await read(database_url), replace=False, kept_as="old") == ""
    assert await as_dicts(copy) == await as_dicts(database_url)
    # And back again, into one that has tables and nobody's rows.
    assert (await as_dicts(copy))["dids"][0]["enabled"] == 0


async def test_rows_go_into_an_empty_database_of_either_kind_and_the_next_row_has_a_number_of_its_own(
    empty_database_url: str, tmp_path: Path
) -> None:
    source = f"sqlite:///{tmp_path}/source.db"
    first = await Store.open(source)
    await first.migrate()
    await filled(first)
    async with first.writing() as connection:
        await connection.execute(text("INSERT INTO clis VALUES (7, 42, '4419', NULL, '', 'operator', 1, 1)"))
    await first.close()
    await write_rows(empty_database_url, HEAD, await read(source), replace=False, kept_as="old")
    assert await as_dicts(empty_database_url) == await as_dicts(source)
    made = await Store.open(empty_database_url)
    async with made.writing() as connection:
        added = "INSERT INTO clis (customer_id, number, notes, source, created_ms, updated_ms) "
        await connection.execute(text(added + "VALUES (42, '4420', '', 'operator', 1, 1)"))
        newest = await connection.execute(text("SELECT max(id) FROM clis"))
        assert newest.scalar_one() == 8
    await made.close()


async def test_a_database_that_is_somebodys_is_replaced_only_when_told_and_kept_aside(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    rows = await read(database_url)
    await filled(store)
    await store.close()
    with pytest.raises(Refused, match="has customers, dids already; nothing is changed"):
        await write_rows(database_url, HEAD, rows, replace=False, kept_as="old")
    assert len((await as_dicts(database_url))["customers"]) == 1
    kept = await write_rows(database_url, HEAD, rows, replace=True, kept_as="old-1")
    assert (await as_dicts(database_url))["customers"] == []
    if kept.startswith("schema"):
        again = await Store.open(database_url)
        async with again.reading() as connection:
            found = await connection.execute(text("SELECT id FROM old_1.customers"))
            assert found.scalar_one() == 42
        await again.close()
    else:
        assert (await as_dicts(f"sqlite:///{kept}"))["customers"][0]["id"] == 42


@pytest.mark.parametrize("noun", ["trunk", "DID"])
async def test_one_row_that_an_operator_made_is_enough_to_refuse(
    store: Store, database_url: str, noun: str
) -> None:
    empty = await read(database_url)
    async with acting(store, shell_operator("ann"), "US") as actor:
        if noun == "trunk":
            await trunks.add(actor, Trunk("carrier", "PJSIP/{number}@carrier"))
        else:
            await dids.add(actor, Did("18005550100", "calling_card"))
    with pytest.raises(Refused, match="already; nothing is changed"):
        await write_rows(database_url, HEAD, empty, replace=False, kept_as="old")


async def test_rows_that_refer_to_none_leave_the_database_as_it_was(store: Store, database_url: str) -> None:
    before = await as_dicts(database_url)
    await store.close()
    broken = [
        Rows("dids", ("number", "app", "identify", "customer_id", "enabled", "reject_code", "source",
                      "created_ms", "updated_ms"), [("1", "a", "none", 9, True, 403, "operator", 1, 1)])
    ]  # fmt: skip
    with pytest.raises(Exception, match=r"customer|refers to one that is not there"):
        await write_rows(database_url, HEAD, broken, replace=True, kept_as="old")
    assert await as_dicts(database_url) == before


async def test_what_is_written_while_rows_are_read_is_not_among_them(store: Store, database_url: str) -> None:
    await filled(store)
    reader = read_rows(database_url)
    found = [await anext(reader)]
    async with store.writing() as connection:
        await connection.execute(text(CUSTOMER.format(id=43)))
    found += [batch async for batch in reader]
    assert [row[0] for batch in found if batch.table == "customers" for row in batch.rows] == [42]


async def test_the_servers_among_the_rows_are_over_and_what_they_hold_is_left_to_others(
    store: Store, database_url: str, empty_database_url: str
) -> None:
    now_ms = 1_000_000
    name = ServerName(store, "vm#1", 30, lambda: now_ms)
    await name.take()
    await name.note_asterisk("asterisk-1", "start-1")
    async with store.writing() as connection:
        await connection.execute(text("INSERT INTO ledger_occupancy (subject, used) VALUES ('d', 1)"))
        mark = "INSERT INTO ledger_marks (call_id, subject, server, taken_ms) VALUES ('c', 'd', 'vm#1', 1)"
        await connection.execute(text(mark))
    await write_rows(empty_database_url, HEAD, await read(database_url), replace=False, kept_as="old")
    assert await servers_seen(database_url) == {"vm#1": now_ms}
    assert await servers_seen(empty_database_url) == {}
    restored = await Store.open(empty_database_url)
    async with restored.reading() as connection:
        assert await attended_asterisks(connection, now_ms) == set()
        left = await abandoned_calls(connection, now_ms, silent_ms=30_000)
    assert [(call.mark, call.server) for call in left] == [("c", "vm#1")]
    # Its process is this one, which lives: the name is free all the same.
    await ServerName(restored, "vm#2", 30, lambda: now_ms).take()
    await restored.close()


async def test_servers_that_have_not_ended_are_named(store: Store, database_url: str) -> None:
    async with store.writing() as connection:
        for values in ("('a', 1, 5, NULL)", "('b', 1, 6, 7)"):
            insert = f"INSERT INTO ledger_servers (id, started_ms, seen_ms, ended_ms) VALUES {values}"
            await connection.execute(text(insert))
    assert await servers_seen(database_url) == {"a": 5}
    assert await asyncio.to_thread(lambda: asyncio.run(servers_seen("sqlite:////nowhere/x.db"))) == {}
