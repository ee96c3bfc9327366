"""A recording as an operator has it, read into one channel at 16,000 samples/s."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ringflow.errors import DocumentError, Problem
from ringflow.sounds import codecs, forms
from ringflow.sounds.levels import Samples, count_clipped

MAX_SOURCE_S = 600
MIN_SOURCE_HZ, MAX_SOURCE_HZ = 4_000, 768_000
MAX_CHANNELS = 2
LEAST_OF_PROMISED = 0.98
"""A file with less than this part of what its header promises was cut off; MP3's promises are not exact."""
_CONVERT = "convert it to WAV, FLAC, OGG or MP3 first"

# libsndfile's words about a chunk of samples that is longer than the file. Programs that write to a pipe
# promise 2 GiB or more, for they cannot know.
_CUT_OFF = re.compile(r"^ ?(?:data|SSND) ?: (\d{1,9}) \(should be (\d+)\)", re.MULTILINE)

# Asterisk's headerless forms, which nothing but their extension tells apart.
_RAW_SUBTYPES = {
    ".ulaw": ("ULAW", 8_000), ".ul": ("ULAW", 8_000), ".pcm": ("ULAW", 8_000), ".mu": ("ULAW", 8_000),
    ".alaw": ("ALAW", 8_000), ".al": ("ALAW", 8_000),
    ".gsm": ("GSM610", 8_000),
    ".sln": ("PCM_16", 8_000), ".sln8": ("PCM_16", 8_000), ".sln12": ("PCM_16", 12_000),
    ".sln16": ("PCM_16", 16_000), ".sln24": ("PCM_16", 24_000), ".sln32": ("PCM_16", 32_000),
    ".sln44": ("PCM_16", 44_100), ".sln48": ("PCM_16", 48_000), ".sln96": ("PCM_16", 96_000),
    ".sln192": ("PCM_16", 192_000),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """What was read: `samples` at 16,000/s without offset, and the rate and channels that the file had.

    `clipped` is the part of them (0 to 1) that lies in tops cut off at full scale.
    """

    samples: Samples
    sample_rate_hz: int
    channels: int
    clipped: float = 0.0


def read_source(path: Path, shown_as: str) -> Source:
    """Read a recording of any rate, mono or stereo. Raises `DocumentError` naming the file and the mend."""
    if not path.exists():
        raise _unusable(shown_as, "is not there", "check the path")
    if not path.is_file():
        raise _unusable(shown_as, "is not a file", "name one sound file")
    try:
        if path.stat().st_size == 0:
            raise _unusable(shown_as, "is empty", "record or export it again")
        if path.suffix.lower() == ".g722":
            return _read_g722(path, shown_as)
        return _read_sndfile(path, shown_as)
    except OSError as error:
        raise _unusable(shown_as, f"cannot be read: {error.strerror}", "check who may read it") from error
    except soundfile.LibsndfileError as error:
        what = f"is not a sound file that can be read: {error.error_string.rstrip('.')}"
        raise _unusable(shown_as, what, _CONVERT) from error


def _read_sndfile(path: Path, shown_as: str) -> Source:
    with _open(path, shown_as) as file:
        _check_shape(file, shown_as)
        sample_rate_hz, channels, promised = file.samplerate, file.channels, file.frames
    # Twice through the file, for GSM in WAV cannot be rewound: a constant offset is no sound, yet would count
    # as level, and if it were still there when the rate changes it would click at both ends.
    offset, frames, clipped = _measure(_blocks(path, shown_as), shown_as)
    if frames < LEAST_OF_PROMISED * promised <= MAX_SOURCE_S * sample_rate_hz:
        raise _cut_off(shown_as, frames / promised)
    stream = soxr.ResampleStream(sample_rate_hz, forms.WIDE_HZ, 1, dtype="float64", quality="VHQ")
    parts: list[Samples] = [
        stream.resample_chunk(block.mean(axis=1) - offset) for block in _blocks(path, shown_as)
    ]
    parts.append(stream.resample_chunk(np.zeros(0), last=True))
    return Source(np.concatenate(parts), sample_rate_hz, channels, clipped / frames)


def _open(path: Path, shown_as: str) -> soundfile.SoundFile:
    suffix = path.suffix.lower()
    if suffix == ".raw":
        mend = "rename it to what it is: .sln16, .ulaw, ..."
        raise _unusable(shown_as, "`.raw` does not say how its samples are kept", mend)
    if suffix not in _RAW_SUBTYPES:
        return soundfile.SoundFile(str(path))
    subtype, rate_hz = _RAW_SUBTYPES[suffix]
    return soundfile.SoundFile(
        str(path), samplerate=rate_hz, channels=1, format="RAW", subtype=subtype, endian="LITTLE"
    )


def _check_shape(file: soundfile.SoundFile, shown_as: str) -> None:
    if not MIN_SOURCE_HZ <= file.samplerate <= MAX_SOURCE_HZ:
        what = f"has {file.samplerate} samples/s, and speech needs {MIN_SOURCE_HZ} to {MAX_SOURCE_HZ}"
        raise _unusable(shown_as, what, "export it at 8000, 16000, 44100 or 48000 Hz")
    if file.channels > MAX_CHANNELS:
        raise _unusable(shown_as, f"has {file.channels} channels", "mix it down to mono or stereo first")
    lengths = _CUT_OFF.search(file.extra_info)
    if lengths is not None and int(lengths[2]) < LEAST_OF_PROMISED * int(lengths[1]):
        raise _cut_off(shown_as, int(lengths[2]) / int(lengths[1]))


def _blocks(path: Path, shown_as: str) -> Iterator[Samples]:
    # By the second: a header may promise any length, and ten minutes at 192 kHz should not fill the memory.
    with _open(path, shown_as) as file:
        for _ in range(MAX_SOURCE_S):
            block: Samples = file.read(file.samplerate, dtype="float64", always_2d=True)
            if not len(block):
                return
            yield block
        if len(file.read(1)):
            raise _too_long(shown_as)


def _measure(blocks: Iterator[Samples], shown_as: str) -> tuple[float, int, int]:
    """The constant offset of the channels' mean, the number of frames, and of those that are clipped."""
    total, count, clipped = 0.0, 0, 0
    for block in blocks:
        total += float(block.mean(axis=1).sum())
        count += len(block)
        clipped += count_clipped(block)
    if not count:
        raise _unusable(shown_as, "holds no sound", "record or export it again")
    if not math.isfinite(total):
        raise _unusable(shown_as, "holds samples that are not numbers", "export it again as 16-bit WAV")
    return total / count, count, clipped


def _read_g722(path: Path, shown_as: str) -> Source:
    if path.stat().st_size > MAX_SOURCE_S * forms.G722.bytes_per_s:
        raise _too_long(shown_as)
    samples = codecs.decode(path.read_bytes(), forms.G722)
    return Source(samples - samples.mean(), forms.WIDE_HZ, 1)


def _cut_off(shown_as: str, part: float) -> DocumentError:
    what = f"is cut off: {part:.0%} of the sound that its header promises is there"
    return _unusable(shown_as, what, "copy or download it again")


def _too_long(shown_as: str) -> DocumentError:
    return _unusable(shown_as, f"is longer than {MAX_SOURCE_S // 60} minutes", "cut it into shorter prompts")


def _unusable(shown_as: str, what: str, mend: str) -> DocumentError:
    return DocumentError([Problem(shown_as, 0, 0, what, mend)])
