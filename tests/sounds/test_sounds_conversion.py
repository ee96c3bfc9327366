"""Recordings of every layout become prompts at one level; what cannot be one changes nothing."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from ringflow.errors import DocumentError, Refused, StartError
from ringflow.sounds import PromptLibrary, forms
from ringflow.sounds.codecs import decode, encode
from ringflow.sounds.conversion import import_sound
from ringflow.sounds.levels import PEAK_DBFS, TARGET_DBFS, peak_dbfs, speech_dbfs
from ringflow.sounds.silence import MARGIN_MS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import audioop

Samples = NDArray[np.float64]
Meter = Callable[[Samples, int, float], float]
Record = Callable[..., Path]
Contents = Callable[[Path], dict[str, bytes]]

LAYOUTS: dict[str, dict[str, object]] = {
    "phone.wav": {"rate_hz": 8_000},
    "g711.wav": {"rate_hz": 8_000, "subtype": "ULAW"},
    "disc.wav": {"rate_hz": 44_100, "channels": 2, "subtype": "PCM_24"},
    "odd.wav": {"rate_hz": 11_025, "subtype": "PCM_U8", "amplitude": 0.4},
    "high.wav": {"rate_hz": 192_000, "channels": 2, "subtype": "FLOAT"},
    "over.wav": {"rate_hz": 48_000, "subtype": "FLOAT", "amplitude": 4.0},
    "soft.flac": {"rate_hz": 48_000, "amplitude": 0.01},
    "vorbis.ogg": {"rate_hz": 44_100, "channels": 2},
    "voice.opus": {"rate_hz": 48_000, "format": "OGG", "subtype": "OPUS"},
    "song.mp3": {"rate_hz": 44_100, "channels": 2},
    "apple.aiff": {"rate_hz": 22_050},
    "asterisk.ulaw": {"rate_hz": 8_000, "format": "RAW", "subtype": "ULAW"},
    "asterisk.alaw": {"rate_hz": 8_000, "format": "RAW", "subtype": "ALAW"},
    "asterisk.gsm": {"rate_hz": 8_000, "format": "RAW", "subtype": "GSM610"},
    "asterisk.sln": {"rate_hz": 8_000, "format": "RAW", "subtype": "PCM_16", "endian": "LITTLE"},
    "asterisk.SLN16": {"rate_hz": 16_000, "format": "RAW", "subtype": "PCM_16", "endian": "LITTLE"},
    "asterisk.sln48": {"rate_hz": 48_000, "format": "RAW", "subtype": "PCM_16", "endian": "LITTLE"},
}


def stored(library: PromptLibrary, name: str, form: forms.Form) -> Samples:
    return decode(library.path(name, form).read_bytes(), form)


@pytest.mark.parametrize("file_name", LAYOUTS)
def test_a_tone_keeps_its_pitch_and_length_and_comes_to_the_common_level(
    file_name: str, record: Record, library: PromptLibrary, meter: Meter
) -> None:
    report = import_sound(record(file_name, **LAYOUTS[file_name]), "IVR/tone", library)

    assert report.duration_s == pytest.approx(2 + 2 * MARGIN_MS / 1000, abs=0.1)
    for form in forms.FORMS:
        samples = stored(library, "IVR/tone", form)
        middle = samples[form.sample_rate_hz // 2 : form.sample_rate_hz * 3 // 2]
        assert samples.size == round(report.duration_s * form.sample_rate_hz)
        assert speech_dbfs(samples, form.sample_rate_hz) == pytest.approx(TARGET_DBFS, abs=0.5)
        # A tone's peak stands 3 dB over its RMS: all of the sound is at 1 kHz.
        assert meter(middle, form.sample_rate_hz, 1_000) == pytest.approx(TARGET_DBFS + 3, abs=0.5)


def test_a_g722_file_is_read_too(
    record: Record, library: PromptLibrary, tmp_path: Path, meter: Meter
) -> None:
    samples, _ = soundfile.read(str(record(rate_hz=16_000)))
    (tmp_path / "tone.g722").write_bytes(encode(samples, forms.G722))

    import_sound(tmp_path / "tone.g722", "tone", library)

    middle = stored(library, "tone", forms.ULAW)[4_000:12_000]
    assert meter(middle, 8_000, 1_000) == pytest.approx(TARGET_DBFS + 3, abs=0.5)


def test_gsm_in_wav_is_read_though_it_cannot_be_rewound(
    record: Record, library: PromptLibrary, meter: Meter
) -> None:
    import_sound(record(rate_hz=8_000, subtype="GSM610"), "tone", library)

    middle = stored(library, "tone", forms.ULAW)[4_000:12_000]
    assert meter(middle, 8_000, 1_000) == pytest.approx(TARGET_DBFS + 3, abs=1)


def test_g711_bytes_mean_the_same_to_another_decoder(record: Record, library: PromptLibrary) -> None:
    import_sound(record(tones_hz=(440.0, 1_300.0)), "tones", library)

    for form, expand in ((forms.ULAW, audioop.ulaw2lin), (forms.ALAW, audioop.alaw2lin)):
        elsewhere = np.frombuffer(expand(library.path("tones", form).read_bytes(), 2), "<i2") / 32_768
        assert np.array_equal(elsewhere, stored(library, "tones", form))


@pytest.mark.parametrize("form", forms.FORMS, ids=lambda form: form.extension)
def test_a_form_gives_back_what_was_encoded_but_for_its_own_noise(form: forms.Form) -> None:
    time_s = np.arange(form.sample_rate_hz) / form.sample_rate_hz
    samples = 0.3 * np.sin(2 * np.pi * 440 * time_s)

    back = decode(encode(samples, form), form)

    # G.722's two filter banks delay the sound by 22 samples.
    late = 22 if form is forms.G722 else 0
    error = back[late:] - samples[: samples.size - late]
    assert 10 * np.log10(np.square(samples).mean() / np.square(error).mean()) > 30


def test_silence_around_the_sound_is_cut_to_the_margin(record: Record, library: PromptLibrary) -> None:
    import_sound(record(), "tone", library)

    loud = np.flatnonzero(np.abs(stored(library, "tone", forms.SLN16)) > 0.01)

    margin = forms.WIDE_HZ * MARGIN_MS // 1000
    assert loud[0] == pytest.approx(margin, abs=forms.WIDE_HZ * 0.006)
    assert stored(library, "tone", forms.SLN16).size - loud[-1] == pytest.approx(
        margin, abs=forms.WIDE_HZ * 0.026
    )


def test_a_sound_that_begins_at_once_gets_a_margin(library: PromptLibrary, tmp_path: Path) -> None:
    tone = 0.2 * np.cos(2 * np.pi * 500 * np.arange(16_000) / 16_000)
    soundfile.write(str(tmp_path / "abrupt.wav"), tone, 16_000)

    report = import_sound(tmp_path / "abrupt.wav", "abrupt", library)

    assert report.duration_s == pytest.approx(1 + 2 * MARGIN_MS / 1000, abs=0.02)
    assert (
        np.abs(stored(library, "abrupt", forms.SLN16)[: forms.WIDE_HZ * (MARGIN_MS - 1) // 1000]).max() < 0.01
    )


def test_sharp_peaks_are_limited_and_the_speech_around_them_keeps_its_level(
    library: PromptLibrary, tmp_path: Path
) -> None:
    samples = 0.02 * np.sin(2 * np.pi * 700 * np.arange(64_000) / 16_000)
    samples[::8_000] = 0.9
    soundfile.write(str(tmp_path / "clicks.wav"), samples, 16_000)

    report = import_sound(tmp_path / "clicks.wav", "clicks", library)

    wide = stored(library, "clicks", forms.SLN16)
    assert report.gain_db > 10
    assert peak_dbfs(wide) == pytest.approx(PEAK_DBFS, abs=0.1)
    assert speech_dbfs(wide, forms.WIDE_HZ) > TARGET_DBFS - 4
    assert peak_dbfs(stored(library, "clicks", forms.ULAW)) < -1


def test_a_constant_offset_is_removed(library: PromptLibrary, tmp_path: Path) -> None:
    tone = 0.3 + 0.1 * np.sin(2 * np.pi * 500 * np.arange(32_000) / 16_000)
    soundfile.write(str(tmp_path / "offset.wav"), tone, 16_000)

    import_sound(tmp_path / "offset.wav", "offset", library)

    samples = stored(library, "offset", forms.SLN16)
    assert abs(samples.mean()) < 0.001
    assert peak_dbfs(samples) == pytest.approx(TARGET_DBFS + 3, abs=0.5)


def make_bad(folder: Path) -> dict[str, str]:
    """Files that cannot become prompts, with a word of what is said about each."""
    second = np.zeros(8_000)
    soundfile.write(str(folder / "silent.wav"), second, 8_000)
    soundfile.write(str(folder / "offset-only.wav"), second + 0.5, 8_000)
    soundfile.write(str(folder / "no-samples.wav"), second[:0], 8_000)
    soundfile.write(str(folder / "long.flac"), np.full(301 * 8_000, 0.1), 8_000)
    soundfile.write(str(folder / "surround.wav"), np.full((8_000, 6), 0.1), 8_000)
    soundfile.write(str(folder / "slow.wav"), second + 0.1, 1_000)
    soundfile.write(str(folder / "nan.wav"), np.full(8_000, np.nan), 8_000, subtype="FLOAT")
    whistle = 0.3 * np.sin(2 * np.pi * 6_000 * np.arange(48_000) / 48_000)
    soundfile.write(str(folder / "whistle.wav"), whistle, 48_000)
    for whole in ("half.wav", "half.aiff", "half.mp3"):
        soundfile.write(str(folder / whole), whistle, 48_000)
        (folder / whole).write_bytes((folder / whole).read_bytes()[: (folder / whole).stat().st_size // 2])
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.wav").write_text("this is not a sound\n" * 100)
    (folder / "film.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(4_000))
    (folder / "cut.wav").write_bytes((folder / "slow.wav").read_bytes()[:20])
    (folder / "some.raw").write_bytes(bytes(8_000))
    (folder / "long.g722").write_bytes(bytes(301 * 8_000))
    (folder / "folder.wav").mkdir()
    return {
        "silent.wav": "silent", "offset-only.wav": "silent", "no-samples.wav": "no sound",
        "long.flac": "longer",
        "surround.wav": "6 channels", "slow.wav": "1000 samples/s", "nan.wav": "not numbers",
        "whistle.wav": "300 and 3400 Hz", "empty.wav": "empty", "text.wav": "not a sound file",
        "half.wav": "cut off: 50%", "half.aiff": "cut off: 50%", "half.mp3": "is cut off",
        "film.mp4": "not a sound file", "cut.wav": "not a sound file", "some.raw": "rename it",
        "long.g722": "longer", "folder.wav": "not a file", "absent.wav": "not there",
    }  # fmt: skip


def test_what_cannot_be_a_prompt_is_named_and_the_previous_version_stays(
    record: Record, library: PromptLibrary, tmp_path: Path, contents: Contents
) -> None:
    import_sound(record(), "IVR/tone", library)
    before = contents(library.folder)

    for file_name, word in make_bad(tmp_path).items():
        with pytest.raises(DocumentError) as caught:
            import_sound(tmp_path / file_name, "IVR/tone", library)
        (problem,) = caught.value.problems
        assert problem.path == str(tmp_path / file_name)
        assert word in str(problem)
        assert problem.mend
        assert contents(library.folder) == before


def test_a_recording_from_a_pipe_promises_more_than_there_is_and_is_whole(
    record: Record, library: PromptLibrary
) -> None:
    path = record()
    raw = path.read_bytes()
    at = raw.index(b"data") + 4
    path.write_bytes(raw[:at] + (0x7FFFFFFF).to_bytes(4, "little") + raw[at + 4 :])

    assert import_sound(path, "IVR/tone", library).duration_s == pytest.approx(2.12, abs=0.02)


def test_a_failed_first_import_writes_nothing(library: PromptLibrary, tmp_path: Path) -> None:
    with pytest.raises(DocumentError):
        import_sound(tmp_path / "absent.wav", "IVR/tone", library)
    with pytest.raises(Refused, match="not a prompt name"):
        import_sound(tmp_path / "absent.wav", "../tone", library)

    assert not library.folder.exists()


def test_a_form_that_cannot_be_stored_brings_all_forms_back(
    record: Record, library: PromptLibrary, contents: Contents
) -> None:
    import_sound(record("first.wav"), "tone", library)
    library.path("tone", forms.SLN16).unlink()
    library.path("tone", forms.SLN16).mkdir()
    before = contents(library.folder)

    with pytest.raises(StartError, match="cannot write prompt tone"):
        import_sound(record("second.wav", tones_hz=(440.0,)), "tone", library)

    assert contents(library.folder) == before
    assert sorted(path.name for path in library.folder.iterdir()) == [
        "tone.alaw", "tone.g722", "tone.sln16", "tone.ulaw"
    ]  # fmt: skip


def test_a_library_that_is_a_file_is_one_clear_line(record: Record, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StartError, match=r"^cannot write prompt tone to .*file: \w.*$"):
        import_sound(record(), "tone", PromptLibrary(tmp_path / "file"))


def test_loading_the_converter_warns_of_nothing_even_without_ffmpeg(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-B", "-W", "default", "-c", "import ringflow.sounds.conversion"],
        env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stderr == ""
