"""Settlement: a hold ends, its leg is charged once however often it is settled, and the rest goes back.

A charge is taken from what the hold set aside. What a talk cost beyond that is taken from what the customer
can spend, as far as it goes; what is left over is noted as uncollected. No settlement takes an account below
its limit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from ringflow.errors import Refused
from ringflow.ledger.account import House, house_id
from ringflow.ledger.credit import SPENT_TODAY, Ask, spend_credit, utc_day
from ringflow.ledger.hold import HoldState, LegRequest, UnknownLeg
from ringflow.ledger.movement import Kind
from ringflow.store import DirectConnection
from ringflow.store.statement import Statement

CHARGE_REASON = "call"
CHARGE_KEY_PREFIX = "leg:"


@dataclass(frozen=True, slots=True)
class SettleRequest(LegRequest):
    """End the leg's hold: charge `micros`, give the rest back."""

    micros: int
    state: HoldState = HoldState.SETTLED


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a hold ended: the same for everyone who asks.

    `uncollected_micros`: what the talk cost beyond the hold and could not be taken, as the credit was spent.
    """

    leg_id: str
    customer_id: int
    state: HoldState
    charged_micros: int
    uncollected_micros: int
    ended_ms: int


SettleAnswer: TypeAlias = Settlement | Refused


class EndedRow(NamedTuple):
    """A hold that has ended, as it is kept; the fields are its columns."""

    leg_id: str
    account_id: int
    micros: int
    state: str
    charged_micros: int
    uncollected_micros: int
    ended_ms: int


_END = Statement(
    "UPDATE ledger_holds AS h SET state = v.ending, ended_ms = :now_ms, "  # noqa: S608 -- our own column names
    "charged_micros = CASE WHEN v.charge < h.micros THEN v.charge ELSE h.micros END, "
    "uncollected_micros = CASE WHEN v.charge > h.micros THEN v.charge - h.micros ELSE 0 END "
    "FROM {rows} WHERE h.leg_id = v.leg AND h.state = 'held' "
    f"RETURNING {', '.join(EndedRow._fields)}",
    rows={"leg": "text", "charge": "bigint", "ending": "text"},
    now_ms="bigint",
)
_FIND = Statement(
    f"SELECT {', '.join(f'h.{name}' for name in EndedRow._fields)} "  # noqa: S608 -- our own column names
    "FROM {rows} JOIN ledger_holds AS h ON h.leg_id = v.leg_id",
    rows={"leg_id": "text"},
)
_PAY = Statement(
    "UPDATE ledger_accounts AS a SET balance_micros = a.balance_micros - v.charged, "  # noqa: S608
    f"held_micros = a.held_micros - v.held, spent_micros = {SPENT_TODAY} + v.charged, "
    "spent_day = :day FROM {rows} WHERE a.id = v.account_id RETURNING id, currency",
    rows={"account_id": "bigint", "charged": "bigint", "held": "bigint"},
    day="bigint",
)
_CHARGE_MORE = Statement(
    "UPDATE ledger_holds AS h SET charged_micros = h.charged_micros + v.micros, "
    "uncollected_micros = h.uncollected_micros - v.micros FROM {rows} WHERE h.leg_id = v.leg_id",
    rows={"leg_id": "text", "micros": "bigint"},
)
_BOOK = Statement(
    "INSERT INTO ledger_movements "
    "(key, kind, debit_id, credit_id, currency, micros, leg_id, reason, operator, created_ms) "
    "SELECT v.key, v.kind, v.debit_id, v.credit_id, v.currency, v.micros, v.leg_id, v.reason, '', :now_ms "
    "FROM {rows} WHERE true",
    rows={
        "key": "text",
        "kind": "text",
        "debit_id": "bigint",
        "credit_id": "bigint",
        "currency": "text",
        "micros": "bigint",
        "leg_id": "text",
        "reason": "text",
    },
    now_ms="bigint",
)
_EARN = Statement(
    "UPDATE ledger_accounts AS a SET balance_micros = a.balance_micros + v.micros FROM {rows} "
    "WHERE a.id = v.id",
    rows={"id": "bigint", "micros": "bigint"},
)


@dataclass(frozen=True, slots=True)
class Charge:
    """What a leg was charged, to be entered in the books."""

    leg_id: str
    account_id: int
    currency: str
    micros: int


def charge_key(leg_id: str) -> str:
    """The idempotency key of a leg's charge."""
    return CHARGE_KEY_PREFIX + leg_id


