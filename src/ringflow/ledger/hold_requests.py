"""What calls ask about holds: one is made before its leg is dialled, raised in the talk, or forbidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from ringflow.errors import Refused
from ringflow.ledger.account import open_account
from ringflow.ledger.credit import Ask, Grant, hold_credit, utc_day
from ringflow.ledger.hold import (
    HOLD_COLUMNS,
    Hold,
    HoldRow,
    LegRequest,
    LegTaken,
    NoCredit,
    UnknownLeg,
    read_hold,
)
from ringflow.ledger.terms import Terms
from ringflow.store import DirectConnection
from ringflow.store.statement import Kind, Statement


@dataclass(frozen=True, slots=True)
class HoldRequest(LegRequest):
    """Set `micros` aside, or what there is from `least_micros` on."""

    customer_id: int
    micros: int
    least_micros: int
    server: str
    terms: str
    expires_ms: int
    asterisk: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class ExtendRequest(LegRequest):
    """Raise the leg's hold to `micros` in all, or as far as there is credit, from `least_micros` on."""

    micros: int
    least_micros: int
    expires_ms: int | None


@dataclass(frozen=True, slots=True)
class VoidRequest(LegRequest):
    """End the leg's hold without a charge, and let none be made for the leg from now on."""

    customer_id: int


HoldAnswer: TypeAlias = Hold | NoCredit | Refused

HOLD_REQUEST_KINDS: Mapping[str, Kind] = {
    "leg_id": "text",
    "customer_id": "bigint",
    "micros": "bigint",
    "server": "text",
    "terms": "text",
    "expires_ms": "bigint",
    "asterisk": "text",
    "token": "text",
}
"""What of a `HoldRequest` goes into the database, as the rows of a statement."""


def hold_request_row(request: HoldRequest) -> dict[str, object]:
    """Return the request as a row of a statement."""
    return {name: getattr(request, name) for name in HOLD_REQUEST_KINDS}


_INSERT = Statement(
    "INSERT INTO ledger_holds (leg_id, account_id, asked_micros, micros, state, server, terms, opened_ms, "
    "expires_ms, charged_micros, uncollected_micros, refunded_micros, asterisk, token) "
    "SELECT v.leg_id, a.id, v.micros, v.micros, 'held', v.server, v.terms, :now_ms, v.expires_ms, 0, 0, 0, "
    "v.asterisk, v.token "
    "FROM {rows} JOIN ledger_accounts AS a ON a.id = v.customer_id "
    "WHERE true ON CONFLICT (leg_id) DO NOTHING RETURNING leg_id",
    rows=HOLD_REQUEST_KINDS,
    now_ms="bigint",
)
_OPENED = Statement(
    "SELECT a.id FROM {rows} JOIN ledger_accounts AS a ON a.id = v.customer_id",
    rows={"customer_id": "bigint"},
)
_FORBID = Statement(
    "INSERT INTO ledger_holds (leg_id, account_id, asked_micros, micros, state, server, terms, opened_ms, "
    "expires_ms, ended_ms, charged_micros, uncollected_micros, refunded_micros) "
    "SELECT v.leg_id, v.customer_id, 0, 0, 'released', '', '', :now_ms, :now_ms, :now_ms, 0, 0, 0 "
    "FROM {rows} WHERE true ON CONFLICT (leg_id) DO NOTHING",
    rows={"leg_id": "text", "customer_id": "bigint"},
    now_ms="bigint",
)
_FIND = Statement(
    f"SELECT {HOLD_COLUMNS} "  # noqa: S608 -- our own column names
    "FROM {rows} JOIN ledger_holds AS h ON h.leg_id = v.leg_id",
    rows={"leg_id": "text"},
)
_SET = Statement(
    "UPDATE ledger_holds AS h SET micros = v.micros, expires_ms = v.expires_ms FROM {rows} "
    "WHERE h.leg_id = v.leg_id",
    rows={"leg_id": "text", "micros": "bigint", "expires_ms": "bigint"},
)
# Only rows that this very transaction made, and that nobody else has seen.
_REMOVE = Statement(
    "DELETE FROM ledger_holds WHERE leg_id IN (SELECT v.leg_id FROM {rows})", rows={"leg_id": "text"}
)


async def forbid_holds(
    connection: DirectConnection, requests: Sequence[VoidRequest], now_ms: int
) -> dict[str, Refused]:
    """Enter legs that have no hold as released, so that none can be made. Return why some were refused.

    The row's key makes it wait for a hold that another transaction is making, and makes a later one fail.
    """
    refused: dict[str, Refused] = {}
    rows = [{"leg_id": one.leg_id, "customer_id": one.customer_id} for one in requests]
    if not rows:
        return refused
    # To open an account that is there would wait for whoever changes it, even to do nothing.
    opened = {row[0] for row in await _OPENED.run(connection, rows)}
    for one in requests:
        if one.customer_id not in opened:
            try:
                await open_account(connection, one.customer_id, now_ms)
            except Refused as error:
                refused[one.leg_id] = error
    await _FORBID.run(connection, [row for row in rows if row["leg_id"] not in refused], now_ms=now_ms)
    return refused


