"""Records for tests: calls as the engine tells of them, and a customer whose legs the ledger charges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.paying_customers import add_card, as_ann

from ringflow.accounts import trunks
from ringflow.accounts.trunks import Trunk
from ringflow.calls.call_record import CallRecord, SlotVisit
from ringflow.calls.outcome import Leg, LegStatus, ReleasedBy
from ringflow.ledger.rates.card import Rate
from ringflow.store import Store

BEGAN_S = 1_750_000_000.0
BEGAN_MS = 1_750_000_000_000

CARRIER_RATE = Rate("44", 13_300, 5_000, 30, 6, 0, 0, None, "UK fixed")
"""0.005 EUR and 0.0133 a minute, 30/6."""

CALL = CallRecord(
    call_id="01a",
    did="18005550100",
    cli="441910000001",
    app="card",
    revision="r1",
    customer=42,
    outcome="completed",
    reason="",
    started_at_s=BEGAN_S,
    duration_ms=9000,
    reject=None,
    variables={"app": "card", "pin": "90817", "card.id": "106367704089"},
    legs=(
        Leg("441234567890", "first", LegStatus.CONGESTION, 0, 34, leg_id="01a.1@1.1", ended_ms=3500),
        Leg(
            dialled="441234567890",
            trunk="second",
            status=LegStatus.ANSWERED,
            talked_ms=4000,
            hangup_cause=19,
            caller_id="18005550100",
            leg_id="01a.2@1.1",
            released_by=ReleasedBy.CREDIT,
            sip_code=200,
            ended_ms=8900,
        ),
    ),
    events=(),
    visits=(
        SlotVisit("card", "ask", "ivr", 0, "done", ("****", "441234567890")),
        SlotVisit("card", "destination[2]", "destination", 3000, "done"),
    ),
    released_by=ReleasedBy.CALLER,
    release_cause=16,
    asterisk="1750000000-1",
    card="106367704089",
)

MakeCall = Callable[..., CallRecord]


@pytest.fixture
def make_call() -> MakeCall:
    """The call, with an id and other fields of its own; legs without ids unless they are given."""

    def make(call_id: str = "01a", **changes: object) -> CallRecord:
        legs = tuple(
            replace(leg, leg_id=f"{call_id}.{position}@1.1")
            for position, leg in enumerate(CALL.legs, start=1)
        )
        return replace(CALL, **{"call_id": call_id, "legs": legs, **changes})  # type: ignore[arg-type]

    return make


async def give_card(store: Store, trunk: str, *rows: Rate) -> None:
    """Make a trunk, and a card in EUR, charged to four decimals upwards, that its owner charges us by."""
    async with as_ann(store) as ann:
        await trunks.add(ann, Trunk(trunk, "PJSIP/{number}@carrier", rated="upstream"))
        await add_card(ann, *rows, name=f"{trunk}'s", currency="EUR", trunk=trunk)
