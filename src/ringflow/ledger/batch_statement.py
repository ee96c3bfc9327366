"""Holds and settlements of a batch in one statement of PostgreSQL's, which is a transaction by itself.

Most of what calls ask is simple: a hold for which there is credit, a talk that cost no more than was held for
it. Step by step (`batch.py`) these take nine round trips, for each of which every call of the batch waits. In
one statement, `bench charged` on PostgreSQL rose from 0.39 to 0.55 of the uncharged calls; that is why the
simple cases are written a second time. What is not simple is left undone and unanswered here, for `batch.py`
to carry out step by step. A test compares the two ways on random batches.
"""

from __future__ import annotations

from collections.abc import Sequence

from ringflow.ledger.account import House, house_id_sql
from ringflow.ledger.batch import Answer, Request
from ringflow.ledger.credit import SPENDABLE, SPENT_TODAY, utc_day
from ringflow.ledger.hold import HoldState
from ringflow.ledger.hold_requests import HOLD_REQUEST_KINDS, HoldRequest, hold_request_row, new_hold
from ringflow.ledger.movement import Kind
from ringflow.ledger.settlement import (
    CHARGE_KEY_PREFIX,
    CHARGE_REASON,
    EndedRow,
    SettleRequest,
    read_settlement,
)
from ringflow.store import DirectConnection
from ringflow.store.statement import Statement

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
    """Carry out what one statement can; gives the answers of these by subject, true once it is committed.

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
