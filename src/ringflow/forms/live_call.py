"""The form of a call in progress."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.moments import Moment
from ringflow.records.live_calls import LiveCallSummary


@dataclass(frozen=True, slots=True)
class LiveCallForm:
    """A call in progress, as it was when it last came to a slot, or a leg began or ended."""

    call_id: str
    server: str
    started_at: Moment
    did: str
    cli: str | None
    customer: int | None
    app: str | None
    slot: str | None
    dialled: str | None
    trunk: str | None


@dataclass(frozen=True, slots=True)
class RevisionCallsForm:
    """How many calls in progress go by one revision of a flow."""

    revision: str
    in_progress: int


@dataclass(frozen=True, slots=True)
class OrderForm:
    """What came of an order for a call in progress."""

    call_id: str
    order: str
    answer: str


def live_call_form(call: LiveCallSummary) -> LiveCallForm:
    """Return a call in progress as it is shown."""
    return LiveCallForm(
        call_id=call.call_id,
        server=call.server,
        started_at=Moment(call.started_ms),
        did=call.did,
        cli=call.cli,
        customer=call.customer_id,
        app=call.app,
        slot=call.slot,
        dialled=call.dialled,
        trunk=call.trunk,
    )
