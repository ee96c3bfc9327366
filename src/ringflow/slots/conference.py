"""Slot `conference`: a room in which callers talk with each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hmac import compare_digest
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from ringflow.calls.conference import NoConference, RoomEnd, RoomOrder
from ringflow.calls.digits import FIRST_DIGIT_TIMEOUT_S, INTER_DIGIT_TIMEOUT_S
from ringflow.flows.exit_rules import Condition, either, given
from ringflow.flows.slot import DONE, ID_PATTERN, FieldProblem, Prompt, SinglePrompt, Slot, SlotGroup
from ringflow.flows.template import Template
from ringflow.wording import quoted

if TYPE_CHECKING:
    from ringflow.calls.call import Call

MAX_PIN = 16
MAX_ATTEMPTS = 10
_ROOM = re.compile(r"[A-Za-z0-9_-]{1,60}")
_PIN = re.compile(rf"[0-9]{{1,{MAX_PIN}}}")

ENDED, LIMIT, KICKED, FULL, LOCKED = "ended", "limit", "kicked", "full", "locked"
NO_INPUT, INVALID, FAILED = "no_input", "invalid", "failed"

_EXIT_OF = {
    RoomEnd.LEFT: DONE,
    RoomEnd.ENDED: ENDED,
    RoomEnd.TIME: LIMIT,
    RoomEnd.KICKED: KICKED,
    RoomEnd.FULL: FULL,
    RoomEnd.LOCKED: LOCKED,
}


class Conference(Slot):
    """Puts the caller into a room with all others who are in a room of that name."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.CALLS
    fixed_exits: ClassVar[tuple[str, ...]] = (
        DONE, ENDED, LIMIT, KICKED, FULL, LOCKED, NO_INPUT, INVALID, FAILED,
    )  # fmt: skip
    exit_conditions: ClassVar[Mapping[str, Condition]] = {
        ENDED: given("ends_with_moderator"),
        LIMIT: given("longest"),
        FULL: given("most"),
        NO_INPUT: given("pin"),
        INVALID: either(given("pin"), given("moderator_pin")),
    }

    room: Template
    """The room's name: letters, digits, `_` and `-`, such as `sales` or `${did}`."""
    pin: Template | None = None
    """The digits with which callers come in; without it they are not asked, but for `moderator_pin`."""
    moderator_pin: Template | None = None
    """The digits with which moderators come in, instead of `pin`."""
    moderator: bool = False
    """Whether whoever comes in by this slot is a moderator."""
    file: SinglePrompt = "CARD/pin"
    """Asks for the PIN."""
    invalid_file: SinglePrompt = "MISC/error"
    """Played when the PIN is wrong."""
    no_input_file: SinglePrompt = "MISC/no-input"
    """Played when nothing was keyed."""
    attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] = 3
    """How often the PIN is asked for in all."""
    first_digit_timeout: Annotated[float, Field(gt=0, le=300)] = float(FIRST_DIGIT_TIMEOUT_S)
    """Seconds to wait for the first digit, from the end of the prompt."""
    inter_digit_timeout: Annotated[float, Field(gt=0, le=300)] = float(INTER_DIGIT_TIMEOUT_S)
    """Seconds to wait between digits."""
    most: Annotated[int, Field(ge=2, le=1000)] | None = None
    """How many may be in the room; moderators come in all the same."""
    longest: Annotated[int, Field(ge=1, le=86_400)] | None = None
    """Seconds that the caller may stay."""
    wait_for_moderator: bool = False
    """Whether callers hear each other only while a moderator is in the room."""
    ends_with_moderator: bool = False
    """Whether callers leave the room, by `ended`, when the last moderator does."""
    keys: bool = True
    """Whether keys do something in the room: 0 mutes, 1 to 6 change volumes, `*` says how many there are, `#`
    leaves; for moderators 7 removes who came last, 8 mutes all others, 9 locks the room."""
    quiet: bool = False
    """Whether the caller comes and goes unannounced."""
    join_file: Prompt = "MISC/beep"
    """Played to all in the room when somebody comes in."""
    leave_file: Prompt = "MISC/beep"
    """Played to all in the room when somebody leaves."""
    wait_file: Prompt = "MISC/one-moment"
    """Played, with `wait_for_moderator`, to who waits."""
    ended_file: Prompt = "MISC/thanks"
    """Played, with `ends_with_moderator`, to a caller who leaves since the last moderator has left."""
    full_file: SinglePrompt = "MISC/busy"
    """Played when the room is full."""
    locked_file: SinglePrompt = "MISC/not-allowed"
    """Played when a moderator has locked the room."""
    music_class: Annotated[str, Field(pattern=ID_PATTERN, max_length=64)] | None = None
    """The class of music that who is alone, or waits, hears; without it, silence."""

    def problems(self) -> Iterator[FieldProblem]:
        """A room that cannot be, PINs that are none, and moderators who never come."""
        if self.room.is_literal and not _ROOM.fullmatch(self.room.text):
            what = f"{quoted(self.room.text)} is no room"
            yield FieldProblem("room", what, "write letters, digits, _ and -, 60 at most")
        for name in ("pin", "moderator_pin"):
            pin = getattr(self, name)
            if pin is not None and pin.is_literal and not _PIN.fullmatch(pin.text):
                yield FieldProblem(name, "this is no PIN", f"write 1 to {MAX_PIN} digits, in quotes")
        if self.pin is not None and self.pin == self.moderator_pin:
            what = "everybody with the PIN would be a moderator"
            yield FieldProblem("moderator_pin", what, "write another one than `pin`")
        if self.moderator and self.moderator_pin is not None:
            what = "whoever comes in here is a moderator already"
            yield FieldProblem("moderator_pin", what, "write it as `pin`, or remove `moderator`")
        for name in ("wait_file", "ended_file"):
            wants = "wait_for_moderator" if name == "wait_file" else "ends_with_moderator"
            if name in self.model_fields_set and not getattr(self, wants):
                yield FieldProblem(name, "it is never played", f"write `{wants}: true`, or remove it")

    @property
    def ends_by_itself(self) -> bool:
        """Only a stay that has its limit does."""
        return self.longest is not None

    @property
    def exits(self) -> tuple[str, ...]:
        """Those that its fields can lead to."""
        used = {
            ENDED: self.ends_with_moderator,
            LIMIT: self.longest is not None,
            FULL: self.most is not None,
            NO_INPUT: self.pin is not None,
            INVALID: self.pin is not None or self.moderator_pin is not None,
        }
        return tuple(one for one in self.fixed_exits if used.get(one, True))

    def prompts(self) -> Iterator[tuple[str, str]]:
        """Those that are played with its fields."""
        asks = self.pin is not None or self.moderator_pin is not None
        used = {
            "file": asks,
            "invalid_file": asks,
            "no_input_file": self.pin is not None,
            "wait_file": self.wait_for_moderator,
            "ended_file": self.ends_with_moderator,
            "full_file": self.most is not None,
        }
        yield from (one for one in super().prompts() if used.get(one[0], True))

    async def run(self, call: Call) -> str:
        """Ask for the PIN, and stay in the room."""
        room = self.room.render(call.variables.visible)
        if not _ROOM.fullmatch(room):
            call.note("no_conference", f"{quoted(room)} is no room: letters, digits, _ and - are")
            return FAILED
        asked = await self._ask(call)
        if isinstance(asked, str):
            return asked
        order = RoomOrder(
            room,
            moderator=asked,
            most=self.most,
            waits=self.wait_for_moderator,
            ends=self.ends_with_moderator,
            longest_s=self._longest_s(call),
            quiet=self.quiet,
            keys=self.keys,
            music_class=self.music_class or "",
            join_sound=call.spoken.sound(self.join_file),
            leave_sound=call.spoken.sound(self.leave_file),
            wait_sound=call.spoken.sound(self.wait_file) if self.wait_for_moderator else "",
        )
        try:
            ended = await call.media.confer(order)
        except NoConference as error:
            call.note("no_conference", str(error))
            return FAILED
        # Of the other ends Asterisk says itself what there is to say.
        said = {
            RoomEnd.FULL: self.full_file,
            RoomEnd.LOCKED: self.locked_file,
            RoomEnd.ENDED: self.ended_file,
        }
        if ended in said:
            await call.media.play(said[ended])
        left = _EXIT_OF[ended]
        # A room that another slot opened may end or be full for this one too.
        return left if left in self.exits else DONE

    def _longest_s(self, call: Call) -> int | None:
        """For how many seconds the caller may stay: a talk in a room ends with the call, as any other."""
        left_ms = call.outgoing.talk_left_ms
        left_s = None if left_ms is None else -(-left_ms // 1000)
        return min((one for one in (self.longest, left_s) if one is not None), default=None)

    async def _ask(self, call: Call) -> bool | str:
        """Whether the caller is a moderator; or the exit of one who may not come in."""
        visible = call.variables.visible
        pin = self.pin.render(visible) if self.pin is not None else None
        moderators = self.moderator_pin.render(visible) if self.moderator_pin is not None else None
        if any(one is not None and not _PIN.fullmatch(one) for one in (pin, moderators)):
            # An empty variable must not open a room.
            call.note("no_conference", f"a PIN of the room is not 1 to {MAX_PIN} digits")
            return FAILED
        if pin is None and moderators is None:
            return self.moderator
        for attempt in range(1, self.attempts + 1):
            collected = await call.media.collect(
                self.file,
                max_digits=MAX_PIN,
                first_digit_timeout_s=self.first_digit_timeout,
                inter_digit_timeout_s=self.inter_digit_timeout,
                secret=True,
            )
            if collected.nothing and pin is None:
                return self.moderator
            if not collected.nothing and moderators is not None and _same(collected.digits, moderators):
                return True
            if not collected.nothing and pin is not None and _same(collected.digits, pin):
                return self.moderator
            ended = NO_INPUT if collected.nothing else INVALID
            call.note(ended, f"attempt {attempt} of {self.attempts}")
            await call.media.play(self.no_input_file if collected.nothing else self.invalid_file)
        return ended


def _same(keyed: str, pin: str) -> bool:
    return compare_digest(keyed.encode(), pin.encode())
