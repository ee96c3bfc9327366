"""Prompts spoken by espeak-ng take the same way as recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringflow.errors import DocumentError, Refused, StartError
from ringflow.sounds import PromptLibrary, forms
from ringflow.sounds.levels import PEAK_DBFS, TARGET_DBFS
from ringflow.sounds.speech import say


@pytest.mark.usefixtures("espeak")
def test_a_spoken_prompt_has_every_form_at_the_common_level(library: PromptLibrary) -> None:
    report = say("Please enter the number.", "IVR/number", library)

    assert library.forms("IVR/number") == forms.FORMS
    assert report.level_dbfs == pytest.approx(TARGET_DBFS, abs=1)
    assert report.peak_dbfs <= PEAK_DBFS + 0.01
    assert 1.0 < library.duration_s("IVR/number") < 2.5


@pytest.mark.usefixtures("espeak")
def test_speed_and_voice_change_what_is_said(library: PromptLibrary) -> None:
    plain = say("One moment, please.", "plain", library)
    slow = say("One moment, please.", "slow", library, words_per_minute=100)
    say("One moment, please.", "american", library, voice="en-us")

    assert slow.duration_s > 1.2 * plain.duration_s
    american, plain_path = library.path("american", forms.ULAW), library.path("plain", forms.ULAW)
    assert american.read_bytes() != plain_path.read_bytes()


@pytest.mark.usefixtures("espeak")
def test_a_text_that_looks_like_an_option_is_spoken(library: PromptLibrary) -> None:
    assert say("--version", "option", library).duration_s > 0.3


@pytest.mark.usefixtures("espeak")
def test_an_unknown_voice_is_refused(library: PromptLibrary) -> None:
    with pytest.raises(Refused, match=r"no voice `xx-nowhere`.*espeak-ng --voices"):
        say("Hello.", "hello", library, voice="xx-nowhere")
    assert not library.exists("hello")


@pytest.mark.usefixtures("espeak")
def test_a_text_without_words_is_silent(library: PromptLibrary) -> None:
    with pytest.raises(DocumentError, match="speech for dots: is silent"):
        say("...", "dots", library)


def test_without_espeak_one_line_names_the_package(
    library: PromptLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(StartError, match=r"apt install espeak-ng$") as caught:
        say("Hello.", "hello", library)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "name", "voice", "speed", "said"),
    [
        (" \n", "x", "en-gb", 150, "empty"),
        ("word " * 500, "x", "en-gb", 150, "at most 2000"),
        ("hi", "x", "../../etc/passwd", 150, "not a voice"),
        ("hi", "x", "-x", 150, "not a voice"),
        ("hi", "x", "en-gb", 10, "80 to 450"),
        ("hi", "../x", "en-gb", 150, "not a prompt name"),
    ],
)
def test_what_cannot_be_said_is_refused(
    text: str, name: str, voice: str, speed: int, said: str, library: PromptLibrary
) -> None:
    with pytest.raises(Refused, match=said):
        say(text, name, library, voice, speed)
    assert not library.folder.exists()