async def hold_and_extend(
    connection: DirectConnection,
    holds: Sequence[HoldRequest],
    extensions: Sequence[ExtendRequest],
    now_ms: int,
) -> dict[str, HoldAnswer]:
    """Make holds and raise others. Return each leg's answer."""
    made, answers = await _insert(connection, holds, now_ms)
    raised, refused = await _find_raised(connection, extensions)
    answers |= refused
    asks = [Ask(one.leg_id, one.customer_id, one.micros, one.least_micros) for one in made.values()]
    asks += [
        Ask(leg_id, hold.customer_id, max(0, asked.micros - hold.micros), asked.least_micros - hold.micros)
        for leg_id, (asked, hold) in raised.items()
    ]
    grants = await hold_credit(connection, asks, utc_day(now_ms)) if asks else {}
    for leg_id, request in made.items():
        answers[leg_id] = _made(request, grants[leg_id], now_ms)
    for leg_id, (asked, hold) in raised.items():
        answers[leg_id] = _raised(asked, hold, grants[leg_id])
    await _write(connection, made, raised, answers)
    return answers


async def _insert(
    connection: DirectConnection, requests: Sequence[HoldRequest], now_ms: int
) -> tuple[dict[str, HoldRequest], dict[str, HoldAnswer]]:
    """Enter new holds. Return those that are new, and the answers to those that are not."""
    if not requests:
        return {}, {}
    asked = {one.leg_id: one for one in requests}
    made = await _insert_rows(connection, requests, now_ms)
    answers: dict[str, HoldAnswer] = {}
    if len(made) < len(asked):
        left = [one for one in requests if one.leg_id not in made]
        answers |= {hold.leg_id: _again(asked[hold.leg_id], hold) for hold in await _find(connection, left)}
        left = [one for one in left if one.leg_id not in answers]
        # What is in neither has no account yet.
        for one in list(left):
            try:
                await open_account(connection, one.customer_id, now_ms)
            except Refused as error:
                answers[one.leg_id] = error
                left.remove(one)
        if left:
            made |= await _insert_rows(connection, left, now_ms)
    return {leg_id: asked[leg_id] for leg_id in asked if leg_id in made}, answers


async def _insert_rows(
    connection: DirectConnection, requests: Sequence[HoldRequest], now_ms: int
) -> set[str]:
    rows = [hold_request_row(one) for one in requests]
    return {row[0] for row in await _INSERT.run(connection, rows, now_ms=now_ms)}


async def _find_raised(
    connection: DirectConnection, requests: Sequence[ExtendRequest]
) -> tuple[dict[str, tuple[ExtendRequest, Hold]], dict[str, HoldAnswer]]:
    if not requests:
        return {}, {}
    found = {row.leg_id: row for row in await _find(connection, requests)}
    answers: dict[str, HoldAnswer] = {}
    raised: dict[str, tuple[ExtendRequest, Hold]] = {}
    for one in requests:
        row = found.get(one.leg_id)
        if row is None:
            answers[one.leg_id] = UnknownLeg("leg.unknown", f"leg {one.leg_id} has no hold", leg=one.leg_id)
        elif row.state != "held":
            answers[one.leg_id] = LegTaken("leg.taken", f"leg {one.leg_id} has ended", leg=one.leg_id)
        else:
            raised[one.leg_id] = (one, read_hold(row))
    return raised, answers


async def _find(
    connection: DirectConnection, requests: Iterable[HoldRequest | ExtendRequest]
) -> list[HoldRow]:
    legs = [{"leg_id": one.leg_id} for one in requests]
    return [HoldRow._make(row) for row in await _FIND.run(connection, legs)]


async def _write(
    connection: DirectConnection,
    made: dict[str, HoldRequest],
    raised: dict[str, tuple[ExtendRequest, Hold]],
    answers: dict[str, HoldAnswer],
) -> None:
    """Write down what is other than it was entered."""
    refused = [{"leg_id": leg_id} for leg_id in made if isinstance(answers[leg_id], NoCredit)]
    before = {leg_id: (request.micros, request.expires_ms) for leg_id, request in made.items()}
    before |= {leg_id: (hold.micros, hold.expires_ms) for leg_id, (_, hold) in raised.items()}
    changed = [
        {"leg_id": leg_id, "micros": answer.micros, "expires_ms": answer.expires_ms}
        for leg_id, was in before.items()
        if isinstance(answer := answers[leg_id], Hold) and (answer.micros, answer.expires_ms) != was
    ]
    if refused:
        await _REMOVE.run(connection, refused)
    if changed:
        await _SET.run(connection, changed)


def _made(request: HoldRequest, grant: Grant, now_ms: int) -> Hold | NoCredit:
    if grant.micros is None:
        return NoCredit(request.customer_id, grant.available_micros)
    return new_hold(request, grant.micros, now_ms)


def new_hold(request: HoldRequest, micros: int, now_ms: int) -> Hold:
    """Return the hold of a request, with the amount that was granted."""
    return Hold(
        leg_id=request.leg_id,
        customer_id=request.customer_id,
        micros=micros,
        terms=Terms.from_json(request.terms) if request.terms else None,
        server=request.server,
        opened_ms=now_ms,
        expires_ms=request.expires_ms,
        asterisk=request.asterisk,
        token=request.token,
    )


def _raised(asked: ExtendRequest, hold: Hold, grant: Grant) -> Hold | NoCredit:
    if grant.micros is None and hold.micros < asked.least_micros:
        return NoCredit(hold.customer_id, grant.available_micros)
    expires_ms = hold.expires_ms if asked.expires_ms is None else asked.expires_ms
    return replace(hold, micros=hold.micros + (grant.micros or 0), expires_ms=expires_ms)


def _again(request: HoldRequest, row: HoldRow) -> Hold | Refused:
    if row.state != "held":
        return LegTaken("leg.taken", f"leg {request.leg_id} has ended", leg=request.leg_id)
    if (row.account_id, row.asked_micros) != (request.customer_id, request.micros):
        return LegTaken("leg.taken", f"leg {request.leg_id} has another hold", leg=request.leg_id)
    return read_hold(row)
