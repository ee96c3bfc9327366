"""Samples to the bytes of each stored form and back.

G.711 (`.ulaw`, `.alaw`) comes from libsndfile and rates from soxr. G.722 comes from Sippy's libg722, which
descends from the code in Asterisk: Asterisk 22's own `file convert` of a `.sln16` gave the same bytes.
"""

from __future__ import annotations

import io

import G722  # type: ignore[import-not-found,unused-ignore]
import numpy as np
import soundfile
import soxr

from ringflow.sounds import forms
from ringflow.sounds.forms import FORMS, Form
from ringflow.sounds.levels import Samples

_G722_BITS_PER_S = 64_000
_FULL_SCALE = 32_768
_SUBTYPES = {forms.ULAW: "ULAW", forms.ALAW: "ALAW", forms.SLN16: "PCM_16"}


def change_rate(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Change the sample rate; what the new rate cannot hold is removed, not folded back."""
    changed: Samples = soxr.resample(samples, from_hz, to_hz, quality="VHQ")
    return changed


def encode_forms(wide: Samples) -> dict[Form, bytes]:
    """Every stored form of a sound of 16,000 samples/s, a whole number of packets long."""
    narrow = change_rate(wide, forms.WIDE_HZ, forms.NARROW_HZ)
    by_rate = {forms.WIDE_HZ: wide, forms.NARROW_HZ: narrow}
    return {form: encode(by_rate[form.sample_rate_hz], form) for form in FORMS}


def encode(samples: Samples, form: Form) -> bytes:
    """The bytes of a sound in a form; `samples` are at the form's own rate."""
    linear = np.clip(np.rint(samples * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1).astype("<i2")
    if form is forms.G722:
        encoded: bytes = G722.G722(form.sample_rate_hz, _G722_BITS_PER_S).encode(linear)
        return encoded
    buffer = io.BytesIO()
    soundfile.write(
        buffer, linear, form.sample_rate_hz, format="RAW", subtype=_SUBTYPES[form], endian="LITTLE"
    )
    return buffer.getvalue()


def decode(content: bytes, form: Form) -> Samples:
    """The samples that a stored form holds, at the form's own rate; a broken last sample is left out."""
    if form is forms.G722:
        linear = np.asarray(
            G722.G722(form.sample_rate_hz, _G722_BITS_PER_S).decode(content), dtype=np.float64
        )
        return linear / _FULL_SCALE
    samples: Samples
    samples, _ = soundfile.read(
        io.BytesIO(content), samplerate=form.sample_rate_hz, channels=1, format="RAW",
        subtype=_SUBTYPES[form], endian="LITTLE", dtype="float64",
    )  # fmt: skip
    return samples
