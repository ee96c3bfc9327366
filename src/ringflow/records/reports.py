"""What calls came to in a period, by customer, trunk, day or destination: attempts, answers, minutes, money.

An attempt is a leg that was dialled. A call that goes on to a second trunk makes two; legs that Ringflow
did not dial (refused, without credit, below cost) make none. Everything is counted by the database, in the
period in which its call arrived.
"""

# ruff: noqa: S608 -- all that is put into SQL here are our own names
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.calls.outcome import NEVER_DIALLED, LegStatus
from ringflow.ledger.sums import in_two_parts, put_together
from ringflow.numbers import COUNTRY_CODES
from ringflow.records.billed_seconds import billed_s_sql, terms_sql
from ringflow.store.address import DialectName
from ringflow.store.statement import Kind, Statement

Key: TypeAlias = int | str | date | None
"""A customer's id, a trunk's name, a day or a prefix; None where nobody knows."""


class By(StrEnum):
    """What has a line of its own."""

    CUSTOMER = "customer"
    TRUNK = "trunk"
    DAY = "day"
    DESTINATION = "destination"


@dataclass(frozen=True, slots=True)
class Calls:
    """Which calls count: those that arrived from `since_ms` until just before `until_ms` (None: all).

    `customer` and `trunk` let only legs of theirs through.
    """

    since_ms: int | None = None
    until_ms: int | None = None
    customer: int | None = None
    trunk: str | None = None


@dataclass(slots=True)
class Amounts:
    """Micro-units of one currency. `charged_micros` is what was taken, `refunded_micros` given back of it.

    `cost_micros` is None where no leg has a cost in this currency. `margin_micros` is what was charged and
    not given back, less the cost, of the legs that have both in this currency; None where there are none.
    """

    charged_micros: int = 0
    refunded_micros: int = 0
    uncollected_micros: int = 0
    cost_micros: int | None = None
    margin_micros: int | None = None


@dataclass(slots=True)
class Line:
    """What the attempts of one key came to.

    `name` is the customer's or the destination's. `lost`: attempts of which nobody told how they ended.
    `without_margin`: answered attempts that lack a charge or a cost, or have them in two currencies.
    """

    key: Key
    name: str | None = None
    attempts: int = 0
    answered: int = 0
    lost: int = 0
    talked_ms: int = 0
    billed_s: int = 0
    without_margin: int = 0
    amounts: dict[str, Amounts] = field(default_factory=lambda: defaultdict(Amounts))

    @property
    def answer_seizure_ratio(self) -> float:
        """ASR (ITU-T E.411): answered attempts of all attempts, from 0 to 1."""
        return self.answered / self.attempts

    @property
    def average_length_ms(self) -> float | None:
        """ACD: the talk of the answered attempts by their number; None where none was answered."""
        return self.talked_ms / self.answered if self.answered else None


