"""A text for a voice, with what decides how it sounds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Utterance:
    """A text in a language, to be spoken.

    `backend` names the one that speaks it, and `voice` its voice; None: those that the configuration has for
    the language. `is_ssml`: the text is SSML (W3C, Speech Synthesis Markup Language 1.1).
    """

    text: str
    language: str
    is_ssml: bool = False
    backend: str | None = None
    voice: str | None = None
