"""What is in a recording: how long it is, how much of it is speech, and the same at the level of a prompt.

Importing this loads what converts sounds, which a call needs for nothing else.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator

import numpy as np
import soundfile

from ringflow.recordings.folder import BYTES_PER_MS
from ringflow.sounds.codecs import decode, encode
from ringflow.sounds.forms import NARROW_HZ, ULAW
from ringflow.sounds.levels import (
    SILENT_DBFS,
    TARGET_DBFS,
    Samples,
    from_dbfs,
    limit_peaks,
    speech_dbfs,
)

BLOCK_MS = 20
MEASURED_S = 600
"""The level is that of the first ten minutes: a recording may last an hour, and memory is short."""
CHUNK_S = 60
MAX_GAIN_DB = 20.0
"""More would bring up the noise of the line: a caller who is that quiet stays quiet."""
LEAST_GAIN_DB = 0.5
"""Below this nobody hears a difference."""


def length_ms(content: bytes) -> int:
    """How long a recording is."""
    return len(content) // BYTES_PER_MS


def spoken_ms(content: bytes) -> int:
    """For how long something is said in a recording: in blocks of 20 ms above the level of silence."""
    block = BLOCK_MS * BYTES_PER_MS
    spoken = 0
    for chunk in _chunks(content):
        samples = chunk[: len(chunk) - len(chunk) % block].reshape(-1, block)
        spoken += int((np.square(samples).mean(axis=1) > from_dbfs(SILENT_DBFS) ** 2).sum())
    return spoken * BLOCK_MS


def level(content: bytes) -> bytes | None:
    """The recording at the level of a prompt; None where it has that, or nothing is said in it."""
    measured = decode(content[: MEASURED_S * 1000 * BYTES_PER_MS], ULAW)
    found_dbfs = speech_dbfs(measured, NARROW_HZ)
    if found_dbfs == -math.inf:
        return None
    gain_db = max(-MAX_GAIN_DB, min(MAX_GAIN_DB, TARGET_DBFS - found_dbfs))
    if abs(gain_db) < LEAST_GAIN_DB:
        return None
    gain = from_dbfs(gain_db)
    return b"".join(encode(limit_peaks(chunk * gain, NARROW_HZ), ULAW) for chunk in _chunks(content))


def as_wav(content: bytes) -> bytes:
    """The recording as a WAV file of 16-bit samples, which every program plays."""
    buffer = io.BytesIO()
    with soundfile.SoundFile(
        buffer, "w", samplerate=NARROW_HZ, channels=1, format="WAV", subtype="PCM_16"
    ) as file:
        for chunk in _chunks(content):
            file.write(chunk)
    return buffer.getvalue()


def _chunks(content: bytes) -> Iterator[Samples]:
    step = CHUNK_S * 1000 * BYTES_PER_MS
    for at in range(0, len(content), step):
        yield decode(content[at : at + step], ULAW)
