"""Which exits of a flow's slots were taken in simulated calls, and which were not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ringflow.flows.flow import Flow
from ringflow.simulator.run import SimulatedCall


@dataclass(frozen=True, slots=True)
class SlotCoverage:
    """One slot of a flow, by its name in transcripts. `entered`: how many calls came to it."""

    app: str
    slot: str
    entered: int
    taken: tuple[str, ...]
    not_taken: tuple[str, ...]


class ExitCounter:
    """Counts call by call which exits of a flow's slots are taken; it keeps no call. `flow` None: of none."""

    def __init__(self, flow: Flow | None) -> None:
        self._flow = flow
        self._taken: dict[str, set[str]] = defaultdict(set)
        self._entered: dict[str, int] = defaultdict(int)

    def count(self, calls: Iterable[SimulatedCall]) -> None:
        """Count the exits that these calls took."""
        for call in calls:
            for visit in call.record.visits:
                if self._flow is not None and visit.app == self._flow.app:
                    self._entered[visit.slot] += 1
                    if visit.exit is not None:
                        self._taken[visit.slot].add(visit.exit)

    @property
    def coverage(self) -> tuple[SlotCoverage, ...]:
        """For each slot of the flow by which exits the calls left it, and by which they did not."""
        if self._flow is None:
            return ()
        labels = [self._flow.label(index) for index in range(len(self._flow.slots))]
        return tuple(
            SlotCoverage(
                self._flow.app,
                label,
                self._entered[label],
                tuple(one for one in slot.exits if one in self._taken[label]),
                tuple(one for one in slot.exits if one not in self._taken[label]),
            )
            for label, slot in zip(labels, self._flow.slots, strict=True)
        )
