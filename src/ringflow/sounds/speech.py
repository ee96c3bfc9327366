"""Prompts spoken by espeak-ng, for a first start and for tests; a recording may replace each by its name."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from ringflow.errors import DocumentError, Problem
from ringflow.sounds.conversion import ImportReport, import_sound
from ringflow.sounds.espeak import DEFAULT_VOICE, DEFAULT_WORDS_PER_MINUTE, check_speech, run_espeak
from ringflow.sounds.library import PromptLibrary, check_name
from ringflow.sounds.utterance import Utterance
from ringflow.sounds.voices import Voices


async def speak(utterance: Utterance, name: str, library: PromptLibrary, voices: Voices) -> ImportReport:
    """Speak a text by a configured backend and import it as the prompt `name`.

    Raises `Refused` for the name, `SpeechFailed`, and what `import_sound` raises.
    """
    check_name(name)
    chosen = voices.choose(utterance)
    with TemporaryDirectory(prefix="ringflow-say-") as folder:
        spoken = await chosen.backend.speak(utterance, chosen.voice, Path(folder))
        return import_sound(spoken, name, library, shown_as=f"speech for {name}")


def say(
    text: str,
    name: str,
    library: PromptLibrary,
    voice: str = DEFAULT_VOICE,
    words_per_minute: int = DEFAULT_WORDS_PER_MINUTE,
) -> ImportReport:
    """Speak `text` and import it as the prompt `name`.

    Raises `Refused` for name, text, voice or speed, `StartError` without espeak-ng, and what
    `import_sound` raises.
    """
    check_name(name)
    check_speech(text, voice, words_per_minute)
    with TemporaryDirectory(prefix="ringflow-say-") as folder:
        spoken = Path(folder, "spoken.wav")
        run_espeak(text, voice, words_per_minute, spoken)
        if not spoken.is_file():
            raise DocumentError([Problem(f"speech for {name}", 0, 0, "is silent", "write words to be said")])
        return import_sound(spoken, name, library, shown_as=f"speech for {name}")
