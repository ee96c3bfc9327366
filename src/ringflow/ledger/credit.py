"""What a customer can spend, and how many calls at once take it without ever taking more.

This is the one place that says what can be spent:

credit      balance + debit limit - held
spendable   the same, but no more than the daily limit - held - spent today, where there is a daily limit

Credit is granted by guarded UPDATEs. First all that a customer's calls ask for is taken in one UPDATE, for
every customer in the batch together. Only where that is more than can be spent, it is shared in the order of
asking: each call gets all it wants, or what is left if that is enough for it, or nothing. The shares are
taken by a guarded UPDATE again, so that even a reader of an old balance could not overdraw.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ringflow.store import DirectConnection
from ringflow.store.statement import Statement

MAX_TRIES = 5

DAY_MS = 86_400_000

# Charges of a day and of the next one: a clock that is set back over midnight goes on counting what the later
# day had; charges of a day further ahead are those of a clock that was wrong.
CHARGED_IN_A_DAY = (
    "SELECT CAST(SUM(spent.micros) AS BIGINT) FROM ledger_movements AS spent "  # noqa: S608
    "WHERE spent.debit_id = a.id AND spent.kind = 'charge' "
    f"AND spent.created_ms BETWEEN {{day}} * {DAY_MS} AND ({{day}} + 2) * {DAY_MS} - 1"
)
# Kept for the day of the last charge; the movements tell what was spent on any other. So a call that is
# charged by a clock days ahead, on this server or another, does not let a customer spend a day's limit again.
SPENT_TODAY = (
    "CASE WHEN a.spent_day = :day THEN a.spent_micros ELSE "
    f"COALESCE(({CHARGED_IN_A_DAY.format(day=':day')}), 0) END"
)

UNHELD = "(a.balance_micros - a.held_micros)"
"""SQL: what is held for nothing of the balance of the account `a`."""

CREDIT = f"({UNHELD} + a.debit_limit_micros)"
"""SQL: the credit of the account `a`; it may be below zero. The house's accounts need none."""

UNBORROWED = f"(CASE WHEN a.debit_limit_micros > 0 THEN {UNHELD} ELSE {CREDIT} END)"
"""SQL: the credit of the account `a` without its overdraft; it may be below zero."""

_DAILY = f"(a.daily_limit_micros - a.held_micros - {SPENT_TODAY})"

SPENDABLE = (
    f"(CASE WHEN a.daily_limit_micros IS NULL OR {CREDIT} <= {_DAILY} THEN {CREDIT} ELSE {_DAILY} END)"
)
"""SQL: what calls can spend of the account `a` on the UTC day `:day`; it may be below zero."""

_GUARD = f"{SPENDABLE} >= v.micros"


@dataclass(frozen=True, slots=True)
class Ask:
    """Wanted for `leg_id`: `micros`, or at least `least_micros`."""

    leg_id: str
    account_id: int
    micros: int
    least_micros: int


@dataclass(frozen=True, slots=True)
class Grant:
    """What an ask got: `micros`, or None and what there was (which may be below zero)."""

    micros: int | None
    available_micros: int = 0


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
_SPENDABLE = Statement(
    f"SELECT a.id, {SPENDABLE} FROM {{rows}} JOIN ledger_accounts AS a ON a.id = v.account_id",  # noqa: S608
    rows={"account_id": "bigint"},
    day="bigint",
)


def utc_day(now_ms: int) -> int:
    """Return the days since 1970-01-01 UTC, by which spending is counted."""
    return now_ms // DAY_MS


async def hold_credit(connection: DirectConnection, asks: Sequence[Ask], day: int) -> dict[str, Grant]:
    """Set credit aside. Return every leg's grant."""
    return await _grant(connection, asks, day, _HOLD)


async def spend_credit(connection: DirectConnection, asks: Sequence[Ask], day: int) -> dict[str, Grant]:
    """Take credit that was not set aside before. Return every leg's grant."""
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
    """Take each account's sum in one statement; return the accounts that had enough credit."""
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
    room = {row[0]: row[1] for row in await _SPENDABLE.run(connection, accounts, day=day)}
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
