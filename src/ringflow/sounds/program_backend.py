"""A program as the backend of speech: the text on its standard input, a WAV file on its standard output."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ringflow.config import SpeechBackendConfig, SpeechPiperConfig
from ringflow.sounds.speech_backend import BackendDown, SpeechFailed
from ringflow.sounds.utterance import Utterance

_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "LD_LIBRARY_PATH")
"""Of the environment; the rest may hold secrets."""

_BLOCK_BYTES = 64 * 1024
_MAX_COMPLAINT = 200


class ProgramBackend:
    """Speaks by a program, which is run without a shell. `{language}` and `{voice}` are filled in."""

    at_once = 2

    def __init__(self, command: Sequence[str], config: SpeechBackendConfig) -> None:
        self.takes_ssml = config.ssml
        self.identity = config.model_dump_json()
        self._command = command
        self._timeout_s = config.timeout_s
        self._max_bytes = round(config.max_mb * 1_000_000)

    def lacks(self, language: str, voice: str | None) -> tuple[str, str] | None:
        """The program."""
        program = self._command[0]
        if shutil.which(program) is not None:
            return None
        return f"the program `{program}` is not there, or cannot be run", "install it, or name its path"

    async def speak(self, utterance: Utterance, voice: str | None, folder: Path) -> Path:
        """Run the program once."""
        values = {"{language}": utterance.language, "{voice}": voice or ""}
        arguments = [_filled(one, values) for one in self._command]
        return await self._run(arguments, utterance.text, folder)

    async def _run(self, arguments: Sequence[str], text: str, folder: Path) -> Path:
        program = arguments[0]
        environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        try:
            process = await asyncio.create_subprocess_exec(
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=folder,
                env=environment,
                # What it starts is ended with it.
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise BackendDown(f"`{program}` cannot be run: {error}") from error
        try:
            async with asyncio.timeout(self._timeout_s):
                sound, complaint = await self._talk(process, text, folder)
                code = await process.wait()
        except TimeoutError:
            raise BackendDown(f"`{program}` did not finish within {self._timeout_s:g} s") from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        if code:
            raise SpeechFailed(f"`{program}` ended with code {code}: {complaint or 'it said nothing'}")
        if not sound.stat().st_size:
            raise SpeechFailed(f"`{program}` wrote no sound to its standard output")
        return sound

    async def _talk(self, process: asyncio.subprocess.Process, text: str, folder: Path) -> tuple[Path, str]:
        """Give it the text, and take what it writes: the sound, and the end of its complaints."""
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        complaints = asyncio.create_task(_last_line(process.stderr))
        try:
            with suppress(BrokenPipeError, ConnectionResetError):
                process.stdin.write(text.encode())
                await process.stdin.drain()
                process.stdin.close()
            sound, size = folder / "spoken.wav", 0
            with sound.open("wb") as file:
                while block := await process.stdout.read(_BLOCK_BYTES):
                    size += len(block)
                    if size > self._max_bytes:
                        raise SpeechFailed(f"the sound is larger than {self._max_bytes / 1e6:g} MB")
                    file.write(block)
            return sound, await complaints
        finally:
            complaints.cancel()


class PiperBackend(ProgramBackend):
    """Speaks by Piper: a model for each language, or for each voice that flows name.

    The options are those of both of its programs: rhasspy/piper, main.cpp; OHF-Voice/piper1-gpl, __main__.py.
    """

    def __init__(
        self, piper: SpeechPiperConfig, config: SpeechBackendConfig, models: dict[str, Path]
    ) -> None:
        super().__init__((piper.program,), config)
        self._models = models

    def lacks(self, language: str, voice: str | None) -> tuple[str, str] | None:
        """The program, or a model."""
        model = self._models.get(voice or language)
        if model is None:
            return f"Piper has no model for `{voice or language}`", "name its file under `models`"
        if not model.is_file():
            return f"Piper's model {model} is not there", "download it, or name its path"
        return super().lacks(language, voice)

    async def speak(self, utterance: Utterance, voice: str | None, folder: Path) -> Path:
        """Run Piper once."""
        lacking = self.lacks(utterance.language, voice)
        if lacking is not None:
            raise SpeechFailed(": ".join(lacking))
        model = self._models[voice or utterance.language]
        # It speaks each line of its input by itself, and may write only the last one.
        text = " ".join(utterance.text.split())
        return await self._run([*self._command, "-m", str(model), "-f", "-"], text, folder)


def _filled(text: str, values: dict[str, str]) -> str:
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text


async def _last_line(stream: asyncio.StreamReader) -> str:
    kept = b""
    while block := await stream.read(_BLOCK_BYTES):
        kept = (kept + block)[-_BLOCK_BYTES:]
    lines = kept.decode(errors="replace").strip().splitlines()
    return lines[-1][:_MAX_COMPLAINT] if lines else ""
