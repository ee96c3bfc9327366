"""`ringflow sounds ...` as an operator types it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from ringflow.cli.sounds import app, report
from ringflow.errors import DocumentError, Refused
from ringflow.sounds import PromptLibrary, forms
from ringflow.sounds.conversion import import_sound
from ringflow.speaking import prompts_needed


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_import_says_what_it_made(record: Callable[..., Path], library: PromptLibrary) -> None:
    done = run("import", record(channels=2), "--as", "IVR/tone", "--folder", library.folder)

    assert done.exit_code == 0
    level = r"level -20\.[01] dBFS \(\+3\.0 dB\), peak -17\.0 dBFS"
    said = rf"IVR/tone: 2\.12 s, {level}, as \.ulaw \.alaw \.g722 \.sln16\n"
    assert re.fullmatch(said, done.output)
    assert library.forms("IVR/tone") == forms.FORMS


def test_import_takes_the_folder_sounds_by_default(
    record: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").touch()

    assert run("import", record(), "--as", "tone").exit_code == 0
    assert (tmp_path / "sounds" / "tone.ulaw").is_file()


def test_a_bad_name_or_file_reaches_the_one_place_that_reports_errors(
    tmp_path: Path, library: PromptLibrary
) -> None:
    bad_name = run("import", tmp_path / "x.wav", "--as", "../x", "--folder", library.folder)
    bad_file = run("import", tmp_path / "x.wav", "--as", "x", "--folder", library.folder)

    assert isinstance(bad_name.exception, Refused)
    assert isinstance(bad_file.exception, DocumentError)
    assert str(bad_file.exception) == f"{tmp_path / 'x.wav'}: is not there (check the path)"


def test_list_is_a_table_for_people_and_json_for_programs(
    record: Callable[..., Path], library: PromptLibrary
) -> None:
    import_sound(record(), "IVR/tone", library)

    table = run("list", "--folder", library.folder).output
    rows = json.loads(run("list", "--json", "--folder", library.folder).output)

    assert "IVR/tone" in table
    assert "2.12" in table
    assert rows == [{"name": "IVR/tone", "duration_s": 2.12, "forms": ["ulaw", "alaw", "g722", "sln16"]}]


def test_list_of_no_prompts_is_an_empty_list(library: PromptLibrary) -> None:
    assert json.loads(run("list", "--json", "--folder", library.folder).output) == []
    assert run("list", "--folder", library.folder).output == "none\n"


def test_check_passes_or_gives_every_problem(record: Callable[..., Path], library: PromptLibrary) -> None:
    import_sound(record(), "tone", library)
    assert run("check", "--folder", library.folder).output == "prompts: 1, playing 2.1 s: nothing wrong\n"

    library.path("tone", forms.ULAW).unlink()
    (library.folder / "stray.txt").write_text("")
    done = run("check", "--folder", library.folder)

    assert isinstance(done.exception, DocumentError)
    assert len(done.exception.problems) == 2


@pytest.mark.usefixtures("espeak")
def test_say_makes_a_prompt(library: PromptLibrary) -> None:
    done = run("say", "Goodbye.", "--as", "MISC/goodbye", "--voice", "en-us", "--folder", library.folder)

    assert done.exit_code == 0
    assert library.exists("MISC/goodbye")


@pytest.mark.usefixtures("espeak")
def test_say_speaks_as_flows_do_in_a_language_and_by_a_backend(
    library: PromptLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text("speech: {backends: {mine: {command: [/nowhere/speaks]}}}\n")
    prompt = ["--as", "MISC/hello", "--folder", str(library.folder)]

    assert run("say", "Hola.", "--language", "es", *prompt).exit_code == 0
    assert run("say", "<speak>Hola.<break time='2s'/>Hola.</speak>", "--ssml", *prompt).exit_code == 0
    assert library.duration_s("MISC/hello") > 2
    failed = run("say", "Hola.", "--backend", "mine", *prompt)
    assert "`/nowhere/speaks` cannot be run" in str(failed.exception)
    assert "did you mean `mine`?" in str(run("say", "Hola.", "--backend", "mien", *prompt).exception)
    assert isinstance(run("say", "Hola.", "--language", "es", "--speed", "90", *prompt).exception, Refused)


def test_words_shows_how_a_value_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    done = run("words", "12.50", "--as", "money", "--currency", "EUR", "--language", "de")
    assert done.output.splitlines()[:2] == ["zwölf Euro und fünfzig Cent", "  SAY/de/12"]
    done = run("words", "15:30", "--as", "time", "--clock", "24")
    assert done.output.startswith("fifteen thirty\n")
    date = ["words", "2026-01-01", "--as", "date", "--weekday", "--no-year"]
    assert run(*date).output.startswith("Thursday the first of January\n")
    assert run("words", "15:30", "--as", "time", "--clock", "13").exit_code == 2
    assert "is not a date" in str(run("words", "soon", "--as", "date").exception)
    assert "see the slot `tts`" in str(run("words", "soon", "--as", "text").exception)


@pytest.mark.usefixtures("espeak")
def test_build_speaks_every_text_or_only_the_missing(library: PromptLibrary) -> None:
    library.folder.mkdir()
    (library.folder / "prompts.yaml").write_text(
        "IVR/one: {text: One., voice: en-us}\nIVR/two: {text: Two.}\n"
    )
    assert run("build", "--folder", library.folder).exit_code == 0
    assert library.names() == ("IVR/one", "IVR/two")

    library.path("IVR/one", forms.ULAW).write_bytes(b"mine")
    for form in forms.FORMS:
        library.path("IVR/two", form).unlink()
    done = run("build", "--missing", "--folder", library.folder)

    assert done.output.startswith("IVR/two: ")
    assert done.output.count("\n") == 1
    assert library.path("IVR/one", forms.ULAW).read_bytes() == b"mine"
    assert library.exists("IVR/two")


@pytest.mark.usefixtures("espeak")
def test_build_speaks_the_words_of_a_language(library: PromptLibrary) -> None:
    library.replace("SAY/de/1", dict.fromkeys(forms.FORMS, b"mine"))

    done = run("build", "--speaking", "de", "--missing", "--folder", library.folder)

    assert done.exit_code == 0
    assert set(library.names()) == prompts_needed("de").keys()
    assert done.output.count("\n") == len(prompts_needed("de")) - 1
    assert library.path("SAY/de/1", forms.ULAW).read_bytes() == b"mine"


@pytest.mark.usefixtures("espeak")
def test_build_takes_what_asterisks_pack_has_and_speaks_the_rest(
    record: Callable[..., Path], library: PromptLibrary, tmp_path: Path
) -> None:
    pack = tmp_path / "pack"
    (pack / "digits").mkdir(parents=True)
    for name, seconds in (("digits/20", 1.5), ("digits/1", 0.5), ("queue-less-than", 0.5), ("minute", 0.5)):
        record(f"pack/{name}.wav", seconds=seconds)
    options: list[str | Path] = [
        "--speaking",
        "en",
        "--source",
        "asterisk",
        "--pack",
        pack,
        "--folder",
        library.folder,
    ]

    done = run("build", *options)

    assert done.exit_code == 0
    assert set(library.names()) == prompts_needed("en").keys()
    # 60 ms of quiet stand before and after each recording; a phrase is its words' recordings in a row.
    assert library.duration_s("SAY/en/20") == pytest.approx(1.62, abs=0.02)
    assert library.duration_s("SAY/en/less-than-one-minute") == pytest.approx(3 * 0.62, abs=0.02)
    spoken = len(prompts_needed("en")) - 4
    assert done.output.splitlines()[-1] == f"en: 4 from {pack}, {spoken} spoken"
    assert run("build", "--missing", *options).output == f"en: 0 from {pack}, 0 spoken\n"


def test_a_pack_is_refused_where_nothing_is_taken_from_one(library: PromptLibrary, tmp_path: Path) -> None:
    done = run("build", "--speaking", "de", "--pack", tmp_path, "--folder", library.folder)

    assert isinstance(done.exception, Refused)
    assert library.names() == ()


def test_build_refuses_a_language_that_there_is_not_and_a_source_without_one(library: PromptLibrary) -> None:
    unknown = run("build", "--speaking", "xx", "--folder", library.folder)
    alone = run("build", "--source", "asterisk", "--folder", library.folder)

    assert isinstance(unknown.exception, Refused)
    assert "there are de, en, es, fr, ru" in str(unknown.exception)
    assert isinstance(alone.exception, Refused)
    assert library.names() == ()


def test_every_mistake_in_the_texts_is_named_with_its_place(library: PromptLibrary) -> None:
    library.folder.mkdir()
    texts = library.folder / "prompts.yaml"
    texts.write_text(
        "IVR/../x: {text: Hello.}\nIVR/one:\n  voice: en-gb\n  tone: kind\nIVR/two: {text: ''}\n"
    )

    done = run("build", "--folder", library.folder)

    assert isinstance(done.exception, DocumentError)
    assert [(one.line, one.column) for one in done.exception.problems] == [(1, 1), (2, 1), (4, 3), (5, 17)]
    assert library.names() == ()


@pytest.mark.usefixtures("espeak")
def test_a_text_that_cannot_be_spoken_is_named_and_the_others_are_made(library: PromptLibrary) -> None:
    library.folder.mkdir()
    texts = library.folder / "prompts.yaml"
    texts.write_text("a: {text: One., voice: xx-nowhere}\nb: {text: '...'}\nc: {text: Three.}\n")

    done = run("build", "--folder", library.folder)

    assert isinstance(done.exception, DocumentError)
    assert [(one.path, one.line) for one in done.exception.problems] == [(str(texts), 1), (str(texts), 2)]
    assert library.names() == ("c",)


@pytest.mark.parametrize("text", ["", "- IVR/one\n", "just words\n"])
def test_texts_that_are_no_mapping_are_refused(text: str, library: PromptLibrary) -> None:
    library.folder.mkdir()
    (library.folder / "prompts.yaml").write_text(text)

    done = run("build", "--folder", library.folder)

    assert isinstance(done.exception, DocumentError)
    assert "is not a mapping" in str(done.exception)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_recording_that_was_cut_off_at_full_scale_is_taken_and_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], channels: int
) -> None:
    time_s = np.arange(16_000) / 16_000
    tone = np.sin(2 * np.pi * 440 * time_s)
    for name, amplitude in (("loud.wav", 0.999), ("clipped.wav", 3.0)):
        # Only one channel is too loud: a mean would not show it.
        frames = np.zeros((16_000, channels))
        dither = np.random.default_rng(1).integers(-1, 2, tone.size) / 32_768
        frames[:, 0] = np.clip(np.clip(amplitude * tone, -1.0, 1.0) + dither, -1.0, 1.0)
        soundfile.write(str(tmp_path / name), frames, 16_000, subtype="PCM_16")
    soundfile.write(str(tmp_path / "float.wav"), 4.0 * tone, 16_000, subtype="FLOAT")
    soundfile.write(str(tmp_path / "telephone.wav"), tone, 16_000, subtype="ULAW")
    said = {}
    for name in ("loud", "clipped", "float", "telephone"):
        report(import_sound(tmp_path / f"{name}.wav", f"T/{name}", PromptLibrary(tmp_path / "sounds")))
        said[name] = capsys.readouterr().err
    assert "of the recording is cut off at full scale" in said.pop("clipped")
    assert set(said.values()) == {""}
