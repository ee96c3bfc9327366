"""Texts that are spoken while a call waits, and kept as prompts of the library."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ringflow.asterisk.watch import prompts_to_find
from ringflow.config import Config, SpeechConfig
from ringflow.core import open_core
from ringflow.sounds.forms import FORMS
from ringflow.sounds.generated import GeneratedPrompts
from ringflow.sounds.library import PromptLibrary
from ringflow.sounds.speech_backend import SpeechFailed
from ringflow.sounds.utterance import Utterance
from ringflow.sounds.voices import GENERATED, Voices
from ringflow.speaking import voice_of


def generated(
    library: PromptLibrary, voice: Callable[[str], str] = voice_of, kept: int = 1000
) -> GeneratedPrompts:
    # Fewer than the configuration allows, so that a test needs few texts.
    return GeneratedPrompts(library, Voices(SpeechConfig.model_construct(kept=kept), {}, voice))


def name_of(text: str) -> str:
    return Voices(SpeechConfig(), {}, voice_of).prompt_name(Utterance(text, "en"))


@pytest.fixture
def library(tmp_path: Path) -> PromptLibrary:
    return PromptLibrary(tmp_path)


async def test_a_text_becomes_a_prompt_of_the_library_and_is_spoken_once(library: PromptLibrary) -> None:
    voices: list[str] = []

    def voice(language: str) -> str:
        voices.append(language)
        return voice_of(language)

    prompts = generated(library, voice)
    name = await prompts.prompt_of(Utterance("Hello.", "en"))
    assert name == name_of("Hello.")
    assert name.startswith(f"{GENERATED}/en/")
    assert len(library.forms(name)) == 4
    assert 0.2 < library.duration_s(name) < 3
    assert await prompts.prompt_of(Utterance("Hello.", "en")) == name
    assert voices == ["en"]


async def test_the_same_text_in_another_language_is_another_prompt(library: PromptLibrary) -> None:
    prompts = generated(library)
    names = {await prompts.prompt_of(Utterance("Hotel 12", language)) for language in ("en", "de")}
    assert names == set(library.names())
    assert len(names) == 2


async def test_calls_that_want_a_text_at_once_wait_for_one_voice_even_if_one_of_them_ends(
    library: PromptLibrary,
) -> None:
    voices: list[str] = []

    def voice(language: str) -> str:
        voices.append(language)
        return voice_of(language)

    prompts = generated(library, voice)
    calls = [asyncio.create_task(prompts.prompt_of(Utterance("Good morning.", "en"))) for _ in range(10)]
    await asyncio.sleep(0)
    calls[0].cancel()
    spoken = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(spoken[0], asyncio.CancelledError)
    assert set(spoken[1:]) == {name_of("Good morning.")}
    assert voices == ["en"]


async def test_a_text_that_is_still_being_written_is_waited_for(library: PromptLibrary) -> None:
    name = name_of("Good evening.")
    begun = asyncio.Event()

    def voice(language: str) -> str:
        # As if the first of the four forms stood there already.
        first = library.path(name, FORMS[0])
        first.parent.mkdir(parents=True)
        first.write_bytes(b"x")
        begun.set()
        return voice_of(language)

    prompts = generated(library, voice)
    first = asyncio.create_task(prompts.prompt_of(Utterance("Good evening.", "en")))
    await begun.wait()
    assert await prompts.prompt_of(Utterance("Good evening.", "en")) == name
    assert len(library.forms(name)) == 4
    await first


async def test_asterisk_is_not_asked_for_texts_that_go_again(tmp_path: Path) -> None:
    config = Config.model_validate({"sounds": {"folder": str(tmp_path), "asterisk_prefix": "ringflow"}})
    library = PromptLibrary(tmp_path)
    for name in (await generated(library).prompt_of(Utterance("Hello.", "en")), "IVR/mine"):
        library.replace(name, {FORMS[0]: b"x"})
    assert prompts_to_find(config) == ["ringflow/IVR/mine"]


async def test_a_server_has_a_voice_that_speaks_into_its_library(
    server_config: Config, tmp_path: Path
) -> None:
    sounds = server_config.sounds.model_copy(update={"folder": tmp_path / "sounds"})
    core = await open_core(server_config.model_copy(update={"sounds": sounds}))
    try:
        assert core.world.voice is not None
        name = await core.world.voice.prompt_of(Utterance("Hello.", "en"))
        assert core.library.exists(name)
    finally:
        await core.store.close()


async def test_only_the_prompts_played_last_are_kept_and_recordings_stay(library: PromptLibrary) -> None:
    prompts = generated(library, kept=2)
    recorded = await generated(library).prompt_of(Utterance("Mine.", "en"))
    for path in library.folder.glob(f"{recorded}.*"):
        target = library.folder / "IVR" / f"mine{path.suffix}"
        target.parent.mkdir(exist_ok=True)
        path.rename(target)
    one, two = [await prompts.prompt_of(Utterance(text, "en")) for text in ("one", "two")]
    for age, name in ((200, two), (100, one)):
        for path in library.folder.glob(f"{name}.*"):
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age))
    await prompts.prompt_of(Utterance("two", "en"))
    three = await prompts.prompt_of(Utterance("three", "en"))
    assert set(library.names()) == {"IVR/mine", two, three}


@pytest.mark.parametrize("text", ["...", "   "])
async def test_a_text_without_a_sound_fails_and_may_be_tried_again(library: PromptLibrary, text: str) -> None:
    prompts = generated(library)
    for _ in range(2):
        with pytest.raises(SpeechFailed):
            await prompts.prompt_of(Utterance(text, "en"))
    assert library.names() == ()


async def test_without_espeak_a_text_fails(library: PromptLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SpeechFailed, match="apt install espeak-ng"):
        await generated(library).prompt_of(Utterance("Hello.", "en"))
