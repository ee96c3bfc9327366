"""Records as a table: a line for each slot that a call went through, written as they are read.

The columns and their order are part of the interface; new ones go to the end.
"""

from __future__ import annotations

from datetime import tzinfo

from ringflow.moments import iso_in
from ringflow.records.export import Progress, seconds_text
from ringflow.records.queries import Filter, RecordedCall, RecordedSlot, every_call, read_slots
from ringflow.spreadsheets import Cell, Table
from ringflow.store import Store

SLOT_COLUMNS = (
    *("call_id", "started_at", "did", "cli", "customer", "outcome"),
    *("position", "app", "slot", "type", "entered_s", "exit", "keys", "depth", "revision"),
)


async def export_slots(store: Store, wanted: Filter, table: Table, progress: Progress, zone: tzinfo) -> int:
    """Write the slots of the calls, the oldest call first; gives how many they are."""
    lines = 0
    table.write([SLOT_COLUMNS])
    async for page in every_call(store, wanted):
        async with store.reading() as connection:
            slots = await read_slots(connection, [call.call_id for call in page])
        rows = [_row(call, slot, zone) for call in page for slot in slots.get(call.call_id, ())]
        table.write(rows)
        progress(len(rows))
        lines += len(rows)
    return lines


def _row(call: RecordedCall, slot: RecordedSlot, zone: tzinfo) -> tuple[Cell, ...]:
    return (
        *(call.call_id, iso_in(call.started_ms, zone), call.did, call.cli, call.customer_id, call.outcome),
        *(slot.position, slot.app, slot.slot, slot.type, seconds_text(slot.entered_ms), slot.exit, slot.keys),
        slot.depth,
        slot.revision,
    )
