"""Which prompts a language needs in the library, so that they can be spoken or recorded."""

from __future__ import annotations

from collections.abc import Mapping

from ringflow.speaking.language import load_language
from ringflow.speaking.words import Source


def prompts_needed(language: str, source: Source = Source.LIBRARY) -> Mapping[str, str]:
    """The texts of all prompts that can be asked for, by name.

    With the source `ASTERISK` only those that its pack has no file for. They are to be spoken by the voice
    that `load_language(language).voice` names. Raises `Refused` for a language that there is not.
    """
    units = load_language(language).units.values()
    return {unit.name: unit.text for unit in units if source is Source.LIBRARY or not unit.pack}