async def settle_holds(
    connection: DirectConnection, requests: Sequence[SettleRequest], now_ms: int
) -> tuple[dict[str, SettleAnswer], list[Charge]]:
    """End holds. Return each leg's answer, and the charges, which `book_charges` enters before the commit."""
    if not requests:
        return {}, []
    rows = [{"leg": one.leg_id, "charge": one.micros, "ending": one.state.value} for one in requests]
    ended = [EndedRow._make(row) for row in await _END.run(connection, rows, now_ms=now_ms)]
    answers: dict[str, SettleAnswer] = {row.leg_id: read_settlement(row) for row in ended}
    currencies = await _pay(connection, ended, utc_day(now_ms))
    answers |= await _collect_beyond(connection, ended, utc_day(now_ms))
    charges = [
        Charge(one.leg_id, one.customer_id, currencies[one.customer_id], one.charged_micros)
        for one in answers.values()
        if isinstance(one, Settlement) and one.charged_micros > 0
    ]
    before = [{"leg_id": one.leg_id} for one in requests if one.leg_id not in answers]
    if before:
        found = [EndedRow._make(row) for row in await _FIND.run(connection, before)]
        answers |= {row.leg_id: read_settlement(row) for row in found}
    for one in requests:
        answers.setdefault(
            one.leg_id, UnknownLeg("leg.unknown", f"leg {one.leg_id} has no hold", leg=one.leg_id)
        )
    return answers, charges


async def book_charges(connection: DirectConnection, charges: Sequence[Charge], now_ms: int) -> None:
    """Enter charges in the books. Last in a transaction: all servers share the house's accounts."""
    if not charges:
        return
    earned: dict[int, int] = defaultdict(int)
    rows: list[dict[str, object]] = []
    for charge in charges:
        revenue_id = house_id(House.REVENUE, charge.currency)
        earned[revenue_id] += charge.micros
        rows.append(
            {
                "key": charge_key(charge.leg_id),
                "kind": Kind.CHARGE.value,
                "debit_id": charge.account_id,
                "credit_id": revenue_id,
                "currency": charge.currency,
                "micros": charge.micros,
                "leg_id": charge.leg_id,
                "reason": CHARGE_REASON,
            }
        )
    await _BOOK.run(connection, rows, now_ms=now_ms)
    for revenue_id in sorted(earned, reverse=True):
        await _EARN.run(connection, [{"id": revenue_id, "micros": earned[revenue_id]}])


async def _pay(connection: DirectConnection, ended: Sequence[EndedRow], day: int) -> dict[int, str]:
    """Take charges and holds off the accounts; return each account's currency."""
    charged: dict[int, int] = defaultdict(int)
    held: dict[int, int] = defaultdict(int)
    for row in ended:
        charged[row.account_id] += row.charged_micros
        held[row.account_id] += row.micros
    if not held:
        return {}
    rows = [{"account_id": one, "charged": charged[one], "held": held[one]} for one in held]
    return {row[0]: row[1] for row in await _PAY.run(connection, rows, day=day)}


async def _collect_beyond(
    connection: DirectConnection, ended: Sequence[EndedRow], day: int
) -> dict[str, Settlement]:
    """Take what talks cost beyond their holds, as far as there is credit."""
    over = {row.leg_id: row for row in ended if row.uncollected_micros > 0}
    if not over:
        return {}
    asks = [Ask(row.leg_id, row.account_id, row.uncollected_micros, 0) for row in over.values()]
    grants = await spend_credit(connection, asks, day)
    more = {leg_id: grant.micros for leg_id, grant in grants.items() if grant.micros}
    if more:
        rows = [{"leg_id": leg_id, "micros": micros} for leg_id, micros in more.items()]
        await _CHARGE_MORE.run(connection, rows)
    return {
        leg_id: replace(
            read_settlement(row),
            charged_micros=row.charged_micros + more.get(leg_id, 0),
            uncollected_micros=row.uncollected_micros - more.get(leg_id, 0),
        )
        for leg_id, row in over.items()
    }


def read_settlement(row: EndedRow) -> Settlement:
    """The settlement of a row."""
    return Settlement(
        leg_id=row.leg_id,
        customer_id=row.account_id,
        state=HoldState(row.state),
        charged_micros=row.charged_micros,
        uncollected_micros=row.uncollected_micros,
        ended_ms=row.ended_ms,
    )
