"""Records of calls whose server was lost, made of what is left: drafts, the ledger, and Asterisk's word.

- A draft says how far a call had come. Any server makes a record of it once the call's server is dead.
- The ledger knows every leg that was charged: who paid, when, and how much. A leg without a record gets one
  within the time between two looks; the number and the talk died with the server.
- Asterisk tells how a leg ended when its caller hangs up.

A record is made once, whoever comes first. A server that lives after all has the last word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.calls.call_ids import CallMark, LegId
from ringflow.calls.outcome import LegEnd, Verdict
from ringflow.ledger.rates.prefix import of_record
from ringflow.ledger.server_liveness import SEEN_MS
from ringflow.records.costs import leg_cost
from ringflow.records.rows import LOST, CallRows, lost_rows
from ringflow.records.storage import CALLS_AT_ONCE, write_rows
from ringflow.store import DirectConnection, Store
from ringflow.store.ledger_tables import ledger_holds, ledger_marks
from ringflow.store.record_tables import call_legs
from ringflow.store.statement import Statement

LEGS_AT_ONCE = 500

SETTLED_FOR_MS = 600_000
"""How long ago a leg must have ended: its server writes the record when the call is over, and not at once."""

# A server that never said that it lives counts from the draft itself.
_LEFT = Statement(
    "SELECT d.call_id, d.facts, COALESCE(s.seen_ms, d.kept_ms) FROM call_drafts AS d "  # noqa: S608
    "LEFT JOIN ledger_servers AS s ON s.id = d.server "
    f"WHERE COALESCE({SEEN_MS}, d.kept_ms) < :before_ms "
    "ORDER BY d.call_id LIMIT :most",
    before_ms="bigint",
    most="bigint",
)
_DRAFT = Statement(
    f"SELECT d.facts, d.asterisk, COALESCE({SEEN_MS}, d.kept_ms) "  # noqa: S608
    "FROM call_drafts AS d LEFT JOIN ledger_servers AS s ON s.id = d.server WHERE d.call_id = :call_id",
    call_id="text",
)
_RECORD = Statement(
    "SELECT r.outcome, r.asterisk, r.started_ms, "
    "(SELECT l.status FROM call_legs AS l WHERE l.call_id = r.call_id AND l.position = :position), "
    "(SELECT count(*) FROM call_legs AS l WHERE l.call_id = r.call_id) "
    "FROM call_records AS r WHERE r.call_id = :call_id",
    call_id="text",
    position="bigint",
)
_TAKE = Statement(
    "DELETE FROM call_drafts WHERE call_id IN (SELECT v.call_id FROM {rows}) RETURNING facts",
    rows={"call_id": "text"},
)
_END_LEG = Statement(
    "UPDATE call_legs SET status = :status, talked_ms = :talked_ms, hangup_cause = :cause, "  # noqa: S608
    "released_by = NULL, "
    "ended_ms = (SELECT CASE WHEN :ended_ms > r.started_ms THEN :ended_ms - r.started_ms ELSE 0 END "
    "FROM call_records AS r WHERE r.call_id = :call_id) "
    f"WHERE call_id = :call_id AND position = :position AND status = '{LOST}' "
    "RETURNING dialled, as_keyed, trunk",
    status="text",
    talked_ms="bigint",
    cause="bigint",
    ended_ms="bigint",
    call_id="text",
    position="bigint",
)
_COST = Statement(
    "UPDATE call_legs SET cost_micros = :micros, cost_currency = :currency, cost_prefix = "
    ":prefix, cost_destination = :destination "
    "WHERE call_id = :call_id AND position = :position",
    micros="bigint",
    currency="text",
    prefix="text",
    destination="text",
    call_id="text",
    position="bigint",
)
_END_CALL = Statement(
    "UPDATE call_records SET duration_ms = :ended_ms - started_ms "  # noqa: S608
    f"WHERE call_id = :call_id AND outcome = '{LOST}' AND started_ms + duration_ms < :ended_ms",
    ended_ms="bigint",
    call_id="text",
)


async def recover_drafts(store: Store, now_ms: int, silent_ms: int) -> int:
    """Make records of what servers left that are silent for so long; return how many. Raises `StoreGone`.

    A call that is still up has its record too; what Asterisk tells of its end is added to it later.
    """
    recovered = 0
    while True:
        async with store.writing_directly() as connection:
            left = await _LEFT.run(connection, before_ms=now_ms - silent_ms, most=CALLS_AT_ONCE)
            found = [CallRows.from_json(facts).seen_until(seen_ms) for _, facts, seen_ms in left]
            await write_rows(connection, found)
            await _TAKE.run(connection, [{"call_id": row[0]} for row in left])
        recovered += len(left)
        if len(left) < CALLS_AT_ONCE:
            return recovered


async def recover_legs(store: Store, since_ms: int, now_ms: int) -> int:
    """Record legs that ended between `since_ms` and ten minutes ago; return how many. Raises `StoreGone`.

    Calls that are still up are left alone. Any number of servers may do so at the same time.
    """
    recovered, after = 0, (since_ms, "")
    while True:
        async with store.reading() as connection:
            ended = await _ended(connection, after, now_ms - SETTLED_FOR_MS)
            lost = await _lost(connection, ended)
        for start in range(0, len(lost), CALLS_AT_ONCE):
            async with store.writing_directly() as connection:
                await write_rows(connection, lost[start : start + CALLS_AT_ONCE])
        recovered += len(lost)
        if len(ended) < LEGS_AT_ONCE:
            return recovered
        after = (ended[-1].ended_ms, ended[-1].leg_id)


async def _ended(connection: AsyncConnection, after: tuple[int, str], before_ms: int) -> Sequence[Row[Any]]:
    holds = ledger_holds.c
    query: Select[Any] = (
        select(holds.leg_id, holds.account_id, holds.server, holds.asterisk, holds.opened_ms, holds.ended_ms)
        # The first condition is what the index is for.
        .where(holds.ended_ms >= after[0], holds.ended_ms < before_ms)
        .where(tuple_(holds.ended_ms, holds.leg_id) > tuple_(*after))
        .order_by(holds.ended_ms, holds.leg_id)
        .limit(LEGS_AT_ONCE)
    )
    found: Sequence[Row[Any]] = (await connection.execute(query)).all()
    return found


async def _lost(connection: AsyncConnection, ended: Sequence[Row[Any]]) -> list[CallRows]:
    named = [LegId.read(row.leg_id) for row in ended]
    calls = {one.call_id for one in named if one is not None}
    known = await _recorded(connection, calls)
    up = await _up(connection, calls)
    found = [
        lost_rows(row.leg_id, row.account_id, row.server, row.asterisk, row.opened_ms, row.ended_ms)
        for row, one in zip(ended, named, strict=True)
        if one is not None and (one.call_id, one.position) not in known and one.call_id not in up
    ]
    return [rows for rows in found if rows is not None]


async def _recorded(connection: AsyncConnection, calls: set[str]) -> set[tuple[str, int]]:
    legs = call_legs.c
    query = select(legs.call_id, legs.position).where(legs.call_id.in_(calls))
    return {(row.call_id, row.position) for row in await connection.execute(query)}


async def _up(connection: AsyncConnection, calls: set[str]) -> set[str]:
    """Those of the calls that are counted as up, or have another leg that is."""
    marks = await connection.execute(select(ledger_marks.c.call_id).distinct())
    counted = (CallMark.read(row.call_id) for row in marks)
    up = {mark.call_id for mark in counted if mark is not None} & calls
    held = select(ledger_holds.c.leg_id).where(ledger_holds.c.state == "held")
    for row in await connection.execute(held):
        leg = LegId.read(row.leg_id)
        if leg is not None and leg.call_id in calls:
            up.add(leg.call_id)
    return up


class LostLegRecords:
    """Adds to records what Asterisk tells of legs that their server lost."""

    def __init__(self, store: Store, server: str) -> None:
        self._store = store
        self._server = server

    async def judge(self, leg_id: str, asterisk: str, now_ms: int, silent_ms: int) -> tuple[Verdict, int]:
        """What to make of what Asterisk tells of a leg that nothing was held for, and when its call began.

        The leg is known where its call has a draft or a record, and is in it or comes next. Raises
        `StoreGone`.
        """
        named = LegId.read(leg_id)
        if named is None:
            return Verdict.UNKNOWN, 0
        call_id, position = named.call_id, named.position
        async with self._store.reading() as connection:
            drafts = await _DRAFT.run(connection, call_id=call_id)
            records = await _RECORD.run(connection, call_id=call_id, position=position)
        for facts, where, seen_ms in map(tuple, drafts):
            rows = CallRows.from_json(facts)
            began_ms = rows.began_ms
            if where not in ("", asterisk) or position > len(rows.legs) + 1:
                return Verdict.UNKNOWN, began_ms
            return (Verdict.BELIEVED if seen_ms < now_ms - silent_ms else Verdict.NOT_YET), began_ms
        for outcome, where, started_ms, status, legs in map(tuple, records):
            if where not in (None, asterisk) or position > legs + 1:
                return Verdict.UNKNOWN, started_ms
            is_lost = status == LOST or (status is None and outcome == LOST)
            return (Verdict.BELIEVED if is_lost else Verdict.OVER), started_ms
        return Verdict.UNKNOWN, 0

    async def leg_ended(self, end: LegEnd) -> None:
        """Put the leg's end into its record, which is made where there is none. Raises `StoreGone`.

        Legs of which the end is known are left as they are; names that no leg has are none of ours.
        """
        named = LegId.read(end.leg_id)
        if named is None:
            return
        call_id, position = named.call_id, named.position
        async with self._store.writing_directly() as connection:
            await self._make_record(connection, call_id, end)
            ended = await _END_LEG.run(
                connection,
                status=end.status.value,
                talked_ms=end.talked_ms,
                cause=end.cause,
                ended_ms=end.ended_ms,
                call_id=call_id,
                position=position,
            )
            for dialled, as_keyed, trunk in ended:
                number = of_record(dialled, as_keyed=bool(as_keyed))
                answered_ms = end.ended_ms - end.talked_ms
                cost = await leg_cost(connection, number, trunk, answered_ms, end.talked_ms)
                if cost is not None:
                    await _COST.run(connection, call_id=call_id, position=position, **asdict(cost))
            await _END_CALL.run(connection, ended_ms=end.ended_ms, call_id=call_id)

    async def _make_record(self, connection: DirectConnection, call_id: str, end: LegEnd) -> None:
        taken = await _TAKE.run(connection, [{"call_id": call_id}])
        drafts = [CallRows.from_json(row[0]) for row in taken]
        # After the draft: a lost row never takes the place of another one.
        began_ms = end.ended_ms - end.talked_ms
        known = lost_rows(end.leg_id, None, self._server, end.asterisk, began_ms, end.ended_ms)
        for rows in (*drafts, known):
            if rows is not None:
                await write_rows(connection, [rows])
