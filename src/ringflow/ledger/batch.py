"""One transaction for many requests: a batch of a hundred takes as many statements as a batch of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from ringflow.ledger.account import House
from ringflow.ledger.channel_limits import Occupied, OccupyRequest, VacateRequest, occupy_and_vacate
from ringflow.ledger.hold import HoldState, LegRequest, UnknownLeg
from ringflow.ledger.hold_requests import (
    ExtendRequest,
    HoldAnswer,
    HoldRequest,
    VoidRequest,
    forbid_holds,
    hold_and_extend,
)
from ringflow.ledger.settlement import SettleAnswer, SettleRequest, book_charges, settle_holds
from ringflow.store import DirectConnection
from ringflow.store.statement import Statement

Request: TypeAlias = HoldRequest | ExtendRequest | VoidRequest | SettleRequest | OccupyRequest | VacateRequest
LegAnswer: TypeAlias = HoldAnswer | SettleAnswer
Answer: TypeAlias = LegAnswer | Occupied

# Every transaction takes customers' rows before the house's and the higher id first, so that no two wait for
# each other. Gives the legs whose accounts are locked, which a hold made meanwhile is not among.
_LOCK = Statement(
    "SELECT v.leg_id FROM {rows} LEFT JOIN ledger_holds AS h ON h.leg_id = v.leg_id "
    "JOIN ledger_accounts AS a ON a.id = COALESCE(h.account_id, v.customer_id) "
    "ORDER BY a.id DESC FOR NO KEY UPDATE OF a",
    rows={"leg_id": "text", "customer_id": "bigint"},
)


# What is asked of `_LOCK` in two steps where nothing is waited for: which legs there are, and which are free.
_LEGS = Statement(
    "SELECT v.leg_id FROM {rows} LEFT JOIN ledger_holds AS h ON h.leg_id = v.leg_id "
    "JOIN ledger_accounts AS a ON a.id = COALESCE(h.account_id, v.customer_id)",
    rows={"leg_id": "text", "customer_id": "bigint"},
)
_LOCK_FREE = Statement(
    "SELECT v.leg_id, a.currency FROM {rows} LEFT JOIN ledger_holds AS h ON h.leg_id = v.leg_id "
    "JOIN ledger_accounts AS a ON a.id = COALESCE(h.account_id, v.customer_id) "
    "ORDER BY a.id DESC FOR NO KEY UPDATE OF a SKIP LOCKED",
    rows={"leg_id": "text", "customer_id": "bigint"},
)
_LOCK_FREE_REVENUE = Statement(
    f"SELECT a.currency FROM ledger_accounts AS a WHERE a.house = '{House.REVENUE}' "  # noqa: S608
    "ORDER BY a.id DESC FOR NO KEY UPDATE SKIP LOCKED"
)


async def run_batch(
    connection: DirectConnection, requests: Sequence[Request], now_ms: int, *, wait: bool = True
) -> dict[str, Answer]:
    """Carry out requests within the caller's transaction; gives answers by subject.

    At most one request for each subject. What ends comes first: what it gives back, others may take. Without
    `wait` (PostgreSQL) requests about rows that another transaction keeps locked have no answer.
    """
    calls = await occupy_and_vacate(
        connection,
        [one for one in requests if isinstance(one, OccupyRequest)],
        [one for one in requests if isinstance(one, VacateRequest)],
        now_ms,
        wait=wait,
    )
    legs = [one for one in requests if not isinstance(one, OccupyRequest | VacateRequest)]
    answers = await _run_legs(connection, legs, now_ms, wait=wait) if legs else {}
    done: dict[str, Answer] = {}
    for one in requests:
        found = (
            calls.get(one.call_id)
            if isinstance(one, OccupyRequest | VacateRequest)
            else answers.get(one.leg_id)
        )
        if found is not None:
            done[one.subject] = found
    return done


async def _run_legs(
    connection: DirectConnection, requests: Sequence[LegRequest], now_ms: int, *, wait: bool
) -> dict[str, LegAnswer]:
    unknown: dict[str, LegAnswer] = {}
    if connection.dialect.name == "postgresql":
        known, kept = await (_lock_legs(connection, requests) if wait else _lock_free(connection, requests))
        unknown = {
            one.leg_id: UnknownLeg(f"leg {one.leg_id} has no hold")
            for one in requests
            if one.leg_id not in known and not isinstance(one, HoldRequest | VoidRequest)
        }
        requests = [one for one in requests if one.leg_id not in unknown and one.leg_id not in kept]
    voided = [one for one in requests if isinstance(one, VoidRequest)]
    refused = await forbid_holds(connection, voided, now_ms)
    ends = [SettleRequest(one.leg_id, 0, HoldState.RELEASED) for one in voided if one.leg_id not in refused]
    ends += [one for one in requests if isinstance(one, SettleRequest)]
    settled, charges = await settle_holds(connection, ends, now_ms)
    held = await hold_and_extend(
        connection,
        [one for one in requests if isinstance(one, HoldRequest)],
        [one for one in requests if isinstance(one, ExtendRequest)],
        now_ms,
    )
    await book_charges(connection, charges, now_ms)
    return {**unknown, **refused, **settled, **held}


async def _lock_legs(
    connection: DirectConnection, requests: Sequence[LegRequest]
) -> tuple[set[str], set[str]]:
    """Lock the legs' accounts; return the legs that have one, and those to be left alone (none)."""
    return {row[0] for row in await _LOCK.run(connection, _rows(requests))}, set()


async def _lock_free(
    connection: DirectConnection, requests: Sequence[LegRequest]
) -> tuple[set[str], set[str]]:
    """The same without waiting: legs to be left alone are those whose accounts others keep locked.

    So are charges while another transaction keeps the account that they are booked on.
    """
    rows = _rows(requests)
    known = {row[0] for row in await _LEGS.run(connection, rows)}
    currencies = {row[0]: row[1] for row in await _LOCK_FREE.run(connection, rows)}
    kept = known - currencies.keys()
    charging = {one.leg_id for one in requests if isinstance(one, SettleRequest) and one.micros > 0}
    if charging := charging & currencies.keys():
        booked = {row[0] for row in await _LOCK_FREE_REVENUE.run(connection)}
        kept |= {leg_id for leg_id in charging if currencies[leg_id] not in booked}
    return known, kept


def _rows(requests: Sequence[LegRequest]) -> list[dict[str, object]]:
    return [{"leg_id": one.leg_id, "customer_id": getattr(one, "customer_id", None)} for one in requests]
