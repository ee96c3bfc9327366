"""Slot `ivr`: plays a prompt, takes digits, and keeps them in a variable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from ringflow.calls.dial_attempt import DialOptions
from ringflow.calls.digits import (
    ALL_KEYS,
    FIRST_DIGIT_TIMEOUT_S,
    INTER_DIGIT_TIMEOUT_S,
    MAX_DIGITS,
    Collected,
)
from ringflow.calls.outcome import Ending, LegStatus
from ringflow.flows.exit_rules import AppField, Condition, both, given, matching
from ringflow.flows.number_text import number_problems
from ringflow.flows.regex_lengths import regex_lengths
from ringflow.flows.regex_text import Regex, matches_whole
from ringflow.flows.slot import (
    APP_PREFIX,
    KEYS_PATTERN,
    FieldProblem,
    Jump,
    SinglePrompt,
    Slot,
    SlotGroup,
    SlotResult,
    VariableName,
)
from ringflow.flows.template import Template
from ringflow.wording import counted

if TYPE_CHECKING:
    from ringflow.calls.call import Call

MAX_ATTEMPTS = 20
_TO_APP = matching("transfer_on_failure", {"type": "string", "pattern": f"^{APP_PREFIX}."})


class Ivr(Slot):
    """Plays a prompt and takes digits; too few, too many or the wrong ones are asked for again."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.CALLERS
    fixed_exits: ClassVar[tuple[str, ...]] = ("done", "no_input", "invalid", "transferred")
    exit_conditions: ClassVar[Mapping[str, Condition]] = {
        "no_input": {"not": _TO_APP},
        "invalid": {"not": _TO_APP},
        "transferred": both(given("transfer_on_failure"), {"not": _TO_APP}),
    }
    app_fields: ClassVar[tuple[AppField, ...]] = (
        AppField("transfer_on_failure", returns=False, prefix=APP_PREFIX),
    )

    file: SinglePrompt
    """The prompt that asks for the digits."""
    invalid_file: SinglePrompt | None = None
    """Played when the digits are not right."""
    no_input_file: SinglePrompt | None = None
    """Played when nothing was keyed; `invalid_file` where this is not given."""
    min: Annotated[int, Field(ge=0, le=MAX_DIGITS)] = 1
    """How few digits are enough."""
    max: Annotated[int, Field(ge=1, le=MAX_DIGITS)] = MAX_DIGITS
    """How many digits are right at most; after the last one, no terminator is needed."""
    longer: Literal["invalid", "next"] | None = None
    """What comes of keys past `max`. `invalid`: the input is too long, and is asked for again. `next`: they
    belong to the next input. Without it `next` where `max` is 1, else `invalid`."""
    terminators: Annotated[str, Field(pattern=KEYS_PATTERN)] = "#"
    """Keys that end the input. They are not part of it."""
    attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] = 3
    """How often the caller is asked in all."""
    first_digit_timeout: Annotated[float, Field(gt=0, le=300)] = float(FIRST_DIGIT_TIMEOUT_S)
    """Seconds to wait for the first digit, from the end of the prompt."""
    inter_digit_timeout: Annotated[float, Field(gt=0, le=300)] = float(INTER_DIGIT_TIMEOUT_S)
    """Seconds to wait between digits."""
    barge_in: bool = True
    """Whether a key stops the prompt and counts. If not, keys during the prompt are ignored."""
    regex: Regex | None = None
    """What the whole of the digits must match (RE2 syntax)."""
    result: VariableName
    """The variable that gets the digits."""
    secret: bool = False
    """Whether the digits are a secret: then transcripts, logs and records have `****` for them."""
    transfer_on_failure: Template | None = None
    """Where the caller is put through when the attempts are used up: a number, or `app:NAME`."""

    def problems(self) -> Iterator[FieldProblem]:
        """Lengths that cannot be met, terminators that the input needs, a transfer that cannot be made."""
        if self.min > self.max:
            yield FieldProblem("min", f"min {self.min} is more than max {self.max}", "swap them")
        else:
            yield from self._impossible_inputs()
        target = self.transfer_on_failure
        if target is None or self._transfer_app() is not None:
            return
        for wrong in number_problems("transfer_on_failure", target, "write digits or app:NAME"):
            yield replace(wrong, what=wrong.what.replace("is not a number", "is neither"))

    def _impossible_inputs(self) -> Iterator[FieldProblem]:
        """A `regex` that no input matches which `min`, `max` and `terminators` allow."""
        if self.regex is None:
            return
        lengths = self._lengths(self.terminators)
        if lengths is None or any(self.min <= length <= self.max for length in lengths):
            return
        if lengths:
            of = "min" if lengths[-1] < self.min else "max"
            limit = self.min if of == "min" else self.max
            what = f"what matches has {_in_digits(lengths)}, and `{of}` is {limit}"
            yield FieldProblem("regex", what, f"change `regex` or `{of}`")
            return
        if not self._lengths(""):
            yield FieldProblem("regex", "nothing that can be keyed matches", "keys are 0-9 * #")
            return
        ending = [key for key in self.terminators if not self._lengths(key)] or list(self.terminators)
        what = f"nothing that can be keyed matches: {' '.join(sorted(set(ending)))} ends the input"
        yield FieldProblem("regex", what, "take the key out of `terminators` or of `regex`")

    def _lengths(self, terminators: str) -> list[int] | None:
        keys = "".join(key for key in ALL_KEYS if key not in terminators)
        return regex_lengths(self.regex or "", keys, MAX_DIGITS)

    def sets(self) -> Mapping[str, frozenset[str]]:
        """The result is certain only where the input was right."""
        return {"done": frozenset({self.result})}

    def secrets(self) -> frozenset[str]:
        """The result, if it is secret."""
        return frozenset({self.result} if self.secret else ())

    @property
    def exits(self) -> tuple[str, ...]:
        """With a transfer to an app, only `done` is left; without a transfer, nobody is transferred."""
        if self._transfer_app():
            return ("done",)
        if self.transfer_on_failure:
            return self.fixed_exits
        return tuple(one for one in self.fixed_exits if one != "transferred")

    def jumps(self) -> frozenset[str]:
        """The app of a transfer."""
        app = self._transfer_app()
        return frozenset({app}) if app else frozenset()

    async def run(self, call: Call) -> SlotResult:
        """Ask until the input is right or the attempts are used up."""
        for attempt in range(1, self.attempts + 1):
            collected = await call.media.collect(
                self.file,
                max_digits=self.max,
                terminators=self.terminators,
                first_digit_timeout_s=self.first_digit_timeout,
                inter_digit_timeout_s=self.inter_digit_timeout,
                barge_in=self.barge_in,
                fixed_length=self._fixed_length,
                secret=self.secret,
            )
            if not collected.nothing and self._accepts(collected):
                call.variables.store(self.result, collected.digits, secret=self.secret)
                return "done"
            failure = "no_input" if collected.nothing else "invalid"
            call.note(failure, f"attempt {attempt} of {self.attempts}")
            said = (self.no_input_file if collected.nothing else None) or self.invalid_file
            if said is not None:
                await call.media.play(said)
        return await self._give_up(call, failure)

    @property
    def _fixed_length(self) -> bool:
        return self.longer == "next" or (self.longer is None and self.max == 1)

    def _accepts(self, collected: Collected) -> bool:
        digits = collected.digits
        if collected.ending is Ending.TOO_LONG or len(digits) < self.min:
            return False
        return self.regex is None or matches_whole(self.regex, digits)

    async def _give_up(self, call: Call, failure: str) -> SlotResult:
        if self.transfer_on_failure is None:
            return failure
        app = self._transfer_app()
        if app is not None:
            return Jump(app)
        number = self.transfer_on_failure.render(call.variables.visible)
        leg = await call.outgoing.dial_number(number, DialOptions())
        return "transferred" if leg.status is LegStatus.ANSWERED else failure

    def _transfer_app(self) -> str | None:
        text = self.transfer_on_failure.text if self.transfer_on_failure else ""
        return text.removeprefix(APP_PREFIX) or None if text.startswith(APP_PREFIX) else None


def _in_digits(lengths: list[int]) -> str:
    """Lengths in words: `1 digit`, `2 to 4 digits`, `at least 10 digits`."""
    least, most = lengths[0], lengths[-1]
    if least == most:
        return counted(least, "digit")
    return f"at least {least} digits" if most == MAX_DIGITS else f"{least} to {most} digits"
