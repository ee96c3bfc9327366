"""Look-ups of SQLite files on the spot: what they cannot have at once they leave to those who can wait."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import literal_column, select

from ringflow.store import LookUp, Store
from ringflow.store.on_sqlite import OnSqlite
from ringflow.store.sqlite_look_ups import SqliteLookUps, is_locked

QUERY = "SELECT a FROM t WHERE a = ?"


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[tuple[Path, sqlite3.Connection]]:
    """A file that somebody keeps to himself."""
    path = tmp_path / "locked.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE t (a)")
    other.execute("INSERT INTO t VALUES (1)")
    other.execute("BEGIN EXCLUSIVE")
    yield path, other
    other.close()


def test_a_locked_file_is_said_to_be_at_once_and_read_when_it_is_free(
    locked: tuple[Path, sqlite3.Connection],
) -> None:
    path, other = locked
    look_ups = SqliteLookUps(path, 1024)
    with pytest.raises(sqlite3.OperationalError) as raised:
        look_ups.rows(QUERY, [1])
    assert is_locked(raised.value)
    other.execute("COMMIT")
    assert look_ups.rows(QUERY, [1]) == [(1,)]
    look_ups.close()


async def test_a_look_up_that_finds_a_lock_is_done_where_one_can_wait(
    locked: tuple[Path, sqlite3.Connection], tmp_path: Path
) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/x.db")
    assert isinstance(store._database, OnSqlite)
    store._database._look_ups = SqliteLookUps(locked[0], 1024)
    one = LookUp(select(literal_column("1")), [])
    assert [tuple(row) for row in await store.look_up(one)] == [(1,)]
    assert store._database._driver is not None
    await store.close()


def test_nothing_is_written_and_no_file_is_made(tmp_path: Path) -> None:
    look_ups = SqliteLookUps(tmp_path / "x.db", 1024)
    with pytest.raises(sqlite3.OperationalError, match="unable to open") as raised:
        look_ups.rows("SELECT 1", [])
    assert not is_locked(raised.value)
    assert list(tmp_path.iterdir()) == []
    sqlite3.connect(tmp_path / "x.db").execute("CREATE TABLE t (a)")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        look_ups.rows("INSERT INTO t VALUES (1)", [])
