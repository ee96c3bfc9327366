"""The forms in which a prompt is stored: those that Asterisk plays without transcoding."""

from __future__ import annotations

from dataclasses import dataclass

NARROW_HZ = 8_000
WIDE_HZ = 16_000
# Asterisk reads a headerless file in packets of this length; a whole number of them has no ragged end.
PACKET_S = 0.020


@dataclass(frozen=True, slots=True)
class Form:
    """One headerless mono file form, named by Asterisk through its extension.

    `sample_rate_hz` is the rate of the sound in it; `bytes_per_s` tells a file's length from its size.
    """

    extension: str
    sample_rate_hz: int
    bytes_per_s: int


SLN16 = Form(".sln16", WIDE_HZ, 2 * WIDE_HZ)
G722 = Form(".g722", WIDE_HZ, 8_000)
ULAW = Form(".ulaw", NARROW_HZ, NARROW_HZ)
ALAW = Form(".alaw", NARROW_HZ, NARROW_HZ)

FORMS = (ULAW, ALAW, G722, SLN16)
FORMS_BY_EXTENSION = {form.extension: form for form in FORMS}
