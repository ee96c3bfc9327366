"""What scripts keep from one call to another: JSON values by key, each until its time, in the database."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pydantic import JsonValue
from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.scripts.run import CallRefused
from ringflow.store import Store
from ringflow.store.script_tables import script_values
from ringflow.store.upsert import upsert

MAX_KEY = 200
MAX_VALUE = 65_536
MAX_TTL_S = 400 * 86_400
MAX_NUMBER = 2**53
MAX_KEYS = 1000
"""How many keys a script is told of."""
EXPIRED_AT_ONCE = 100
"""How many values that are over each write deletes besides."""

_COLUMNS = script_values.c


@dataclass(frozen=True, slots=True)
class _Life:
    """From which time on a value is over, and how long it was to live when it was made; None: for ever."""

    expires_ms: int | None = None
    ttl_ms: int | None = None


@dataclass(frozen=True, slots=True)
class _Kept:
    value: JsonValue
    life: _Life


class KeyValues:
    """The values of all scripts, on all servers of a database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, key: JsonValue, now_ms: int) -> JsonValue:
        """Return a value, or None."""
        async with self._store.reading() as connection:
            kept = await _read(connection, _key(key), now_ms)
        return kept.value if kept is not None else None

    async def set(self, key: JsonValue, value: JsonValue, ttl_s: JsonValue, now_ms: int) -> JsonValue:
        """Keep a value, for so many seconds or until it is deleted; gives it."""
        name, life = _key(key), _life(ttl_s, now_ms)
        written = _written(value)
        async with self._store.writing() as connection:
            await _delete_expired(connection, now_ms)
            await _write(connection, name, written, life, now_ms)
        return value

    async def increase(self, key: JsonValue, by: JsonValue, ttl_s: JsonValue, now_ms: int) -> JsonValue:
        """Add to a number, which begins at 0, and return it.

        `ttl_s` counts from the first time, so that a counter of a minute ends with the minute. A longer one
        than the value was made with counts from now: so a script can block for longer than it counts.
        """
        name, life = _key(key), _life(ttl_s, now_ms)
        if isinstance(by, bool) or not isinstance(by, int | float):
            raise CallRefused("kv.no_number", "cxKV.incr: add a number")
        async with self._store.writing() as connection:
            await _lock(connection, name, now_ms)
            kept = await _read(connection, name, now_ms)
            value = kept.value if kept is not None else 0
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise CallRefused("kv.no_number", f"cxKV.incr: the value of {name} is no number")
            total = value + by
            if not abs(total) <= MAX_NUMBER:
                raise CallRefused("kv.no_number", f"cxKV.incr: {name} becomes too large")
            if kept is not None and not _is_longer(life, kept.life):
                life = kept.life
            await _write(connection, name, _written(total), life, now_ms)
            await _delete_expired(connection, now_ms)
        return total

    async def delete(self, key: JsonValue, now_ms: int) -> JsonValue:
        """Delete a value; gives whether there was one."""
        name = _key(key)
        async with self._store.writing() as connection:
            found = await connection.execute(
                delete(script_values).where(_COLUMNS.key == name).returning(_COLUMNS.expires_ms)
            )
            row = found.one_or_none()
        return row is not None and (row[0] is None or row[0] > now_ms)

    async def keys(self, now_ms: int) -> JsonValue:
        """Return the keys in their order, the first thousand of them."""
        query = select(_COLUMNS.key).where(_lives(now_ms)).order_by(_COLUMNS.key).limit(MAX_KEYS)
        async with self._store.reading() as connection:
            return list((await connection.execute(query)).scalars())

    async def usage(self, now_ms: int) -> JsonValue:
        """Return how many keys there are, and of how many characters their values are."""
        query = select(func.count(), func.coalesce(func.sum(func.length(_COLUMNS.value)), 0))
        async with self._store.reading() as connection:
            keys, characters = (await connection.execute(query.where(_lives(now_ms)))).one()
        return {"keys": keys, "characters": int(characters)}


def _key(key: JsonValue) -> str:
    if not isinstance(key, str) or not key or len(key) > MAX_KEY or "\0" in key:
        raise CallRefused("kv.malformed_key", f"cxKV: a key is a text of 1 to {MAX_KEY} characters")
    return key


def _life(ttl_s: JsonValue, now_ms: int) -> _Life:
    if ttl_s is None or ttl_s == 0:
        return _Life()
    if isinstance(ttl_s, bool) or not isinstance(ttl_s, int | float) or not 0 < ttl_s <= MAX_TTL_S:
        raise CallRefused("kv.malformed_ttl", f"cxKV: a time to live is of 1 to {MAX_TTL_S} seconds")
    ttl_ms = round(ttl_s * 1000)
    return _Life(now_ms + ttl_ms, ttl_ms)


def _is_longer(wanted: _Life, kept: _Life) -> bool:
    """Whether a value is to live longer than it was made for. One that lives for ever goes on doing so."""
    return wanted.ttl_ms is not None and kept.ttl_ms is not None and wanted.ttl_ms > kept.ttl_ms


def _lives(now_ms: int) -> ColumnElement[bool]:
    return or_(_COLUMNS.expires_ms.is_(None), _COLUMNS.expires_ms > now_ms)


def _written(value: JsonValue) -> str:
    written = json.dumps(value)
    if len(written) > MAX_VALUE:
        raise CallRefused("kv.too_long", f"cxKV: a value has at most {MAX_VALUE} characters as JSON", 413)
    return written


async def _read(connection: AsyncConnection, key: str, now_ms: int) -> _Kept | None:
    query = select(_COLUMNS.value, _COLUMNS.expires_ms, _COLUMNS.ttl_ms)
    row = (await connection.execute(query.where(_COLUMNS.key == key, _lives(now_ms)))).one_or_none()
    return _Kept(json.loads(row[0]), _Life(row[1], row[2])) if row is not None else None


async def _lock(connection: AsyncConnection, key: str, now_ms: int) -> None:
    """Lock a value's row, and make it over where it is missing: two that add at once are added both.

    An update would lock no row that is missing, so of two first additions one would be lost.
    """
    over = {"value": "0", "expires_ms": now_ms, "ttl_ms": None, "updated_ms": now_ms}
    await upsert(connection, script_values, {"key": key}, over, {"updated_ms": now_ms})


async def _write(connection: AsyncConnection, key: str, written: str, life: _Life, now_ms: int) -> None:
    fields = {
        "value": written,
        "expires_ms": life.expires_ms,
        "ttl_ms": life.ttl_ms,
        "updated_ms": now_ms,
    }
    await upsert(connection, script_values, {"key": key}, fields, fields)


async def _delete_expired(connection: AsyncConnection, now_ms: int) -> None:
    """Delete some values that are over, but none that another call is about to change."""
    over = select(_COLUMNS.key).where(_COLUMNS.expires_ms <= now_ms).limit(EXPIRED_AT_ONCE)
    await connection.execute(
        delete(script_values).where(_COLUMNS.key.in_(over.with_for_update(skip_locked=True)))
    )
