"""From a recording to a prompt: read, level, cut, encode, prove, and only then store."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ringflow.errors import DocumentError, Problem
from ringflow.sounds.codecs import decode, encode_forms
from ringflow.sounds.forms import WIDE_HZ, Form
from ringflow.sounds.levels import (
    SILENT_DBFS,
    Samples,
    find_fault,
    level_speech,
    pad_to_packets,
    peak_dbfs,
    speech_dbfs,
)
from ringflow.sounds.library import PromptLibrary, check_name
from ringflow.sounds.silence import cut_silence
from ringflow.sounds.source import Source, read_source

MOST_CLIPPED = 0.001
"""A part of a recording that nobody hears to be clipped: one hard consonant."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. Lengths are seconds, levels dBFS after conversion, `gain_db` what was added.

    Rate, channels and gain are those of the first recording where several were joined; `clipped` is the part
    of the worst one (0 to 1) that lies in tops cut off at full scale. `side` and `damaged` are those of the
    first recording that has them: see `Source`.
    """

    name: str
    source_rate_hz: int
    source_channels: int
    source_s: float
    duration_s: float
    gain_db: float
    level_dbfs: float
    peak_dbfs: float
    files: tuple[Path, ...]
    clipped: float
    side: Literal["left", "right"] | None = None
    damaged: bool = False

    def notes(self) -> Iterator[str]:
        """What is wrong with the recording that no import can correct, and what to do."""
        if self.side is not None:
            what = f"the two sides of the recording cancel each other, so only its {self.side} side is taken"
            yield f"{what} (listen to it; to hear both, turn one side's polarity around and import it again)"
        if self.damaged:
            yield "the recording is damaged in places (listen to it, or copy or download it again)"
        if self.clipped > MOST_CLIPPED:
            what = f"{self.clipped:.1%} of the recording is cut off at full scale, and no level mends that"
            yield f"{what} (record it again, with less gain)"


def import_sound(
    source: Path, name: str, library: PromptLibrary, shown_as: str | None = None
) -> ImportReport:
    """Make the prompt `name` of a recording, in every form that Asterisk plays without transcoding.

    Raises `Refused` for the name, `DocumentError` (naming `shown_as` or the source) for the recording and
    `StartError` when the library cannot be written. Then nothing has been written, and a previous
    version of the prompt is as it was.
    """
    check_name(name)
    return _import([_read_levelled(source, shown_as or str(source))], name, library, shown_as or str(source))


def import_joined(sources: Sequence[Path], name: str, library: PromptLibrary) -> ImportReport:
    """Make one prompt of recordings, one after the other. Raises as `import_sound`, naming the recording."""
    check_name(name)
    return _import([_read_levelled(source, str(source)) for source in sources], name, library, name)


@dataclass(frozen=True, slots=True)
class _Levelled:
    source: Source
    samples: Samples
    gain_db: float


def _read_levelled(path: Path, shown_as: str) -> _Levelled:
    """A recording at the level of a prompt, without the silence around it."""
    read = read_source(path, shown_as)
    if speech_dbfs(read.samples, WIDE_HZ) == -math.inf:
        mend = f"it needs speech or music above {SILENT_DBFS:.0f} dBFS"
        raise DocumentError([Problem(shown_as, 0, 0, "is silent", mend)])
    # Levelled here and not by pydub, whose gain clips at full scale before a peak could be limited.
    levelled, gain_db = level_speech(read.samples, WIDE_HZ)
    return _Levelled(read, cut_silence(levelled, WIDE_HZ), gain_db)


def _import(parts: Sequence[_Levelled], name: str, library: PromptLibrary, shown_as: str) -> ImportReport:
    wide = pad_to_packets(np.concatenate([part.samples for part in parts]), WIDE_HZ)
    contents = encode_forms(wide)
    _prove(contents, shown_as)
    first = parts[0]
    return ImportReport(
        name=name,
        source_rate_hz=first.source.sample_rate_hz,
        source_channels=first.source.channels,
        source_s=sum(part.source.samples.size for part in parts) / WIDE_HZ,
        duration_s=wide.size / WIDE_HZ,
        gain_db=first.gain_db,
        level_dbfs=speech_dbfs(wide, WIDE_HZ),
        peak_dbfs=peak_dbfs(wide),
        files=library.replace(name, contents),
        clipped=max(part.source.clipped for part in parts),
        side=next((part.source.side for part in parts if part.source.side), None),
        damaged=any(part.source.damaged for part in parts),
    )


def make_pause(length_ms: int, name: str, library: PromptLibrary) -> None:
    """Make the prompt `name` of silence. Raises `Refused` and `StartError` as `import_sound` does."""
    check_name(name)
    silence = np.zeros(round(length_ms * WIDE_HZ / 1000))
    library.replace(name, encode_forms(pad_to_packets(silence, WIDE_HZ)))


def _prove(contents: dict[Form, bytes], shown_as: str) -> None:
    """Refuse what a caller would not hear, such as a whistle above the telephone band."""
    for form, content in contents.items():
        if fault := find_fault(decode(content, form), form.sample_rate_hz):
            mend = "it needs sound between 300 and 3400 Hz, and more than clicks"
            raise DocumentError([Problem(shown_as, 0, 0, f"as {form.extension} it would be {fault}", mend)])
