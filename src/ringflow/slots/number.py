"""Slot `number`: asks for the number to call; keys of the operator's choice lead elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from ringflow.calls.digits import FIRST_DIGIT_TIMEOUT_S, INTER_DIGIT_TIMEOUT_S, Collected
from ringflow.calls.key_options import KeyOptions
from ringflow.calls.outcome import Ending
from ringflow.flows.exit_rules import Condition, given
from ringflow.flows.key_options import Options, key_exits
from ringflow.flows.slot import (
    KEYS_PATTERN,
    AnyPrompt,
    FieldProblem,
    OwnExits,
    SinglePrompt,
    Slot,
    SlotGroup,
    VariableName,
)
from ringflow.wording import quoted

if TYPE_CHECKING:
    from ringflow.calls.call import Call

MAX_ATTEMPTS = 20
MAX_NUMBER = 32
PLACE_DIGITS = 2
"""Speed-dial keys go to 99."""


class Number(Slot):
    """Asks for the number to call, or takes the one that was dialled behind the DID."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.CALLERS
    fixed_exits: ClassVar[tuple[str, ...]] = ("done", "no_input", "invalid", "too_many")
    own_exits: ClassVar[OwnExits | None] = key_exits("codes")
    exit_conditions: ClassVar[Mapping[str, Condition]] = {"too_many": given("wrong_limit")}

    file: SinglePrompt = "IVR/ivr-please"
    """The prompt that asks for the number."""
    invalid_file: SinglePrompt = "MISC/error"
    """Played when what was keyed is no number, no service code, and no speed-dial key."""
    no_input_file: SinglePrompt = "MISC/no-input"
    """Played when nothing was keyed."""
    empty_file: SinglePrompt = "DIAL/empty"
    """Played when nothing is stored under a speed-dial key."""
    min: Annotated[int, Field(ge=1, le=MAX_NUMBER)] = 7
    """How few digits a number has."""
    max: Annotated[int, Field(ge=1, le=MAX_NUMBER)] = 15
    """How many digits a number has at most."""
    codes: Options = Field(default_factory=dict)
    """Service codes: where keys lead that are no number, such as `{"*1": balance, "0#": "app:operator"}`."""
    speed_dial: bool = False
    """Whether one or two digits and a terminator call the number that the customer keeps under them, unless
    they are one of the `codes`."""
    attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] = 3
    """How often the caller is asked in all, each time that the call comes to this slot."""
    wrong_limit: Annotated[int, Field(ge=1, le=100)] | None = None
    """How many wrong numbers in a row end the slot by `too_many`. They are counted over the whole call, with
    those that were not put through."""
    terminators: Annotated[str, Field(pattern=KEYS_PATTERN)] = "#"
    """Keys that end the number."""
    first_digit_timeout: Annotated[float, Field(gt=0, le=300)] = float(FIRST_DIGIT_TIMEOUT_S)
    """Seconds to wait for the first digit, from the end of the prompt."""
    inter_digit_timeout: Annotated[float, Field(gt=0, le=300)] = float(INTER_DIGIT_TIMEOUT_S)
    """Seconds to wait between digits."""
    barge_in: bool = True
    """Whether a key stops the prompt and counts."""
    brought: bool = True
    """Whether the number that was dialled behind a DID such as `5061999{number}` is taken without asking, the
    first time that the call comes to such a slot."""
    result: VariableName = "ivr_destination"
    """The variable that gets the number."""

    @property
    def exits(self) -> tuple[str, ...]:
        """`too_many` with a limit only, and each service code."""
        fixed = self.fixed_exits if self.wrong_limit is not None else self.fixed_exits[:-1]
        return (*fixed, *self.codes)

    @property
    def targets(self) -> Mapping[str, str]:
        """Those of the codes, and of `on`."""
        return {**self.on, **self.codes}

    def written_at(self, exit_name: str) -> tuple[str | int, ...]:
        """A service code stands in `codes`."""
        return ("codes" if exit_name in self.codes else "on", exit_name)

    def sets(self) -> Mapping[str, frozenset[str]]:
        """The number, where there is one."""
        return {"done": frozenset({self.result})}

    def problems(self) -> Iterator[FieldProblem]:
        """Lengths that cannot be met, codes that are numbers or speed-dial keys, limits that do nothing."""
        if self.min > self.max:
            yield FieldProblem("min", f"min {self.min} is more than max {self.max}", "swap them")
        for code in self.codes:
            yield from self._code_problems(code)
        if self.speed_dial and self.min <= PLACE_DIGITS:
            what = f"a number of {self.min} digits cannot be told from a speed-dial key"
            yield FieldProblem("speed_dial", what, f"let numbers have more than {PLACE_DIGITS} digits: `min`")
        if self.speed_dial and not self.terminators:
            what = "nothing ends a speed-dial key: there are no `terminators`"
            yield FieldProblem("speed_dial", what, 'write `terminators: "#"`')

    def _code_problems(self, code: str) -> Iterator[FieldProblem]:
        digits = code.rstrip(self.terminators)
        if not digits:
            what = f"the code {quoted(code)} ends an input: it is one of the `terminators`"
            yield FieldProblem("codes", what, "begin codes with *", (code,))
        elif digits.isdigit() and self.min <= len(digits) <= self.max:
            what = f"the code {quoted(code)} may be a number: numbers have {self.min} to {self.max} digits"
            yield FieldProblem("codes", what, f"begin it with *, such as *{digits[:2]}", (code,))

    def prompts(self) -> Iterator[tuple[str, str]]:
        """Return the names of the prompts that this slot may play."""
        yield from (one for one in super().prompts() if one[0] != "empty_file" or self.speed_dial)

    async def run(self, call: Call) -> str:
        """Take the number behind the DID, or ask until there is one or a limit is reached."""
        if self._too_many(call):
            return self._leave_too_many(call)
        if (brought := call.numbers.take_brought() if self.brought else None) is not None:
            call.note("number_behind_did", brought)
            if await call.outgoing.names_number(brought):
                return self._found(call, brought)
            await self._refuse(call, brought, "behind the DID")
            if self._too_many(call):
                return self._leave_too_many(call)
        for attempt in range(1, self.attempts + 1):
            collected = await self._ask(call)
            keys, place = collected.digits, self._place(collected)
            if keys in self.codes:
                return keys
            if collected.nothing:
                ended = "no_input"
                await self._tell(call, ended, attempt, self.no_input_file)
                continue
            ended = "invalid"
            if place is None:
                if await self._is_number(call, collected):
                    return self._found(call, keys)
                await self._refuse(call, keys, f"attempt {attempt} of {self.attempts}")
            elif (number := await self._kept_number(call, place)) is not None:
                return self._found(call, number)
            else:
                await self._tell(call, "speed_dial_empty", attempt, self.empty_file)
            if self._too_many(call):
                return self._leave_too_many(call)
        return ended

    async def _ask(self, call: Call) -> Collected:
        return await call.media.collect(
            self.file,
            max_digits=self.max,
            terminators=self.terminators,
            first_digit_timeout_s=self.first_digit_timeout,
            inter_digit_timeout_s=self.inter_digit_timeout,
            barge_in=self.barge_in,
            options=KeyOptions(frozenset(self.codes)) if self.codes else None,
        )

    def _place(self, collected: Collected) -> int | None:
        """The speed-dial key that was keyed; None: something else."""
        keys = collected.digits
        is_place = self.speed_dial and keys.isdigit() and len(keys) <= PLACE_DIGITS
        return int(keys) if is_place and keys not in self.codes else None

    async def _is_number(self, call: Call, collected: Collected) -> bool:
        keys = collected.digits
        if collected.ending in (Ending.TOO_LONG, Ending.NO_OPTION) or not self.min <= len(keys) <= self.max:
            return False
        return await call.outgoing.names_number(keys)

    async def _kept_number(self, call: Call, place: int) -> str | None:
        customer = call.account.customer
        if customer is None:
            return None
        return await call.account.caller_accounts.phone_book.number(customer.id, place)

    def _found(self, call: Call, number: str) -> str:
        call.variables.store(self.result, number)
        return "done"

    async def _refuse(self, call: Call, keys: str, when: str) -> None:
        """Say that what was keyed is no number. A code that is not there is not a wrong number."""
        call.note("invalid", when)
        if keys.isdigit():
            call.numbers.note_wrong()
        await call.media.play(self.invalid_file)

    async def _tell(self, call: Call, what: str, attempt: int, file: AnyPrompt) -> None:
        call.note(what, f"attempt {attempt} of {self.attempts}")
        await call.media.play(file)

    def _too_many(self, call: Call) -> bool:
        wrong = call.numbers.wrong_in_a_row(call.outgoing.legs)
        return self.wrong_limit is not None and wrong >= self.wrong_limit

    def _leave_too_many(self, call: Call) -> str:
        call.note("too_many", f"wrong numbers in a row: {self.wrong_limit}")
        return "too_many"
