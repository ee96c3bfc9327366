"""How a flow names a recording: the text that a variable holds, and that a prompt field takes to play it."""

from __future__ import annotations

from ringflow.recordings.folder import is_recording_id

PREFIX = "recording:"
SHOWN = "recording"
"""What stands in events and records where one is played: who may read those may not hear it for that."""


def reference_to(recording_id: str) -> str:
    """Return the text that names a recording in a flow."""
    return f"{PREFIX}{recording_id}"


def recording_named(text: str) -> str | None:
    """Return the ID of the recording that a text names; None: it names none."""
    found = text.removeprefix(PREFIX)
    return found if found != text and is_recording_id(found) else None
