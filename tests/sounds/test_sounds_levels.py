"""The meter and the limiter hold for any sound."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from ringflow.sounds.levels import (
    PEAK_DBFS,
    find_fault,
    from_dbfs,
    limit_peaks,
    pad_to_packets,
    speech_dbfs,
)

RATE_HZ = 8_000


def tone(seconds: float, level_dbfs: float) -> NDArray[np.float64]:
    """A 1 kHz tone whose RMS is `level_dbfs`."""
    samples: NDArray[np.float64] = np.sin(2 * np.pi * np.arange(round(seconds * RATE_HZ)) / 8)
    return samples * math.sqrt(2) * from_dbfs(level_dbfs)


@given(arrays(np.float64, st.integers(0, 400), elements=st.floats(-50, 50)))
def test_no_sample_passes_the_ceiling_and_none_is_turned_up(samples: NDArray[np.float64]) -> None:
    limited = limit_peaks(samples, RATE_HZ)

    assert limited.shape == samples.shape
    assert np.abs(limited).max(initial=0) <= from_dbfs(PEAK_DBFS)
    assert (np.abs(limited) <= np.abs(samples) + 1e-12).all()


def test_the_limiter_alone_holds_the_ceiling_without_clipping_the_wave() -> None:
    loud = tone(1.0, -1.0)

    limited = limit_peaks(loud, RATE_HZ)[400:-400]

    # A clipped tone would have flat tops: a tone that was turned down is still a tone.
    spectrum = np.abs(np.fft.rfft(limited * np.hanning(limited.size)))
    assert np.square(np.sort(spectrum)[:-5]).sum() < 1e-6 * np.square(spectrum).sum()


def test_the_limiter_turns_down_and_up_again_without_a_jump() -> None:
    samples = np.full(RATE_HZ, 0.5)
    samples[4_000] = 3.0

    gain = limit_peaks(samples, RATE_HZ) / samples

    assert gain.min() < 0.25
    assert gain[[3_900, 4_100]] == pytest.approx(1)
    assert np.abs(np.diff(gain)).max() < 0.05


def test_pauses_and_faint_noise_do_not_count_as_speech() -> None:
    noise = np.random.default_rng(1).normal(0, from_dbfs(-50), 3 * RATE_HZ)
    speech = np.concatenate([noise, tone(1.0, -20), np.zeros(5 * RATE_HZ), tone(1.0, -20), noise])

    assert speech_dbfs(speech, RATE_HZ) == pytest.approx(-20, abs=0.1)


@pytest.mark.parametrize(
    ("level_dbfs", "fault"),
    [(-80.0, "silent"), (-45.0, "too quiet"), (-20.0, None), (-5.0, None), (-3.1, "clipped")],
)
def test_a_level_fault_is_named(level_dbfs: float, fault: str | None) -> None:
    found = find_fault(tone(1.0, level_dbfs), RATE_HZ)

    assert (found or "").startswith(fault or "")
    assert (found is None) == (fault is None)


@pytest.mark.parametrize(("size", "padded"), [(0, 0), (1, 160), (160, 160), (161, 320)])
def test_a_sound_is_padded_to_whole_packets(size: int, padded: int) -> None:
    assert pad_to_packets(np.ones(size), RATE_HZ).size == padded
