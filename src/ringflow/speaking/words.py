"""What is said: a row of prompts, and the same in writing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LIBRARY_PREFIX = "SAY/"
"""How the library's prompts begin; a name that begins otherwise is a file of Asterisk's own packs."""


class Source(StrEnum):
    """Where prompts are taken from: Ringflow's library, or Asterisk's pack as far as that has the words."""

    LIBRARY = "library"
    ASTERISK = "asterisk"


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest thing that has a prompt of its own.

    `name` is the prompt in the library. `pack` are the files of Asterisk's pack that say the same, one
    after the other, as Asterisk names them within a language (`digits/20`); empty where it has none. With
    `pause_ms` the prompt is a silence of that length.
    """

    name: str
    text: str
    pack: tuple[str, ...]
    pause_ms: int = 0

    def prompts(self, source: Source) -> tuple[str, ...]:
        """What to play: never empty."""
        return self.pack if source is Source.ASTERISK and self.pack else (self.name,)


@dataclass(frozen=True, slots=True)
class Words:
    """Units in the order in which they are said, and the text that they make."""

    units: tuple[Unit, ...]
    text: str

    def prompts(self, source: Source = Source.LIBRARY) -> tuple[str, ...]:
        """The prompts in order. From `ASTERISK`, words that its pack lacks still come from the library."""
        return tuple(prompt for unit in self.units for prompt in unit.prompts(source))
