"""Keys that end a leg, and who hears how long they are held."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

CALLEE_VARIABLE = "SHARED(RINGFLOW_CALLEE)"
"""Of the caller's channel: the name of the callee's channel, left there by the dialplan."""


@dataclass(frozen=True, slots=True)
class EndKeys:
    """Each of `keys` ends a leg when it is held for `held_ms` or longer."""

    keys: str
    held_ms: int

    def ended_by(self, key: str, length_ms: int) -> bool:
        """Whether a key that was held for so long ends the leg."""
        return key in self.keys and length_ms >= self.held_ms

    @property
    def pressed(self) -> str:
        """The one key that ends the leg where nobody can tell how long it is held."""
        return self.keys[0]


class KeyWatch:
    """The keys of one caller during one leg; `key` is the one that ended it, empty for none."""

    def __init__(self, end_keys: EndKeys) -> None:
        self.end_keys = end_keys
        self.key = ""


class HeldKeys(Protocol):
    """Who hears how long keys are held, and ends legs by them."""

    async def ready(self) -> bool:
        """Whether keys are heard now."""

    def watch(self, channel: str, end_keys: EndKeys) -> AbstractContextManager[KeyWatch]:
        """While the block lasts, end the leg that this caller's channel dialled when a key says so."""
