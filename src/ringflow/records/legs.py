"""Legs read back, each with what the ledger knows of its money: the only place where a charge is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.ledger.terms import Terms, UnreadableTerms, affordable_ms, billed_s
from ringflow.store.ledger_tables import ledger_holds
from ringflow.store.record_tables import call_legs


@dataclass(frozen=True, slots=True)
class RecordedLeg:
    """An outgoing attempt. `ended_ms` counts from the call's arrival, `talked_ms` from the callee's answer.

    `cost_micros`: what it cost us, in micro-units of `cost_currency`; None where its trunk has no rate.
    `sip_code` is the callee's final response, None where there was none. `keyed` is the number as it was
    given, `dialled` the same in E.164, `sent` what the trunk was given, None where nobody knows; all three
    are one where it was dialled `as_keyed`, which is None otherwise. `reason`: why Ringflow did not dial it.

    The rest is the ledger's, in micro-units of `currency`, `price_micros` for a minute: None where nothing
    was held for the leg, `charged_micros` also while it is not settled. `refunded_micros` is what was given
    back of the charge, `uncollected_micros` what could not be taken.
    """

    position: int
    leg_id: str | None
    dialled: str
    trunk: str
    status: str
    ended_ms: int | None
    talked_ms: int | None
    hangup_cause: int | None
    caller_id: str | None
    released_by: str | None
    cost_micros: int | None
    cost_currency: str | None
    cost_prefix: str | None
    sip_code: int | None
    keyed: str | None
    sent: str | None
    as_keyed: bool | None
    cost_destination: str | None
    reason: str | None
    billed_s: int | None = None
    prefix: str | None = None
    sold_destination: str | None = None
    price_micros: int | None = None
    connection_micros: int | None = None
    currency: str | None = None
    charged_micros: int | None = None
    refunded_micros: int | None = None
    uncollected_micros: int | None = None

    @property
    def destination(self) -> str | None:
        """What the number leads to: as the customer's rate card says, or else the trunk's."""
        return self.sold_destination or self.cost_destination


_OWN = tuple(name for name in RecordedLeg.__slots__ if name in call_legs.c)
_MONEY = ("charged_micros", "refunded_micros", "uncollected_micros")


async def read_legs(connection: AsyncConnection, calls: Sequence[str]) -> dict[str, list[RecordedLeg]]:
    """The legs of calls, in order, by the calls' ids."""
    holds = ledger_holds.c
    query: Select[Any] = (
        select(
            call_legs.c.call_id,
            *(call_legs.c[name] for name in _OWN),
            holds.state,
            holds.terms,
            *(holds[name] for name in _MONEY),
        )
        .select_from(call_legs.outerjoin(ledger_holds, holds.leg_id == call_legs.c.leg_id))
        .where(call_legs.c.call_id.in_(calls))
        .order_by(call_legs.c.call_id, call_legs.c.position)
    )
    found: dict[str, list[RecordedLeg]] = defaultdict(list)
    for row in await connection.execute(query) if calls else ():
        found[row.call_id].append(_leg(row))
    return found


def _leg(row: Row[Any]) -> RecordedLeg:
    own = {name: getattr(row, name) for name in _OWN}
    if not row.terms:
        return RecordedLeg(**own)
    money = {name: getattr(row, name) for name in _MONEY}
    try:
        terms = Terms.from_json(row.terms)
    except UnreadableTerms:
        return RecordedLeg(**own) if row.state == "held" else RecordedLeg(**own, **money)
    rated = RecordedLeg(
        **own,
        prefix=terms.prefix or None,
        sold_destination=terms.destination or None,
        price_micros=terms.price_micros,
        connection_micros=terms.connection_micros,
        currency=terms.currency,
    )
    if row.state == "held":
        return rated
    charged = row.charged_micros + row.uncollected_micros
    return replace(rated, **money, billed_s=_billed(terms, row.talked_ms, charged))


def _billed(terms: Terms, talked_ms: int | None, charged_micros: int) -> int | None:
    """Seconds that the charge is for.

    A talk is charged up to the limit that its credit set, and may have gone on for some milliseconds more:
    the charge tells how far it went, and alone does so where the talk is not known.
    """
    paid_ms = affordable_ms(terms, charged_micros) if charged_micros else 0
    if charged_micros == 0 and not terms.free:
        return 0
    if talked_ms is None:
        return None if paid_ms is None or terms.free else paid_ms // 1000
    billed = billed_s(terms, talked_ms)
    return billed if paid_ms is None or terms.free else min(billed, paid_ms // 1000)
