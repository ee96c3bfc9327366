"""The words with which a language says numbers, money and minutes, as prompts: spoken, or recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringflow.sounds import PromptLibrary
from ringflow.sounds.conversion import ImportReport, import_joined, make_pause
from ringflow.sounds.speech import say
from ringflow.speaking import Language, Unit

_EXTENSIONS = (".sln16", ".g722", ".wav", ".sln", ".ulaw", ".alaw", ".gsm")
"""Of recordings in one of Asterisk's packs, the best first."""


@dataclass(frozen=True, slots=True)
class WordPrompt:
    """A prompt that was made, and whether of a recording; otherwise it was spoken.

    `report` is None for a pause, which has no level.
    """

    name: str
    report: ImportReport | None
    recorded: bool


def speak_words(library: PromptLibrary, language: Language, *, missing: bool) -> Iterator[WordPrompt]:
    """Speak a language's words in the voice that its file names, and yield each prompt as it is made.

    `missing`: only those that are not there yet.
    """
    for unit in language.units.values():
        if not (missing and library.exists(unit.name)):
            yield _speak(library, language, unit)


def import_words(
    library: PromptLibrary, language: Language, pack: Path, *, missing: bool
) -> Iterator[WordPrompt]:
    """The same from the recordings in the folder of one of Asterisk's packs; speak where it has none."""
    for unit in language.units.values():
        if missing and library.exists(unit.name):
            continue
        recordings = find_recordings(pack, unit.pack)
        if recordings:
            yield WordPrompt(unit.name, import_joined(recordings, unit.name, library), recorded=True)
        else:
            yield _speak(library, language, unit)


def _speak(library: PromptLibrary, language: Language, unit: Unit) -> WordPrompt:
    if unit.pause_ms:
        make_pause(unit.pause_ms, unit.name, library)
        return WordPrompt(unit.name, None, recorded=False)
    return WordPrompt(unit.name, say(unit.text, unit.name, library, language.voice), recorded=False)


def find_recordings(pack: Path, names: Sequence[str]) -> list[Path]:
    """The files of a pack by Asterisk's names (`digits/20`), in order; none unless all are there."""
    found = [_find_recording(pack, name) for name in names]
    return [path for path in found if path is not None] if None not in found else []


def _find_recording(pack: Path, name: str) -> Path | None:
    candidates = (pack / f"{name}{extension}" for extension in _EXTENSIONS)
    return next((path for path in candidates if path.is_file() and path.stat().st_size), None)
