"""What scripts keep from one call to another: JSON values by key, each until its time, in the database."""

from __future__ import annotations

import json

from pydantic import JsonValue
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.scripts.run import CallRefused
from ringflow.store import Store
from ringflow.store.script_tables import script_values

MAX_KEY = 200
MAX_VALUE = 65_536
MAX_TTL_S = 400 * 86_400
MAX_NUMBER = 2**53
EXPIRED_AT_ONCE = 100
"""How many values that are over each write deletes besides."""


class KeyValues:
    """The values of all scripts, on all servers of a database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, key: JsonValue, now_ms: int) -> JsonValue:
        """Return a value, or None."""
        async with self._store.reading() as connection:
            return await _read(connection, _key(key), now_ms)

    async def set(self, key: JsonValue, value: JsonValue, ttl_s: JsonValue, now_ms: int) -> JsonValue:
        """Keep a value, for so many seconds or until it is deleted; gives it."""
        name, expires_ms = _key(key), _expiry(ttl_s, now_ms)
        async with self._store.writing() as connection:
            await _write(connection, name, value, expires_ms, now_ms)
        return value

    async def increase(self, key: JsonValue, by: JsonValue, ttl_s: JsonValue, now_ms: int) -> JsonValue:
        """Add to a number, which begins at 0, and return it. `ttl_s` counts from the first time only."""
        name, expires_ms = _key(key), _expiry(ttl_s, now_ms)
        if isinstance(by, bool) or not isinstance(by, int | float):
            raise CallRefused("kv.no_number", "cxKV.incr: add a number")
        async with self._store.writing() as connection:
            # A lock of the row first: two calls that add at once are added both.
            await connection.execute(
                script_values.update().where(script_values.c.key == name).values(updated_ms=now_ms)
            )
            row = await _row(connection, name, now_ms)
            value = row[0] if row is not None else 0
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise CallRefused("kv.no_number", f"cxKV.incr: the value of {name} is no number")
            total = value + by
            if not abs(total) <= MAX_NUMBER:
                raise CallRefused("kv.no_number", f"cxKV.incr: {name} becomes too large")
            await _write(connection, name, total, row[1] if row is not None else expires_ms, now_ms)
        return total

    async def delete(self, key: JsonValue, now_ms: int) -> JsonValue:
        """Delete a value; gives whether there was one."""
        name = _key(key)
        async with self._store.writing() as connection:
            found = await _row(connection, name, now_ms)
            await connection.execute(delete(script_values).where(script_values.c.key == name))
        return found is not None


def _key(key: JsonValue) -> str:
    if not isinstance(key, str) or not key or len(key) > MAX_KEY or "\0" in key:
        raise CallRefused("kv.malformed_key", f"cxKV: a key is a text of 1 to {MAX_KEY} characters")
    return key


def _expiry(ttl_s: JsonValue, now_ms: int) -> int | None:
    if ttl_s is None or ttl_s == 0:
        return None
    if isinstance(ttl_s, bool) or not isinstance(ttl_s, int | float) or not 0 < ttl_s <= MAX_TTL_S:
        raise CallRefused("kv.malformed_ttl", f"cxKV: a time to live is of 1 to {MAX_TTL_S} seconds")
    return now_ms + round(ttl_s * 1000)


async def _row(connection: AsyncConnection, key: str, now_ms: int) -> tuple[JsonValue, int | None] | None:
    query = select(script_values.c.value, script_values.c.expires_ms).where(script_values.c.key == key)
    row = (await connection.execute(query)).one_or_none()
    if row is None or (row[1] is not None and row[1] <= now_ms):
        return None
    return json.loads(row[0]), row[1]


async def _read(connection: AsyncConnection, key: str, now_ms: int) -> JsonValue:
    row = await _row(connection, key, now_ms)
    return row[0] if row is not None else None


async def _write(
    connection: AsyncConnection, key: str, value: JsonValue, expires_ms: int | None, now_ms: int
) -> None:
    written = json.dumps(value)
    if len(written) > MAX_VALUE:
        raise CallRefused("kv.too_long", f"cxKV: a value has at most {MAX_VALUE} characters as JSON", 413)
    over = select(script_values.c.key).where(script_values.c.expires_ms <= now_ms).limit(EXPIRED_AT_ONCE)
    await connection.execute(delete(script_values).where(script_values.c.key.in_(over)))
    fields = {"value": written, "expires_ms": expires_ms, "updated_ms": now_ms}
    # Imported where it is used: a simulated call does not wait for PostgreSQL's dialect.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
    statement = insert(script_values).values(key=key, **fields)
    await connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=fields))
