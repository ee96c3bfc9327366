"""A database of every earlier schema, with data in it, is opened by this version with all of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ringflow.accounts import operators, roles, tokens
from ringflow.actor import acting, shell_operator
from ringflow.audit import Verb, note
from ringflow.ledger.check import books_until_ms, check_books
from ringflow.records.queries import RecordedSlot, read_slots
from ringflow.rights import Right
from ringflow.store import Store
from ringflow.store.dump import read_rows, write_rows
from ringflow.store.schema import HEAD, MIGRATIONS, upgrade_to

TRAIL = "source, created_ms, updated_ms"
DIRECTORY = (
    (
        f"INSERT INTO customers (id, name, status, currency, channels, caller_id, {TRAIL}) "
        "VALUES (42, 'Ann', 'active', 'USD', 3, NULL, 'operator', 1, 2)"
    ),
    (
        f"INSERT INTO dids (number, app, identify, customer_id, enabled, channels, reject_code, {TRAIL}) "
        "VALUES ('1800555', 'card', 'cli', NULL, false, NULL, 403, 'operator', 5, 6)"
    ),
    (
        f"INSERT INTO clis (customer_id, number, pattern, notes, {TRAIL}) "
        "VALUES (42, '441910000001', NULL, 'home', 'operator', 7, 8)"
    ),
    (
        f"INSERT INTO trunks (name, dial, headers, position, enabled, server, rated, {TRAIL}) "
        "VALUES ('carrier', 'PJSIP/x', '{\"X-A\": \"b\"}', 1, true, '', 'local', 'operator', 9, 9)"
    ),
)
ACCOUNT = (
    "INSERT INTO ledger_accounts (id, customer_id, house, currency, balance_micros, held_micros, "
    "debit_limit_micros, spent_micros, spent_day, created_ms) VALUES "
)
LEDGER = (
    ACCOUNT + "(42, 42, NULL, 'USD', 5000000, 0, 0, 0, 0, 1)",
    ACCOUNT + "(-9001, NULL, 'cash', 'USD', -5000000, 0, 0, 0, 0, 1)",
    (
        "INSERT INTO ledger_movements (key, kind, debit_id, credit_id, currency, micros, reason, operator, "
        "created_ms) VALUES ('k', 'pay_in', -9001, 42, 'USD', 5000000, 'cash', 'ann', 77)"
    ),
)
FLOWS = (
    (
        "INSERT INTO flow_revisions (file, app, revision, text, first_loaded_ms, loaded_ms) "
        "VALUES ('card.yaml', 'card', 'aaa', 'app: card', 3, 4)"
    ),
)
FLOW_KEPT = "SELECT file, app, revision, text, first_loaded_ms, loaded_ms FROM flow_revisions"
VISITED = (
    "INSERT INTO call_slots (call_id, position, app, slot, type, entered_ms, exit, keys) "
    "VALUES ('01a', 1, 'card', 'ask', 'ivr', 20, 'done', '1')"
)
AUDITED = (
    "INSERT INTO audit_log (at_ms, operator, verb, subject, before, after) "
    "VALUES (5, 'ann', 'add', 'customer 42', NULL, '{\"name\": \"Ann\"}')"
)
AUDIT_LOG = "SELECT operator, subject, acted_as, token FROM audit_log"
KEPT = {
    "SELECT name, channels, updated_ms FROM customers": ("Ann", 3, 2),
    "SELECT app, reject_code, created_ms FROM dids": ("card", 403, 5),
    "SELECT number, notes FROM clis": ("441910000001", "home"),
    "SELECT dial, position FROM trunks": ("PJSIP/x", 1),
}


def versions() -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    found = [one.revision for one in ScriptDirectory.from_config(config).walk_revisions()]
    return sorted(found)


async def made_at(url: str, version: str) -> None:
    """A database as that version's Ringflow left it."""
    store = await Store.open(url)
    async with store.writing() as connection:
        await connection.run_sync(upgrade_to, version)
        ledger = LEDGER if version >= "0002" else ()
        flows = FLOWS if version >= "0017" else ()
        audited = (AUDITED,) if version >= "0005" else ()
        visited = (VISITED,) if version >= "0004" else ()
        for statement in (*DIRECTORY, *ledger, *flows, *audited, *visited):
            await connection.exec_driver_sql(statement)
    await store.close()


