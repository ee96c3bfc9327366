"""A flow file without its slots: the app's name, and what holds for all of its slots.

A value in `defaults` is taken for written in every slot whose type has such a field and that does not have it
itself. Its bounds are those that all these types share, so that what passes here fits each of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ringflow.accounts.dids import APP_PATTERN, MAX_APP_LENGTH
from ringflow.calls.json_value import MAX_CALL_BYTES, JsonValue, UnusableValue, own_copy
from ringflow.flows.slot import KEYS_PATTERN, FieldProblem, SinglePrompt, VariableName
from ringflow.flows.spoken import Language
from ringflow.wording import quoted

MAX_TITLE_LENGTH = 200
MAX_SLOTS = 1000
MAX_LANGUAGES = 50
MAX_VARIABLES = 100
MAX_HANGUP_SLOTS = 50
MAX_VISITS = 1000
ON_ERROR_PATTERN = r"^(app:)?[A-Za-z0-9][A-Za-z0-9_-]*$"


class SlotDefaults(BaseModel):
    """What slots have that do not say otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    invalid_file: SinglePrompt | None = None
    """Played after a wrong entry."""
    no_input_file: SinglePrompt | None = None
    """Played when nothing was keyed."""
    first_digit_timeout: Annotated[float, Field(gt=0, le=300)] | None = None
    """Seconds to wait for the first digit, from the end of the prompt."""
    inter_digit_timeout: Annotated[float, Field(gt=0, le=300)] | None = None
    """Seconds to wait between digits."""
    attempts: Annotated[int, Field(ge=1, le=10)] | None = None
    """How often the caller is asked in all."""
    no_input_attempts: Annotated[int, Field(ge=1, le=10)] | None = None
    """How often nothing may be keyed at a menu."""
    invalid_attempts: Annotated[int, Field(ge=1, le=10)] | None = None
    """How many wrong keys there may be at a menu."""
    terminators: Annotated[str, Field(pattern=KEYS_PATTERN)] | None = None
    """Keys that end what is keyed."""
    barge_in: bool | None = None
    """Whether a key during a prompt stops it and counts."""
    timeout: Annotated[int, Field(ge=1, le=600)] | None = None
    """Seconds that a callee may ring. Slots `script`, whose `timeout` is something else, do not take it."""
    keep_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """Days after which recordings are deleted."""


class CallLimits(BaseModel):
    """How long a call may last, and how often it may come to the same slot."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    longest_call: Annotated[float, Field(gt=0, le=86_400)] | None = None
    """Seconds from the call's arrival. A talk ends then; anything else is not followed by a further slot."""
    visits: Annotated[int, Field(ge=1, le=MAX_VISITS)] | None = None
    """How often a call may come to one slot."""


def _initial_value(value: JsonValue) -> JsonValue:
    try:
        copied, _ = own_copy("it", value)
    except UnusableValue as error:
        raise ValueError(f"cannot be a variable's value: {error}") from None
    for text in _texts(value):
        if "${" in text:
            mend = "write a value without `${...}`, or set it by the slot `set`"
            raise ValueError(f"{quoted(text)} is not filled in here || {mend}")
    return copied


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)


InitialValue = Annotated[Any, AfterValidator(_initial_value)]
"""Any value that JSON has."""


class AppSettings(BaseModel):
    """What a flow file says of the app as a whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: Language | None = None
    """The language of callers who have chosen none; without one the first of `languages`, else that of
    `config.yaml`."""
    languages: Annotated[tuple[Language, ...], Field(min_length=1, max_length=MAX_LANGUAGES)] | None = None
    """The languages that this app is for: `ringflow check` looks for its prompts and words in each."""

    defaults: SlotDefaults = Field(default_factory=SlotDefaults)
    """What every slot has that has such a field and does not give it itself."""
    variables: Annotated[dict[VariableName, InitialValue], Field(max_length=MAX_VARIABLES)] = Field(
        default_factory=dict
    )
    """Variables that are set when a call comes to the app, where they are not set yet: any value, without
    `${...}`. An argument of a slot `app` goes before them."""
    limits: CallLimits = Field(default_factory=CallLimits)
    """How long a call may last, and how often it may come to one slot."""
    on_error: Annotated[str, Field(pattern=ON_ERROR_PATTERN)] | None = None
    """Where the call goes on when a slot fails or a limit is reached: a slot's id or `app:NAME`."""

    @property
    def own_language(self) -> str | None:
        """The language of callers who have chosen none; None: the configured one."""
        return self.language or (self.languages[0] if self.languages else None)

    def problems(self) -> Iterator[FieldProblem]:
        """What is wrong between fields that are each right by themselves."""
        listed = self.languages or ()
        if self.language is not None and listed and self.language not in listed:
            what = f"the app's language {quoted(self.language)} is not among its `languages`"
            yield FieldProblem("language", what, "add it there, or name one of them")
        twice = next((one for one in listed if listed.count(one) > 1), None)
        if twice is not None:
            yield FieldProblem("languages", f"{quoted(twice)} is listed twice", "list it once")
        sizes = sum(own_copy(name, value)[1] for name, value in self.variables.items())
        if sizes > MAX_CALL_BYTES:
            what = f"the initial values have {sizes} bytes, and a call's variables {MAX_CALL_BYTES} at most"
            yield FieldProblem("variables", what, "keep only what the flow needs")


class FlowHeader(AppSettings):
    """A flow file without what its slots say."""

    app: Annotated[str, Field(pattern=APP_PATTERN, max_length=MAX_APP_LENGTH)]
    """The name by which DIDs and other apps lead here."""
    title: Annotated[str, Field(max_length=MAX_TITLE_LENGTH)] = ""
    """A line for people."""
    on_hangup: Annotated[list[Any], Field(min_length=1, max_length=MAX_HANGUP_SLOTS)] | None = None
    """Steps that are done after the caller is gone, in order, however the call ended."""
    slots: Annotated[list[Any], Field(min_length=1, max_length=MAX_SLOTS)]
    """The steps, in order."""

    def settings(self) -> AppSettings:
        """What is said of the app as a whole."""
        return AppSettings.model_construct(
            self.model_fields_set & AppSettings.model_fields.keys(),
            **{name: getattr(self, name) for name in AppSettings.model_fields},
        )
