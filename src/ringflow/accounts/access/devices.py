"""Devices from which an operator has signed in before: what others fail to guess does not lock them out.

A device is a browser that keeps a cookie of 256 random bits longer than any session. It opens nothing.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.access.secret_text import digest_of, is_secret, new_secret
from ringflow.store.sign_in_tables import operator_devices
from ringflow.store.statement import Statement

FORGOTTEN_AFTER_MS = 400 * 86_400_000
"""A browser keeps no cookie for longer (RFC 6265bis), so by then the device is known to nobody."""

_REMEMBER = Statement(
    "INSERT INTO operator_devices (operator_id, digest, seen_ms) VALUES (:operator_id, :digest, :now_ms) "
    "ON CONFLICT (operator_id, digest) DO UPDATE SET seen_ms = excluded.seen_ms",
    operator_id="bigint",
    digest="text",
    now_ms="bigint",
)
_FORGET = Statement("DELETE FROM operator_devices WHERE seen_ms < :before_ms", before_ms="bigint")


def digest_of_device(text: str | None) -> str | None:
    """Return what is kept of a device's cookie; None where a browser has none that we could have given it."""
    return digest_of(text) if text is not None and is_secret(text) else None


async def is_known(connection: AsyncConnection, operator_id: int, digest: str) -> bool:
    """Return whether an operator has signed in from a device."""
    table = operator_devices.c
    query = select(table.digest).where(table.operator_id == operator_id, table.digest == digest)
    return (await connection.execute(query)).one_or_none() is not None


async def remember(connection: AsyncConnection, operator_id: int, text: str | None, now_ms: int) -> str:
    """Know a device from now on; returns the text of its cookie.

    A text that nobody has signed in with is replaced: somebody else may have put it into the browser.
    """
    digest = digest_of_device(text)
    known = select(operator_devices.c.digest).where(operator_devices.c.digest == digest).limit(1)
    if text is None or digest is None or (await connection.execute(known)).one_or_none() is None:
        text = new_secret()
    await _REMEMBER.run(connection, None, operator_id=operator_id, digest=digest_of(text), now_ms=now_ms)
    await _FORGET.run(connection, None, before_ms=now_ms - FORGOTTEN_AFTER_MS)
    return text
