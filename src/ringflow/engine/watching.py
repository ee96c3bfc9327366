"""Who is told what calls do: metrics, logs, tests."""

from __future__ import annotations

from typing import Protocol

from ringflow.calls.outcome import CallRecord, Reject


class Watcher(Protocol):
    """Is told, in the event loop; must be quick and must not raise."""

    def call_began(self, app: str) -> None:
        """A call was admitted to an app."""

    def slot_left(self, app: str, slot_type: str, exit_name: str) -> None:
        """A slot ended by this exit."""

    def call_ended(self, record: CallRecord, key_to_dial_ms: list[int]) -> None:
        """A call is over, admitted or not; `key_to_dial_ms` has one entry for each dialling after keys."""

    def call_refused(self, reject: Reject) -> None:
        """A call was refused before it was understood, one of too many for a record of each."""
