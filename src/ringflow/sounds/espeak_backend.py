"""espeak-ng as the backend of speech: a program that nearly every system has, and every language."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from ringflow.errors import RingflowError, Unknown
from ringflow.sounds.espeak import can_speak, run_espeak
from ringflow.sounds.speech_backend import BackendDown, SpeechFailed
from ringflow.sounds.utterance import Utterance


class EspeakBackend:
    """Speaks by espeak-ng. `voice_of` gives the voice of a language that names none."""

    takes_ssml = True
    at_once = 2
    """Each takes a processor for about a tenth of a second."""

    def __init__(self, voice_of: Callable[[str], str], words_per_minute: int) -> None:
        self._voice_of = voice_of
        self._words_per_minute = words_per_minute
        self.identity = f"espeak-ng {words_per_minute}"

    def lacks(self, language: str, voice: str | None) -> tuple[str, str] | None:
        """The program."""
        if can_speak():
            return None
        return "texts are spoken by espeak-ng, which is not installed", "apt install espeak-ng"

    def _voice(self, language: str) -> str:
        try:
            return self._voice_of(language)
        except Unknown:
            return language  # espeak-ng names most of its voices after their languages

    async def speak(self, utterance: Utterance, voice: str | None, folder: Path) -> Path:
        """Speak in a thread."""
        spoken = folder / "spoken.wav"
        if not can_speak():
            raise BackendDown("texts are spoken by espeak-ng, which is not installed: apt install espeak-ng")
        try:
            await asyncio.to_thread(
                run_espeak,
                utterance.text,
                voice or self._voice(utterance.language),
                self._words_per_minute,
                spoken,
                is_ssml=utterance.is_ssml,
            )
        except RingflowError as error:
            raise SpeechFailed(str(error)) from error
        if not spoken.is_file():
            raise SpeechFailed("the text is silent: write words to be said")
        return spoken
