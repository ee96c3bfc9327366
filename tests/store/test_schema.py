from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, inspect, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from ringflow.errors import StartError
from ringflow.store import Store
from ringflow.store.address import read_address
from ringflow.store.schema import HEAD, alembic_config
from ringflow.store.tables import clis, dids, directory_revision, metadata


def described(connection: Connection) -> dict[str, Any]:
    """All that the database knows of its tables."""
    inspector = inspect(connection)
    return {
        name: (
            [{**column, "type": str(column["type"])} for column in inspector.get_columns(name)],
            inspector.get_pk_constraint(name),
            sorted(inspector.get_foreign_keys(name), key=str),
            sorted(inspector.get_unique_constraints(name), key=str),
            sorted(inspector.get_check_constraints(name), key=str),
            sorted((plain(index) for index in inspector.get_indexes(name)), key=str),
        )
        for name in inspector.get_table_names()
        if name != "alembic_version"
    }


def plain(index: Any) -> dict[str, Any]:
    """An index whose condition, if it has one, is text: a clause equals nothing but itself."""
    options = index.get("dialect_options", {})
    return {**index, "dialect_options": {name: str(value) for name, value in options.items()}}


def wanted(store: Store) -> Callable[..., bool]:
    """alembic compares all indexes of the definition, those too that are another database's."""
    peculiar = {
        "sqlite": {"ix_clis_number_customer_id"},
        "postgresql": {"ix_value_list_entries_beginning"},
    }
    others = {name for dialect, names in peculiar.items() if dialect != store.dialect for name in names}
    return lambda one, name, *_: name not in others


async def asked(url: str, question: Callable[[Connection], Any]) -> Any:
    """What SQLAlchemy and alembic find out by an engine of their own.

    The store's engine sends whole numbers as BIGINT, which PostgreSQL's own functions do not take.
    """
    engine = create_async_engine(read_address(url).url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(question)
    finally:
        await engine.dispose()


async def describe(url: str) -> dict[str, Any]:
    found: dict[str, Any] = await asked(url, described)
    return found


async def test_migrations_and_definition_give_the_same_tables(empty_database_url: str) -> None:
    store = await Store.open(empty_database_url)
    await store.migrate()
    migrated = await describe(empty_database_url)
    differences = await asked(
        empty_database_url,
        lambda sync: compare_metadata(
            MigrationContext.configure(sync, opts={"include_object": wanted(store)}), metadata
        ),
    )
    assert differences == []
    async with store.writing() as connection:
        await connection.execute(text("DROP TABLE alembic_version"))
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)
    assert await describe(empty_database_url) == migrated
    assert set(migrated) == set(metadata.tables)
    await store.close()


async def test_a_database_in_memory_is_at_the_newest_version_and_has_its_revision() -> None:
    store = await Store.open("sqlite:///:memory:")
    await store.migrate()
    await store.migrate()
    async with store.reading() as connection:
        assert (await connection.execute(text("SELECT version_num FROM alembic_version"))).all() == [(HEAD,)]
        assert (await connection.execute(directory_revision.select())).all() == [(1, 1)]
    await store.close()


async def test_a_second_start_changes_nothing(empty_database_url: str) -> None:
    for _ in range(2):
        store = await Store.open(empty_database_url)
        await store.migrate()
        async with store.reading() as connection:
            assert (await connection.execute(directory_revision.select())).all() == [(1, 1)]
        await store.close()


async def test_processes_that_start_together_migrate_once(empty_database_url: str) -> None:
    stores = [await Store.open(empty_database_url) for _ in range(3)]
    await asyncio.gather(*[store.migrate() for store in stores])
    async with stores[0].reading() as connection:
        assert (await connection.execute(directory_revision.select())).all() == [(1, 1)]
    for store in stores:
        await store.close()


async def test_a_newer_ringflows_database_is_refused(empty_database_url: str) -> None:
    store = await Store.open(empty_database_url)
    await store.migrate()
    async with store.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StartError, match=rf"schema version 9999, newer than this Ringflow \({HEAD}\)"):
        await store.migrate()
    await store.close()


async def test_migrations_go_back_too(empty_database_url: str) -> None:
    store = await Store.open(empty_database_url)
    await store.migrate()
    async with store.writing() as connection:
        await connection.run_sync(lambda sync: command.downgrade(alembic_config(sync), "base"))
    assert await describe(empty_database_url) == {}
    await store.migrate()
    assert set(await describe(empty_database_url)) == set(metadata.tables)
    await store.close()


async def test_the_known_head_is_the_newest_migration() -> None:
    store = await Store.open("sqlite:///:memory:")
    async with store.reading() as connection:
        script = await connection.run_sync(lambda sync: ScriptDirectory.from_config(alembic_config(sync)))
    assert script.get_heads() == [HEAD]
    await store.close()


