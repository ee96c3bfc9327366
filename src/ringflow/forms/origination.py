"""The form of a call that was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.calls.originations import Origination
from ringflow.moments import Moment


@dataclass(frozen=True, slots=True)
class OriginationForm:
    """A call that was asked for. `status` is asked, dialling, answered, ended or failed."""

    call_id: str
    status: str
    outcome: str | None
    customer: int
    called: str
    trunk: str | None
    caller_id: str | None
    app: str | None
    did: str | None
    app_call_id: str | None
    asked_by: str
    asked_at: Moment


def origination_form(asked: Origination, now_ms: int) -> OriginationForm:
    """Return a call that was asked for, as it is now."""
    return OriginationForm(
        call_id=asked.call_id,
        status=asked.status(now_ms),
        outcome=asked.outcome,
        customer=asked.customer_id,
        called=asked.target,
        trunk=asked.trunk,
        caller_id=asked.caller_id,
        app=asked.app,
        did=asked.did,
        app_call_id=asked.app_call_id,
        asked_by=asked.asked_by,
        asked_at=Moment(asked.asked_ms),
    )
