"""Texts that are spoken while a call waits, and kept as prompts of the library."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from ringflow.asterisk.watch import prompts_to_find
from ringflow.config import Config
from ringflow.core import open_core
from ringflow.sounds.forms import FORMS
from ringflow.sounds.generated import GENERATED, GeneratedPrompts, SpeechFailed, generated_name
from ringflow.sounds.library import PromptLibrary
from ringflow.sounds.utterance import Utterance
from ringflow.speaking import voice_of


@pytest.fixture
def library(tmp_path: Path) -> PromptLibrary:
    return PromptLibrary(tmp_path)


async def test_a_text_becomes_a_prompt_of_the_library_and_is_spoken_once(library: PromptLibrary) -> None:
    voices: list[str] = []

    def voice(language: str) -> str:
        voices.append(language)
        return voice_of(language)

    prompts = GeneratedPrompts(library, voice)
    name = await prompts.prompt_of(Utterance("Hello.", "en"))
    assert name == generated_name("Hello.", "en")
    assert name.startswith(f"{GENERATED}/en/")
    assert len(library.forms(name)) == 4
    assert 0.2 < library.duration_s(name) < 3
    assert await prompts.prompt_of(Utterance("Hello.", "en")) == name
    assert voices == ["en"]


async def test_the_same_text_in_another_language_is_another_prompt(library: PromptLibrary) -> None:
    prompts = GeneratedPrompts(library, voice_of)
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

    prompts = GeneratedPrompts(library, voice)
    calls = [asyncio.create_task(prompts.prompt_of(Utterance("Good morning.", "en"))) for _ in range(10)]
    await asyncio.sleep(0)
    calls[0].cancel()
    spoken = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(spoken[0], asyncio.CancelledError)
    assert set(spoken[1:]) == {generated_name("Good morning.", "en")}
    assert voices == ["en"]


async def test_a_text_that_is_still_being_written_is_waited_for(library: PromptLibrary) -> None:
    name = generated_name("Good evening.", "en")
    begun = asyncio.Event()

    def voice(language: str) -> str:
        # As if the first of the four forms stood there already.
        first = library.path(name, FORMS[0])
        first.parent.mkdir(parents=True)
        first.write_bytes(b"x")
        begun.set()
        return voice_of(language)

    prompts = GeneratedPrompts(library, voice)
    first = asyncio.create_task(prompts.prompt_of(Utterance("Good evening.", "en")))
    await begun.wait()
    assert await prompts.prompt_of(Utterance("Good evening.", "en")) == name
    assert len(library.forms(name)) == 4
    await first


async def test_asterisk_is_not_asked_for_texts_that_go_again(tmp_path: Path) -> None:
    config = Config.model_validate({"sounds": {"folder": str(tmp_path), "asterisk_prefix": "ringflow"}})
    library = PromptLibrary(tmp_path)
    for name in (await GeneratedPrompts(library, voice_of).prompt_of(Utterance("Hello.", "en")), "IVR/mine"):
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
    prompts = GeneratedPrompts(library, voice_of, max_kept=2)
    recorded = await GeneratedPrompts(library, voice_of).prompt_of(Utterance("Mine.", "en"))
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
    prompts = GeneratedPrompts(library, voice_of)
    for _ in range(2):
        with pytest.raises(SpeechFailed):
            await prompts.prompt_of(Utterance(text, "en"))
    assert library.names() == ()


async def test_without_espeak_a_text_fails(library: PromptLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SpeechFailed, match="apt install espeak-ng"):
        await GeneratedPrompts(library, voice_of).prompt_of(Utterance("Hello.", "en"))
