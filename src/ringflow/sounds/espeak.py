"""espeak-ng, the program that speaks where nothing else is configured: what it takes, and how it is run."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from ringflow.errors import Refused, StartError, Unknown

PROGRAM = "espeak-ng"
DEFAULT_VOICE = "en-gb"
# espeak-ng's own 175 words a minute are too fast for a caller who waits for instructions.
DEFAULT_WORDS_PER_MINUTE = 150
MIN_WORDS_PER_MINUTE, MAX_WORDS_PER_MINUTE = 80, 450
MAX_TEXT_LENGTH = 2_000
SPEAKING_LIMIT_S = 60

# A voice is also a file name to espeak-ng, so it must not climb out of the folder of voices.
_VOICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\+[A-Za-z0-9_-]+)?")


def can_speak() -> bool:
    """Whether there is a voice at all: espeak-ng is installed."""
    return shutil.which(PROGRAM) is not None


def run_espeak(text: str, voice: str, words_per_minute: int, spoken: Path, *, is_ssml: bool = False) -> None:
    """Speak a text, or SSML, into the WAV file `spoken`.

    For a text without a sound there is no file. Raises `Refused` for text, voice or speed, `StartError`
    without espeak-ng.
    """
    check_speech(text, voice, words_per_minute)
    program = shutil.which(PROGRAM)
    if program is None:
        raise StartError("prompts are spoken by espeak-ng, which is not installed: apt install espeak-ng")
    options = ["-v", voice, "-s", str(words_per_minute), "-w", str(spoken), *(["-m"] if is_ssml else [])]
    _run_program(program, options, text, voice)


def check_speech(text: str, voice: str, words_per_minute: int) -> None:
    """Raise `Refused` for a text, a voice or a speed that espeak-ng is not given."""
    if not text.strip():
        raise Refused("speech.empty", "there is nothing to say: the text is empty")
    if len(text) > MAX_TEXT_LENGTH:
        raise Refused(
            "speech.too_long",
            f"the text has {len(text)} characters, at most {MAX_TEXT_LENGTH}: make two prompts of it",
            most=MAX_TEXT_LENGTH,
        )
    if not _VOICE.fullmatch(voice):
        raise Refused(
            "speech.malformed_voice",
            f"{voice!r} is not a voice: use one that `espeak-ng --voices` lists, such as en-gb",
            voice=voice,
        )
    if not MIN_WORDS_PER_MINUTE <= words_per_minute <= MAX_WORDS_PER_MINUTE:
        raise Refused(
            "speech.malformed_speed",
            f"a speed is {MIN_WORDS_PER_MINUTE} to {MAX_WORDS_PER_MINUTE} words a minute",
            low=MIN_WORDS_PER_MINUTE,
            high=MAX_WORDS_PER_MINUTE,
        )


def _run_program(program: str, options: list[str], text: str, voice: str) -> None:
    # The text goes through standard input: on the command line a leading `-` would be an option.
    command = [program, *options, "-b", "1", "--stdin"]
    try:
        done = subprocess.run(
            command, input=text.encode(), capture_output=True, timeout=SPEAKING_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise StartError(f"espeak-ng did not finish within {SPEAKING_LIMIT_S} s") from error
    except OSError as error:
        raise StartError(f"espeak-ng cannot be run: {error.strerror}") from error
    said = done.stderr.decode(errors="replace").strip().splitlines()
    if "voice" in " ".join(said).lower():
        raise Unknown(
            "speech.unknown_voice",
            f"espeak-ng has no voice `{voice}`: `espeak-ng --voices` lists what it has",
            voice=voice,
        )
    if done.returncode:
        raise StartError(f"espeak-ng failed: {said[-1] if said else f'exit code {done.returncode}'}")
