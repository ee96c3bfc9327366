"""The numbers that a caller has given in a call: the one behind the DID, and how many were wrong."""

from __future__ import annotations

from collections.abc import Sequence

from ringflow.calls.outcome import NEVER_DIALLED, Leg, LegStatus

UNALLOCATED_CAUSES = frozenset({1, 28})
"""Q.850: unallocated number, invalid number format. The network knows no such number."""

_WRONG = frozenset({LegStatus.REFUSED, LegStatus.NO_RATE, LegStatus.BLOCKED})


class NumberEntries:
    """Counts wrong numbers in a row over a whole call, whichever slot or app asked for them.

    A number is wrong that is none, that Ringflow refuses to dial, and that the network says does not exist.
    One that could be dialled ends the row, whatever came of the call.
    """

    def __init__(self, brought: str | None) -> None:
        self._brought = brought
        self._wrong = 0
        self._legs_seen = 0

    def take_brought(self) -> str | None:
        """The number that was dialled behind the DID, once; None where there is none, and afterwards."""
        brought, self._brought = self._brought, None
        return brought

    def wrong_in_a_row(self, legs: Sequence[Leg]) -> int:
        """How many of the last numbers were wrong, after the legs of the call so far."""
        new = legs[self._legs_seen :]
        self._legs_seen = len(legs)
        if any(_was_right(leg) for leg in new):
            self._wrong = 0
        elif any(leg.status in _WRONG or _is_unallocated(leg) for leg in new):
            self._wrong += 1
        return self._wrong

    def note_wrong(self) -> None:
        """The caller gave a number that is none."""
        self._wrong += 1


def _was_right(leg: Leg) -> bool:
    return leg.status not in NEVER_DIALLED and not _is_unallocated(leg)


def _is_unallocated(leg: Leg) -> bool:
    return leg.status is LegStatus.UNAVAILABLE and leg.hangup_cause in UNALLOCATED_CAUSES
