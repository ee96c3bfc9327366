"""One transaction for many requests: a batch of a hundred takes as many statements as a batch of one."""

from __future__ import annotations

from collections.abc import Sequence

from ringflow.ledger.hold import UnknownLeg
from ringflow.ledger.holding import hold_and_extend
from ringflow.ledger.occupying import occupy_and_vacate
from ringflow.ledger.request import (
    Answer,
    ExtendRequest,
    HoldRequest,
    LegAnswer,
    LegRequest,
    OccupyRequest,
    Request,
    SettleRequest,
    VacateRequest,
)
from ringflow.ledger.settling import book_charges, settle_holds
from ringflow.store import DirectConnection
from ringflow.store.statement import Statement

# Every transaction takes customers' rows before the house's and the higher id first, so that no two wait for
# each other. Gives the legs whose accounts are locked, which a hold made meanwhile is not among.
_LOCK = Statement(
    "SELECT v.leg_id FROM {rows} LEFT JOIN ledger_holds AS h ON h.leg_id = v.leg_id "
    "JOIN ledger_accounts AS a ON a.id = COALESCE(h.account_id, v.customer_id) "
    "ORDER BY a.id DESC FOR NO KEY UPDATE OF a",
    rows={"leg_id": "text", "customer_id": "bigint"},
)


async def run_batch(
    connection: DirectConnection, requests: Sequence[Request], now_ms: int
) -> dict[str, Answer]:
    """Carry out requests within the caller's transaction; gives answers by subject.

    At most one request for each subject. What ends comes first: what it gives back, others may take.
    """
    calls = await occupy_and_vacate(
        connection,
        [one for one in requests if isinstance(one, OccupyRequest)],
        [one for one in requests if isinstance(one, VacateRequest)],
        now_ms,
    )
    legs = [one for one in requests if not isinstance(one, OccupyRequest | VacateRequest)]
    answers = await _run_legs(connection, legs, now_ms) if legs else {}
    return {
        one.subject: calls[one.call_id]
        if isinstance(one, OccupyRequest | VacateRequest)
        else answers[one.leg_id]
        for one in requests
    }


async def _run_legs(
    connection: DirectConnection, requests: Sequence[LegRequest], now_ms: int
) -> dict[str, LegAnswer]:
    unknown: dict[str, LegAnswer] = {}
    if connection.dialect.name == "postgresql":
        rows = [{"leg_id": one.leg_id, "customer_id": getattr(one, "customer_id", None)} for one in requests]
        locked = {row[0] for row in await _LOCK.run(connection, rows)}
        unknown = {
            one.leg_id: UnknownLeg(f"leg {one.leg_id} has no hold")
            for one in requests
            if one.leg_id not in locked and not isinstance(one, HoldRequest)
        }
        requests = [one for one in requests if one.leg_id not in unknown]
    answers, charges = await settle_holds(
        connection, [one for one in requests if isinstance(one, SettleRequest)], now_ms
    )
    answers |= await hold_and_extend(
        connection,
        [one for one in requests if isinstance(one, HoldRequest)],
        [one for one in requests if isinstance(one, ExtendRequest)],
        now_ms,
    )
    await book_charges(connection, charges, now_ms)
    return unknown | answers