_SETTLED = "h.state <> 'held' AND h.terms <> ''"
_PAYER = "COALESCE(h.account_id, r.customer_id)"
_NOT_DIALLED = ", ".join(f"'{status}'" for status in sorted(NEVER_DIALLED))
_ONE_DIGIT, _TWO_DIGITS = (
    ", ".join(f"'{code}'" for code in sorted(COUNTRY_CODES) if len(code) == length) for length in (1, 2)
)
# No country's code begins another's (ITU-T E.164), and those that are not assigned yet have three digits.
_COUNTRY_CODE = (
    "CASE WHEN l.dialled = '' OR COALESCE(l.as_keyed, FALSE) OR substr(l.dialled, 1, 1) NOT IN "
    "('1', '2', '3', '4', '5', '6', '7', '8', '9') THEN NULL "
    f"WHEN substr(l.dialled, 1, 1) IN ({_ONE_DIGIT}) THEN substr(l.dialled, 1, 1) "
    f"WHEN substr(l.dialled, 1, 2) IN ({_TWO_DIGITS}) THEN substr(l.dialled, 1, 2) "
    "ELSE substr(l.dialled, 1, 3) END"
)
_KEYS = {
    By.CUSTOMER: "payer",
    By.TRUNK: "NULLIF(trunk, '')",
    # A day is asked for by itself: databases know no time zones, or each its own.
    By.DAY: "0",
    By.DESTINATION: "COALESCE(NULLIF(prefix, ''), country_code)",
}
_COLUMNS = (
    f"{_PAYER} AS payer, l.trunk, l.status, l.talked_ms, {_COUNTRY_CODE} AS country_code, "
    f"CASE WHEN {_SETTLED} THEN a.currency END AS charge_currency, "
    "h.charged_micros, h.refunded_micros, h.uncollected_micros, l.cost_micros, l.cost_currency"
)
_BILLED = billed_s_sql("talked_ms", "(charged_micros + uncollected_micros)")
_PERIOD: dict[str, Kind] = {"since_ms": "bigint", "until_ms": "bigint"}
_LEGS = (
    "FROM call_records AS r JOIN call_legs AS l ON l.call_id = r.call_id "
    "LEFT JOIN ledger_holds AS h ON h.leg_id = l.leg_id "
    "LEFT JOIN ledger_accounts AS a ON a.id = h.account_id "
)
_WHERE = f"WHERE r.started_ms >= :since_ms AND r.started_ms < :until_ms AND l.status NOT IN ({_NOT_DIALLED}) "
_BOTH = "charge_currency = cost_currency"
_AMOUNTS = {
    "charged": "charged_micros",
    "refunded": "refunded_micros",
    "uncollected": "uncollected_micros",
    "cost": "cost_micros",
    "margin": f"CASE WHEN {_BOTH} THEN charged_micros - refunded_micros - cost_micros END",
}

_SPAN = Statement(
    "SELECT MIN(started_ms), MAX(started_ms) FROM call_records "
    "WHERE started_ms >= :since_ms AND started_ms < :until_ms",
    since_ms="bigint",
    until_ms="bigint",
)
_NAMES = Statement(
    "SELECT c.id, c.name FROM {rows} JOIN customers AS c ON c.id = v.id", rows={"id": "bigint"}
)

_ALWAYS_MS = 2**53


async def report_calls(connection: AsyncConnection, by: By, calls: Calls, zone: tzinfo = UTC) -> list[Line]:
    """Count the attempts of these calls, a line for each key in order; days are days of `zone`.

    The SELECTs stand alone: a leg that is settled meanwhile may be in one of them and not in another.
    """
    span = await _span(connection, calls)
    if span is None:
        return []
    if by is By.DAY:
        lines: list[Line] = []
        for day, since_ms, until_ms in days_of(*span, zone):
            of_day = replace(calls, since_ms=since_ms, until_ms=until_ms)
            lines += [replace(line, key=day) for line in await _lines(connection, by, of_day)]
        return lines
    lines = await _lines(connection, by, replace(calls, since_ms=span[0], until_ms=span[1]))
    if by is By.CUSTOMER:
        ids: list[dict[str, object]] = [{"id": line.key} for line in lines if line.key is not None]
        names = {row.id: row.name for row in await _NAMES.run(connection, ids)}
        lines = [replace(line, name=names.get(line.key) or None) for line in lines]
    return sorted(lines, key=lambda line: (line.key is None, line.key))


def days_of(since_ms: int, until_ms: int, zone: tzinfo) -> Iterator[tuple[date, int, int]]:
    """Each day of a period in a time zone, with the part of the period that is in it, in milliseconds."""
    day = datetime.fromtimestamp(since_ms / 1000, zone).date()
    while since_ms < until_ms:
        following = day + timedelta(days=1)
        ends_ms = round(datetime.combine(following, time(), zone).timestamp() * 1000)
        if ends_ms > since_ms:
            yield day, since_ms, min(ends_ms, until_ms)
            since_ms = ends_ms
        day = following


