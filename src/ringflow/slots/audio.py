"""Slot `audio`: plays prompts and recordings, all of them or one at random, to the end or until a key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from ringflow.calls.digits import ALL_KEYS
from ringflow.calls.prompt import Unsayable
from ringflow.flows.exit_rules import VARIABLE_TEXT, Condition, either, given, matching
from ringflow.flows.manner_fields import refuse_secrets
from ringflow.flows.slot import DONE, KEYS_PATTERN, AnyPrompt, FieldProblem, Slot, SlotGroup, VariableName
from ringflow.flows.template import Template, TextError
from ringflow.flows.until_key import KEY, key_problems
from ringflow.flows.variable_prompt import VariablePrompt

if TYPE_CHECKING:
    from ringflow.calls.call import Call

MAX_FILES = 100
MAX_REPEAT = 100
FAILED = "failed"

File: TypeAlias = AnyPrompt | VariablePrompt


class Audio(Slot):
    """Plays prompts and recordings."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.SOUND
    fixed_exits: ClassVar[tuple[str, ...]] = (DONE, KEY, FAILED)
    exit_conditions: ClassVar[Mapping[str, Condition]] = {
        KEY: given("until"),
        FAILED: matching("file", either(VARIABLE_TEXT, {"type": "array", "contains": VARIABLE_TEXT})),
    }

    file: File | Annotated[tuple[File, ...], Field(min_length=1, max_length=MAX_FILES)]
    """The prompt, or a list of prompts. `{say: ...}` in place of a prompt are words; `IVR/${choice}` is named
    when it is played, and `${message}` may be a recording."""
    order: Literal["listed", "random", "one"] = "listed"
    """`listed`: all, in the order of the list; `random`: all, in another order each time; `one`: one of
    them at random."""
    repeat: Annotated[int, Field(ge=1, le=MAX_REPEAT)] = 1
    """How often it is played."""
    until: Annotated[str, Field(pattern=KEYS_PATTERN)] = ""
    """Keys that end it, by the exit `key`."""
    result: VariableName | None = None
    """The variable that gets the key that ended it."""
    barge_in: bool = False
    """Whether any key ends it and is the first one of the next slot that asks for keys. With `until` only
    those keys end it."""

    def problems(self) -> Iterator[FieldProblem]:
        """Keys that lead nowhere, and an order of one prompt."""
        yield from key_problems(self, self.until, self.result)
        if self.order != "listed" and not (isinstance(self.file, tuple) and len(self.file) > 1):
            what = f"`order: {self.order}` needs more than one prompt"
            yield FieldProblem("order", what, "write a list: file: [IVR/one, IVR/two]")

    @property
    def exits(self) -> tuple[str, ...]:
        """`key` with `until`, `failed` where a name is made of variables."""
        ends = {KEY: bool(self.until), FAILED: any(isinstance(one, VariablePrompt) for one in self._files)}
        return tuple(one for one in self.fixed_exits if ends.get(one, True))

    def sets(self) -> Mapping[str, frozenset[str]]:
        """The key, where one ended it."""
        return {KEY: frozenset({self.result})} if self.result is not None else {}

    def templates(self) -> Iterator[tuple[str, Template]]:
        """Return the templates in names of files, in addition to those in spoken words."""
        yield from super().templates()
        yield from (("file", one.template) for one in self._files if isinstance(one, VariablePrompt))

    async def run(self, call: Call) -> str:
        """Play as it is wanted."""
        keeps_key = self.barge_in and not self.until
        keys = ALL_KEYS if keeps_key else self.until
        for _ in range(self.repeat):
            for file in self._in_order(call):
                name: AnyPrompt = file if not isinstance(file, VariablePrompt) else _named(call, file)
                played = await call.media.play_until(name, keys, keep_key=keeps_key)
                if played.key:
                    return DONE if keeps_key else self._end_by_key(call, played.key)
                if played.is_missing and isinstance(file, VariablePrompt):
                    return FAILED
        return DONE

    @property
    def _files(self) -> tuple[File, ...]:
        return self.file if isinstance(self.file, tuple) else (self.file,)

    def _in_order(self, call: Call) -> Sequence[File]:
        if self.order == "one":
            return [call.random.choice(self._files)]
        return call.random.sample(self._files, len(self._files)) if self.order == "random" else self._files

    def _end_by_key(self, call: Call, key: str) -> str:
        if self.result is not None:
            call.variables.store(self.result, key)
        return KEY


def _named(call: Call, file: VariablePrompt) -> str:
    try:
        refuse_secrets([file.template], call.variables)
        return file.name(call.variables.visible)
    except (TextError, Unsayable) as error:
        call.note("not_played", str(error))
        return ""
