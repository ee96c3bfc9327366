"""What a caller can be played: a prompt of the library, or words that are made for the call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Protocol, TypeAlias

from ringflow.calls.json_value import JsonValue, as_text
from ringflow.calls.variables import Variables
from ringflow.errors import RingflowError
from ringflow.sounds.utterance import Utterance
from ringflow.speaking import Manner, words_of
from ringflow.wording import quoted

MAX_SAID_LENGTH = 500
"""The longest text that is spoken in place of a prompt, in characters: about half a minute."""

MAX_SPOKEN_LENGTH = 2_000
"""The longest text that is spoken in a call at all, in characters: about two minutes."""


@dataclass(frozen=True, slots=True)
class SaidValue:
    """A value to be said in a manner, in prompts of the library. `written`: as it stands in the flow."""

    value: JsonValue
    manner: Manner
    written: str = ""


Speech: TypeAlias = SaidValue | Utterance
"""Something to say: a value in prompts of the library, or a text by a voice."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides how a value is said besides the flow: time zone, country and present moment."""

    zone: tzinfo
    country: str
    now_s: float


class Sayable(Protocol):
    """What becomes words with the variables of a call; a flow's prompt with `say` is one."""

    def speech(self, variables: Variables, circumstances: Circumstances) -> Speech:
        """The words. Raises `Unsayable` for a secret, and what filling in a text raises."""


@dataclass(frozen=True, slots=True)
class Words:
    """Words in a language, the same whatever the call's variables hold."""

    text: str
    language: str

    def speech(self, variables: Variables, circumstances: Circumstances) -> Speech:
        """As they stand."""
        return Utterance(self.text, self.language)


Prompt: TypeAlias = str | Sayable
"""A name in the library, or words."""


class Unsayable(RingflowError):
    """Words that cannot be said: no number where one is meant, a secret, or no voice."""


class Voice(Protocol):
    """Speaks texts; what it spoke is a prompt of the library."""

    async def prompt_of(self, utterance: Utterance) -> str:
        """The name of a prompt with this text, made where it is not there. Raises a `RingflowError`."""


def shown(speech: Speech) -> str:
    """What is said, as it may be printed."""
    text = speech.text if isinstance(speech, Utterance) else as_text(speech.value)
    return "".join(one if one.isprintable() else "?" for one in text)


async def prompts_of(speech: Speech, voice: Voice | None) -> Sequence[str]:
    """The library's prompts that say it, in order: none for a text without words. Raises `Unsayable`."""
    if isinstance(speech, SaidValue):
        try:
            return value_prompts(speech.value, speech.manner)
        except Unsayable as error:
            raise Unsayable(f"{quoted(speech.written)}: {error}" if speech.written else str(error)) from error
    if not speech.text.strip():
        return ()
    if voice is None:
        raise Unsayable("no voice speaks texts here")
    try:
        return (await voice.prompt_of(speech),)
    except RingflowError as error:
        raise Unsayable(str(error)) from error


def value_prompts(value: JsonValue, manner: Manner) -> Sequence[str]:
    """The prompts of a value. Raises `Unsayable` for one that cannot be said so."""
    try:
        return words_of(value, manner).prompts()
    except RingflowError as error:
        raise Unsayable(str(error)) from error
