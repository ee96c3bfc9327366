"""Recordings that are awkward: sides that cancel, headers that promise too much, damage in the middle."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ringflow.cli.sounds import report
from ringflow.errors import DocumentError
from ringflow.sounds import PromptLibrary
from ringflow.sounds.conversion import import_sound
from ringflow.sounds.library_messages import library_messages
from ringflow.sounds.source import MAX_SOURCE_HZ, MAX_SOURCE_S, read_source

HZ = 16_000
TONE = 0.3 * np.sin(2 * np.pi * 440 * np.arange(4 * HZ) / HZ)
SPEECH = 0.1 * np.random.default_rng(1).standard_normal(4 * HZ)
OTHER = 0.1 * np.random.default_rng(2).standard_normal(4 * HZ)
HALF = np.where(np.arange(4 * HZ) < 2 * HZ, 1.0, -1.0)


@pytest.mark.parametrize(
    ("left", "right", "side"),
    [
        (TONE, -TONE, "left"),
        (0.5 * TONE, -TONE, "right"),
        (TONE, -0.8 * TONE + 0.2, "left"),
        (SPEECH, HALF * SPEECH, "left"),
        (SPEECH, SPEECH, None),
        (SPEECH, OTHER, None),
        (SPEECH, 0 * SPEECH, None),
        (SPEECH, -0.1 * SPEECH, None),
        (SPEECH, SPEECH + 0.3, None),
    ],
    ids=[
        *("opposed", "opposed, the right louder", "nearly opposed", "opposed in one half"),
        *("the same", "two voices", "one side silent", "a faint opposed echo", "a constant offset"),
    ],
)
def test_of_sides_that_cancel_the_louder_one_is_taken(
    tmp_path: Path,
    library: PromptLibrary,
    capsys: pytest.CaptureFixture[str],
    left: np.ndarray,
    right: np.ndarray,
    side: str | None,
) -> None:
    path = tmp_path / "stereo.wav"
    soundfile.write(str(path), np.stack([left, right], axis=1), HZ, subtype="FLOAT")

    source = read_source(path, "stereo.wav")

    assert source.side == side
    wanted = {"left": left, "right": right, None: (left + right) / 2}[side]
    assert np.abs(source.samples - (wanted - wanted.mean())).max() < 1e-3
    report(import_sound(path, "T/stereo", library))
    said = capsys.readouterr().err
    assert (f"only its {side} side is taken" in said) == (side is not None)
    assert bool(said) == (side is not None)


def refused(path: Path) -> str:
    with pytest.raises(DocumentError) as caught:
        read_source(path, path.name)
    (problem,) = caught.value.problems
    assert problem.mend
    return str(problem)


def test_a_recording_that_its_header_says_is_too_long_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    soundfile.write(str(path), np.zeros((MAX_SOURCE_S + 60) * 8_000), 8_000)
    # Only the header is left: whoever decoded would find it damaged or cut off.
    path.write_bytes(path.read_bytes()[:9_000])

    assert "is longer than 5 minutes: 6.0 minutes" in refused(path)


def test_the_longest_recording_is_five_minutes_and_a_sample_more_is_too_long(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    soundfile.write(str(path), np.zeros(MAX_SOURCE_S * 8_000), 8_000)
    assert read_source(path, "long.flac").samples.size == MAX_SOURCE_S * HZ

    soundfile.write(str(path), np.zeros(MAX_SOURCE_S * 8_000 + 1), 8_000)
    assert "is longer than 5 minutes" in refused(path)


def test_a_rate_that_no_recorder_has_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "high.flac"
    soundfile.write(str(path), np.zeros(1_000), 655_350)

    assert f"655350 samples/s, and speech needs 4000 to {MAX_SOURCE_HZ}" in refused(path)


def flac_promising(path: Path, frames: int) -> None:
    """Four seconds of a tone under a STREAMINFO with that many samples (RFC 9639, section 8.2: 36 bits)."""
    soundfile.write(str(path), TONE, HZ)
    raw = bytearray(path.read_bytes())
    raw[21] = raw[21] & 0xF0 | frames >> 32
    raw[22:26] = (frames & 0xFFFF_FFFF).to_bytes(4, "big")
    path.write_bytes(raw)


def test_a_flac_from_a_pipe_promises_nothing_and_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "pipe.flac"
    flac_promising(path, 0)
    assert read_source(path, "pipe.flac").samples.size == TONE.size


def test_a_flac_whose_header_lies_is_refused_for_what_it_promises(tmp_path: Path) -> None:
    path = tmp_path / "lie.flac"
    flac_promising(path, 2**36 - 1)
    assert "is longer than 5 minutes" in refused(path)
    flac_promising(path, 60 * HZ)
    assert "lie.flac: is cut off: 7%" in refused(path)


def test_a_flac_from_a_pipe_that_never_ends_is_given_up_after_five_minutes(tmp_path: Path) -> None:
    path = tmp_path / "endless.flac"
    soundfile.write(str(path), np.zeros((MAX_SOURCE_S + 1) * 8_000), 8_000)
    raw = bytearray(path.read_bytes())
    raw[21] &= 0xF0
    raw[22:26] = bytes(4)
    path.write_bytes(raw)
    assert "is longer than 5 minutes (" in refused(path)


def mp3(path: Path, spoil: Callable[[bytes], bytes]) -> Path:
    soundfile.write(str(path), np.concatenate([TONE] * 3), HZ, format="MP3")
    path.write_bytes(spoil(path.read_bytes()))
    return path


def junk_between(raw: bytes, size: int) -> bytes:
    half = len(raw) // 2
    return raw[:half] + random.Random(1).randbytes(size) + raw[half:]


def test_the_decoders_own_words_do_not_reach_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = mp3(tmp_path / "junk.mp3", lambda raw: junk_between(raw, 4_000))

    said = refused(path)

    assert "is damaged: it cannot be read further than about" in said
    assert "internal error" not in said
    assert capfd.readouterr() == ("", "")


def test_a_recording_that_is_damaged_in_places_is_taken_and_said_to_be(
    tmp_path: Path, library: PromptLibrary, capfd: pytest.CaptureFixture[str]
) -> None:
    def overwrite(raw: bytes) -> bytes:
        half = len(raw) // 2
        return raw[:half] + random.Random(1).randbytes(60) + raw[half + 60 :]

    report(import_sound(mp3(tmp_path / "spoilt.mp3", overwrite), "T/spoilt", library))

    said = "the recording is damaged in places (listen to it, or copy or download it again)"
    assert capfd.readouterr().err.splitlines() == [f"T/spoilt: {said}"]


@pytest.mark.parametrize("tag", [b"TAG" + bytes(125), b"APETAGEX" + bytes(500)], ids=["ID3v1", "APE"])
def test_a_tag_at_the_end_of_an_mp3_is_no_damage(
    tmp_path: Path, library: PromptLibrary, capfd: pytest.CaptureFixture[str], tag: bytes
) -> None:
    report(import_sound(mp3(tmp_path / "tagged.mp3", lambda raw: raw + tag), "T/tagged", library))

    assert capfd.readouterr().err == ""


def test_what_a_c_library_writes_to_standard_error_is_kept_and_standard_error_comes_back(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def complain() -> None:
        os.write(2, b"[parse.c] error: one\nWarning: two\n")
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"), library_messages() as messages:
        complain()

    os.write(2, b"ours\n")
    assert messages == ["[parse.c] error: one", "Warning: two"]
    assert capfd.readouterr().err == "ours\n"
