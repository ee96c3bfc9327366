"""One transaction for many requests: a batch of a hundred takes as many statements as a batch of one.

A batch is carried out in steps, by the files whose requests it has. On PostgreSQL most of what calls ask
needs no second look: a hold for which there is credit, a talk that cost no more than was held for it. In
steps these take nine round trips, for each of which every call of the batch waits, so they are done in one
statement first; the steps do what that leaves undone. `bench charged` on PostgreSQL rose by it from 0.39 to
0.55 of the uncharged calls, which is why the simple cases are written a second time. A test compares the two
ways on random batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from ringflow.ledger.account import House, house_id_sql
from ringflow.ledger.channel_limits import Occupied, OccupyRequest, VacateRequest, occupy_and_vacate
from ringflow.ledger.credit import SPENDABLE, SPENT_TODAY, utc_day
from ringflow.ledger.hold import HoldState, LegRequest, UnknownLeg
from ringflow.ledger.hold_requests import (
    HOLD_REQUEST_KINDS,
    ExtendRequest,
    HoldAnswer,
    HoldRequest,
    VoidRequest,
    forbid_holds,
    hold_and_extend,
    hold_request_row,
    new_hold,
)
from ringflow.ledger.movement import Kind
from ringflow.ledger.settlement import (
    CHARGE_KEY_PREFIX,
    CHARGE_REASON,
    EndedRow,
    SettleAnswer,
    SettleRequest,
    book_charges,
    read_settlement,
    settle_holds,
)
from ringflow.store import DirectConnection
from ringflow.store.statement import Statement

Request: TypeAlias = HoldRequest | ExtendRequest | VoidRequest | SettleRequest | OccupyRequest | VacateRequest
LegAnswer: TypeAlias = HoldAnswer | SettleAnswer
Answer: TypeAlias = LegAnswer | Occupied

# Every transaction takes customers' rows before the house's and the higher id first, so that no two wait for
# each other. Selects the legs whose accounts are locked; a hold made meanwhile is not among them.
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
    """Carry out requests within the caller's transaction; return answers by subject.

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
            one.leg_id: UnknownLeg("leg.unknown", f"leg {one.leg_id} has no hold", leg=one.leg_id)
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


_ENDED = ", ".join(EndedRow._fields)

