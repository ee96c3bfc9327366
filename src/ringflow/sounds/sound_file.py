"""A prompt as a sound file that browsers and programs play: WAV of 16-bit samples, or Ogg Vorbis."""

from __future__ import annotations

import io
from enum import StrEnum

import soundfile

from ringflow.errors import Unknown
from ringflow.sounds.codecs import decode
from ringflow.sounds.forms import FORMS, SLN16
from ringflow.sounds.library import PromptLibrary

MAX_LISTENED_S = 600
"""A prompt that is longer ends its call."""


class SoundFormat(StrEnum):
    """In which format a prompt is heard."""

    WAV = "wav"
    OGG = "ogg"

    @property
    def content_type(self) -> str:
        """Its content type."""
        return f"audio/{self.value}"


def sound_file(library: PromptLibrary, name: str, wanted: SoundFormat) -> bytes:
    """Return a prompt as a sound file, from the best of its forms. Raises `Refused` where there is none."""
    stored = library.forms(name)
    if not stored:
        raise Unknown("prompt.unknown", library.missing(name), prompt=name)
    form = SLN16 if SLN16 in stored else next(one for one in FORMS if one in stored)
    with library.path(name, form).open("rb") as file:
        content = file.read(MAX_LISTENED_S * form.bytes_per_s)
    buffer = io.BytesIO()
    kind, subtype = ("WAV", "PCM_16") if wanted is SoundFormat.WAV else ("OGG", "VORBIS")
    soundfile.write(buffer, decode(content, form), form.sample_rate_hz, format=kind, subtype=subtype)
    return buffer.getvalue()