async def assert_whole(url: str, version: str) -> None:
    store = await Store.open(url)
    await store.migrate()
    async with store.reading() as connection:
        found = await connection.execute(text("SELECT version_num FROM alembic_version"))
        assert found.scalar_one() == HEAD
        for query, row in KEPT.items():
            assert [tuple(one) for one in await connection.execute(text(query))] == [row]
        flows = [tuple(one) for one in await connection.execute(text(FLOW_KEPT))]
        assert flows == ([("card.yaml", "card", "aaa", "app: card", 3, 4)] if version >= "0017" else [])
        # Before 0023 no app was called by another.
        slot = RecordedSlot(1, "card", "ask", "ivr", 20, "done", "1", depth=0, revision=None)
        assert await read_slots(connection, ["01a"]) == ({"01a": [slot]} if version >= "0004" else {})
        # Who acted before 0024 is known by name alone; the log takes new entries, and still changes none.
        log = [tuple(one) for one in await connection.execute(text(AUDIT_LOG))]
        assert log == ([("ann", "customer 42", None, None)] if version >= "0005" else [])
        assert (await connection.execute(text("SELECT count(*) FROM operators"))).scalar_one() == 0
        assert await books_until_ms(connection) == (77 if version >= "0002" else None)
    assert await check_books(store, 1_000) == []
    async with acting(store, shell_operator("bob"), "US") as actor:
        await note(actor, Verb.ADD, "customer 7", None, {"name": "Bob"})
    with pytest.raises(DBAPIError, match="never changed"):
        async with store.writing() as connection:
            await connection.execute(text("DELETE FROM audit_log"))
    await store.close()


@pytest.mark.parametrize("version", versions())
async def test_a_database_of_an_earlier_schema_opens_with_all_that_is_in_it(
    empty_database_url: str, version: str
) -> None:
    await made_at(empty_database_url, version)
    await assert_whole(empty_database_url, version)


@pytest.mark.parametrize("version", ["0001", "0002", "0011"])
async def test_rows_of_an_earlier_schema_are_restored_and_migrated(
    empty_database_url: str, version: str, tmp_path: Path
) -> None:
    source = f"sqlite:///{tmp_path}/earlier.db"
    await made_at(source, version)
    rows = [batch async for batch in read_rows(source)]
    await write_rows(empty_database_url, version, rows, replace=False, kept_as="old")
    await assert_whole(empty_database_url, version)


async def test_whoever_has_a_role_keeps_its_rights_under_the_new_names(empty_database_url: str) -> None:
    store = await Store.open(empty_database_url)
    had = {"own": "owner", "man": "manager", "sup": "support", "fin": "finance", "vic": "viewer"}
    async with store.writing() as connection:
        await connection.run_sync(upgrade_to, "0035")
        for statement in (
            "INSERT INTO roles VALUES ('finance', '[\"money.move\"]', 'ours', 1, 1)",
            "INSERT INTO roles VALUES ('old-finance', '[\"money.read\"]', 'ours too', 1, 1)",
            *(
                "INSERT INTO operators (name, role, enabled, notes, created_ms, updated_ms) "
                f"VALUES ('{name}', '{role}', true, '', 1, 1)"
                for name, role in had.items()
            ),
            (
                "INSERT INTO tokens (operator_id, name, prefix, digest, role, created_ms) "
                "SELECT id, 'program', 'ab12cd34', 'x', 'manager', 1 FROM operators WHERE name = 'own'"
            ),
        ):
            await connection.exec_driver_sql(statement)
    await store.migrate()
    async with store.reading() as connection:
        found = {name: (await operators.show(connection, name)).role for name in had}
        assert found == {
            "own": "admin",
            "man": "operator",
            "sup": "old-support",
            "fin": "old-finance-2",
            "vic": "viewer",
        }
        assert (await tokens.show(connection, "rf_ab12cd34")).role == "operator"
        assert (await roles.show(connection, "old-finance-2")).rights == {Right.MONEY_MOVE}
        assert (await roles.show(connection, "old-finance")).rights == {Right.MONEY_READ}
        kept = (await roles.show(connection, "old-support")).rights
        assert {Right.MONEY_MOVE, Right.CARDS_CHANGE, Right.RECORDINGS_LISTEN, Right.FLOWS_READ} < kept
        assert len(kept) == 20
    await store.close()
