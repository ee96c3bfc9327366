"""The queues of a virtual Asterisk: their members, who waits in which order, and whom a caller may ring.

As apps/app_queue.c has them. A queue's options are those of queues.conf, by their names there; members that
are equal are rung in the order in which they were added, where Asterisk takes any order for some strategies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ringflow.simulator.incoming_call import IncomingCall

ROUND = 1000
"""A member whose turn is past comes so much later than one whose turn is to come (calc_metric)."""
PENALTY = 1_000_000
"""By so much a member's penalty weighs."""
TRUE = frozenset({"yes", "true", "y", "t", "1", "on"})


class Strategy(StrEnum):
    """Which members are rung first."""

    RING_ALL = "ringall"
    LINEAR = "linear"
    ROUND_ROBIN = "rrmemory"
    ROUND_ROBIN_ORDERED = "rrordered"
    LEAST_RECENT = "leastrecent"
    FEWEST_CALLS = "fewestcalls"


class DeviceState(StrEnum):
    """What Asterisk thinks of the device behind a member."""

    NOT_IN_USE = "not in use"
    IN_USE = "in use"
    RINGING = "ringing"
    INVALID = "invalid"


@dataclass(slots=True, eq=False)
class Member:
    """One agent of a queue, rung at `interface`; `last_call_s` 0: none yet, by the clock in whole seconds."""

    interface: str
    name: str
    penalty: int = 0
    paused: bool = False
    dynamic: bool = True
    calls: int = 0
    last_call_s: int = 0


@dataclass(slots=True, eq=False)
class Waiting:
    """A caller in a queue. `turn` counts for the strategy `linear`."""

    call: IncomingCall
    began_s: int
    priority: int = 0
    position: int = 0
    first_position: int = 0
    turn: int = 0
    said_position: int = 0
    said_at_s: int = 0
    announced_at_s: int = 0


class Devices:
    """Which devices ring and talk, for all calls of an Asterisk."""

    def __init__(self) -> None:
        self._ringing: dict[str, int] = {}
        self._talking: dict[str, int] = {}

    def state(self, interface: str) -> DeviceState:
        """A device that is reached through a trunk (`PJSIP/NUMBER@TRUNK`) has no state of its own."""
        if "@" in interface and not interface.startswith("Local/"):
            return DeviceState.INVALID
        if self._talking.get(interface):
            return DeviceState.IN_USE
        return DeviceState.RINGING if self._ringing.get(interface) else DeviceState.NOT_IN_USE

    def rings(self, interface: str, by: int = 1) -> None:
        """One more call rings there; with -1 one less."""
        self._ringing[interface] = self._ringing.get(interface, 0) + by

    def talks(self, interface: str, by: int = 1) -> None:
        """One more call is talked there; with -1 one less."""
        self._talking[interface] = self._talking.get(interface, 0) + by


