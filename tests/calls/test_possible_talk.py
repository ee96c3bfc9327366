"""A clock that is set in a talk: nobody pays for time that was not talked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ringflow.calls.dial_outcome import SLACK_MS, possible_talk_ms

HOUR_MS = 3_600_000
RINGING_MS = 60_000
LENGTHS = st.integers(0, 4 * HOUR_MS)


@given(talked_ms=LENGTHS, rang_ms=st.integers(0, RINGING_MS), late_ms=st.integers(0, SLACK_MS))
def test_a_clock_that_nobody_sets_is_believed(talked_ms: int, rang_ms: int, late_ms: int) -> None:
    assert possible_talk_ms(talked_ms, talked_ms, rang_ms + talked_ms + late_ms, RINGING_MS) == talked_ms


@given(
    talked_ms=LENGTHS, after_ms=LENGTHS, rang_ms=st.integers(0, RINGING_MS), late_ms=st.integers(0, SLACK_MS)
)
def test_a_callee_that_went_before_the_end_of_dial_is_charged_to_its_own_end(
    talked_ms: int, after_ms: int, rang_ms: int, late_ms: int
) -> None:
    dial_ms = rang_ms + talked_ms + after_ms + late_ms
    assert possible_talk_ms(talked_ms, talked_ms + after_ms, dial_ms, RINGING_MS) == talked_ms


@given(
    talked_ms=LENGTHS,
    rang_ms=st.integers(0, RINGING_MS),
    set_by_ms=st.integers(-24 * HOUR_MS, 24 * HOUR_MS),
)
def test_a_clock_that_is_set_takes_nothing_from_the_caller(
    talked_ms: int, rang_ms: int, set_by_ms: int
) -> None:
    by_clock_ms = talked_ms + set_by_ms
    counted_ms = possible_talk_ms(by_clock_ms, by_clock_ms, rang_ms + talked_ms, RINGING_MS)
    # Less than the ringing either way cannot be told from ringing.
    assert 0 <= counted_ms <= talked_ms + rang_ms + SLACK_MS
    assert counted_ms >= talked_ms - RINGING_MS - SLACK_MS
    if abs(set_by_ms) > RINGING_MS + SLACK_MS:
        assert counted_ms <= talked_ms


@given(talked_ms=LENGTHS, after_ms=LENGTHS, set_by_ms=st.sampled_from([-25 * HOUR_MS, 25 * HOUR_MS]))
def test_a_clock_that_is_set_after_the_callee_went_charges_nothing_of_that_time(
    talked_ms: int, after_ms: int, set_by_ms: int
) -> None:
    since_ms = talked_ms + set_by_ms + after_ms
    counted_ms = possible_talk_ms(talked_ms + set_by_ms, since_ms, talked_ms + after_ms, RINGING_MS)
    assert 0 <= counted_ms <= talked_ms


@pytest.mark.parametrize("set_by_ms", [-HOUR_MS, HOUR_MS])
def test_it_is_logged_once_and_with_both_times(set_by_ms: int) -> None:
    with capture_logs() as logged:
        counted_ms = possible_talk_ms(600_000 + set_by_ms, 600_000 + set_by_ms, 604_000, RINGING_MS)
    assert counted_ms == 604_000 - RINGING_MS - SLACK_MS
    assert [one["event"] for one in logged] == ["clock set in a talk"]
    assert (logged[0]["by_clock_ms"], logged[0]["dial_ms"]) == (600_000 + set_by_ms, 604_000)