async def test_dids_and_clis_are_the_same_after_the_migration_that_moves_them(
    empty_database_url: str,
) -> None:
    store = await Store.open(empty_database_url)
    await store.migrate()
    async with store.writing() as connection:
        await connection.run_sync(lambda sync: command.downgrade(alembic_config(sync), "0009"))
        for insert in (
            "INSERT INTO customers VALUES (42, 'Demo', 'active', 'USD', 3, NULL, 'operator', 1, 2)",
            "INSERT INTO dids VALUES ('alice', 'menu', 'none', 42, true, 3, 404, 'config', 3, 4)",
            "INSERT INTO dids VALUES ('1800555', 'card', 'cli', NULL, false, NULL, 403, 'operator', 5, 6)",
            "INSERT INTO clis VALUES (7, 42, '441910000001', NULL, 'home', 'operator', 7, 8)",
            "INSERT INTO clis VALUES (9, 42, NULL, '^44', '', 'config', 9, 9)",
        ):
            await connection.execute(text(insert))
    await store.migrate()
    async with store.writing() as connection:
        assert (await connection.execute(dids.select().order_by(dids.c.app))).all() == [
            (
                "1800555",
                "card",
                "cli",
                None,
                False,
                None,
                403,
                "operator",
                5,
                6,
                "identify",
                *([None] * 8),
            ),
            (
                "alice",
                "menu",
                "none",
                42,
                True,
                3,
                404,
                "config",
                3,
                4,
                "identify",
                *([None] * 8),
            ),
        ]
        assert (await connection.execute(clis.select().order_by(clis.c.id))).all() == [
            (7, 42, "441910000001", None, "home", "operator", 7, 8),
            (9, 42, None, "^44", "", "config", 9, 9),
        ]
        await connection.run_sync(lambda sync: command.downgrade(alembic_config(sync), "0009"))
        assert (await connection.execute(select(func.count()).select_from(dids))).scalar() == 2
    await store.close()


async def test_prefixes_of_rates_lose_the_international_prefix_where_the_rest_is_free(
    empty_database_url: str,
) -> None:
    store = await Store.open(empty_database_url)
    await store.migrate()
    async with store.writing() as connection:
        await connection.run_sync(lambda sync: command.downgrade(alembic_config(sync), "0010"))
        for card in (1, 2):
            await connection.execute(
                text(f"INSERT INTO rate_cards VALUES ({card}, 'card {card}', 'USD', 4, 'up', false, 1)")
            )
        kept = [(1, "0044", 0), (1, "0044", 9), (1, "01133", 0), (1, "001161", 0), (1, "81", 0)]
        for card, prefix, from_ms in (*kept, (2, "0044", 0), (2, "44", 0)):
            await connection.execute(
                text(
                    "INSERT INTO rates (card_id, prefix, price_micros, connection_micros, minimum_s, "
                    "increment_s, grace_s, from_ms, until_ms) "
                    f"VALUES ({card}, '{prefix}', 1, 0, 1, 1, 0, {from_ms}, {from_ms + 1})"
                )
            )
    await store.migrate()
    async with store.reading() as connection:
        found = await connection.execute(text("SELECT card_id, prefix, from_ms FROM rates ORDER BY id"))
        assert [tuple(row) for row in found] == [
            (1, "44", 0),
            (1, "44", 9),
            (1, "33", 0),
            (1, "61", 0),
            (1, "81", 0),
            (2, "0044", 0),
            (2, "44", 0),
        ]
    await store.close()


async def test_clis_get_the_form_that_identifies_where_no_other_cli_has_it(empty_database_url: str) -> None:
    store = await Store.open(empty_database_url)
    await store.migrate()
    async with store.writing() as connection:
        await connection.run_sync(lambda sync: command.downgrade(alembic_config(sync), "0018"))
        await connection.execute(
            text("INSERT INTO customers VALUES (42, 'Demo', 'active', 'USD', 3, NULL, 'operator', 1, 2)")
        )
        numbers = ("5491123456789", "5491133334444", "541133334444", "551187654321", "441910000001", "54911")
        for row, number in enumerate(numbers, start=1):
            await connection.execute(
                text(f"INSERT INTO clis VALUES ({row}, 42, '{number}', NULL, '', 'operator', 7, 8)")
            )
    await store.migrate()
    async with store.reading() as connection:
        found = await connection.execute(select(clis.c.number).order_by(clis.c.id))
        assert found.scalars().all() == [
            *("541123456789", "5491133334444", "541133334444", "5511987654321", "441910000001", "54911")
        ]
    await store.close()