@dataclass(slots=True, eq=False)
class CallQueue:
    """One queue; `options` by their names in queues.conf."""

    options: Mapping[str, str] = field(default_factory=dict)
    members: list[Member] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    hold_s: int = 0
    """How long callers wait, an average."""
    turn: int = 0
    """For the strategies `rrmemory` and `rrordered`."""
    completed: int = 0
    abandoned: int = 0

    @property
    def strategy(self) -> Strategy:
        """The queue's; Asterisk takes `ringall` for one that it does not know."""
        text = self.options.get("strategy", "")
        return Strategy(text) if text in {*Strategy} else Strategy.RING_ALL

    def number(self, option: str, otherwise: int = 0) -> int:
        """An option that is a number."""
        text = self.options.get(option, "")
        return int(text) if text.isdecimal() else otherwise

    def says(self, option: str, otherwise: bool = False) -> bool:
        """An option that is true or false."""
        return self.options[option].lower() in TRUE if option in self.options else otherwise

    def sound(self, name: str) -> str:
        """A sound by its option, such as `queue-thereare`, which is its name too where it is not set."""
        return self.options.get(name) or name

    def find(self, interface: str) -> Member | None:
        """The member that is rung there."""
        return next((one for one in self.members if one.interface == interface), None)

    def join(self, caller: Waiting) -> None:
        """The caller waits behind all whose priority is as high (join_queue)."""
        behind = [one for one in self.waiting if one.priority >= caller.priority]
        self.waiting.insert(len(behind), caller)
        self._number()
        caller.first_position = caller.position

    def leave(self, caller: Waiting) -> None:
        """Nobody waits here any more by this caller; others move up."""
        if caller in self.waiting:
            self.waiting.remove(caller)
            self._number()

    def _number(self) -> None:
        for position, one in enumerate(self.waiting, start=1):
            one.position = position

    def is_turn_of(self, caller: Waiting, devices: Devices, now_s: int) -> bool:
        """Whether a member could take this call, with those before it served (is_our_turn)."""
        free = sum(self._is_free(one, devices, now_s) for one in self.members)
        if free and (self.strategy is Strategy.RING_ALL or not self.says("autofill", True)):
            free = 1
        return caller.position <= free

    def can_ring(self, member: Member, devices: Devices, now_s: int) -> bool:
        """Whether a member may be rung now (can_ring_entry)."""
        if member.paused or self._wraps_up(member, now_s):
            return False
        return self.says("ringinuse", True) or devices.state(member.interface) is DeviceState.NOT_IN_USE

    def _is_free(self, member: Member, devices: Devices, now_s: int) -> bool:
        """Whether a member counts as free (num_available_members); one behind a trunk never does."""
        is_invalid = devices.state(member.interface) is DeviceState.INVALID
        return not is_invalid and self.can_ring(member, devices, now_s)

    def _wraps_up(self, member: Member, now_s: int) -> bool:
        return bool(member.last_call_s) and now_s - member.last_call_s < self.number("wrapuptime")

    def has_nobody(self, option: str, devices: Devices, now_s: int) -> bool:
        """Whether the queue counts as empty by `joinempty` or `leavewhenempty` (get_member_status)."""
        reasons = _EMPTY[option].get(self.options.get(option, "").lower())
        if reasons is None:
            reasons = frozenset(self.options.get(option, "").replace(" ", "").split(","))
        if not reasons or reasons == {""}:
            return False
        return not any(self._is_there(one, reasons, devices, now_s) for one in self.members)

    def _is_there(self, member: Member, reasons: frozenset[str], devices: Devices, now_s: int) -> bool:
        state = devices.state(member.interface)
        away = {
            "paused": member.paused,
            "invalid": state is DeviceState.INVALID,
            "inuse": state is DeviceState.IN_USE,
            "ringing": state is DeviceState.RINGING,
            "wrapup": self._wraps_up(member, now_s),
        }
        return not any(away.get(reason, False) for reason in reasons)

    def in_order(self, caller: Waiting, now_s: int) -> Iterator[Sequence[Member]]:
        """Groups of members that are rung together, the first group first (calc_metric, ring_one)."""
        ranked = self._ranked(caller, now_s)
        if self.strategy is not Strategy.RING_ALL:
            yield from ([self.members[place]] for _, place in ranked)
            return
        for rank in dict.fromkeys(rank for rank, _ in ranked):
            yield [self.members[place] for of, place in ranked if of == rank]

    def _ranked(self, caller: Waiting, now_s: int) -> list[tuple[int, int]]:
        """Each member's rank with its place among the members, those that are rung first at the front."""
        return sorted(
            (self._rank(member, place, caller, now_s), place) for place, member in enumerate(self.members)
        )

    def _rank(self, member: Member, place: int, caller: Waiting, now_s: int) -> int:
        rank = 0
        if self.strategy is Strategy.LINEAR:
            rank = place + ROUND * (place < caller.turn)
        elif self.strategy in (Strategy.ROUND_ROBIN, Strategy.ROUND_ROBIN_ORDERED):
            rank = place + ROUND * (place < self.turn)
        elif self.strategy is Strategy.FEWEST_CALLS:
            rank = member.calls
        elif self.strategy is Strategy.LEAST_RECENT and member.last_call_s:
            rank = PENALTY - (now_s - member.last_call_s)
        return rank + member.penalty * PENALTY

    def next_turn(self, caller: Waiting, tried: Sequence[Member], now_s: int) -> None:
        """The next attempt begins with who was not tried in this one (store_next_lin, store_next_rr)."""
        left = [
            rank % ROUND for rank, place in self._ranked(caller, now_s) if self.members[place] not in tried
        ]
        turn = left[0] if left else 0
        if self.strategy is Strategy.LINEAR:
            caller.turn = turn
        elif self.strategy in (Strategy.ROUND_ROBIN, Strategy.ROUND_ROBIN_ORDERED):
            self.turn = turn

    def took(self, member: Member, now_s: int) -> None:
        """A member's call is over."""
        member.calls += 1
        member.last_call_s = now_s
        self.completed += 1

    def waited(self, seconds: int) -> None:
        """A caller waited so long for an answer (recalc_holdtime)."""
        self.hold_s = (self.hold_s * 3 + seconds) >> 2


_NOBODY_THERE = frozenset({"penalty", "paused", "invalid"})
_STRICT = frozenset({"penalty", "paused", "invalid", "unavailable"})
_LOOSE = frozenset({"penalty", "invalid"})
_NO_RULE: frozenset[str] = frozenset()
_EMPTY: Mapping[str, Mapping[str, frozenset[str]]] = {
    "joinempty": {
        "": _NO_RULE, "yes": _NO_RULE, "no": _NOBODY_THERE, "strict": _STRICT, "loose": _LOOSE,
    },
    "leavewhenempty": {
        "": _NO_RULE, "no": _NO_RULE, "yes": _NOBODY_THERE, "strict": _STRICT, "loose": _LOOSE,
    },
}  # fmt: skip
"""Which members count for nobody, by what the option says (parse_empty_options); else it lists them."""
