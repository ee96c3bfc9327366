"""Texts spoken while calls wait for them, and kept as prompts of the library under names made of the text."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from ringflow.errors import RingflowError
from ringflow.sounds.library import PromptLibrary
from ringflow.sounds.utterance import Utterance

GENERATED = "GENERATED"
"""The folder of the library in which they are."""

MAX_KEPT = 1000
"""How many are kept; beyond that those that were not played for the longest time are deleted."""

AT_ONCE = 2
"""How many are spoken at the same time: each takes a processor for about a tenth of a second."""

LIMIT_S = 5.0
"""How long a call waits for its text."""

_NAME_DIGITS = 24


def generated_name(text: str, language: str) -> str:
    """The name of the prompt with this text."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_NAME_DIGITS]
    return f"{GENERATED}/{language}/{digest}"


def can_speak() -> bool:
    """Whether there is a voice at all: espeak-ng is installed."""
    return shutil.which("espeak-ng") is not None


class SpeechFailed(RingflowError):
    """A text that was not spoken: espeak-ng is missing, refused it, or took too long."""


class GeneratedPrompts:
    """Speaks texts by espeak-ng. `voice_of` gives the voice of a language.

    Calls that want the same text at once wait for one voice, which goes on where one of them ends.
    """

    def __init__(
        self, library: PromptLibrary, voice_of: Callable[[str], str], *, max_kept: int = MAX_KEPT
    ) -> None:
        self._library = library
        self._voice_of = voice_of
        self._max_kept = max_kept
        self._free = asyncio.Semaphore(AT_ONCE)
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def prompt_of(self, utterance: Utterance) -> str:
        """The name of the prompt with this text, spoken now where it is not there. Raises `SpeechFailed`."""
        text, language = utterance.text, utterance.language
        name = generated_name(text, language)
        if name not in self._under_way and self._is_kept(name):
            return name
        task = self._under_way.get(name)
        if task is None:
            task = asyncio.create_task(self._speak(text, language, name), name=f"speak {name}")
            self._under_way[name] = task
            task.add_done_callback(lambda done: self._ended(name, done))
        try:
            await asyncio.wait_for(asyncio.shield(task), LIMIT_S)
        except TimeoutError:
            raise SpeechFailed(f"the text was not spoken within {LIMIT_S:g} s") from None
        return name

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        del self._under_way[name]
        # Whoever waited is told; if every call has ended meanwhile, nobody is left to be.
        if not task.cancelled():
            task.exception()

    def _is_kept(self, name: str) -> bool:
        forms = self._library.forms(name)
        for form in forms:
            with contextlib.suppress(OSError):
                os.utime(self._library.path(name, form))
        return bool(forms)

    async def _speak(self, text: str, language: str, name: str) -> None:
        async with self._free:
            try:
                await asyncio.to_thread(self._make, text, self._voice_of(language), name)
            except (RingflowError, OSError) as error:
                raise SpeechFailed(str(error)) from error

    def _make(self, text: str, voice: str, name: str) -> None:
        # Loads what converts sounds, which a server needs for nothing else.
        from ringflow.sounds.speech import say

        say(text, name, self._library, voice)
        self._prune(name)

    def _prune(self, made: str) -> None:
        """Delete the prompts that were not played for the longest time, but never the one just made."""
        paths: dict[str, list[Path]] = {}
        played: dict[str, float] = {}
        for name, path in self._library.files():
            if name.startswith(f"{GENERATED}/") and name != made:
                with contextlib.suppress(FileNotFoundError):
                    played[name] = max(path.stat().st_mtime, played.get(name, 0.0))
                    paths.setdefault(name, []).append(path)
        for name in sorted(played, key=played.__getitem__)[: max(0, len(played) + 1 - self._max_kept)]:
            for path in paths[name]:
                path.unlink(missing_ok=True)
