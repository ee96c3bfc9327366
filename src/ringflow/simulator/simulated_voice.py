"""A voice for simulated calls: what it speaks stays out of the operator's library."""

from __future__ import annotations

from pathlib import Path

from ringflow.sounds.generated import GENERATED, GeneratedPrompts, can_speak, generated_name
from ringflow.sounds.library import PromptLibrary
from ringflow.sounds.utterance import Utterance
from ringflow.speaking import voice_of

WORDS_PER_S = 2.5
"""How fast a text is taken to be spoken where there is no espeak-ng: at the speed at which it speaks here."""


class SimulatedVoice:
    """Speaks texts into a folder of its own. Without espeak-ng it only estimates how long they take."""

    def __init__(self, folder: Path) -> None:
        self._library = PromptLibrary(folder)
        self._prompts = GeneratedPrompts(self._library, voice_of) if can_speak() else None
        self._durations_s: dict[str, float] = {}

    async def prompt_of(self, utterance: Utterance) -> str:
        """The name of the prompt with this text. Raises `SpeechFailed`."""
        name = generated_name(utterance.text, utterance.language)
        if name not in self._durations_s:
            if self._prompts is None:
                self._durations_s[name] = max(1, len(utterance.text.split())) / WORDS_PER_S
            else:
                await self._prompts.prompt_of(utterance)
                self._durations_s[name] = self._library.duration_s(name)
        return name

    def duration_s(self, name: str) -> float | None:
        """How long a prompt plays that was spoken here; None for any other."""
        return self._durations_s.get(name) if name.startswith(f"{GENERATED}/") else None
