"""Cutting the silence around a prompt, and joining an even margin to it; the only place that uses pydub."""

from __future__ import annotations

import warnings

import numpy as np

from ringflow.sounds.levels import Samples

with warnings.catch_warnings():
    # pydub warns about ffmpeg, which is not used here, and about its own string literals.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment
    from pydub.silence import detect_leading_silence

# Read after levelling: 30 dB below speech. The softest consonants stand above; the margin keeps them whole.
SILENCE_DBFS = -50.0
MARGIN_MS = 60
_STEP_MS = 5
_SAMPLE_BYTES = 2
_FULL_SCALE = 32_768


def cut_silence(samples: Samples, sample_rate_hz: int) -> Samples:
    """Leave `MARGIN_MS` of quiet before and after the sound, cutting or adding; all of it if it is silent.

    `samples` must be within full scale; they come back as 16-bit values.
    """
    linear = np.clip(np.rint(samples * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1).astype("<i2")
    whole = AudioSegment(
        data=linear.tobytes(), sample_width=_SAMPLE_BYTES, frame_rate=sample_rate_hz, channels=1
    )
    before_ms = detect_leading_silence(whole, SILENCE_DBFS, _STEP_MS)
    if before_ms >= len(whole):
        return samples
    after_ms = detect_leading_silence(whole.reverse(), SILENCE_DBFS, _STEP_MS)
    kept = whole[max(0, before_ms - MARGIN_MS) : len(whole) - max(0, after_ms - MARGIN_MS)]
    framed = (
        _quiet(MARGIN_MS - before_ms, sample_rate_hz) + kept + _quiet(MARGIN_MS - after_ms, sample_rate_hz)
    )
    return np.frombuffer(framed.raw_data, dtype="<i2").astype(np.float64) / _FULL_SCALE


def _quiet(duration_ms: int, sample_rate_hz: int) -> AudioSegment:
    return AudioSegment.silent(max(0, duration_ms), frame_rate=sample_rate_hz)
