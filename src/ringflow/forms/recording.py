"""The form of a recording. What is said in it is not in it."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.forms.json_value import seconds
from ringflow.moments import Second
from ringflow.recordings.recording import Recording


@dataclass(frozen=True, slots=True)
class RecordingForm:
    """A recording of a caller."""

    id: str
    recorded_at: Second
    status: str
    duration_s: float | None
    cli: str | None
    did: str
    customer: int | None
    app: str
    slot: str
    call_id: str
    bytes: int
    levelled: bool
    expires_at: Second | None
    server: str


@dataclass(frozen=True, slots=True)
class DeletedRecordingsForm:
    """How many recordings of a call were deleted."""

    call_id: str
    recording_count: int


def recording_form(recording: Recording) -> RecordingForm:
    """Return a recording as it is shown to an operator."""
    expires_ms = recording.expires_ms
    return RecordingForm(
        id=recording.id,
        recorded_at=Second(recording.started_ms),
        status=recording.status,
        duration_s=seconds(recording.length_ms),
        cli=recording.cli,
        did=recording.did,
        customer=recording.customer_id,
        app=recording.app,
        slot=recording.slot,
        call_id=recording.call_id,
        bytes=recording.bytes,
        levelled=recording.levelled,
        expires_at=None if expires_ms is None else Second(expires_ms),
        server=recording.server,
    )
