"""Drafts of calls in progress: what their records would be if their server died now.

Beside the calls, many in one transaction, and only of calls that last: one that is over within two seconds
has its record instead. A draft is written anew when its call comes to another slot or customer, or when a leg
begins or ends, and goes when the record of its call is written. What a dead server left becomes
records.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Mapping, Sequence

import structlog

from ringflow.calls.live_call import LiveCall
from ringflow.moments import system_now_ms
from ringflow.records.rows import LOST, call_rows
from ringflow.store import Store, StoreGone
from ringflow.store.batches import Batches
from ringflow.store.statement import Statement

log = structlog.get_logger("ringflow.records")

EVERY_S = 2.0
LEAST_AGE_MS = 2000
AT_ONCE = 32
"""Drafts in one transaction: on SQLite it runs in the event loop's thread, and all else waits for it."""

_NEVER = object()
"""The progress of a call that has no draft; no call's own is equal to it."""

_UNSURE = object()
"""The progress of a call whose draft is being written, and may have been although the answer was lost."""

_KEEP = Statement(
    "INSERT INTO call_drafts (call_id, server, kept_ms, facts, asterisk) "
    "SELECT v.call_id, :server, :now_ms, v.facts, v.asterisk FROM {rows} WHERE true "
    "ON CONFLICT (call_id) DO UPDATE SET kept_ms = excluded.kept_ms, facts = excluded.facts",
    rows={"call_id": "text", "facts": "text", "asterisk": "text"},
    server="text",
    now_ms="bigint",
)
_DROP = Statement(
    "DELETE FROM call_drafts WHERE call_id IN (SELECT v.call_id FROM {rows}) AND EXISTS "  # noqa: S608
    f"(SELECT 1 FROM call_records AS r WHERE r.call_id = call_drafts.call_id AND r.outcome <> '{LOST}') "
    "RETURNING call_id",
    rows={"call_id": "text"},
)


_DRAFTED = Statement(
    "SELECT v.call_id FROM {rows} JOIN call_drafts AS d ON d.call_id = v.call_id", rows={"call_id": "text"}
)


class Drafts:
    """Keeps drafts of a server's calls.

    `server` is its name in the records; `run_name` that of this run of it, which says that it lives.
    `batches`: the drafts that were written.
    """

    def __init__(
        self, store: Store, server: str, run_name: str, calls: Callable[[], Mapping[str, LiveCall]]
    ) -> None:
        self.batches = Batches("draft", "Drafts", "transaction of drafts of calls")
        self._store = store
        self._server = server
        self._run_name = run_name
        self._calls = calls
        self._kept: dict[str, Hashable] = {}

    async def run(self, every_s: float = EVERY_S) -> None:
        """Keep drafts until cancelled; while the database is away there are none."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.keep()
            except StoreGone as error:
                log.warning("drafts wait", detail=str(error))
            except Exception:
                # Boundary: our own bug must not end the drafts of all calls to come.
                log.exception("drafts failed")

    async def keep(self) -> None:
        """Write the drafts of calls that have changed, and delete the drafts of calls that are recorded.

        Raises `StoreGone`.
        """
        calls = self._calls()
        further: list[tuple[str, Hashable]] = []
        for call_id, call in calls.items():
            history = call.history
            if call.age_ms < LEAST_AGE_MS or history.started is None:
                continue
            if self._kept.get(call_id, _NEVER) != history.progress:
                further.append((call_id, history.progress))
        over = [call_id for call_id in self._kept if call_id not in calls]
        if not further and not over:
            return
        for call_id, _ in further:
            self._kept[call_id] = _UNSURE
        for start in range(0, len(further), AT_ONCE):
            await self._write(calls, further[start : start + AT_ONCE])
            # Calls go on between two transactions, and some may end.
            await asyncio.sleep(0)
        for start in range(0, len(over), AT_ONCE):
            await self._drop(over[start : start + AT_ONCE])
            await asyncio.sleep(0)

    async def _write(self, calls: Mapping[str, LiveCall], further: Sequence[tuple[str, Hashable]]) -> None:
        some = {call_id: progress for call_id, progress in further if call_id in calls}
        if not some:
            return
        began_s = time.perf_counter()
        async with self._store.writing_directly() as connection:
            # Looked up again: a call may have ended while the transaction waited for its turn.
            some = {call_id: progress for call_id, progress in some.items() if call_id in calls}
            drafts = [_draft(calls[call_id], self._server) for call_id in some]
            await _KEEP.run(connection, drafts, server=self._run_name, now_ms=system_now_ms())
        self.batches.add(len(some), time.perf_counter() - began_s)
        self._kept |= some

    async def _drop(self, over: Sequence[str]) -> None:
        """Drop the drafts of calls that are recorded, and forget the calls that have none any more."""
        async with self._store.writing_directly() as connection:
            dropped = {row[0] for row in await _DROP.run(connection, [{"call_id": one} for one in over])}
            left = [{"call_id": one} for one in over if one not in dropped]
            drafted = {row[0] for row in await _DRAFTED.run(connection, left)} if left else set()
        for call_id in over:
            if call_id not in drafted:
                del self._kept[call_id]


def _draft(call: LiveCall, server: str) -> dict[str, object]:
    record = call.history.record_if_lost(call.age_ms)
    facts = call_rows(record, server).to_json()
    return {"call_id": record.call_id, "facts": facts, "asterisk": record.asterisk}
