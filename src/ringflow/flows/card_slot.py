"""What slots have in common that ask for a card's number, a PIN or a code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeVar

from pydantic import Field

from ringflow.accounts.cards.card import ID_DIGITS
from ringflow.accounts.cards.pin import MAX_PIN_DIGITS
from ringflow.accounts.cards.refusal import Refusal, Why
from ringflow.accounts.check_digit import has_check_digit
from ringflow.calls.digits import Secret
from ringflow.flows.slot import AnyPrompt, SinglePrompt, Slot

if TYPE_CHECKING:
    from ringflow.calls.call import Call

Opened = TypeVar("Opened")
OpenCard = Callable[[str | None, str], Awaitable[Opened | Refusal]]
"""Opens a card by its ID and PIN, or by the PIN alone."""

MAX_ATTEMPTS = 10

_ENTER_AGAIN = frozenset({Why.MISTYPED, Why.UNKNOWN, Why.WRONG_PIN, Why.WRONG_CODE, Why.WRONG_PASSWORD})


class CardSlot(Slot):
    """Asks for numbers, some of them secret, and says why they were not taken."""

    WRONG: ClassVar[str] = "failed"

    file: SinglePrompt = "CARD/number"
    """Asks for the card's number; also after a PIN, where the PIN alone is not enough at the moment."""
    pin_file: SinglePrompt = "CARD/pin"
    """Asks for the PIN."""
    invalid_file: SinglePrompt = "CARD/wrong"
    """Played when a number, PIN or code is not right. Which of them it was is not said."""
    refused_file: SinglePrompt = "CARD/refused"
    """Played when the card or voucher is right and cannot be used: disabled, expired, used."""
    locked_file: SinglePrompt = "CARD/locked"
    """Played when there were too many wrong entries, and the caller has to wait."""
    no_input_file: SinglePrompt = "MISC/no-input"
    """Played when nothing was keyed."""
    attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] = 3
    """How often the caller is asked in all; with `silences`, how many wrong entries there may be."""
    silences: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] | None = None
    """How many times the caller may key nothing. Without it, silence is one of the `attempts`."""
    first_digit_timeout: Annotated[float, Field(gt=0, le=300)] = 10.0
    """Seconds to wait for the first digit, from the end of the prompt."""
    inter_digit_timeout: Annotated[float, Field(gt=0, le=300)] = 5.0
    """Seconds to wait between digits."""

    async def ask(
        self,
        call: Call,
        file: AnyPrompt,
        max_digits: int,
        *,
        secret: Secret,
        fixed_length: bool = True,
        before: Sequence[str] = (),
    ) -> str | None:
        """The digits that the caller keys, None for silence; more than `max_digits` where they are too many.

        With `fixed_length` nothing longer can be keyed: further digits are those of the next question.
        `before`: what is said in front of the question.
        """
        collected = await call.media.collect(
            *before,
            file,
            max_digits=max_digits,
            first_digit_timeout_s=self.first_digit_timeout,
            inter_digit_timeout_s=self.inter_digit_timeout,
            fixed_length=fixed_length,
            secret=secret,
        )
        return None if collected.nothing else collected.digits

    async def open_by_number(self, call: Call, open_card: OpenCard[Opened]) -> Opened | Refusal | None:
        """Ask for a card's number and PIN. A mistyped number is refused before the PIN; None: silence."""
        card_id = await self._ask_number(call)
        if not isinstance(card_id, str):
            return card_id
        pin = await self._ask_pin(call)
        return None if pin is None else await open_card(card_id, pin)

    async def open_by_pin(self, call: Call, open_card: OpenCard[Opened]) -> Opened | Refusal | None:
        """Ask for a PIN, and for the card's number too where the PIN alone is not enough at the moment."""
        pin = await self._ask_pin(call)
        if pin is None:
            return None
        found = await open_card(None, pin)
        if not isinstance(found, Refusal) or found.why is not Why.NEEDS_ID:
            return found
        call.note("card_number_needed")
        card_id = await self._ask_number(call)
        return await open_card(card_id, pin) if isinstance(card_id, str) else card_id

    async def _ask_pin(self, call: Call) -> str | None:
        return await self.ask(call, self.pin_file, MAX_PIN_DIGITS, secret=True, fixed_length=False)

    async def _ask_number(self, call: Call) -> str | Refusal | None:
        card_id = await self.ask(call, self.file, ID_DIGITS, secret=_may_be_a_pin)
        if card_id is None or has_check_digit(card_id, ID_DIGITS):
            return card_id
        return Refusal(Why.MISTYPED)

    def tries(self) -> Tries:
        """A caller begins with all of them."""
        return Tries(self.attempts, self.silences)

    async def refuse(
        self, call: Call, refusal: Refusal | None, tries: Tries, wrong: AnyPrompt | None = None
    ) -> str:
        """Say why nothing came of a try (None: silence), and count it; gives the exit that this leads to.

        `wrong`: what is played for a wrong entry instead of `invalid_file`.
        """
        which = tries.count(silent=refusal is None)
        if refusal is None:
            call.note("no_input", which)
            await call.media.play(self.no_input_file)
            return "no_input"
        call.note("card_refused", f"{refusal.why}, {which}")
        if refusal.why is Why.LOCKED:
            await call.media.play(self.locked_file)
            return "locked"
        again = refusal.why in _ENTER_AGAIN
        await call.media.play(wrong or self.invalid_file if again else self.refused_file)
        return self.WRONG


@dataclass(slots=True)
class Tries:
    """What a caller has left: wrong entries and silences are counted apart where the slot gives both."""

    attempts: int
    silences: int | None
    wrong: int = field(default=0, init=False)
    silent: int = field(default=0, init=False)

    @property
    def left(self) -> bool:
        """Whether the caller is asked once more."""
        if self.silences is None:
            return self.wrong + self.silent < self.attempts
        return self.wrong < self.attempts and self.silent < self.silences

    def count(self, *, silent: bool) -> str:
        """Count a try from which nothing came; gives which one it was, for people."""
        self.silent += silent
        self.wrong += not silent
        if self.silences is None:
            return f"attempt {self.wrong + self.silent} of {self.attempts}"
        return (
            f"silence {self.silent} of {self.silences}"
            if silent
            else f"attempt {self.wrong} of {self.attempts}"
        )


def _may_be_a_pin(digits: str) -> bool:
    """Whether a caller may have keyed the PIN where the card's number was asked for."""
    return not has_check_digit(digits, ID_DIGITS)
