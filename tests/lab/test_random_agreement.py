"""Random flows and scenarios, simulated and then real."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringflow.calls.transcript import TranscriptLine
from ringflow.config import load_config
from ringflow.lab import Lab
from ringflow.lab.event_times import gap_differences_ms
from ringflow.lab.random_agreement import RandomAgreement, compare_random

ROOT = Path(__file__).parents[2]


def lines(*events: tuple[int, str]) -> tuple[TranscriptLine, ...]:
    return tuple(TranscriptLine(at_ms, "s1", event) for at_ms, event in events)


def test_what_a_call_was_late_with_once_makes_only_that_one_time_late() -> None:
    simulated = lines((0, "answered"), (2000, "prompt"), (3000, "dial"), (9000, "ended"))
    real = lines((5, "answered"), (2105, "prompt"), (3105, "dial"), (9100, "ended"))
    assert gap_differences_ms(simulated, real) == [100, 0, -5]


def test_times_are_compared_up_to_where_the_transcripts_differ() -> None:
    simulated = lines((0, "answered"), (2000, "prompt"), (3000, "dial"), (5000, "ended"))
    real = lines((0, "answered"), (2010, "prompt"), (3000, "keys"), (9000, "ended"))
    assert gap_differences_ms(simulated, real) == [10]


def test_enough_times_must_be_close() -> None:
    close = RandomAgreement((), (0, 50, -50, *([3] * 47)), 1.0)
    assert (close.gaps_within, close.share_within, close.is_close) == (50, 1.0, True)
    assert RandomAgreement((), (51, *([0] * 49)), 1.0).is_close
    assert not RandomAgreement((), (51, -51, *([0] * 48)), 1.0).is_close
    assert RandomAgreement((), (), 1.0).share_within == 1.0


@pytest.mark.lab
async def test_random_calls_take_the_same_course_on_a_real_asterisk(lab: Lab, tmp_path: Path) -> None:
    config = load_config(ROOT / "config.yaml", {})
    told = await compare_random(config, lab, 12, 11, tmp_path)
    assert [one.failure for one in told.comparisons] == [None] * 12
    assert len(told.gaps_ms) > 20
