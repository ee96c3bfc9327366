"""A customer's statement: the balance before a period, each movement in it, and the balance after it.

A movement belongs to the period in which it was booked: a call that ends after midnight is charged on the
next day, and a refund stands on the day on which it was given.
"""

# ruff: noqa: S608 -- all that is put into SQL here are our own names
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import Refused
from ringflow.ledger.account import currency_of
from ringflow.ledger.movement import Kind
from ringflow.ledger.sums import in_two_parts, put_together
from ringflow.money import Money
from ringflow.store.statement import Statement

ALWAYS_MS = 2**53
"""Milliseconds since 1970 that no movement is as far from."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A movement as it changes one customer's balance.

    `micros` is above zero where the balance rose, below zero where it fell; `balance_micros` is what it was
    then. `other_id` is the account on the other side, `leg_id` the leg that was charged or refunded.
    """

    id: int
    created_ms: int
    kind: Kind
    micros: int
    balance_micros: int
    other_id: int
    leg_id: str | None
    reason: str
    operator: str


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """What happened to a customer's balance, oldest first; amounts in micro-units of `currency`.

    `unexplained_micros`: what the account has beyond the sum of all of its movements. It is 0 unless the
    books are wrong.
    """

    customer_id: int
    currency: str
    opening_micros: int
    entries: tuple[Entry, ...]
    closing_micros: int
    unexplained_micros: int = 0


def _ends(condition: str) -> str:
    """The account's side of its movements. Each half finds its rows by an index."""
    told = "id, created_ms, kind, leg_id, reason, operator"
    return (
        f"SELECT {told}, -micros AS micros, credit_id AS other_id FROM ledger_movements "
        f"WHERE debit_id = :account_id AND {condition} "
        f"UNION ALL SELECT {told}, micros, debit_id FROM ledger_movements "
        f"WHERE credit_id = :account_id AND {condition}"
    )


def _sum(condition: str) -> str:
    return f"SELECT {in_two_parts('micros')} FROM ({_ends(condition)}) AS ends"


# One SELECT sees one state of the database, so that the sums fit the movements while calls are charged.
_READ = Statement(
    "SELECT a.currency, a.balance_micros, opening.billions, opening.rest, "
    "later.billions AS later_billions, later.rest AS later_rest, m.* FROM ledger_accounts AS a "
    f"CROSS JOIN ({_sum('created_ms < :since_ms')}) AS opening "
    f"CROSS JOIN ({_sum('created_ms >= :until_ms')}) AS later "
    f"LEFT JOIN ({_ends('created_ms >= :since_ms AND created_ms < :until_ms')}) AS m ON 1 = 1 "
    "WHERE a.id = :account_id ORDER BY m.created_ms, m.id",
    account_id="bigint",
    since_ms="bigint",
    until_ms="bigint",
)


_COUNT = Statement(
    "SELECT COUNT(*) FROM (SELECT 1 FROM "
    f"({_ends('created_ms >= :since_ms AND created_ms < :until_ms')}) AS m LIMIT :most) AS counted",
    account_id="bigint",
    since_ms="bigint",
    until_ms="bigint",
    most="bigint",
)


async def read_statement(
    connection: AsyncConnection, customer_id: int, since_ms: int | None, until_ms: int | None
) -> AccountStatement | None:
    """Read the movements from `since_ms` until just before `until_ms` (None: all).

    Return None where the customer has no account, which opens with its first movement.
    """
    rows = await _READ.run(
        connection,
        account_id=customer_id,
        since_ms=-ALWAYS_MS if since_ms is None else since_ms,
        until_ms=ALWAYS_MS if until_ms is None else until_ms,
    )
    if not rows:
        return None
    first = rows[0]
    opening = put_together(first.billions, first.rest)
    entries = _entries(rows, opening)
    closing = entries[-1].balance_micros if entries else opening
    later = put_together(first.later_billions, first.later_rest)
    return AccountStatement(
        customer_id=customer_id,
        currency=first.currency,
        opening_micros=opening,
        entries=entries,
        closing_micros=closing,
        unexplained_micros=first.balance_micros - closing - later,
    )


async def statement_of(
    connection: AsyncConnection,
    customer_id: int,
    since_ms: int | None,
    until_ms: int | None,
    most: int | None = None,
) -> AccountStatement:
    """Read the same; of a customer without an account it has no movement.

    Raises `Unknown`, and `Refused` where the period has more than `most` movements.
    """
    if most is not None:
        await _refuse_long(connection, customer_id, since_ms, until_ms, most)
    found = await read_statement(connection, customer_id, since_ms, until_ms)
    return found or AccountStatement(customer_id, await currency_of(connection, customer_id), 0, (), 0)


async def _refuse_long(
    connection: AsyncConnection, customer_id: int, since_ms: int | None, until_ms: int | None, most: int
) -> None:
    ((count,),) = map(
        tuple,
        await _COUNT.run(
            connection,
            account_id=customer_id,
            since_ms=-ALWAYS_MS if since_ms is None else since_ms,
            until_ms=ALWAYS_MS if until_ms is None else until_ms,
            most=most + 1,
        ),
    )
    if count > most:
        what = f"the period has more than {most} movements; choose a shorter one, or list the movements"
        raise Refused("statement.too_long", what, most=most)


def check_explained(statement: AccountStatement) -> None:
    """Raise `Refused` where the balance is not the sum of the movements."""
    if statement.unexplained_micros:
        more = Money(statement.unexplained_micros, statement.currency)
        raise Refused(
            "ledger.books_wrong",
            f"the account's balance is {more} off the sum of its movements, so the books are wrong: a check "
            "of them says where",
        )


def _entries(rows: Sequence[Row[Any]], opening_micros: int) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    balance = opening_micros
    for row in rows:
        # Without a movement there is one row, which has the sums.
        if row.id is not None:
            balance += row.micros
            entries.append(
                Entry(
                    id=row.id,
                    created_ms=row.created_ms,
                    kind=Kind(row.kind),
                    micros=row.micros,
                    balance_micros=balance,
                    other_id=row.other_id,
                    leg_id=row.leg_id,
                    reason=row.reason,
                    operator=row.operator,
                )
            )
    return tuple(entries)
