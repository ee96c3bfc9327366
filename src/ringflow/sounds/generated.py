"""Texts spoken while calls wait for them, and kept as prompts of the library under names made of the text."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ringflow.errors import RingflowError
from ringflow.sounds.library import PromptLibrary
from ringflow.sounds.speech_backend import BackendDown, SpeechFailed
from ringflow.sounds.utterance import Utterance
from ringflow.sounds.voices import GENERATED, ChosenVoice, Voices

MAX_WAITING = 200
"""How many texts may wait to be spoken; more are refused at once."""

DOWN_S = 10.0
"""For how long a backend that is down is not asked again, so that not each call waits for it."""

_LOCK_POLL_S = 0.05


class GeneratedPrompts:
    """Speaks texts by the configured backends into a library.

    Calls that want the same text at once wait for one synthesis, which goes on where one of them ends; so do
    several servers that share the library's folder.
    """

    def __init__(self, library: PromptLibrary, voices: Voices) -> None:
        self._library = library
        self._voices = voices
        self._free: dict[str, asyncio.Semaphore] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._down: dict[str, tuple[float, str]] = {}

    async def prompt_of(self, utterance: Utterance) -> str:
        """The name of the prompt with this text, spoken now where it is not there. Raises `SpeechFailed`."""
        chosen, name = self._voices.choose(utterance), self._voices.prompt_name(utterance)
        if name not in self._under_way and self._is_kept(name):
            return name
        task = self._under_way.get(name)
        if task is None:
            if len(self._under_way) >= MAX_WAITING:
                raise SpeechFailed(f"{MAX_WAITING} texts wait to be spoken already")
            task = asyncio.create_task(self._make(utterance, chosen, name), name=f"speak {name}")
            self._under_way[name] = task
            task.add_done_callback(lambda done: self._ended(name, done))
        limit_s = self._voices.limit_s
        try:
            await asyncio.wait_for(asyncio.shield(task), limit_s)
        except TimeoutError:
            raise SpeechFailed(f"the text was not spoken within {limit_s:g} s") from None
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

    async def _make(self, utterance: Utterance, chosen: ChosenVoice, name: str) -> None:
        self._refuse_while_down(chosen.name)
        free = self._free.setdefault(chosen.name, asyncio.Semaphore(chosen.backend.at_once))
        try:
            async with self._alone(name):
                if self._is_kept(name):
                    return  # another server has made it meanwhile
                async with free:
                    # It may have gone down while this text waited for its turn.
                    self._refuse_while_down(chosen.name)
                    await self._speak(utterance, chosen, name)
        except BackendDown as error:
            self._down[chosen.name] = (_now_s() + DOWN_S, str(error))
            raise
        except SpeechFailed:
            raise
        except (RingflowError, OSError) as error:
            raise SpeechFailed(str(error)) from error

    async def _speak(self, utterance: Utterance, chosen: ChosenVoice, name: str) -> None:
        with TemporaryDirectory(prefix="ringflow-speech-") as folder:
            spoken = await chosen.backend.speak(utterance, chosen.voice, Path(folder))
            await asyncio.to_thread(self._store, spoken, name)

    def _store(self, spoken: Path, name: str) -> None:
        # Loads what converts sounds, which a server needs for nothing else.
        from ringflow.sounds.conversion import import_sound

        import_sound(spoken, name, self._library, shown_as="the sound of the text")
        self._prune(name)

    def _refuse_while_down(self, backend: str) -> None:
        until_s, why = self._down.get(backend, (0.0, ""))
        if _now_s() < until_s:
            raise SpeechFailed(f"the backend `{backend}` is not asked for a moment: {why}")

    @asynccontextmanager
    async def _alone(self, name: str) -> AsyncIterator[None]:
        """Wait until no other server makes this prompt. The kernel lets go of the lock of one that dies."""
        folder = self._library.folder / GENERATED
        folder.mkdir(parents=True, exist_ok=True)
        # Names that end alike share a file, so there are sixteen of them, and none has to be deleted.
        descriptor = os.open(folder / f".lock-{name[-1]}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while not _locked(descriptor) and not self._is_kept(name):  # noqa: ASYNC110 -- another process
                await asyncio.sleep(_LOCK_POLL_S)
            yield
        finally:
            os.close(descriptor)

    def _prune(self, made: str) -> None:
        """Delete the prompts that were not played for the longest time, but never the one just made."""
        paths: dict[str, list[Path]] = {}
        played: dict[str, float] = {}
        sizes: dict[str, int] = {}
        generated = PromptLibrary(self._library.folder / GENERATED)
        for name, path in generated.files():
            with contextlib.suppress(FileNotFoundError):
                state = path.stat()
                played[name] = max(state.st_mtime, played.get(name, 0.0))
                sizes[name] = sizes.get(name, 0) + state.st_size
                paths.setdefault(name, []).append(path)
        count, size = len(played), sum(sizes.values())
        for name in sorted(played, key=played.__getitem__):
            if count <= self._voices.kept and size <= self._voices.kept_bytes:
                break
            if f"{GENERATED}/{name}" == made:
                continue
            for path in paths[name]:
                path.unlink(missing_ok=True)
            count, size = count - 1, size - sizes[name]


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _now_s() -> float:
    return asyncio.get_running_loop().time()
