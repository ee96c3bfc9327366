"""A call's record as rows of the database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from sqlalchemy import Table

from ringflow.calls.call_ids import LegId
from ringflow.calls.json_value import as_text
from ringflow.calls.outcome import CallRecord, Leg, Outcome, ReleasedBy, SlotVisit
from ringflow.store.record_tables import call_legs, call_records, call_slots

Cells: TypeAlias = tuple[str | int | None, ...]

CARD_VARIABLE = "card.id"
"""The variable of a call that names the card it was identified by."""

LOST = Outcome.LOST.value
"""The outcome of a call, and the status of a leg, whose server was gone before it could write them."""

STARTED, DURATION = (call_records.columns.keys().index(name) for name in ("started_ms", "duration_ms"))

NO_COST = (None, None, None)
"""Of a leg, until it is written: micro-units, currency, prefix."""


@dataclass(slots=True)
class CallRows:
    """One call: cells in the order of the tables' columns."""

    call: Cells
    legs: tuple[Cells, ...]
    slots: tuple[Cells, ...]

    def to_json(self) -> str:
        """As a draft is kept."""
        return json.dumps([self.call, self.legs, self.slots], separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> CallRows:
        """What `to_json` made, of this version or another: new columns go to the end of their tables."""
        call, legs, slots = json.loads(text)
        return cls(
            _fitted(call, call_records),
            tuple(_fitted(leg, call_legs) for leg in legs),
            tuple(_fitted(slot, call_slots) for slot in slots),
        )

    def seen_until(self, moment_ms: int) -> CallRows:
        """The same of a call that was there at least until then, in milliseconds since 1970."""
        began_ms, lasted_ms = self.call[STARTED], self.call[DURATION]
        assert isinstance(began_ms, int)
        assert isinstance(lasted_ms, int)
        longer = (*self.call[:DURATION], max(lasted_ms, moment_ms - began_ms), *self.call[DURATION + 1 :])
        return replace(self, call=longer)


def call_rows(record: CallRecord, server: str) -> CallRows:
    """The rows of a call that is over. What slots keep in variables is not kept: it may be secret."""
    call_id = record.call_id
    return CallRows(
        call=(
            call_id,
            server,
            round(record.started_at_s * 1000),
            record.duration_ms,
            record.did,
            record.cli,
            record.app,
            record.revision,
            as_text(record.variables.get(CARD_VARIABLE)) or None,
            record.customer,
            str(record.outcome),
            record.reason,
            record.reject.sip if record.reject is not None else None,
            record.release_cause,
            str(record.released_by) if record.released_by is not None else None,
            record.asterisk or None,
        ),
        legs=tuple(_leg_cells(call_id, position, leg) for position, leg in enumerate(record.legs, start=1)),
        slots=tuple(
            _slot_cells(call_id, position, one) for position, one in enumerate(record.visits, start=1)
        ),
    )


def _slot_cells(call_id: str, position: int, visit: SlotVisit) -> Cells:
    return (
        *(call_id, position, visit.app, visit.slot, visit.type, visit.entered_ms, visit.exit),
        " ".join(visit.keys),
        visit.depth or None,
    )


def _leg_cells(call_id: str, position: int, leg: Leg) -> Cells:
    return (
        call_id,
        position,
        leg.leg_id or None,
        leg.dialled,
        leg.trunk,
        str(leg.status),
        leg.ended_ms,
        leg.talked_ms,
        leg.hangup_cause or None,
        leg.caller_id,
        str(leg.released_by) if leg.released_by is not None else None,
        *NO_COST,
        leg.sip_code,
        leg.keyed or None,
        leg.sent or None,
        leg.as_keyed or None,
        None,
        leg.reason or None,
    )


def lost_rows(
    leg_id: str, customer_id: int | None, server: str, asterisk: str, opened_ms: int, ended_ms: int
) -> CallRows | None:
    """What a leg's own id and its times tell of it; None for an id that no call gave."""
    named = LegId.read(leg_id)
    if named is None:
        return None
    call_id, position = named.call_id, named.position
    lasted_ms = max(0, ended_ms - opened_ms)
    reason = "its server was gone before the record was written; no more is known"
    return CallRows(
        call=(
            *(call_id, server, opened_ms, lasted_ms, "", None, None, None, None),
            *(customer_id, LOST, reason, None, None, ReleasedBy.SERVER.value, asterisk or None),
        ),
        legs=(_fitted((call_id, position, leg_id, "", "", LOST, lasted_ms), call_legs),),
        slots=(),
    )


def _fitted(cells: Sequence[str | int | None], table: Table) -> Cells:
    wanted = len(table.columns)
    return (*cells, *[None] * wanted)[:wanted]
