"""How loud a prompt is, and bringing it to the level that callers expect.

Samples are float64 with 1.0 as full scale; dBFS is 20 log10 of an RMS or a peak against it, as pydub counts.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ringflow.sounds.forms import PACKET_S

Samples = NDArray[np.float64]

# -20 dBFS is about -14 dBm0 (0 dBm0 is 6.15 dB below full scale in G.711): 6 dB above the nominal talker at
# -26 dBov of the ITU's codec tests, as an announcement has to be, with room left for the peaks of speech.
# Those end 3 dB below full scale, where neither a codec nor a change of rate can clip them.
TARGET_DBFS = -20.0
PEAK_DBFS = -3.0
# Below this, in any block, a recording has nothing that could be brought up without its noise.
SILENT_DBFS = -60.0
# What `check` and `import` accept: 15 dB under the target a prompt is lost in a noisy street.
QUIET_DBFS = -35.0
CLIPPED_DBFS = -0.5
# A recording that stays at this height from sample to sample was cut off there: 127 of 128 is -0.07 dBFS.
FULL_SCALE_DBFS = -0.08
# Three steps of 16 bits: what editors add after they have cut.
DITHER = 3 / 32_768

_BLOCK_S = 0.050
_RELATIVE_GATE_DB = 10.0
_LOOK_AHEAD_S = 0.005


def to_dbfs(amplitude: float) -> float:
    """An amplitude against full scale in dB; minus infinity for none."""
    return 20 * math.log10(amplitude) if amplitude > 0 else -math.inf


def from_dbfs(level_dbfs: float) -> float:
    """The amplitude of a level in dB against full scale."""
    return float(10 ** (level_dbfs / 20))


def peak_dbfs(samples: Samples) -> float:
    """The highest sample in dBFS; minus infinity for silence."""
    return to_dbfs(float(np.abs(samples).max(initial=0.0)))


def speech_dbfs(samples: Samples, sample_rate_hz: int) -> float:
    """The level of what is said, pauses left out, in dBFS; minus infinity for silence.

    Gated in two steps as in ITU-R BS.1770-4 section 5.1 (an absolute gate, then one 10 dB below the mean),
    in blocks of 50 ms, so that a single word counts, and without its weighting, which the telephone band
    makes idle.
    """
    block = max(1, round(_BLOCK_S * sample_rate_hz))
    if not samples.size:
        return -math.inf
    padded = np.pad(samples, (0, -samples.size % block))
    powers = np.square(padded).reshape(-1, block).mean(axis=1)
    loud = powers[powers > from_dbfs(SILENT_DBFS) ** 2]
    if not loud.size:
        return -math.inf
    gate = loud.mean() * 10 ** (-_RELATIVE_GATE_DB / 10)
    return to_dbfs(math.sqrt(loud[loud > gate].mean()))


def limit_peaks(samples: Samples, sample_rate_hz: int, ceiling_dbfs: float = PEAK_DBFS) -> Samples:
    """Turn the sound down around each peak above the ceiling, smoothly; afterwards no sample exceeds it.

    The gain at a sample is an average of minima, each over a window that holds the sample, so it is never
    more than the sample itself allows.
    """
    ceiling = from_dbfs(ceiling_dbfs)
    heights = np.abs(samples)
    if not samples.size or heights.max() <= ceiling:
        return samples
    reach = max(1, round(_LOOK_AHEAD_S * sample_rate_hz))
    allowed = np.pad(ceiling / np.maximum(heights, ceiling), 2 * reach, constant_values=1.0)
    lowest = np.lib.stride_tricks.sliding_window_view(allowed, 2 * reach + 1).min(axis=1)
    window = np.hanning(2 * reach + 3)[1:-1]
    gain: Samples = np.convolve(lowest, window / window.sum(), mode="valid")
    return np.clip(samples * gain, -ceiling, ceiling)


def level_speech(samples: Samples, sample_rate_hz: int) -> tuple[Samples, float]:
    """Bring the speech to `TARGET_DBFS` with peaks at most `PEAK_DBFS`; gives the sound and the gain in dB.

    The sound must not be silent.
    """
    gain_db = TARGET_DBFS - speech_dbfs(samples, sample_rate_hz)
    return limit_peaks(samples * from_dbfs(gain_db), sample_rate_hz), gain_db


def find_fault(samples: Samples, sample_rate_hz: int) -> str | None:
    """What is wrong with the level of a stored prompt, if anything."""
    level = speech_dbfs(samples, sample_rate_hz)
    if level == -math.inf:
        return "silent"
    if level < QUIET_DBFS:
        return f"too quiet: {level:.1f} dBFS, and callers need {QUIET_DBFS:.0f}"
    peak = peak_dbfs(samples)
    if peak > CLIPPED_DBFS:
        return f"clipped, or as good as: its peak is {peak:.1f} dBFS"
    return None


def count_clipped(frames: Samples) -> int:
    """How many frames (samples by channels) are inside a flat top at full scale, in any channel.

    G.711's loudest steps are wide, and lie below what counts as full scale here.
    """
    level = np.abs(frames[1:] - frames[:-1]) <= DITHER
    flat = level & (np.abs(frames[1:]) >= from_dbfs(FULL_SCALE_DBFS))
    return int((flat[1:] & flat[:-1]).any(axis=1).sum())


def pad_to_packets(samples: Samples, sample_rate_hz: int) -> Samples:
    """Lengthen with silence to a whole number of packets, so that all forms last equally long."""
    return np.pad(samples, (0, -samples.size % round(PACKET_S * sample_rate_hz)))
