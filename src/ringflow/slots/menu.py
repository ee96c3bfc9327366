"""Slot `menu`: the caller chooses by keys where the call goes on, or dials an extension."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ringflow.calls.digits import FIRST_DIGIT_TIMEOUT_S, INTER_DIGIT_TIMEOUT_S, Collected
from ringflow.calls.key_options import DIGITS, KeyOptions
from ringflow.flows.exit_rules import ExitRule, each_key, fixed, given
from ringflow.flows.key_options import OptionKeys, Options, clash_problems, key_exits
from ringflow.flows.slot import (
    DIGITS_PATTERN,
    KEYS_PATTERN,
    AnyPrompt,
    FieldProblem,
    OwnExits,
    SinglePrompt,
    Slot,
    SlotGroup,
    VariableName,
)
from ringflow.validation import Text

if TYPE_CHECKING:
    from ringflow.calls.call import Call

EXTENSION = "extension"
MAX_LIMIT = 20
MAX_REPEATS = 20
"""How often the repeat key plays the prompts again in one visit; after that it is a wrong key."""
MAX_EXTENSION = 12

_Length: TypeAlias = Annotated[int, Field(ge=1, le=MAX_EXTENSION)]
Timeout: TypeAlias = Annotated[float, Field(gt=0, le=300)]


class Extensions(BaseModel):
    """Extensions that a caller may dial at a menu."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    length: _Length
    """How many digits an extension has."""
    shortest: _Length | None = None
    """How many digits the shortest one has, where they differ: `length` is then the longest."""
    first_digits: Annotated[Text, Field(pattern=DIGITS_PATTERN, max_length=10)] = DIGITS
    """With which digits extensions begin. An option of another digit is taken without waiting."""

    def has(self, keys: str) -> bool:
        """Whether keys are an extension."""
        least = self.length if self.shortest is None else self.shortest
        return (
            least <= len(keys) <= self.length
            and keys[0] in self.first_digits
            and all(key in DIGITS for key in keys)
        )


def _written_short(value: object) -> object:
    """`extensions: 3` is three digits."""
    is_length = isinstance(value, int) and not isinstance(value, bool)
    return {"length": value} if is_length else value


ExtensionsField = Annotated[
    Extensions | None, BeforeValidator(_written_short, json_schema_input_type=_Length | Extensions)
]


