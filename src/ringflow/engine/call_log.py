"""One line of the log for every call that ended."""

from __future__ import annotations

import structlog

from ringflow.calls import events
from ringflow.calls.history import CallHistory
from ringflow.calls.outcome import Leg


class CallLog:
    """An `Observer` of calls."""

    observed = (events.CallEnded,)

    def __init__(self) -> None:
        # Bound once: the module's own logger would be looked up for each call.
        self._log = structlog.get_logger("ringflow.engine").bind()

    def observe(self, event: events.CallEvent, history: CallHistory) -> None:
        """Part of `Observer`."""
        record = history.record()
        self._log.info(
            "call ended",
            did=record.did,
            cli=record.cli,
            app=record.app,
            customer=record.customer,
            outcome=record.outcome,
            reason=record.reason,
            sip=record.reject.sip if record.reject else None,
            duration_ms=record.duration_ms,
            legs=[_leg_text(leg) for leg in record.legs],
        )


def _leg_text(leg: Leg) -> str:
    why = f" ({leg.reason})" if leg.reason else ""
    return f"{leg.dialled} {leg.trunk} {leg.status} {leg.talked_ms}ms{why}"
