"""A tone that 8,000 samples/s cannot hold must vanish, not come back as another tone."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ringflow.sounds import PromptLibrary, forms
from ringflow.sounds.codecs import change_rate, decode
from ringflow.sounds.conversion import import_sound

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import audioop

Samples = NDArray[np.float64]
Meter = Callable[[Samples, int, float], float]

SOURCE_HZ = 48_000
LIMIT_DB = -60.0
# No multiples of one another, so the distortion of G.711 does not fall on the alias (8000 - 6007 = 1993 Hz).
PASSED_HZ, REMOVED_HZ, ALIAS_HZ = 1_013.0, 6_007.0, 1_993.0


def tone(hz: float) -> Samples:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(2 * SOURCE_HZ) / SOURCE_HZ)


def test_a_6_khz_tone_leaves_no_alias_when_the_rate_falls_to_8_khz(meter: Meter) -> None:
    passed = change_rate(tone(PASSED_HZ), SOURCE_HZ, forms.NARROW_HZ)
    removed = change_rate(tone(REMOVED_HZ), SOURCE_HZ, forms.NARROW_HZ)

    alias_db = meter(removed, forms.NARROW_HZ, ALIAS_HZ) - meter(passed, forms.NARROW_HZ, PASSED_HZ)

    assert alias_db < LIMIT_DB


def test_the_meter_sees_the_alias_of_a_rate_change_without_a_filter(meter: Meter) -> None:
    linear = np.rint(tone(REMOVED_HZ) * 32_767).astype("<i2").tobytes()
    folded, _ = audioop.ratecv(linear, 2, 1, SOURCE_HZ, forms.NARROW_HZ, None)
    samples = np.frombuffer(folded, "<i2").astype(np.float64) / 32_768

    assert meter(samples, forms.NARROW_HZ, ALIAS_HZ) > 20 * np.log10(0.5) - 6


@pytest.mark.parametrize("form", [forms.ULAW, forms.ALAW], ids=lambda form: form.extension)
def test_a_stored_narrow_form_holds_the_1_khz_tone_and_no_alias_of_the_6_khz_tone(
    form: forms.Form, record: Callable[..., Path], library: PromptLibrary, meter: Meter
) -> None:
    source = record(rate_hz=SOURCE_HZ, tones_hz=(PASSED_HZ, REMOVED_HZ), seconds=3.0, subtype="PCM_24")
    import_sound(source, "tones", library)

    samples = decode(library.path("tones", form).read_bytes(), form)[4_000:20_000]

    alias_db = meter(samples, form.sample_rate_hz, ALIAS_HZ) - meter(samples, form.sample_rate_hz, PASSED_HZ)
    assert alias_db < LIMIT_DB


def test_a_10_khz_tone_leaves_no_alias_in_the_wide_form(
    record: Callable[..., Path], library: PromptLibrary, meter: Meter
) -> None:
    source = record(rate_hz=SOURCE_HZ, tones_hz=(PASSED_HZ, 10_007.0), seconds=3.0, subtype="PCM_24")
    import_sound(source, "tones", library)

    samples = decode(library.path("tones", forms.SLN16).read_bytes(), forms.SLN16)[8_000:40_000]

    assert (
        meter(samples, forms.WIDE_HZ, 16_000 - 10_007.0) - meter(samples, forms.WIDE_HZ, PASSED_HZ) < LIMIT_DB
    )


@pytest.mark.parametrize("hz", [300.0, 1_000.0, 3_400.0])
def test_the_telephone_band_passes_whole(hz: float, meter: Meter) -> None:
    passed = change_rate(tone(hz), SOURCE_HZ, forms.NARROW_HZ)

    assert meter(passed, forms.NARROW_HZ, hz) == pytest.approx(20 * np.log10(0.5), abs=0.1)
