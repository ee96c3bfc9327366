"""Slot `speed_dial`: a customer's numbers under the keys 0 to 99: dial, store, list, delete."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from ringflow.accounts.customers import Customer
from ringflow.calls.digits import FIRST_DIGIT_TIMEOUT_S, INTER_DIGIT_TIMEOUT_S
from ringflow.calls.prompt import Prompt
from ringflow.flows.exit_rules import Condition, matching
from ringflow.flows.slot import FieldProblem, SinglePrompt, Slot, SlotGroup, VariableName
from ringflow.flows.spoken import Language, words_of
from ringflow.flows.template import Template
from ringflow.speaking import SaidAs, say_digits, say_number
from ringflow.wording import quoted

if TYPE_CHECKING:
    from ringflow.calls.call import Call

MAX_ATTEMPTS = 10
PLACE_DIGITS = 2
MAX_NUMBER = 32
MAX_SAID = 100

_ACTIONS_WITH_KEY = ("dial", "store", "delete")
_PROMPTS_OF = {
    "number_file": ("store",),
    "stored_file": ("store",),
    "deleted_file": ("delete",),
    "empty_file": ("dial", "delete"),
    "none_file": ("list",),
    "key_file": ("list",),
    "file": _ACTIONS_WITH_KEY,
    "invalid_file": _ACTIONS_WITH_KEY,
    "no_input_file": _ACTIONS_WITH_KEY,
}
"""Which actions play each of the prompts."""


class SpeedDial(Slot):
    """Dials, stores, lists or deletes the numbers that the customer who pays keeps under short keys."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.CALLERS
    fixed_exits: ClassVar[tuple[str, ...]] = ("done", "empty", "no_input", "invalid", "unknown")
    exit_conditions: ClassVar[Mapping[str, Condition]] = {
        "empty": {"not": matching("action", {"const": "store"})},
        "no_input": {"not": matching("action", {"const": "list"})},
        "invalid": {"not": matching("action", {"const": "list"})},
    }
    sip_codes: ClassVar[Mapping[str, int]] = {"unknown": 403}

    action: Literal["dial", "store", "list", "delete"] = "dial"
    """`dial`: the number under a key into `result`; `store`: a number under a key, replacing what was there;
    `list`: all of them are said; `delete`: the number under a key is forgotten."""
    key: Template | None = None
    """The key, 0 to 99, such as `${keyed}`; without it the caller is asked."""
    number: Template | None = None
    """The number that is stored, such as `${ivr_destination}`; without it the caller is asked."""
    result: VariableName = "ivr_destination"
    """The variable that gets the number, with `action: dial`."""
    file: SinglePrompt = "DIAL/place"
    """Asks for the key."""
    number_file: SinglePrompt = "DIAL/number"
    """Asks for the number that is stored."""
    stored_file: SinglePrompt = "DIAL/stored"
    """Played when the number is stored."""
    deleted_file: SinglePrompt = "DIAL/deleted"
    """Played when the number is deleted."""
    empty_file: SinglePrompt = "DIAL/empty"
    """Played when nothing is stored under the key."""
    none_file: SinglePrompt = "DIAL/none"
    """Played, with `action: list`, when nothing is stored at all."""
    key_file: SinglePrompt = "DIAL/key"
    """Played, with `action: list`, before each key."""
    invalid_file: SinglePrompt = "MISC/error"
    """Played when what was keyed is no key, or no number."""
    no_input_file: SinglePrompt = "MISC/no-input"
    """Played when nothing was keyed."""
    attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] = 3
    """How often the caller is asked for each of the two in all."""
    first_digit_timeout: Annotated[float, Field(gt=0, le=300)] = float(FIRST_DIGIT_TIMEOUT_S)
    """Seconds to wait for the first digit, from the end of the prompt."""
    inter_digit_timeout: Annotated[float, Field(gt=0, le=300)] = float(INTER_DIGIT_TIMEOUT_S)
    """Seconds to wait between digits."""
    language: Language | None = None
    """The language in which `list` says keys and numbers; without one that of the call."""

    @property
    def exits(self) -> tuple[str, ...]:
        """Who has the numbers said keys nothing; nothing is empty where something is stored."""
        if self.action == "list":
            return ("done", "empty", "unknown")
        return tuple(one for one in self.fixed_exits if one != "empty" or self.action != "store")

    def problems(self) -> Iterator[FieldProblem]:
        """Fields that the action has no use for, and a key that is none."""
        if self.key is not None and self.action == "list":
            yield FieldProblem("key", "`list` says all of the keys", "remove it, or choose another action")
        if self.key is not None and self.key.is_literal and _place(self.key.text) is None:
            yield FieldProblem("key", f"{quoted(self.key.text)} is no key", "write a number from 0 to 99")
        if "action" not in self.model_fields_set:
            return
        if self.number is not None and self.action != "store":
            what = f"`{self.action}` stores no number"
            yield FieldProblem("number", what, "remove it, or write `action: store`")
        if "result" in self.model_fields_set and self.action != "dial":
            what = f"`{self.action}` sets no variable"
            yield FieldProblem("result", what, "remove it, or write `action: dial`")
        for name, actions in _PROMPTS_OF.items():
            if name in self.model_fields_set and self.action not in actions:
                what = f"`{self.action}` never plays it"
                yield FieldProblem(name, what, f"it goes with `action: {actions[0]}`")

    def sets(self) -> Mapping[str, frozenset[str]]:
        """The number that is dialled."""
        return {"done": frozenset({self.result})} if self.action == "dial" else {}

    def prompts(self) -> Iterator[tuple[str, str]]:
        """Those of the action, and the words of the language where numbers are said."""
        for name, prompt in super().prompts():
            if self.action in _PROMPTS_OF.get(name, (self.action,)):
                yield name, prompt
        if self.action == "list":
            yield from words_of(self.language, SaidAs.NUMBER, SaidAs.DIGITS)

    async def run(self, call: Call) -> str:
        """Do what the action says; `unknown` where nobody has been identified."""
        customer = call.account.customer
        if customer is None:
            return "unknown"
        if self.action == "list":
            return await self._say_all(call, customer)
        asked = await self._ask_key(call)
        if isinstance(asked, str):
            return asked
        book = call.account.caller_accounts.phone_book
        if self.action == "store":
            return await self._store(call, customer, asked)
        if self.action == "delete":
            gone = await book.forget(customer.id, asked)
            await call.media.play(self.deleted_file if gone else self.empty_file)
            return "done" if gone else "empty"
        number = await book.number(customer.id, asked)
        if number is None:
            await call.media.play(self.empty_file)
            return "empty"
        call.variables.store(self.result, number)
        return "done"

    async def _say_all(self, call: Call, customer: Customer) -> str:
        kept = await call.account.caller_accounts.phone_book.every(customer.id)
        if not kept:
            await call.media.play(self.none_file)
            return "empty"
        language = self.language or call.language
        for one in kept[:MAX_SAID]:
            said: list[Prompt] = [self.key_file, *say_number(one.place, language)]
            await call.media.play(*said, *say_digits(one.number, language))
        return "done"

    async def _store(self, call: Call, customer: Customer, place: int) -> str:
        book = call.account.caller_accounts.phone_book
        if self.number is not None:
            kept = await book.keep(customer.id, place, self.number.render(call.variables.visible))
            await call.media.play(self.stored_file if kept else self.invalid_file)
            return "done" if kept else "invalid"
        for attempt in range(1, self.attempts + 1):
            number = await self._ask(call, self.number_file, MAX_NUMBER)
            if number is None:
                ended = await self._wrong(call, "no_input", attempt)
            elif await book.keep(customer.id, place, number):
                await call.media.play(self.stored_file)
                return "done"
            else:
                ended = await self._wrong(call, "invalid", attempt)
        return ended

    async def _ask_key(self, call: Call) -> int | str:
        """The key that is given or keyed, or the exit without one."""
        if self.key is not None:
            place = _place(self.key.render(call.variables.visible))
            if place is None:
                await call.media.play(self.invalid_file)
            return "invalid" if place is None else place
        for attempt in range(1, self.attempts + 1):
            keys = await self._ask(call, self.file, PLACE_DIGITS)
            place = None if keys is None else _place(keys)
            if place is not None:
                return place
            ended = await self._wrong(call, "no_input" if keys is None else "invalid", attempt)
        return ended

    async def _ask(self, call: Call, file: Prompt, max_digits: int) -> str | None:
        collected = await call.media.collect(
            file,
            max_digits=max_digits,
            first_digit_timeout_s=self.first_digit_timeout,
            inter_digit_timeout_s=self.inter_digit_timeout,
        )
        return None if collected.nothing else collected.digits

    async def _wrong(self, call: Call, what: str, attempt: int) -> str:
        call.note(what, f"attempt {attempt} of {self.attempts}")
        await call.media.play(self.no_input_file if what == "no_input" else self.invalid_file)
        return what


def _place(text: str) -> int | None:
    """The key that a text names; None: it names none."""
    keys = text.removesuffix("#")
    return int(keys) if keys.isascii() and keys.isdigit() and len(keys) <= PLACE_DIGITS else None
