"""What a backend of speech is: it makes the sound of a text, and says what it lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ringflow.errors import RingflowError
from ringflow.sounds.utterance import Utterance


class SpeechFailed(RingflowError):
    """A text that was not spoken: the backend is missing or down, refused it, or took too long."""


class BackendDown(SpeechFailed):
    """It would not have spoken any other text either."""


class SpeechBackend(Protocol):
    """Speaks texts. `at_once`: how many at the same time; `identity`: what decides how they sound."""

    takes_ssml: bool
    at_once: int
    identity: str

    def lacks(self, language: str, voice: str | None) -> tuple[str, str] | None:
        """What it lacks to speak a language, and what to do; None: nothing that is known."""
        ...

    async def speak(self, utterance: Utterance, voice: str | None, folder: Path) -> Path:
        """Speak a text into a file in `folder`, of any form that recordings have. Raises `SpeechFailed`."""
        ...
