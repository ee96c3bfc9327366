"""How many calls are in progress, counted in the database, so that a limit holds across servers and crashes.

Every call that is counted has a mark with its server's name and its Asterisk's identity. A server that died
leaves marks behind; whoever reaps them takes exactly those away, so that neither a customer nor a card stays
occupied.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.ledger.server_liveness import SEEN_MS
from ringflow.store import DirectConnection
from ringflow.store.statement import Statement


@dataclass(frozen=True, slots=True)
class CallRequest:
    """What is asked about one counted call. `call_id`: the mark by which it is counted."""

    call_id: str

    @property
    def subject(self) -> str:
        """What the request is about: a batch has one request for each subject."""
        return f"call:{self.call_id}"


@dataclass(frozen=True, slots=True)
class OccupyRequest(CallRequest):
    """Count a call in all of these, each with its limit (None: no limit), or in none."""

    limits: tuple[tuple[str, int | None], ...]
    server: str
    asterisk: str = ""


@dataclass(frozen=True, slots=True)
class VacateRequest(CallRequest):
    """Count the call nowhere any more. `limited`: where it was to be counted, if that is known."""

    limited: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Occupied:
    """Where a call is counted. `full`: what had no room, so that the call is counted nowhere."""

    full: str | None = None


@dataclass(frozen=True, slots=True)
class AbandonedCall:
    """A counted call of a server last seen at `seen_ms`. `asterisk`: where it lives, empty if unknown."""

    mark: str
    asterisk: str
    server: str
    seen_ms: int


_LOCK = Statement(
    "SELECT o.subject, o.used FROM ledger_occupancy AS o WHERE o.subject IN (SELECT v.subject FROM {rows}) "
    "OR o.subject IN (SELECT m.subject FROM {rows} JOIN ledger_marks AS m ON m.call_id = v.call_id) "
    "ORDER BY o.subject {lock}",
    rows={"call_id": "text", "subject": "text"},
)
_LOCK_FREE = Statement(
    "SELECT o.subject, o.used FROM ledger_occupancy AS o WHERE o.subject IN (SELECT v.subject FROM {rows}) "
    "ORDER BY o.subject FOR NO KEY UPDATE SKIP LOCKED",
    rows={"subject": "text"},
)
_OF_CALLS = Statement(
    "SELECT m.call_id, m.subject FROM {rows} JOIN ledger_marks AS m ON m.call_id = v.call_id",
    rows={"call_id": "text"},
)
_KNOWN = Statement(
    "SELECT o.subject FROM {rows} JOIN ledger_occupancy AS o ON o.subject = v.subject",
    rows={"subject": "text"},
)
_KNOW = Statement(
    "INSERT INTO ledger_occupancy (subject, used) SELECT v.subject, 0 FROM {rows} WHERE true "
    "ON CONFLICT (subject) DO NOTHING",
    rows={"subject": "text"},
)
_MARKED = Statement(
    "SELECT DISTINCT m.call_id FROM {rows} JOIN ledger_marks AS m ON m.call_id = v.call_id",
    rows={"call_id": "text"},
)
_COUNT = Statement(
    "UPDATE ledger_occupancy AS o SET used = CASE WHEN o.used + v.more > 0 THEN o.used + v.more ELSE 0 END "
    "FROM {rows} WHERE o.subject = v.subject",
    rows={"subject": "text", "more": "bigint"},
)
_MARK = Statement(
    "INSERT INTO ledger_marks (call_id, subject, server, asterisk, taken_ms) "
    "SELECT v.call_id, v.subject, v.server, v.asterisk, :now_ms FROM {rows} WHERE true",
    rows={"call_id": "text", "subject": "text", "server": "text", "asterisk": "text"},
    now_ms="bigint",
)
_UNMARK = Statement(
    "DELETE FROM ledger_marks WHERE call_id IN (SELECT v.call_id FROM {rows}) RETURNING subject",
    rows={"call_id": "text"},
)
_ABANDONED = Statement(
    "SELECT m.call_id, m.asterisk, m.server, max(COALESCE(s.seen_ms, m.taken_ms)) FROM ledger_marks AS m "  # noqa: S608
    f"LEFT JOIN ledger_servers AS s ON s.id = m.server WHERE COALESCE({SEEN_MS}, m.taken_ms) < :seen_ms "
    "GROUP BY m.call_id, m.asterisk, m.server ORDER BY m.call_id",
    seen_ms="bigint",
)


CUSTOMER_SUBJECT = "customer:"
DID_SUBJECT = "did:"


def did_subject(number: str) -> str:
    """What a DID is called where calls are counted."""
    return f"{DID_SUBJECT}{number}"


def customer_subject(customer_id: int) -> str:
    """What a customer is called where calls are counted and rate cards assigned."""
    return f"{CUSTOMER_SUBJECT}{customer_id}"


async def occupy_and_vacate(
    connection: DirectConnection,
    taking: Sequence[OccupyRequest],
    leaving: Sequence[VacateRequest],
    now_ms: int,
    *,
    wait: bool = True,
) -> dict[str, Occupied]:
    """Count calls out and in, within the caller's transaction. Return each call's answer.

    Without `wait` (PostgreSQL) calls have none that are counted where another transaction keeps the count.
    """
    if not taking and not leaving:
        return {}
    if wait:
        used = await _lock(connection, taking, leaving)
    else:
        used, taking, leaving = await _lock_free(connection, taking, leaving)
    answers = {one.call_id: Occupied() for one in leaving}
    if leaving:
        calls = [{"call_id": one.call_id} for one in leaving]
        left = Counter(row[0] for row in await _UNMARK.run(connection, calls))
        await _count(connection, {subject: -count for subject, count in left.items()})
        used = {subject: count - left[subject] for subject, count in used.items()}
    if taking:
        answers |= await _occupy(connection, taking, used, now_ms)
    return answers


async def _lock(
    connection: DirectConnection, taking: Sequence[OccupyRequest], leaving: Sequence[VacateRequest]
) -> dict[str, int]:
    """Keep others from counting; return how many calls there are in each subject."""
    # A leaving call may be marked by a transaction that is not committed yet, which holds their lock.
    subjects = sorted(
        {subject for one in taking for subject, _ in one.limits}
        | {subject for one in leaving for subject in one.limited}
    )
    rows = [{"subject": subject} for subject in subjects] + [{"call_id": one.call_id} for one in leaving]
    used = {row[0]: row[1] for row in await _LOCK.run(connection, rows)}
    if missing := [{"subject": subject} for subject in subjects if subject not in used]:
        await _KNOW.run(connection, missing)
        used = {row[0]: row[1] for row in await _LOCK.run(connection, rows)}
    return used


async def _lock_free(
    connection: DirectConnection, taking: Sequence[OccupyRequest], leaving: Sequence[VacateRequest]
) -> tuple[dict[str, int], list[OccupyRequest], list[VacateRequest]]:
    """Keep others from counting where nobody keeps us; return the counts, and the calls that are free."""
    wanted = {one.call_id: {subject for subject, _ in one.limits} for one in taking}
    wanted |= {one.call_id: set(one.limited) for one in leaving}
    for call_id, subject in await _OF_CALLS.run(connection, [{"call_id": one} for one in wanted]):
        wanted[call_id].add(subject)
    subjects = sorted(set().union(*wanted.values()))
    rows = [{"subject": subject} for subject in subjects]
    # To enter one that is there would wait for whoever changes it, even to do nothing.
    known = {row[0] for row in await _KNOWN.run(connection, rows)}
    if missing := [{"subject": subject} for subject in subjects if subject not in known]:
        await _KNOW.run(connection, missing)
    used = {row[0]: row[1] for row in await _LOCK_FREE.run(connection, rows)}
    free = {call_id for call_id, subjects in wanted.items() if subjects <= used.keys()}
    return (
        used,
        [one for one in taking if one.call_id in free],
        [one for one in leaving if one.call_id in free],
    )


async def _occupy(
    connection: DirectConnection, taking: Sequence[OccupyRequest], used: Mapping[str, int], now_ms: int
) -> dict[str, Occupied]:
    calls = [{"call_id": one.call_id} for one in taking]
    marked = {row[0] for row in await _MARKED.run(connection, calls)}
    answers: dict[str, Occupied] = {}
    more: Counter[str] = Counter()
    marks: list[dict[str, object]] = []
    for one in taking:
        full = None if one.call_id in marked else _full(one.limits, used, more)
        answers[one.call_id] = Occupied(full)
        if full is None and one.call_id not in marked:
            more.update(subject for subject, _ in one.limits)
            marks += [
                {"call_id": one.call_id, "subject": subject, "server": one.server, "asterisk": one.asterisk}
                for subject, _ in one.limits
            ]
    if marks:
        await _count(connection, more)
        await _MARK.run(connection, marks, now_ms=now_ms)
    return answers


def _full(
    limits: Iterable[tuple[str, int | None]], used: Mapping[str, int], more: Mapping[str, int]
) -> str | None:
    for subject, limit in limits:
        if limit is not None and used[subject] + more.get(subject, 0) >= limit:
            return subject
    return None


async def _count(connection: DirectConnection, more: Mapping[str, int]) -> None:
    rows = [{"subject": subject, "more": count} for subject, count in more.items()]
    if rows:
        # Where a count is too low `ledger check` says so; no call may fail for it, nor a reaper stop.
        await _COUNT.run(connection, rows)


async def abandoned_calls(connection: AsyncConnection, now_ms: int, silent_ms: int) -> list[AbandonedCall]:
    """Counted calls whose server is over, or has not been seen for `silent_ms`."""
    rows = await _ABANDONED.run(connection, seen_ms=now_ms - silent_ms)
    return [AbandonedCall(*tuple(row)) for row in rows]