# Accounts are locked first, the higher id before the lower and the house's last, as everywhere. What a row of
# `locked` says cannot change until the commit; every other table is seen as of the statement's beginning,
# so a hold is only ended if it still stands when its own row is reached. Where the credit is not enough for
# all holds of an account together, none of them is made. The accounts' own constraints guard the sums again.
# Holds are asked for by their ids in such words, and `ended_ms` for what still stands, that no plan reads all
# holds there are, nor all entries of the index of those that stand, most of which are of ended ones.
_BATCH = f"""
WITH v AS MATERIALIZED (SELECT * FROM {{rows}}),
locked AS MATERIALIZED (
    SELECT a.id, a.currency, {SPENDABLE} AS spendable FROM ledger_accounts AS a
    WHERE a.id IN (
        SELECT COALESCE((SELECT h.account_id FROM ledger_holds AS h WHERE h.leg_id = v.leg_id), v.customer_id)
        FROM v
    )
    ORDER BY a.id DESC {{lock}}
),
ended AS (
    UPDATE ledger_holds AS h SET state = v.ending, ended_ms = :now_ms, charged_micros = v.micros
    FROM v CROSS JOIN locked
    WHERE h.leg_id = ANY (ARRAY(SELECT leg_id FROM v WHERE ending IS NOT NULL)) AND h.leg_id = v.leg_id
        AND h.account_id = locked.id AND h.ended_ms IS NULL AND v.micros <= h.micros AND ({{charged_if}})
    RETURNING h.*, locked.currency
),
back AS (
    SELECT account_id AS id, SUM(micros)::bigint AS held, SUM(charged_micros)::bigint AS charged
    FROM ended GROUP BY account_id
),
wanted AS (
    SELECT customer_id AS id, SUM(micros)::bigint AS micros FROM v WHERE ending IS NULL GROUP BY customer_id
),
room AS (
    SELECT locked.id, COALESCE(back.held, 0) AS held, COALESCE(back.charged, 0) AS charged,
        wanted.micros = 0
            OR locked.spendable + COALESCE(back.held - back.charged, 0) >= wanted.micros AS enough
    FROM locked LEFT JOIN back ON back.id = locked.id LEFT JOIN wanted ON wanted.id = locked.id
),
made AS (
    INSERT INTO ledger_holds (leg_id, account_id, asked_micros, micros, state, server, terms, opened_ms,
        expires_ms, charged_micros, uncollected_micros, refunded_micros, asterisk, token)
    SELECT v.leg_id, room.id, v.micros, v.micros, '{HoldState.HELD}', v.server, v.terms, :now_ms,
        v.expires_ms, 0, 0, 0, v.asterisk, v.token
    FROM v JOIN room ON room.id = v.customer_id WHERE v.ending IS NULL AND room.enough
    ON CONFLICT (leg_id) DO NOTHING RETURNING *
),
taken AS (SELECT account_id AS id, SUM(micros)::bigint AS held FROM made GROUP BY account_id),
paid AS (
    UPDATE ledger_accounts AS a SET balance_micros = a.balance_micros - room.charged,
        held_micros = a.held_micros - room.held + COALESCE(taken.held, 0),
        spent_micros = {SPENT_TODAY} + room.charged, spent_day = :day
    FROM room LEFT JOIN taken ON taken.id = room.id WHERE a.id = room.id RETURNING a.id
),
charged AS (
    SELECT ended.*, {house_id_sql(House.REVENUE, "currency")} AS revenue_id
    FROM ended WHERE charged_micros > 0
),
booked AS (
    INSERT INTO ledger_movements
        (key, kind, debit_id, credit_id, currency, micros, leg_id, reason, operator, created_ms)
    SELECT '{CHARGE_KEY_PREFIX}' || leg_id, '{Kind.CHARGE}', account_id, revenue_id, currency, charged_micros,
        leg_id, '{CHARGE_REASON}', '', :now_ms
    FROM charged
),
earned AS (
    UPDATE ledger_accounts AS a SET balance_micros = a.balance_micros + sums.micros
    FROM (SELECT revenue_id, SUM(charged_micros)::bigint AS micros FROM charged GROUP BY revenue_id) AS sums
    WHERE a.id = sums.revenue_id AND (SELECT COUNT(*) FROM paid) > 0
)
SELECT {_ENDED} FROM ended UNION ALL SELECT {_ENDED} FROM made
"""  # noqa: S608 -- our own names


def _statement(lock: str, charged_if: str) -> Statement:
    return Statement(
        _BATCH.replace("{lock}", lock).replace("{charged_if}", charged_if),
        rows={**HOLD_REQUEST_KINDS, "ending": "text"},
        now_ms="bigint",
        day="bigint",
    )


_WAITING = _statement("FOR NO KEY UPDATE", "true")
# Accounts that another transaction keeps are passed over; nothing is charged while it keeps the house's.
_PASSING_OVER = _statement(
    "FOR NO KEY UPDATE SKIP LOCKED",
    f"v.micros = 0 OR {house_id_sql(House.REVENUE, 'locked.currency')} IN ("  # noqa: S608 -- our own names
    "SELECT a.id FROM ledger_accounts AS a WHERE a.id IN "
    f"(SELECT {house_id_sql(House.REVENUE, 'locked.currency')} FROM locked) "
    "ORDER BY a.id DESC FOR NO KEY UPDATE SKIP LOCKED)",
)


async def run_batch_statement(
    connection: DirectConnection, requests: Sequence[Request], now_ms: int, *, wait: bool = True
) -> dict[str, Answer]:
    """Carry out what one statement can; return the answers of these by subject, true once it is committed.

    At most one request for each subject. What ends comes first: what it gives back, others may take. Without
    `wait` what is about an account that another transaction keeps locked is left undone.
    """
    asked = {one.leg_id: one for one in requests if isinstance(one, HoldRequest | SettleRequest)}
    if not asked:
        return {}
    rows = [_row(one) for one in asked.values()]
    done = await (_WAITING if wait else _PASSING_OVER).run(
        connection, rows, now_ms=now_ms, day=utc_day(now_ms)
    )
    answers: dict[str, Answer] = {}
    for row in map(EndedRow._make, done):
        one = asked[row.leg_id]
        answers[one.subject] = (
            new_hold(one, row.micros, now_ms) if isinstance(one, HoldRequest) else read_settlement(row)
        )
    return answers


def _row(request: HoldRequest | SettleRequest) -> dict[str, object]:
    if isinstance(request, SettleRequest):
        return {"leg_id": request.leg_id, "micros": request.micros, "ending": request.state}
    return hold_request_row(request)