async def _span(connection: AsyncConnection, calls: Calls) -> tuple[int, int] | None:
    """The part of the period that has calls, from the first one until just after the last one."""
    row = (
        await _SPAN.run(
            connection,
            since_ms=-_ALWAYS_MS if calls.since_ms is None else calls.since_ms,
            until_ms=_ALWAYS_MS if calls.until_ms is None else calls.until_ms,
        )
    )[0]
    first_ms, last_ms = tuple(row)
    return None if first_ms is None else (first_ms, last_ms + 1)


async def _lines(connection: AsyncConnection, by: By, calls: Calls) -> list[Line]:
    given: dict[str, object] = {"since_ms": calls.since_ms, "until_ms": calls.until_ms}
    if calls.customer is not None:
        given["customer"] = calls.customer
    if calls.trunk is not None:
        given["trunk"] = calls.trunk
    statement = _statement(by, calls.customer is not None, calls.trunk is not None, connection.dialect.name)
    return _read(await statement.run(connection, None, **given))


def _read(rows: Sequence[Row[Any]]) -> list[Line]:
    """Put together what the database gave for each key and pair of currencies."""
    lines: dict[Key, Line] = {}
    for row in rows:
        line = lines.setdefault(row.key, Line(row.key))
        line.name = max(filter(None, (line.name, row.name)), default=None)
        line.attempts += row.attempts
        line.answered += row.answered
        line.lost += row.lost
        line.talked_ms += int(row.talked_ms)
        line.billed_s += int(row.billed_s)
        if row.charge_currency is None or row.charge_currency != row.cost_currency:
            line.without_margin += row.answered
        sums = {name: _sum(row, name) for name in _AMOUNTS}
        if row.charge_currency is not None:
            amounts = line.amounts[row.charge_currency]
            amounts.charged_micros += sums["charged"]
            amounts.refunded_micros += sums["refunded"]
            amounts.uncollected_micros += sums["uncollected"]
        if row.cost_currency is not None:
            amounts = line.amounts[row.cost_currency]
            amounts.cost_micros = (amounts.cost_micros or 0) + sums["cost"]
            if row.charge_currency == row.cost_currency:
                amounts.margin_micros = (amounts.margin_micros or 0) + sums["margin"]
    return list(lines.values())


def _sum(row: Row[Any], name: str) -> int:
    return put_together(row._mapping[f"{name}_billions"], row._mapping[f"{name}_rest"])


@lru_cache
def _statement(by: By, of_customer: bool, of_trunk: bool, dialect: DialectName) -> Statement:
    where, kinds = _WHERE, dict(_PERIOD)
    if of_customer:
        where += f"AND {_PAYER} = :customer "
        kinds["customer"] = "bigint"
    if of_trunk:
        where += "AND l.trunk = :trunk "
        kinds["trunk"] = "text"
    sums = ", ".join(in_two_parts(micros, f"{name}_") for name, micros in _AMOUNTS.items())
    # Rate cards may call one prefix by several names.
    name = "MAX(CASE WHEN prefix <> '' THEN destination END)" if by is By.DESTINATION else "NULL"
    # Materialized, because SQLite would otherwise read the terms anew for each use of one of them.
    report = (
        f"WITH legs AS MATERIALIZED (SELECT {_COLUMNS}, {terms_sql('h.terms', dialect)} {_LEGS}{where}) "
        f"SELECT {_KEYS[by]} AS key, {name} AS name, charge_currency, cost_currency, COUNT(*) AS attempts, "
        f"COUNT(CASE WHEN status = '{LegStatus.ANSWERED}' OR talked_ms > 0 THEN 1 END) AS answered, "
        f"COUNT(CASE WHEN status = '{LegStatus.LOST}' AND COALESCE(talked_ms, 0) = 0 THEN 1 END) AS lost, "
        "COALESCE(SUM(talked_ms), 0) AS talked_ms, "
        f"COALESCE(SUM(CASE WHEN charge_currency IS NOT NULL THEN {_BILLED} END), 0) AS billed_s, {sums} "
        "FROM legs GROUP BY 1, charge_currency, cost_currency"
    )
    return Statement(report, None, **kinds)
