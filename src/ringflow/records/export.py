"""Records as a table: a line for each leg, or for a call without any, written as they are read.

The columns have the names of the forms in `forms/call.py`; those of a leg that a call has too begin with
`leg_`. They and their order are part of the interface; new ones go to the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo

from ringflow.moments import iso_in
from ringflow.money import format_amount
from ringflow.records.legs import RecordedLeg
from ringflow.records.queries import Filter, RecordedCall, every_call
from ringflow.spreadsheets import Cell, Table
from ringflow.store import Store

CALL_COLUMNS = (
    *("call_id", "server", "started_at", "duration_s", "did", "cli", "app", "revision", "card", "customer"),
    *("outcome", "reason", "reject_sip", "release_cause"),
)
LEG_COLUMNS = (
    *("position", "leg_id", "dialled", "trunk", "status", "talked_s", "billed_s", "prefix", "price"),
    *("connection", "currency", "charged", "refunded", "uncollected", "hangup_cause", "caller_id"),
)
LATER_COLUMNS = (
    "released_by",
    "leg_released_by",
    "cost",
    "cost_currency",
    "cost_prefix",
    "sip_code",
    "keyed",
    "sent",
    "destination",
    "leg_reason",
)
COLUMNS = (*CALL_COLUMNS, *LEG_COLUMNS, *LATER_COLUMNS)
FIGURES = (
    *(
        "duration_s",
        "talked_s",
        "billed_s",
        "price",
        "connection",
        "charged",
        "refunded",
        "uncollected",
    ),
    *("cost", "entered_s", "position"),
)
"""The columns, here and in `slot_export`, that people add up."""

Progress = Callable[[int], None]
"""Told how many lines have been written since it was last told."""


async def export_calls(store: Store, wanted: Filter, table: Table, progress: Progress, zone: tzinfo) -> int:
    """Write the calls, the oldest first; gives how many lines there are below the columns' names.

    Times are in the zone, each with its offset.
    """
    lines = 0
    table.write([COLUMNS])
    async for page in every_call(store, wanted):
        rows = [row for call in page for row in _rows(call, zone)]
        table.write(rows)
        progress(len(rows))
        lines += len(rows)
    return lines


def seconds_text(length_ms: int | None) -> str | None:
    """Milliseconds as seconds: `4.000`."""
    return None if length_ms is None else f"{length_ms // 1000}.{length_ms % 1000:03d}"


def amount_text(micros: int | None, currency: str | None) -> str | None:
    """Micro-units as an amount without its currency."""
    return None if micros is None or currency is None else format_amount(micros, currency)


def _rows(call: RecordedCall, zone: tzinfo) -> Iterator[Sequence[Cell]]:
    facts = (
        *(call.call_id, call.server, iso_in(call.started_ms, zone), seconds_text(call.duration_ms)),
        *(call.did, call.cli, call.app, call.revision, call.card_id, call.customer_id),
        *(call.outcome, call.reason, call.reject_sip, call.release_cause),
    )
    for leg in call.legs or (None,):
        cells = _leg_cells(leg) if leg is not None else (None,) * len(LEG_COLUMNS)
        cost = (None, None, None) if leg is None else _cost_cells(leg)
        last = (None,) * 5 if leg is None else _last_cells(leg)
        later = (call.released_by, leg.released_by if leg is not None else None, *cost, *last)
        yield (*facts, *cells, *later)


def _last_cells(leg: RecordedLeg) -> tuple[str | int | None, ...]:
    return leg.sip_code, leg.keyed, leg.sent, leg.destination, leg.reason


def _cost_cells(leg: RecordedLeg) -> tuple[str | None, ...]:
    return amount_text(leg.cost_micros, leg.cost_currency), leg.cost_currency, leg.cost_prefix


def _leg_cells(leg: RecordedLeg) -> tuple[str | int | None, ...]:
    currency = leg.currency
    return (
        *(leg.position, leg.leg_id, leg.dialled, leg.trunk, leg.status, seconds_text(leg.talked_ms)),
        *(leg.billed_s, leg.prefix, amount_text(leg.price_micros, currency)),
        *(amount_text(leg.connection_micros, currency), currency, amount_text(leg.charged_micros, currency)),
        *(amount_text(leg.refunded_micros, currency), amount_text(leg.uncollected_micros, currency)),
        *(leg.hangup_cause, leg.caller_id),
    )
