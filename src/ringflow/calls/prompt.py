"""What a caller can be played: a prompt of the library, or words that are made for the call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from ringflow.calls.variables import Variables
from ringflow.errors import RingflowError
from ringflow.money import CURRENCY_DIGITS, MICRO_DIGITS, parse_amount
from ringflow.speaking import say_digits, say_money, say_number

MAX_SAID_LENGTH = 500
"""The longest text that is spoken in a call, in characters: about half a minute."""


class SaidAs(StrEnum):
    """How words are said."""

    TEXT = "text"
    """By a voice, as it stands."""
    DIGITS = "digits"
    """Digit by digit, in prompts of the library."""
    NUMBER = "number"
    """A whole number, in prompts of the library."""
    MONEY = "money"
    """An amount, in prompts of the library."""


@dataclass(frozen=True, slots=True)
class Speech:
    """Words to say in a language. `currency`: an ISO code, for money alone."""

    text: str
    language: str
    said_as: SaidAs = SaidAs.TEXT
    currency: str | None = None

    @property
    def shown(self) -> str:
        """The words as they may be printed."""
        return "".join(one if one.isprintable() else "?" for one in self.text)


class Sayable(Protocol):
    """What becomes words with the variables of a call; a flow's prompt with `say` is one."""

    def speech(self, variables: Variables) -> Speech:
        """The words. Raises `Unsayable` for a secret, and what filling in a text raises."""


@dataclass(frozen=True, slots=True)
class Words:
    """Words in a language, the same whatever the call's variables hold."""

    text: str
    language: str

    def speech(self, variables: Variables) -> Speech:
        """As they stand."""
        return Speech(self.text, self.language)


Prompt: TypeAlias = str | Sayable
"""A name in the library, or words."""


class Unsayable(RingflowError):
    """Words that cannot be said: no number where one is meant, a secret, or no voice."""


class Voice(Protocol):
    """Speaks texts; what it spoke is a prompt of the library."""

    async def prompt_of(self, text: str, language: str) -> str:
        """The name of a prompt with this text, made where it is not there. Raises a `RingflowError`."""


async def prompts_of(speech: Speech, voice: Voice | None) -> Sequence[str]:
    """The library's prompts that say some words, in order. Raises `Unsayable`."""
    if speech.said_as is not SaidAs.TEXT:
        return number_prompts(speech)
    if not speech.text.strip():
        return ()
    if len(speech.text) > MAX_SAID_LENGTH:
        raise Unsayable(f"the text has {len(speech.text)} characters, and {MAX_SAID_LENGTH} are the most")
    if voice is None:
        raise Unsayable("no voice speaks texts here")
    try:
        return (await voice.prompt_of(speech.text, speech.language),)
    except RingflowError as error:
        raise Unsayable(str(error)) from error


def number_prompts(speech: Speech) -> Sequence[str]:
    """The prompts of digits, a number or an amount. Raises `Unsayable` for a text that is none."""
    text = speech.text.strip()
    try:
        if speech.said_as is SaidAs.DIGITS:
            return say_digits(text, speech.language)
        if speech.said_as is SaidAs.NUMBER:
            return say_number(int(text), speech.language)
        micros = parse_amount(text, speech.currency or "", decimals=MICRO_DIGITS, signed=True)
        return say_money(micros, speech.currency or "", speech.language)
    except (ValueError, RingflowError) as error:
        raise Unsayable(f"it is not {_MEANT[speech.said_as]}") from error


def is_currency(code: str) -> bool:
    """Whether there is a currency of this ISO code."""
    return code in CURRENCY_DIGITS


_MEANT = {SaidAs.DIGITS: "digits", SaidAs.NUMBER: "a whole number", SaidAs.MONEY: "an amount"}
