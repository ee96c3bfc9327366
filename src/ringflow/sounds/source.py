"""A recording as an operator has it, read into one channel at 16,000 samples/s."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
import soxr

from ringflow.errors import DocumentError, Problem
from ringflow.sounds import codecs, forms
from ringflow.sounds.levels import Samples, count_clipped
from ringflow.sounds.library_messages import library_messages

MAX_SOURCE_S = 300
"""The longest recording. With the highest rate it bounds what an import may take of time and memory."""
MIN_SOURCE_HZ, MAX_SOURCE_HZ = 4_000, 192_000
MAX_CHANNELS = 2
LEAST_OF_PROMISED = 0.98
"""A file with less than this part of what its header promises was cut off; MP3's promises are not exact."""
UNKNOWN_FRAMES = 2**62
"""libsndfile's length for a file that was written to a pipe and does not say its own is above this."""
LEAST_OF_LOUDER_SIDE = 0.1
"""The mix of two sides has a quarter of the power of one that is alone, and less only where they cancel."""
MOST_CANCELLED = 0.05
"""Above this part of a recording's power in seconds that cancel, something of what is said would be lost."""
_CONVERT = "convert it to WAV, FLAC, OGG or MP3 first"

# libsndfile's words about a chunk of samples that is longer than the file. Programs that write to a pipe
# promise 2 GiB or more, for they cannot know.
_CUT_OFF = re.compile(r"^ ?(?:data|SSND) ?: (\d{1,9}) \(should be (\d+)\)", re.MULTILINE)

