"""A voice for simulated calls: what it speaks stays out of the operator's library."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ringflow.config import ESPEAK, Config, SpeechConfig
from ringflow.sounds.espeak import can_speak
from ringflow.sounds.generated import GeneratedPrompts
from ringflow.sounds.library import PromptLibrary
from ringflow.sounds.utterance import Utterance
from ringflow.sounds.voices import GENERATED, Voices
from ringflow.speaking import voice_of

WORDS_PER_S = 2.5
"""How fast a text is taken to be spoken where there is no espeak-ng: at the speed at which it speaks here."""


class SimulatedVoice:
    """Speaks texts into a folder of its own, by espeak-ng in the place of every backend.

    The names of prompts are those of real calls, and what no backend takes is refused as there. Without
    espeak-ng it only estimates how long texts take.
    """

    def __init__(self, folder: Path, config: Config) -> None:
        self._voices = Voices.configured(config, voice_of)
        self._library = PromptLibrary(folder)
        espeak = Voices(SpeechConfig(words_per_minute=config.speech.words_per_minute), {}, voice_of)
        self._prompts = GeneratedPrompts(self._library, espeak) if can_speak() else None
        self._durations_s: dict[str, float] = {}

    async def prompt_of(self, utterance: Utterance) -> str:
        """The name of the prompt with this text. Raises `SpeechFailed`."""
        name = self._voices.prompt_name(utterance)
        if name not in self._durations_s:
            if self._prompts is None:
                self._durations_s[name] = max(1, len(utterance.text.split())) / WORDS_PER_S
            else:
                chosen = self._voices.choose(utterance)
                voice = chosen.voice if chosen.name == ESPEAK else None
                spoken = replace(utterance, backend=ESPEAK, voice=voice)
                self._durations_s[name] = self._library.duration_s(await self._prompts.prompt_of(spoken))
        return name

    def duration_s(self, name: str) -> float | None:
        """How long a prompt plays that was spoken here; None for any other."""
        return self._durations_s.get(name) if name.startswith(f"{GENERATED}/") else None
