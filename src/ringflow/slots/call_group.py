"""Slot `call_group`: rings several members one after the other, until one of them answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from ringflow.accounts.headers import MAX_HEADERS, wrong_headers
from ringflow.calls.dial_attempt import DialOptions
from ringflow.calls.outcome import Leg, LegStatus
from ringflow.errors import StartError
from ringflow.flows.follow_on import FollowOnField
from ringflow.flows.group_members import MAX_MEMBERS, AnyMember, Member, SingleMember, Strategy
from ringflow.flows.leg_headers import rendered_headers
from ringflow.flows.number_text import caller_id_problems
from ringflow.flows.ringback import MusicClass, Ringback, ringback_option, ringback_problems
from ringflow.flows.slot import DONE, FieldProblem, Slot, SlotGroup, VariableName
from ringflow.flows.template import Template
from ringflow.store import StoreGone
from ringflow.wording import quoted

if TYPE_CHECKING:
    from ringflow.calls.call import Call

BUSY, NO_ANSWER, FAILED, NO_CREDIT, REFUSED = "busy", "no_answer", "failed", "no_credit", "refused"

_EXIT_OF = {
    LegStatus.ANSWERED: DONE,
    # Only where the caller or an operator ended the ringing: a caller who hangs up ends the call.
    LegStatus.CANCELLED: DONE,
    LegStatus.BUSY: BUSY,
    LegStatus.NO_ANSWER: NO_ANSWER,
    LegStatus.CONGESTION: FAILED,
    LegStatus.UNAVAILABLE: FAILED,
    LegStatus.NO_CREDIT: NO_CREDIT,
}
"""Every other end of a leg is that of one which was not dialled: `refused`."""

GOES_ON: TypeAlias = Literal["busy", "no_answer", "failed", "no_credit", "refused"]
_BY_WEIGHT = (NO_ANSWER, BUSY, FAILED, NO_CREDIT, REFUSED)
"""The exit where nobody answered is the first of these that a member gave."""


class CallGroup(Slot):
    """Rings the members of a group one after the other, and puts the caller through to who answers."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.CALLS
    fixed_exits: ClassVar[tuple[str, ...]] = (DONE, BUSY, NO_ANSWER, FAILED, NO_CREDIT, REFUSED)
    sip_codes: ClassVar[Mapping[str, int]] = {
        BUSY: 486,
        NO_ANSWER: 480,
        FAILED: 503,
        NO_CREDIT: 402,
        REFUSED: 403,
    }

    members: Annotated[tuple[AnyMember, ...], Field(min_length=1, max_length=MAX_MEMBERS)]
    """Whom to ring: numbers, SIP URIs, `{device: NAME}`, or groups within the group (`{members: [...]}`)."""
    strategy: Strategy = "sequential"
    """In which order. `sequential`: as they stand here; `round_robin`: each call begins with the next one;
    `weighted`: by chance, by their `weight`; `last_answered`: who answered the longest ago comes first."""
    timeout: Annotated[int, Field(ge=1, le=600)] = 20
    """Seconds that each member may ring."""
    longest: Annotated[int, Field(ge=1, le=3600)] | None = None
    """Seconds that all the ringing may take: then nobody else is rung. Without it, until all were rung."""
    rounds: Annotated[int, Field(ge=1, le=10)] = 1
    """How often all members are rung."""
    continue_on: Annotated[tuple[GOES_ON, ...], Field(max_length=5)] = (
        "busy",
        "no_answer",
        "failed",
        "no_credit",
        "refused",
    )
    """After which of these ends the next member is rung; after another one the slot ends by it."""
    ringback: Ringback = "callee"
    """What the caller hears meanwhile: what the callee's side sends, ringing all the time, or music."""
    music_class: MusicClass = "default"
    """With `ringback: music`: the class of music, as `musiconhold.conf` of Asterisk names it."""
    caller_id: Template | None = None
    """The number shown to members; without one the customer's, then the trunk's, then the caller's own."""
    headers: Annotated[dict[str, Template], Field(max_length=MAX_HEADERS)] = Field(default_factory=dict)
    """SIP headers for the outgoing INVITEs."""
    max_duration: Annotated[float, Field(gt=0, le=86_400)] | None = None
    """Seconds of talk after which the call is ended."""
    follow_on: FollowOnField = None
    """The keys that end ringing and talk when held, so that the flow goes on by `done`. `true`: `*` and
    `#`, for a second."""
    result: VariableName | None = None
    """The variable that gets who answered: the number with its country's code, the URI or the device."""

    def problems(self) -> Iterator[FieldProblem]:
        """Members that cannot be rung, and fields that mean nothing."""
        for index, member in enumerate(self.members):
            yield from member.problems((index,))
            if member.weight != 1 and self.strategy != "weighted":
                mend = "write `strategy: weighted`, or remove it"
                yield FieldProblem("members", "the weight counts for nothing", mend, (index, "weight"))
        yield from ringback_problems(self, self.ringback)
        for index, ended in enumerate(self.continue_on):
            if ended in self.continue_on[:index]:
                what = f"`{ended}` stands here twice"
                yield FieldProblem("continue_on", what, "remove one of them", (index,))
        if self.caller_id is not None:
            yield from caller_id_problems("caller_id", self.caller_id)
        for wrong in wrong_headers(self.headers):
            yield FieldProblem("headers", f"{quoted(wrong.name)} {wrong.why}", wrong.mend)

    def templates(self) -> Iterator[tuple[str, Template]]:
        """Those of the members too."""
        yield from super().templates()
        for member in self.members:
            yield from (("members", one) for one in member.templates())

    def hosts(self) -> Iterator[tuple[str, str]]:
        """The hosts of the members' URIs."""
        for member in self.members:
            yield from (("members", host) for host in member.hosts())

    def sets(self) -> Mapping[str, frozenset[str]]:
        """Who answered: an empty text where nobody did."""
        return dict.fromkeys(self.exits, frozenset({self.result})) if self.result is not None else {}

    async def run(self, call: Call) -> str:
        """Ring one member after the other."""
        variables = call.variables.visible
        options = DialOptions(
            max_duration_s=self.max_duration,
            caller_id=self.caller_id.render(variables) if self.caller_id else None,
            headers=rendered_headers(self.headers, variables),
            end_keys=self.follow_on.end_keys if self.follow_on else None,
            ringback=await ringback_option(call, self.ringback, self.music_class),
        )
        ends_ms = None if self.longest is None else call.events.elapsed_ms() + self.longest * 1000
        if self.result is not None:
            call.variables.store(self.result, "")
        return await _Ringing(call, self, options, ends_ms).run()


