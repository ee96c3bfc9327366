"""Look-ups in a SQLite file from the event loop's own thread.

A look-up finds a few rows by index, in about 10 us. Handing it to another thread and awaiting the answer
costs several times that, in both threads, and has them wait for the interpreter's lock in turn. So it is done
on the spot. What could make it last, it does not do: it never waits for a lock (that is the caller's to deal
with), writes nothing, and starts no transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from ringflow.store.database import Row

_PRIMARY_CODE = 0xFF


class SqliteLookUps:
    """One connection to the file for SELECTs that stand alone, opened at the first of them."""

    def __init__(self, path: Path, cache_kib: int) -> None:
        self._path = path
        self._cache_kib = cache_kib
        self.connection: sqlite3.Connection | None = None

    def rows(self, sql: str, values: Sequence[object]) -> list[Row]:
        """Rows of one statement. Raises `sqlite3.Error`, after which the next look-up opens the file anew."""
        try:
            connection = self.connection or self._open()
            return connection.execute(sql, values).fetchall()
        except sqlite3.Error:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file, until the next look-up."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _open(self) -> sqlite3.Connection:
        # Not of a missing file: it would be made, and be empty.
        uri = f"{self._path.as_uri()}?mode=rw"
        self.connection = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)
        self.connection.execute("PRAGMA query_only = ON")
        self.connection.execute(f"PRAGMA cache_size = -{self._cache_kib}")
        return self.connection


def is_locked(error: sqlite3.Error) -> bool:
    """Whether another connection has a lock that is worth waiting for (SQLITE_BUSY and its kinds)."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & _PRIMARY_CODE == sqlite3.SQLITE_BUSY