class Menu(Slot):
    """Plays prompts and goes where the key leads that the caller presses."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.CALLERS
    fixed_exits: ClassVar[tuple[str, ...]] = (EXTENSION, "no_input", "invalid")
    main_exit_name: ClassVar[str | None] = EXTENSION
    own_exits: ClassVar[OwnExits | None] = key_exits("options")

    file: AnyPrompt | Annotated[tuple[AnyPrompt, ...], Field(min_length=1, max_length=20)]
    """The prompt that names the choices, or several, played in order."""
    options: Annotated[Options, Field(min_length=1)]
    """Where each key leads, or each sequence of keys: to a slot's id, `app:NAME`, `return:EXIT`, `next` or
    `hangup`. `*` and `#` need quotes."""
    extensions: ExtensionsField = None
    """How many digits an extension has that the caller may dial instead of choosing; then the exit is
    `extension`. Or a mapping: see below."""
    result: VariableName | None = None
    """The variable that keeps what was keyed: the option, or the extension."""
    repeat: Annotated[OptionKeys, Field(json_schema_extra={"type": ["string", "integer"]})] | None = None
    """Keys that play the prompts again: neither silence nor a wrong key."""
    no_input_file: SinglePrompt | None = None
    """Played when nothing was keyed."""
    invalid_file: SinglePrompt | None = None
    """Played after a wrong key."""
    no_input_attempts: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 3
    """How often nothing may be keyed before the exit is `no_input`. Wrong keys are counted apart."""
    invalid_attempts: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 3
    """How many wrong keys there may be before the exit is `invalid`. Silences are counted apart."""
    terminators: Annotated[Text, Field(pattern=KEYS_PATTERN)] = "#"
    """Keys that end what is keyed, where it is no more than the beginning of another choice."""
    first_digit_timeout: Timeout = FIRST_DIGIT_TIMEOUT_S
    """Seconds to wait for a key after the prompts have ended."""
    inter_digit_timeout: Timeout = INTER_DIGIT_TIMEOUT_S
    """Seconds to wait for another key, where what was keyed may be the beginning of another choice."""
    barge_in: bool = True
    """Whether a key during the prompts stops them and counts."""

    @property
    def exits(self) -> tuple[str, ...]:
        """Each option, and `extension` where extensions can be dialled."""
        fixed = self.fixed_exits if self.extensions is not None else self.fixed_exits[1:]
        return (*self.options, *fixed)

    @classmethod
    def exit_rules(cls) -> tuple[ExitRule, ...]:
        """Each option, and `extension` where extensions can be dialled."""
        has_extensions = given("extensions", even_empty=True)
        return (
            each_key("options", "options"),
            fixed(EXTENSION, has_extensions),
            *map(fixed, cls.fixed_exits[1:]),
        )

    @property
    def targets(self) -> Mapping[str, str]:
        """Those of the options, and of `on`."""
        return {**self.on, **self.options}

    def written_at(self, exit_name: str) -> tuple[str | int, ...]:
        """An option stands in `options`."""
        return ("options" if exit_name in self.options else "on", exit_name)

    @property
    def main_exit(self) -> str | None:
        """An extension that was dialled leads on; every option says itself where it leads."""
        return self.main_exit_name if self.extensions is not None else None

    def problems(self) -> Iterator[FieldProblem]:
        """A repeat key that is an option too, extensions that nobody can dial or that are not kept."""
        if self.repeat is not None:
            yield from clash_problems("repeat", self.repeat, self.options)
        extensions = self.extensions
        if extensions is None:
            return
        if extensions.shortest is not None and extensions.shortest > extensions.length:
            what = f"`shortest` {extensions.shortest} is more than `length` {extensions.length}"
            yield FieldProblem("extensions", what, "swap them", ("shortest",))
        if self.result is None:
            what = "the extension that a caller dials is kept nowhere"
            yield FieldProblem("extensions", what, "name a variable: `result: extension`")

    def sets(self) -> Mapping[str, frozenset[str]]:
        """The result, wherever something was chosen."""
        if self.result is None:
            return {}
        return {name: frozenset({self.result}) for name in self.exits if name not in ("no_input", "invalid")}

    async def run(self, call: Call) -> str:
        """Ask until the caller has chosen, or one of the limits is reached."""
        left = {"no_input": self.no_input_attempts, "invalid": self.invalid_attempts}
        repeats = 0
        while True:
            collected = await self._ask(call)
            keys = collected.digits
            if keys in self.options:
                return self._chosen(call, keys, keys)
            if keys == self.repeat and repeats < MAX_REPEATS:
                repeats += 1
                call.note("repeat", f"{repeats} of {MAX_REPEATS}")
                continue
            if self.extensions is not None and self.extensions.has(keys):
                return self._chosen(call, keys, EXTENSION)
            failure = "no_input" if collected.nothing else "invalid"
            left[failure] -= 1
            of = self.no_input_attempts if collected.nothing else self.invalid_attempts
            call.note(failure, f"attempt {of - left[failure]} of {of}")
            said = self.no_input_file if collected.nothing else self.invalid_file
            if said is not None:
                await call.media.play(said)
            if not left[failure]:
                return failure

    async def _ask(self, call: Call) -> Collected:
        return await call.media.collect(
            *(self.file if isinstance(self.file, tuple) else (self.file,)),
            max_digits=self.extensions.length if self.extensions is not None else 0,
            terminators=self.terminators,
            first_digit_timeout_s=self.first_digit_timeout,
            inter_digit_timeout_s=self.inter_digit_timeout,
            barge_in=self.barge_in,
            fixed_length=True,
            options=self._listened_for(),
        )

    def _listened_for(self) -> KeyOptions:
        sequences = frozenset(self.options) | ({self.repeat} if self.repeat is not None else set())
        return KeyOptions(sequences, self.extensions.first_digits if self.extensions is not None else "")

    def _chosen(self, call: Call, keys: str, exit_name: str) -> str:
        if self.result is not None:
            call.variables.store(self.result, keys)
        return exit_name
