"""Which prompts a language needs in the library, so that they can be spoken or recorded."""

from __future__ import annotations

from collections.abc import Mapping

from ringflow.speaking.language import load_language


def prompts_needed(language: str) -> Mapping[str, str]:
    """The texts of all prompts that can be asked for, by name.

    They are to be spoken by the voice that `load_language(language).voice` names. Raises `Refused` for a
    language that there is not.
    """
    return {unit.name: unit.text for unit in load_language(language).units.values()}
