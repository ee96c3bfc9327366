"""Slot `record`: records the caller, lets the caller hear it and do it again, and keeps it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from ringflow.calls.digits import FIRST_DIGIT_TIMEOUT_S
from ringflow.calls.voice_recorder import MAX_LONGEST_S, HungUpRecording, Recorded, RecordOrder
from ringflow.flows.exit_rules import Condition, both, given, matching
from ringflow.flows.slot import (
    DONE,
    KEYS_PATTERN,
    ONE_KEY_PATTERN,
    FieldProblem,
    SinglePrompt,
    Slot,
    SlotGroup,
    VariableName,
)
from ringflow.recordings.folder import RecordingFailed

if TYPE_CHECKING:
    from ringflow.calls.call import Call

MAX_ATTEMPTS = 20
MAX_TAKES = 20
"""A caller who has done it so often keeps what there is: nobody fills the disk by one call."""
BEEP = "MISC/beep"

NO_INPUT = "no_input"
DISCARDED = "discarded"
FAILED = "failed"


class ReviewKeys(BaseModel):
    """What the caller presses after `review_file`. An empty text: there is no such key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen: Annotated[str, Field(pattern=ONE_KEY_PATTERN)] = "1"
    """To hear it."""
    again: Annotated[str, Field(pattern=ONE_KEY_PATTERN)] = "2"
    """To record it again, instead of the one there is."""
    keep: Annotated[str, Field(pattern=ONE_KEY_PATTERN)] = "3"
    """To keep it."""
    discard: Annotated[str, Field(pattern=ONE_KEY_PATTERN)] = ""
    """To throw it away."""


class Record(Slot):
    """Records the caller."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.SOUND
    fixed_exits: ClassVar[tuple[str, ...]] = (DONE, NO_INPUT, DISCARDED, FAILED)
    exit_conditions: ClassVar[Mapping[str, Condition]] = {
        DISCARDED: both(given("review_file"), matching("keys", given("discard"))),
    }

    file: SinglePrompt | None = None
    """The prompt that asks for it."""
    beep: bool = True
    """Whether a tone tells the caller to begin: the prompt `MISC/beep`."""
    longest: Annotated[float, Field(gt=0, le=MAX_LONGEST_S)] = 120.0
    """Seconds after which it ends."""
    silence: Annotated[int, Field(ge=0, le=60)] = 5
    """Seconds of silence that end it; 0: silence does not."""
    shortest: Annotated[float, Field(ge=0, le=60)] = 1.0
    """Seconds below which there is nothing to keep, as where nothing is said."""
    terminators: Annotated[str, Field(pattern=KEYS_PATTERN)] = "#"
    """Keys that end it. They are not in it."""
    attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] = 1
    """How often the caller is asked where there is nothing to keep."""
    no_input_file: SinglePrompt | None = None
    """Played where there is nothing to keep."""
    review_file: SinglePrompt | None = None
    """The prompt that asks what to do with it. Without it, it is kept at once."""
    keys: ReviewKeys = ReviewKeys()
    """What the caller presses then."""
    review_attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] = 3
    """How often the caller is asked without a right key; then it is kept."""
    level: bool = True
    """Whether it is brought to the level of a prompt afterwards."""
    keep_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """Days after which it is deleted; `recordings.keep_days` where this is not given."""
    result: VariableName
    """The variable that gets the recording: `audio` plays it by `${...}`."""

    def problems(self) -> Iterator[FieldProblem]:
        """Lengths and keys that contradict each other."""
        if self.shortest > self.longest:
            what = f"shortest {self.shortest:g} is more than longest {self.longest:g}"
            yield FieldProblem("shortest", what, "swap them")
        if not self.terminators and not self.silence and self.longest > MAX_TAKES:
            what = "nothing but its longest time ends it: no key and no silence does"
            yield FieldProblem("terminators", what, 'write a key that ends it, such as "#"')
        yield from self._key_problems()

    def _key_problems(self) -> Iterator[FieldProblem]:
        if self.review_file is None:
            if "keys" in self.model_fields_set:
                mend = "write `review_file`, or remove `keys`"
                yield FieldProblem("keys", "nobody is asked for these keys without `review_file`", mend)
            return
        seen: dict[str, str] = {}
        for name, key in self._choices():
            if key in seen:
                what = f"{key} is the key of `{seen[key]}` too"
                yield FieldProblem("keys", what, "give each its own key", (name,))
            seen.setdefault(key, name)

    @property
    def exits(self) -> tuple[str, ...]:
        """`discarded` where there is a key for that."""
        can_discard = self.review_file is not None and self.keys.discard != ""
        return tuple(one for one in self.fixed_exits if one != DISCARDED or can_discard)

    def prompts(self) -> Iterator[tuple[str, str]]:
        """The tone too."""
        yield from super().prompts()
        if self.beep:
            yield "beep", BEEP

    def sets(self) -> Mapping[str, frozenset[str]]:
        """The recording, where it is kept."""
        return {DONE: frozenset({self.result})}

    async def run(self, call: Call) -> str:
        """Record until there is something to keep, and the caller is content with it."""
        attempt = 0
        for take in range(1, MAX_TAKES + 1):
            try:
                recorded = await self._record(call)
            except RecordingFailed as error:
                call.note("not_recorded", str(error))
                return FAILED
            if recorded is None:
                attempt += 1
                if self.no_input_file is not None:
                    await call.media.play(self.no_input_file)
                if attempt == self.attempts:
                    return NO_INPUT
                continue
            choice = await self._review(call, recorded)
            if choice == "again" and take < MAX_TAKES:
                await call.recorder.discard(recorded)
                continue
            if choice == "discard":
                await call.recorder.discard(recorded)
                return DISCARDED
            call.variables.store(self.result, recorded.reference)
            return DONE
        return NO_INPUT

    async def _record(self, call: Call) -> Recorded | None:
        """Ask for it and record it; None: there is nothing to keep. Raises `RecordingFailed`."""
        prompts = [one for one in (self.file, BEEP if self.beep else None) if one is not None]
        await call.media.play(*prompts)
        try:
            return await call.recorder.record(self._order)
        except HungUpRecording as gone:
            if gone.recorded is not None:
                call.variables.store(self.result, gone.recorded.reference)
            raise

    @property
    def _order(self) -> RecordOrder:
        return RecordOrder(
            longest_s=self.longest,
            shortest_s=self.shortest,
            silence_s=self.silence or None,
            end_keys=self.terminators,
            keep_days=self.keep_days,
            levelled=self.level,
        )

    async def _review(self, call: Call, recorded: Recorded) -> str:
        """What the caller wants done with it. Who says nothing, or hangs up, wants it kept."""
        if self.review_file is None:
            return "keep"
        choices = {key: name for name, key in self._choices()}
        wrong = 0
        while wrong < self.review_attempts:
            collected = await call.media.collect(
                self.review_file,
                max_digits=1,
                terminators="",
                first_digit_timeout_s=FIRST_DIGIT_TIMEOUT_S,
                fixed_length=True,
            )
            choice = choices.get(collected.digits, "")
            if choice == "listen":
                await call.media.play_until(recorded.reference, "".join(choices))
            elif choice:
                return choice
            else:
                wrong += 1
                call.note(
                    "no_input" if collected.nothing else "invalid",
                    f"attempt {wrong} of {self.review_attempts}",
                )
        return "keep"

    def _choices(self) -> Iterator[tuple[str, str]]:
        keys = self.keys
        for name in ("listen", "again", "keep", "discard"):
            if key := getattr(keys, name):
                yield name, key
