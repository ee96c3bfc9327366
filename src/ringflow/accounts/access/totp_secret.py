"""The secrets of authenticators as the database has them: sealed under a pepper, which is kept outside it.

kept    = version:sealed          (`accounts/sealed_text.py`; of an earlier Ringflow: the secret, in base32)
context = the operator's number: what is copied to the row of another operator does not open
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TypeAlias

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.peppers import Peppers
from ringflow.accounts.sealed_text import Purpose, Tampered, seal, unseal
from ringflow.errors import StartError
from ringflow.store import Store
from ringflow.store.operator_tables import operators

ReadPeppers: TypeAlias = Callable[[], Peppers]
"""Returns the ring as it is now. Raises `StartError` where there is none."""


def seal_secret(secret: str, operator_id: int, peppers: Peppers) -> str:
    """Return an authenticator's secret as the database keeps it."""
    pepper = peppers.newest
    return f"{pepper.version}:{seal(pepper, Purpose.SECOND_FACTOR, secret.encode(), _context(operator_id))}"


def open_secret(kept: str, operator_id: int, peppers: ReadPeppers) -> str:
    """Return the secret. Raises `StartError` where its pepper is missing, or it is another operator's."""
    version, is_sealed, sealed = kept.rpartition(":")
    if not is_sealed:
        return kept
    pepper = peppers().version(version)
    try:
        if pepper is not None:
            return unseal(pepper, Purpose.SECOND_FACTOR, sealed, _context(operator_id)).decode()
    except Tampered:
        pass
    raise StartError(
        f"the secret of the authenticator was sealed under pepper {version}, and this server has another or "
        "none of that name; put it back into the ring, use a recovery code, or take the second factor away "
        "with `ringflow operator reset NAME --second-factor`"
    )


async def renew_seals(store: Store, peppers: Peppers) -> int:
    """Seal what an earlier Ringflow kept as it is, or an older pepper sealed; returns how many there were.

    What cannot be opened stays as it is: its pepper may come back.
    """
    newest = f"{peppers.newest.version}:"
    column = operators.c.totp_secret
    query = select(operators.c.id, column).where(column.is_not(None))
    async with store.reading() as connection:
        rows = [tuple(row) for row in await connection.execute(query)]
    old = [(number, kept) for number, kept in rows if not kept.startswith(newest)]
    renewed = 0
    for number, kept in old:
        try:
            sealed = seal_secret(open_secret(kept, number, lambda: peppers), number, peppers)
        except StartError:
            continue
        # Whoever enrols a new secret meanwhile keeps that.
        changed = operators.update().where(operators.c.id == number, column == kept)
        async with store.writing() as connection:
            renewed += (await connection.execute(changed.values(totp_secret=sealed))).rowcount
    return renewed


async def seal_counts(connection: AsyncConnection) -> Counter[str]:
    """Return how many secrets are sealed under each version."""
    column = operators.c.totp_secret
    kept = (await connection.execute(select(column).where(column.contains(":")))).scalars()
    return Counter(one.rpartition(":")[0] for one in kept)


def _context(operator_id: int) -> str:
    return f"operator {operator_id}"
