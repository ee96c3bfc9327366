"""The prompts in `sounds/` are whole, level, tight, and those that `sounds/prompts.yaml` tells of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ringflow.calls.language import has_variants
from ringflow.documents import read_document
from ringflow.sounds import PromptLibrary, forms
from ringflow.sounds.codecs import decode
from ringflow.sounds.inspection import PAUSE, check
from ringflow.sounds.levels import PEAK_DBFS, TARGET_DBFS, peak_dbfs, speech_dbfs
from ringflow.sounds.prompt_texts import PromptText, read_texts
from ringflow.sounds.voices import GENERATED
from ringflow.speaking import LIBRARY_PREFIX, languages, prompts_needed

FOLDER = Path(__file__).parents[2] / "sounds"
SHIPPED = PromptLibrary(FOLDER)
NAMES = tuple(name for name in SHIPPED.names() if not name.startswith(f"{GENERATED}/"))
"""Less what calls made here had spoken."""
HEARD = tuple(name for name in NAMES if not name.endswith(f"/{PAUSE}"))

TONES = frozenset({"MISC/beep"})
"""Prompts that say nothing."""

SPOKEN_ON_DEMAND = ("SURVEY/", "BUSINESS/", "APPOINTMENT/")
"""Prompts that are shipped in English only."""


def texts_of(language: str) -> dict[str, PromptText]:
    return read_texts(read_document(FOLDER / language / "prompts.yaml"))


NEEDED = {
    "IVR/ivr-please", "IVR/welcome", "IVR/menu-operator", "MISC/error", "MISC/no-input", "MISC/goodbye",
    "MISC/busy", "MISC/no-answer", "MISC/unavailable", "MISC/sorry", "MISC/not-allowed", "MISC/one-moment",
}  # fmt: skip


def test_every_text_has_its_prompt_and_every_prompt_its_text() -> None:
    texts = read_texts(read_document(FOLDER / "prompts.yaml"))
    spanish = [name for name in texts_of("es") if not name.startswith(SPOKEN_ON_DEMAND)]

    words = {*prompts_needed("en"), *prompts_needed("es")}
    assert set(NAMES) == {*texts, *words, *TONES, *(f"es/{name}" for name in spanish)}
    assert set(texts) >= NEEDED


@pytest.mark.parametrize("language", [one for one in languages() if one != "en"])
def test_a_language_has_texts_of_shipped_prompts_and_of_nothing_else(language: str) -> None:
    plain = {name for name in texts_of("") if has_variants(name)}
    assert set(texts_of(language)) <= plain
    assert set(texts_of(language)) == set(texts_of("es"))


def test_the_shipped_library_has_no_problems() -> None:
    assert check(SHIPPED) == []


@pytest.mark.parametrize("form", forms.FORMS, ids=lambda form: form.extension)
@pytest.mark.parametrize("name", HEARD)
def test_a_shipped_prompt_is_level_and_begins_and_ends_promptly(name: str, form: forms.Form) -> None:
    samples = decode(SHIPPED.path(name, form).read_bytes(), form)

    is_word = name.startswith(LIBRARY_PREFIX)
    # A word was levelled with its hiss, which 8 kHz does not carry: what is left of "six" is the loud part.
    assert speech_dbfs(samples, form.sample_rate_hz) == pytest.approx(TARGET_DBFS, abs=4 if is_word else 1)
    assert peak_dbfs(samples) < PEAK_DBFS + 1
    heard = np.flatnonzero(np.abs(samples) > 0.01) / form.sample_rate_hz
    # A sentence begins and ends aloud; a single word may do so with a hiss, such as "six" and "cents".
    hiss_s = 0.3 if is_word else 0.0
    assert 0.03 < heard[0] < 0.15 + hiss_s
    assert 0.03 < samples.size / form.sample_rate_hz - heard[-1] < 0.25 + hiss_s
    assert samples.size / form.sample_rate_hz < 20