class _Ringing:
    """One caller's way through the members."""

    def __init__(self, call: Call, slot: CallGroup, options: DialOptions, ends_ms: int | None) -> None:
        self._call = call
        self._slot = slot
        self._options = options
        self._ends_ms = ends_ms
        self._exits: list[str] = []
        place = call.events.place
        self._name = f"{place.app}/{place.slot}"

    async def run(self) -> str:
        for _ in range(self._slot.rounds):
            ended = await self._ring(self._slot.members, self._slot.strategy, self._name)
            if ended is not None:
                return ended
        return next((one for one in _BY_WEIGHT if one in self._exits), NO_ANSWER)

    async def _ring(
        self, members: Sequence[Member] | Sequence[SingleMember], strategy: Strategy, group: str
    ) -> str | None:
        """Ring the members of a group; return the exit by which the slot ends, None: go on."""
        named = {f"{place} {_written(one)}": one for place, one in enumerate(members, start=1)}
        for name in await self._order(strategy, group, named):
            member = named[name]
            if isinstance(member, Member) and member.members is not None:
                ended = await self._ring(member.members, member.strategy, f"{group}/{name.split()[0]}")
            elif (ring_s := self._ring_s(member)) <= 0:
                return next((one for one in _BY_WEIGHT if one in self._exits), NO_ANSWER)
            else:
                ended = await self._dial(member, ring_s)
            if ended == DONE and strategy == "last_answered":
                await self._keep_answered(group, name)
            if ended is not None:
                return ended
        return None

    def _ring_s(self, member: SingleMember) -> int:
        ring_s = member.timeout or self._slot.timeout
        if self._ends_ms is None:
            return ring_s
        # What is left of a second is no time to ring.
        return min(ring_s, (self._ends_ms - self._call.events.elapsed_ms()) // 1000)

    async def _dial(self, member: SingleMember, ring_s: int) -> str | None:
        outgoing, variables = self._call.outgoing, self._call.variables
        options = replace(self._options, ring_s=ring_s, as_keyed=member.as_keyed)
        if member.number is not None:
            leg = await outgoing.dial_number(member.number.render(variables.visible), options)
        elif member.uri is not None:
            leg = await outgoing.dial_uri(member.uri.render(variables.visible), options)
        else:
            assert member.device is not None, "a member has a number, a URI or a device"
            leg = await outgoing.dial_device(member.device, options)
        return self._ended_by(leg)

    def _ended_by(self, leg: Leg) -> str | None:
        ended = _EXIT_OF.get(leg.status, REFUSED)
        if leg.status is LegStatus.ANSWERED and self._slot.result is not None:
            self._call.variables.store(self._slot.result, leg.dialled)
        if ended == DONE or ended not in self._slot.continue_on:
            return ended
        self._exits.append(ended)
        return None

    async def _order(
        self, strategy: Strategy, group: str, named: Mapping[str, SingleMember]
    ) -> Sequence[str]:
        """The members' names in the order in which they are rung."""
        names = tuple(named)
        if strategy == "weighted":
            return self._by_chance(named)
        try:
            turns = self._call.account.caller_accounts.group_turns
            if strategy == "round_robin":
                return await turns.take(group, names)
            if strategy == "last_answered":
                return await turns.longest_ago(group, names)
        except (StoreGone, StartError) as error:
            self._call.note("turns_unknown", str(error))
        return names

    def _by_chance(self, named: Mapping[str, SingleMember]) -> Sequence[str]:
        left, order = list(named), list[str]()
        while left:
            (chosen,) = self._call.random.choices(left, [named[one].weight for one in left])
            left.remove(chosen)
            order.append(chosen)
        return order

    async def _keep_answered(self, group: str, name: str) -> None:
        try:
            await self._call.account.caller_accounts.group_turns.answered(group, name)
        except (StoreGone, StartError) as error:
            self._call.note("turns_unknown", str(error))


def _written(member: SingleMember) -> str:
    """What tells a member from another one that takes its place in the flow later."""
    return str(member.number or member.uri or member.device or "group")
