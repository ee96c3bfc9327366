"""The forms of what a Ringflow is, and of who asks it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VersionForm:
    """Which Ringflow answers."""

    version: str


@dataclass(frozen=True, slots=True)
class PrincipalForm:
    """Who asks by a token, and what they may do."""

    operator: str
    token: str | None
    rights: tuple[str, ...]
