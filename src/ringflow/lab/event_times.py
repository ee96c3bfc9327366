"""How far the times of a real call are from those that the simulator foretold, from event to event."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ringflow.calls.transcript import TranscriptLine
from ringflow.lab.agreement import line


def gap_differences_ms(simulated: Sequence[TranscriptLine], real: Sequence[TranscriptLine]) -> list[int]:
    """For each two events that follow each other in both transcripts: how much longer the real one took.

    Only from one event to the next: what a call was late with once does not make all that follows late.
    Transcripts are compared up to where they differ.
    """
    both = []
    for mine, theirs in zip(simulated, real, strict=False):
        if line(mine) != line(theirs):
            break
        both.append((mine.at_ms, theirs.at_ms))
    return [(after[1] - before[1]) - (after[0] - before[0]) for before, after in pairwise(both)]