# libmpg123's words about frames that it could not decode. It warns and notes what does no harm too.
_DAMAGED = re.compile(r" error: |^Note: Skipped \d+ bytes")

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

    `clipped` is the part of them (0 to 1) that lies in tops cut off at full scale. `side`: the one side of a
    stereo recording that was taken, because the mix of both cancels. `damaged`: the decoder met with errors.
    """

    samples: Samples
    sample_rate_hz: int
    channels: int
    clipped: float = 0.0
    side: Literal["left", "right"] | None = None
    damaged: bool = False


@dataclass(slots=True)
class _Measured:
    """Sums over a recording, of which `offset` and `side` are derived."""

    frames: int = 0
    clipped: int = 0
    totals: Samples = field(default_factory=lambda: np.zeros(MAX_CHANNELS))
    powers: Samples = field(default_factory=lambda: np.zeros(MAX_CHANNELS))
    cancelled: float = 0.0

    def add(self, block: Samples) -> None:
        self.frames += len(block)
        self.clipped += count_clipped(block)
        channels = block.shape[1]
        self.totals[:channels] += block.sum(axis=0)
        if channels == 1:
            return
        # Without a constant offset: a second at a time is short enough for it, and long enough for speech.
        powers = block.var(axis=0) * len(block)
        self.powers += powers
        if block.mean(axis=1).var() * len(block) < LEAST_OF_LOUDER_SIDE * powers.max():
            self.cancelled += float(powers.max())

    @property
    def column(self) -> int | None:
        """The side to take instead of the mix; None where the mix is right."""
        louder = int(self.powers.argmax())
        return louder if self.cancelled > MOST_CANCELLED * self.powers[louder] else None

    def mono(self, block: Samples) -> Samples:
        """A block of the recording as one channel, without its constant offset."""
        column = self.column
        if column is None:
            mixed: Samples = block.mean(axis=1) - self.totals[: block.shape[1]].mean() / self.frames
            return mixed
        taken: Samples = block[:, column] - self.totals[column] / self.frames
        return taken


def read_source(path: Path, shown_as: str) -> Source:
    """Read a recording of any rate, mono or stereo. Raises `DocumentError` naming the file and the mend."""
    with library_messages() as messages:
        source = _read(path, shown_as)
    return replace(source, damaged=any(map(_DAMAGED.search, messages)))


def _read(path: Path, shown_as: str) -> Source:
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
    measured = _measure(_blocks(path, shown_as), shown_as)
    if promised < UNKNOWN_FRAMES and measured.frames < LEAST_OF_PROMISED * promised:
        raise _cut_off(shown_as, measured.frames / promised)
    stream = soxr.ResampleStream(sample_rate_hz, forms.WIDE_HZ, 1, dtype="float64", quality="VHQ")
    parts: list[Samples] = [stream.resample_chunk(measured.mono(block)) for block in _blocks(path, shown_as)]
    parts.append(stream.resample_chunk(np.zeros(0), last=True))
    side: Literal["left", "right"] | None = None
    if measured.column is not None:
        side = "right" if measured.column else "left"
    return Source(np.concatenate(parts), sample_rate_hz, channels, measured.clipped / measured.frames, side)


class _ForwardFile(soundfile.SoundFile):  # type: ignore[misc,unused-ignore]
    """A file that is read from its beginning to its end.

    soundfile seeks after each block where it can, and libsndfile fails to at the end of a FLAC file that does
    not say its length, as one from a pipe does not.
    """

    def seekable(self) -> bool:
        return False


def _open(path: Path, shown_as: str) -> soundfile.SoundFile:
    suffix = path.suffix.lower()
    if suffix == ".raw":
        mend = "rename it to what it is: .sln16, .ulaw, ..."
        raise _unusable(shown_as, "`.raw` does not say how its samples are kept", mend)
    if suffix not in _RAW_SUBTYPES:
        return _ForwardFile(str(path))
    subtype, rate_hz = _RAW_SUBTYPES[suffix]
    return _ForwardFile(
        str(path), samplerate=rate_hz, channels=1, format="RAW", subtype=subtype, endian="LITTLE"
    )


def _check_shape(file: soundfile.SoundFile, shown_as: str) -> None:
    if not MIN_SOURCE_HZ <= file.samplerate <= MAX_SOURCE_HZ:
        what = f"has {file.samplerate} samples/s, and speech needs {MIN_SOURCE_HZ} to {MAX_SOURCE_HZ}"
        raise _unusable(shown_as, what, "export it at 8000, 16000, 44100 or 48000 Hz")
    if file.channels > MAX_CHANNELS:
        raise _unusable(shown_as, f"has {file.channels} channels", "mix it down to mono or stereo first")
    # Before anything is decoded: silence takes next to no room in a file, and all of it in memory.
    if MAX_SOURCE_S * file.samplerate < file.frames < UNKNOWN_FRAMES:
        raise _too_long(shown_as, file.frames / file.samplerate)
    lengths = _CUT_OFF.search(file.extra_info)
    if lengths is not None and int(lengths[2]) < LEAST_OF_PROMISED * int(lengths[1]):
        raise _cut_off(shown_as, int(lengths[2]) / int(lengths[1]))


def _blocks(path: Path, shown_as: str) -> Iterator[Samples]:
    # By the second: a header may promise any length, and minutes at 192 kHz should not fill the memory.
    with _open(path, shown_as) as file:
        for second in range(MAX_SOURCE_S):
            block = _read_block(file, file.samplerate, second, shown_as)
            if not len(block):
                return
            yield block
        if len(_read_block(file, 1, MAX_SOURCE_S, shown_as)):
            raise _too_long(shown_as)


def _read_block(file: soundfile.SoundFile, frames: int, second: int, shown_as: str) -> Samples:
    try:
        block: Samples = file.read(frames, dtype="float64", always_2d=True)
    except soundfile.LibsndfileError as error:
        # Its words here are such as "Unspecified internal error", which help nobody.
        what = f"is damaged: it cannot be read further than about {second} s"
        raise _unusable(shown_as, what, "copy or download it again") from error
    return block


def _measure(blocks: Iterator[Samples], shown_as: str) -> _Measured:
    measured = _Measured()
    for block in blocks:
        measured.add(block)
    if not measured.frames:
        raise _unusable(shown_as, "holds no sound", "record or export it again")
    if not np.isfinite(measured.totals).all():
        raise _unusable(shown_as, "holds samples that are not numbers", "export it again as 16-bit WAV")
    return measured


def _read_g722(path: Path, shown_as: str) -> Source:
    if path.stat().st_size > MAX_SOURCE_S * forms.G722.bytes_per_s:
        raise _too_long(shown_as, path.stat().st_size / forms.G722.bytes_per_s)
    samples = codecs.decode(path.read_bytes(), forms.G722)
    return Source(samples - samples.mean(), forms.WIDE_HZ, 1)


def _cut_off(shown_as: str, part: float) -> DocumentError:
    what = f"is cut off: {part:.0%} of the sound that its header promises is there"
    return _unusable(shown_as, what, "copy or download it again")


def _too_long(shown_as: str, length_s: float | None = None) -> DocumentError:
    what = f"is longer than {MAX_SOURCE_S // 60} minutes"
    if length_s is not None:
        what += f": {length_s / 60:.1f} minutes"
    return _unusable(shown_as, what, "cut it into shorter prompts")


def _unusable(shown_as: str, what: str, mend: str) -> DocumentError:
    return DocumentError([Problem(shown_as, 0, 0, what, mend)])
