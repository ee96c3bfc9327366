"""A call's record as rows of the database, cells by the names of their columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from sqlalchemy import Table

from ringflow.calls.call_ids import LegId
from ringflow.calls.call_record import CallRecord, SlotVisit
from ringflow.calls.outcome import Leg, Outcome, ReleasedBy
from ringflow.store.record_tables import call_legs, call_records, call_slots

Cells: TypeAlias = Mapping[str, str | int | None]
"""A row. A column that it does not name is NULL."""

LOST = Outcome.LOST.value
"""The outcome of a call, and the status of a leg, whose server was gone before it could write them."""


@dataclass(frozen=True, slots=True)
class CallRows:
    """One call: its row, and those of its legs and of the slots that it went through."""

    call: Cells
    legs: tuple[Cells, ...]
    slots: tuple[Cells, ...]

    @property
    def began_ms(self) -> int:
        """When the call arrived, in milliseconds since 1970."""
        began_ms = self.call["started_ms"]
        assert isinstance(began_ms, int)
        return began_ms

    def to_json(self) -> str:
        """As a draft is kept."""
        return json.dumps({"call": self.call, "legs": self.legs, "slots": self.slots}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> CallRows:
        """Read what `to_json` made, of any version. Columns that are not known here are not written.

        Earlier versions kept the cells alone, in the order of the columns, to which later ones are added.
        """
        facts = json.loads(text)
        call, legs, slots = facts if isinstance(facts, list) else (facts[of] for of in cls.__slots__)
        return cls(
            _named(call, call_records),
            tuple(_named(leg, call_legs) for leg in legs),
            tuple(_named(slot, call_slots) for slot in slots),
        )

    def seen_until(self, moment_ms: int) -> CallRows:
        """The same of a call that was there at least until then, in milliseconds since 1970."""
        lasted_ms = self.call["duration_ms"]
        assert isinstance(lasted_ms, int)
        longer = {**self.call, "duration_ms": max(lasted_ms, moment_ms - self.began_ms)}
        return replace(self, call=longer)


def _named(kept: Any, table: Table) -> Cells:
    return kept if isinstance(kept, dict) else dict(zip(table.columns.keys(), kept, strict=False))


def call_rows(record: CallRecord, server: str) -> CallRows:
    """The rows of a call that is over. What slots keep in variables is not kept: it may be secret."""
    call_id = record.call_id
    return CallRows(
        call={
            "call_id": call_id,
            "server": server,
            "started_ms": round(record.started_at_s * 1000),
            "duration_ms": record.duration_ms,
            "did": record.did,
            "cli": record.cli,
            "app": record.app,
            "revision": record.revision,
            "card_id": record.card,
            "customer_id": record.customer,
            "outcome": str(record.outcome),
            "reason": record.reason,
            "reject_sip": record.reject.sip if record.reject is not None else None,
            "release_cause": record.release_cause,
            "released_by": str(record.released_by) if record.released_by is not None else None,
            "asterisk": record.asterisk or None,
        },
        legs=tuple(_leg_cells(call_id, position, leg) for position, leg in enumerate(record.legs, start=1)),
        slots=tuple(
            _slot_cells(call_id, position, one) for position, one in enumerate(record.visits, start=1)
        ),
    )


def _slot_cells(call_id: str, position: int, visit: SlotVisit) -> Cells:
    return {
        "call_id": call_id,
        "position": position,
        "app": visit.app,
        "slot": visit.slot,
        "type": visit.type,
        "entered_ms": visit.entered_ms,
        "exit": visit.exit,
        "keys": " ".join(visit.keys),
        "depth": visit.depth or None,
        "revision": visit.revision,
    }


def _leg_cells(call_id: str, position: int, leg: Leg) -> Cells:
    """The row of a leg, but for what it cost, which is worked out when it is written."""
    return {
        "call_id": call_id,
        "position": position,
        "leg_id": leg.leg_id or None,
        "dialled": leg.dialled,
        "trunk": leg.trunk,
        "status": str(leg.status),
        "ended_ms": leg.ended_ms,
        "talked_ms": leg.talked_ms,
        "hangup_cause": leg.hangup_cause or None,
        "caller_id": leg.caller_id,
        "released_by": str(leg.released_by) if leg.released_by is not None else None,
        "sip_code": leg.sip_code,
        "keyed": leg.keyed or None,
        "sent": leg.sent or None,
        "as_keyed": leg.as_keyed or None,
        "reason": leg.reason or None,
    }


def lost_rows(
    leg_id: str, customer_id: int | None, server: str, asterisk: str, opened_ms: int, ended_ms: int
) -> CallRows | None:
    """What a leg's own id and its times tell of it; None for an id that no call gave."""
    leg = LegId.read(leg_id)
    if leg is None:
        return None
    lasted_ms = max(0, ended_ms - opened_ms)
    return CallRows(
        call={
            "call_id": leg.call_id,
            "server": server,
            "started_ms": opened_ms,
            "duration_ms": lasted_ms,
            "did": "",
            "customer_id": customer_id,
            "outcome": LOST,
            "reason": "its server was gone before the record was written; no more is known",
            "released_by": ReleasedBy.SERVER.value,
            "asterisk": asterisk or None,
        },
        legs=(
            {
                "call_id": leg.call_id,
                "position": leg.position,
                "leg_id": leg_id,
                "dialled": "",
                "trunk": "",
                "status": LOST,
                "ended_ms": lasted_ms,
            },
        ),
        slots=(),
    )
