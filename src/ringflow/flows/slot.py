"""What every slot type is: fields that are its schema, named exits, and `run`."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ringflow.calls.json_value import JsonValue
from ringflow.flows.exit_rules import AppField, Condition, ExitRule, default_rules
from ringflow.flows.spoken_prompt import SpokenPrompt
from ringflow.flows.template import VARIABLE_NAME, Template
from ringflow.sounds.utterance import Utterance
from ringflow.wording import quoted

if TYPE_CHECKING:
    from ringflow.calls.call import Call

PROMPT_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*$"
VARIABLE_PATTERN = r"^[a-z][a-z0-9_]*$"
DIGITS_PATTERN = r"^[0-9]+$"
KEYS_PATTERN = r"^[0-9*#]*$"
ONE_KEY_PATTERN = r"^[0-9*#]?$"
PRINTABLE_PATTERN = r"^[ -~]*$"
STATE_PATTERN = r"^[a-z][a-z0-9_-]*$"
"""What a schedule may be in, and the name under which operators override it."""
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
ANSWER_PATH_PATTERN = r"^(status|headers\.[a-z0-9-]+|body(\.[A-Za-z0-9_-]+)*)$"
"""What of an answer over HTTP is meant."""
PATH_PATTERN = f"^{VARIABLE_NAME.pattern}$"
TARGET_PATTERN = r"^(app:|return:)?[A-Za-z0-9][A-Za-z0-9_-]*$"

DONE = "done"
"""The exit of a slot that did what it is for."""

EXIT_PATTERN = r"^[A-Za-z0-9*#][A-Za-z0-9_*#-]*$"

APP_PREFIX = "app:"
"""What stands before the name of an app where an exit leads to it."""
RETURN_PREFIX = "return:"
"""What stands before the exit by which an app returns to the slot that called it."""

UNAVAILABLE_FOR_NOW = 480

NOT_SAID = "?"
"""What a required field holds in what remains of a slot where that field is missing or wrong: no name."""


class _PromptMark:
    """Marks a field whose text names a prompt of the library."""


Prompt = Annotated[str, Field(pattern=PROMPT_PATTERN), _PromptMark()]


def _one_prompt(value: object) -> object:
    if isinstance(value, list | tuple):
        raise ValueError("must be one prompt, not a list || play the others by `audio` before this slot")  # noqa: TRY004 -- pydantic collects ValueError
    return value


AnyPrompt: TypeAlias = Prompt | SpokenPrompt
"""A prompt of the library, or words to say."""

SinglePrompt = Annotated[AnyPrompt, BeforeValidator(_one_prompt)]
"""A prompt where a list of them, as `audio` takes it, is likely to be written and cannot be."""


def _name_alone(value: object) -> object:
    if isinstance(value, str) and value.startswith(APP_PREFIX):
        name = value.removeprefix(APP_PREFIX)
        raise ValueError(f"{quoted(value)} is written without `{APP_PREFIX}` here || write {name}")
    return value


AppName = Annotated[str, Field(pattern=ID_PATTERN), BeforeValidator(_name_alone)]
"""The name of another app in a field that takes nothing else: apps are named as slots are."""
VariableName = Annotated[str, Field(pattern=VARIABLE_PATTERN)]
VariablePath = Annotated[str, Field(pattern=PATH_PATTERN)]
"""The name of a variable, or of a part of its value."""
Target = Annotated[str, Field(pattern=TARGET_PATTERN)]
SlotId = Annotated[str, Field(pattern=ID_PATTERN)]


@dataclass(frozen=True, slots=True)
class Jump:
    """What `run` gives when the call goes on at the start of another app."""

    app: str


@dataclass(frozen=True, slots=True)
class Subroutine:
    """What `run` gives when another app runs first, with variables of its own, and then returns to this slot.

    The slot then ends by the exit by which the app returned. `secret` names those of the arguments that no
    record may have; `results` has, for variables here, the names of those of the app that was called.
    """

    app: str
    arguments: Mapping[str, JsonValue]
    secret: frozenset[str]
    results: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AppCall:
    """What the static check knows of a `Subroutine`: the names of its arguments, and its results."""

    app: str
    arguments: frozenset[str]
    results: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """Something wrong between the fields of one slot, found when the flow is loaded.

    `within` leads from the field to what is wrong in it: a key of a mapping, an index of a list.
    """

    field: str
    what: str
    mend: str
    within: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class SpokenField:
    """Something that a slot says. `voice`: what a voice needs to speak it; None: it needs none.

    The text is empty there, and so is the language where it is that of the call.
    """

    field: str
    texts: tuple[Template, ...]
    voice: Utterance | None


@dataclass(frozen=True, slots=True)
class OwnExits:
    """The exits that the fields of a slot name, such as the keys of a menu, as far as its type knows them.

    Every such name matches `pattern`. `meaning` says in the reference what they are: "each key of `keys`".
    `field` is the one in which these exits stand, each with its target: `on`, or one of the slot's own.
    """

    pattern: str
    meaning: str
    field: str = "on"


SlotResult: TypeAlias = str | Jump | Subroutine


class SlotGroup(StrEnum):
    """Under which heading a type stands where people choose one."""

    CALLERS = "callers"
    """Asks the caller for something."""
    CALLS = "calls"
    """Does something to the call, or calls somebody."""
    SOUND = "sound"
    """Plays or records."""
    ACCOUNT = "account"
    """Is about who pays, and about credit."""
    LOGIC = "logic"
    """Decides, counts and leads on."""
    SERVICES = "services"
    """Asks or tells something outside of the call."""
    OTHER = "other"


class Slot(BaseModel):
    """One step of an app. A subclass in `slots/NAME.py` named by its file is a slot type.

    `exits` are the ways in which a slot with these fields can end, the good one first. A type lists those
    that do not depend on fields in `fixed_exits`. A type whose fields name or exclude exits overrides
    `exits`; if they name any, it says in `own_exits` what these look like. `on` leads an exit to a slot's
    id, `app:NAME`, `return:EXIT`, `next` or `hangup`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slot_group: ClassVar[SlotGroup] = SlotGroup.OTHER
    fixed_exits: ClassVar[tuple[str, ...]] = (DONE,)
    own_exits: ClassVar[OwnExits | None] = None
    ends_call: ClassVar[bool] = False
    needs_caller: ClassVar[bool] = True
    """Whether somebody has to be on the line. Only types of which this is False may stand in `on_hangup`."""
    sip_codes: ClassVar[Mapping[str, int]] = {}
    """For exits by which a slot may leave a caller unanswered: the code that ends the call: `sip_code`."""

    exit_conditions: ClassVar[Mapping[str, Condition]] = {}
    """For fixed exits that a slot has with some fields only: what its fields then match."""
    main_exit_name: ClassVar[str | None] = None
    """The only exit that may lead to the next slot by itself, where that is not the first one."""
    without_default: ClassVar[tuple[str, ...]] = ()
    """Fields that take no value from the app's `defaults`, since there the name means something else."""
    app_fields: ClassVar[tuple[AppField, ...]] = ()
    """The fields that name apps, of `jumps` and `app_call`."""

    slot: str
    """The slot's type."""
    id: SlotId | None = None
    """A name for this slot, so that `on:` can lead to it."""
    on: dict[str, Target] = Field(default_factory=dict)
    """Where an exit leads: a slot's id, `app:NAME`, `return:EXIT`, `next` or `hangup`."""

    @abstractmethod
    async def run(self, call: Call) -> SlotResult:
        """Do the step for a caller; return the exit taken, or the app where the call goes on."""

    def sets(self) -> Mapping[str, frozenset[str]]:
        """For each exit, the variables that are certain to be set when the slot ends that way."""
        return {}

    @property
    def ends_by_itself(self) -> bool:
        """Whether the slot ends whatever the caller does, and does not."""
        return True

    @property
    def exits(self) -> tuple[str, ...]:
        """The exits by which a slot with these fields can end."""
        return self.fixed_exits

    @classmethod
    def exit_rules(cls) -> tuple[ExitRule, ...]:
        """Say what `exits` and `written_at` say, by the fields as they are written."""
        own = cls.own_exits.field if cls.own_exits is not None else None
        return tuple(default_rules(cls.fixed_exits, own, cls.exit_conditions))

    @property
    def targets(self) -> Mapping[str, str]:
        """Where each exit leads that the slot leads somewhere: by `on`, or by fields of its own."""
        return self.on

    def written_at(self, exit_name: str) -> tuple[str | int, ...]:
        """The steps that lead from the slot to where the target of an exit is written."""
        return ("on", exit_name)

    @property
    def main_exit(self) -> str | None:
        """The exit that leads to the next slot if `targets` does not have it; others then end the call."""
        return self.exits[0] if self.exits else None

    @classmethod
    def may_end_by(cls, exit_name: str) -> bool:
        """Whether a slot of this type has this exit with some fields."""
        own = cls.own_exits
        return exit_name in cls.fixed_exits or (own is not None and bool(re.match(own.pattern, exit_name)))

    def sip_code(self, exit_name: str) -> int | None:
        """What an unanswered caller gets whose call ends by this exit; None for the main exit."""
        return self.sip_codes.get(exit_name, None if exit_name == self.main_exit else UNAVAILABLE_FOR_NOW)

    def jumps(self) -> frozenset[str]:
        """The apps that `run` may lead to by itself."""
        return frozenset()

    def app_call(self) -> AppCall | None:
        """The app that `run` calls and that returns to this slot, if there is one."""
        return None

    def named_apps(self) -> frozenset[str]:
        """The apps that the slot's fields name, other than `on`."""
        called = self.app_call()
        return (self.jumps() | {called.app} if called is not None else self.jumps()) - {NOT_SAID}

    def apps(self) -> frozenset[str]:
        """The apps in which a call may go on in this slot or after it."""
        led_to = {one.removeprefix(APP_PREFIX) for one in self.targets.values() if one.startswith(APP_PREFIX)}
        return self.named_apps() | led_to

    def ensures(self) -> Mapping[str, frozenset[str]]:
        """For each exit, the variables that others have set for certain if the slot ends that way."""
        return {}

    def tested(self) -> Iterator[tuple[str, str, str]]:
        """Variables that the slot asks for and that may be unset: the field, the text in it, the name."""
        return iter(())

    def lists(self) -> Iterator[tuple[str, str]]:
        """The operators' lists that the slot looks into, with the names of the fields."""
        return iter(())

    def scripts(self) -> Iterator[tuple[str, str]]:
        """The scripts that the slot runs, with the names of the fields."""
        return iter(())

    def names_set(self) -> frozenset[str]:
        """Every variable that the slot may set, here or in an app that it calls."""
        called = self.app_call()
        names = {name for names in self.sets().values() for name in names}
        return frozenset(names | called.arguments | called.results.keys() if called is not None else names)

    def chosen_languages(self) -> frozenset[str]:
        """The languages that the slot may choose for the call, as far as its fields name them."""
        return frozenset()

    def secrets(self) -> frozenset[str]:
        """Those of the variables that the slot sets whose values no record may have."""
        return frozenset()

    def hosts(self) -> Iterator[tuple[str, str]]:
        """The host of every SIP URI in the slot, where no variable hides it, with the name of its field."""
        return iter(())

    def asked_hosts(self) -> Iterator[tuple[str, str]]:
        """The hosts that the slot asks over HTTP, with `:port` where there is one, and their fields."""
        return iter(())

    def request_secrets(self) -> Iterator[tuple[str, str]]:
        """The secrets of the configuration that the slot sends, with the names of the fields."""
        return iter(())

    def holiday_calendars(self) -> Iterator[tuple[tuple[str | int, ...], str | None, str | None]]:
        """The operators' calendars and the files of calendars that the slot names, each with its place."""
        return iter(())

    def overridden_as(self) -> tuple[str, str | None] | None:
        """The name under which operators may choose one of the exits, and the time zone of its days."""
        return None

    def overrides(self) -> tuple[str, str | None] | None:
        """The name of schedules of which the slot chooses an exit, and that exit, None: their own again."""
        return None

    def problems(self) -> Iterator[FieldProblem]:
        """What is wrong between fields that are each right by themselves."""
        return iter(())

    def templates(self) -> Iterator[tuple[str, Template]]:
        """Every `${...}` text of the slot, with the name of its field."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            values = value.values() if isinstance(value, dict) else value
            for item in values if isinstance(value, dict | tuple) else [value]:
                if isinstance(item, Template):
                    yield name, item
                elif isinstance(item, SpokenPrompt):
                    yield from ((name, one) for one in item.templates())

    def prompts(self) -> Iterator[tuple[str, str]]:
        """Every prompt that the slot may play, with the name of its field."""
        for name in prompt_fields(type(self)):
            value = getattr(self, name)
            if value in (None, NOT_SAID):
                continue
            for item in value if isinstance(value, tuple) else [value]:
                if isinstance(item, SpokenPrompt):
                    yield from ((name, one) for one in item.prompts())
                elif isinstance(item, str):
                    yield name, item

    def spoken(self) -> Iterator[SpokenField]:
        """Everything that is said and not a prompt."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            for item in value if isinstance(value, tuple) else [value]:
                if isinstance(item, SpokenPrompt):
                    yield SpokenField(name, tuple(item.templates()), item.wanted_voice)


@cache
def prompt_fields(kind: type[Slot]) -> tuple[str, ...]:
    """The fields of a slot type that may name prompts."""
    fields = kind.model_fields.items()
    return tuple(name for name, info in fields if _names_prompts(info.metadata, info.annotation))


def _names_prompts(metadata: list[object], annotation: object) -> bool:
    if any(isinstance(mark, _PromptMark) for mark in metadata):
        return True
    if get_origin(annotation) is Annotated:
        inner, *marks = get_args(annotation)
        return _names_prompts(marks, inner)
    return any(_names_prompts([], inner) for inner in get_args(annotation))
