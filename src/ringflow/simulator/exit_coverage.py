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


def exit_coverage(flow: Flow, calls: Iterable[SimulatedCall]) -> list[SlotCoverage]:
    """Return for each slot of a flow by which exits calls left it, and by which they did not."""
    taken: dict[str, set[str]] = defaultdict(set)
    entered: dict[str, int] = defaultdict(int)
    for call in calls:
        for visit in call.record.visits:
            if visit.app == flow.app:
                entered[visit.slot] += 1
                if visit.exit is not None:
                    taken[visit.slot].add(visit.exit)
    return [
        SlotCoverage(
            flow.app,
            label,
            entered[label],
            tuple(one for one in slot.exits if one in taken[label]),
            tuple(one for one in slot.exits if one not in taken[label]),
        )
        for index, slot in enumerate(flow.slots)
        for label in [flow.label(index)]
    ]
