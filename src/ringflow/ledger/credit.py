"""Credit asked for by many calls at once, granted by guarded UPDATEs that cannot be outrun.

First all that a customer's calls ask for is taken in one UPDATE, for every customer in the batch together.
Only where that is more than there is, what there is decides: in the order of asking, each gets all it wants,
or what is left if that is enough for it, or nothing. The sum is taken by a guarded UPDATE again, so that even
a reader of an old balance could not overdraw.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ringflow.ledger.account import SPENT_TODAY
from ringflow.store import DirectConnection
from ringflow.store.statement import Statement

MAX_TRIES = 5


@dataclass(slots=True)
class Ask:
    """Wanted for `leg_id`: `micros`, or at least `least_micros`."""

    leg_id: str
    account_id: int
    micros: int
    least_micros: int


@dataclass(slots=True)
class Grant:
    """What an ask got: `micros`, or None and what there was (which may be below zero)."""

    micros: int | None
    available_micros: int = 0


_GUARD = (
    "a.balance_micros + a.debit_limit_micros - a.held_micros >= v.micros "
    f"AND (a.daily_limit_micros IS NULL OR a.daily_limit_micros - a.held_micros - {SPENT_TODAY} >= v.micros)"
)
_HOLD = Statement(
    "UPDATE ledger_accounts AS a SET held_micros = a.held_micros + v.micros FROM {rows} "  # noqa: S608
    f"WHERE a.id = v.account_id AND {_GUARD} RETURNING id",
    rows={"account_id": "bigint", "micros": "bigint"},
    day="bigint",
)
_SPEND = Statement(
    "UPDATE ledger_accounts AS a SET balance_micros = a.balance_micros - v.micros, "  # noqa: S608
    f"spent_micros = {SPENT_TODAY} + v.micros, "
    f"spent_day = :day FROM {{rows}} WHERE a.id = v.account_id AND {_GUARD} RETURNING id",
    rows={"account_id": "bigint", "micros": "bigint"},
    day="bigint",
)
_ROOM = Statement(
    "SELECT a.id, a.balance_micros + a.debit_limit_micros - a.held_micros AS credit, "  # noqa: S608
    f"a.daily_limit_micros - a.held_micros - {SPENT_TODAY} AS daily "
    "FROM {rows} JOIN ledger_accounts AS a ON a.id = v.account_id",
    rows={"account_id": "bigint"},
    day="bigint",
)


async def hold_credit(connection: DirectConnection, asks: Sequence[Ask], day: int) -> dict[str, Grant]:
    """Set credit aside. Gives every leg's grant."""
    return await _grant(connection, asks, day, _HOLD)


async def spend_credit(connection: DirectConnection, asks: Sequence[Ask], day: int) -> dict[str, Grant]:
    """Take credit that was not set aside before. Gives every leg's grant."""
    return await _grant(connection, asks, day, _SPEND)


async def _grant(
    connection: DirectConnection, asks: Sequence[Ask], day: int, take: Statement
) -> dict[str, Grant]:
    # What costs nothing is granted whatever the account is worth.
    grants = {ask.leg_id: Grant(0) for ask in asks if ask.micros == 0}
    left = [ask for ask in asks if ask.micros > 0]
    wanted = {ask.leg_id: ask.micros for ask in left}
    for _ in range(MAX_TRIES):
        taken = await _take(connection, left, wanted, day, take)
        grants |= {ask.leg_id: Grant(wanted[ask.leg_id]) for ask in left if ask.account_id in taken}
        left = [ask for ask in left if ask.account_id not in taken]
        if not left:
            return grants
        wanted, refused = await _share(connection, left, day)
        grants |= refused
        left = [ask for ask in left if ask.leg_id not in refused]
    raise AssertionError("rows that are locked changed between two statements")


async def _take(
    connection: DirectConnection, asks: Sequence[Ask], wanted: dict[str, int], day: int, take: Statement
) -> set[int]:
    """Take each account's sum at once; gives the accounts that had it."""
    sums: dict[int, int] = defaultdict(int)
    for ask in asks:
        sums[ask.account_id] += wanted[ask.leg_id]
    if not sums:
        return set()
    rows = [{"account_id": account_id, "micros": micros} for account_id, micros in sums.items()]
    return {row[0] for row in await take.run(connection, rows, day=day)}


async def _share(
    connection: DirectConnection, asks: Sequence[Ask], day: int
) -> tuple[dict[str, int], dict[str, Grant]]:
    """Divide what there is in the order of asking: what each may take, and those that get nothing."""
    accounts = [{"account_id": account_id} for account_id in dict.fromkeys(ask.account_id for ask in asks)]
    room = {
        account_id: credit if daily is None else min(credit, daily)
        for account_id, credit, daily in await _ROOM.run(connection, accounts, day=day)
    }
    wanted: dict[str, int] = {}
    refused: dict[str, Grant] = {}
    for ask in asks:
        there = room[ask.account_id]
        if there < ask.least_micros or there <= 0:
            refused[ask.leg_id] = Grant(None, there)
        else:
            wanted[ask.leg_id] = min(there, ask.micros)
            room[ask.account_id] -= wanted[ask.leg_id]
    return wanted, refused
