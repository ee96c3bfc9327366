"""`Queue` and its companions as the virtual Asterisk runs them: apps/app_queue.c.

Followed of `Queue` are the options c, n and r, the timeout, and QUEUE_PRIO; keys of the caller lead nowhere,
as without a `context`. A member who answers is talked to until one of the two hangs up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringflow.calls.released_by import NORMAL_CLEARING
from ringflow.simulator.call_queue import CallQueue, Member, Strategy, Waiting
from ringflow.simulator.callee import ANSWERED, Behaviour, DialledLeg
from ringflow.simulator.command_line import split_arguments, split_options
from ringflow.simulator.conference import say_number
from ringflow.simulator.incoming_call import IncomingCall
from ringflow.simulator.line import HungUp, Sound

RECHECK_MS = 1000
"""How often a caller who waits looks whether a member is free."""
RING_S = 15
RETRY_S = 5
ANNOUNCE_GAP_S = 15
"""The defaults of `timeout`, `retry` and `min-announce-frequency`."""


class _Gone(Exception):
    """The caller hung up."""


async def run_queue(call: IncomingCall, data: str) -> int:
    """`Queue(name,options,URL,announcement,timeout,...)`: waits for a member, and talks to who answers.

    Where nobody answers QUEUESTATUS says why. It does not answer the call.
    """
    name, option_text, _, _, timeout = [*split_arguments(data), "", "", "", "", ""][:5]
    queue = call.exchange.queues.get(name)
    if queue is None:
        call.channel.set_variable("QUEUESTATUS", "UNKNOWN")
        return 0
    return await _Visit(call, queue, split_options(option_text), timeout).run()


@dataclass(slots=True, eq=False)
class _Answered:
    member: Member
    leg: DialledLeg


class _Visit:
    """One caller's stay in a queue."""

    def __init__(
        self, call: IncomingCall, queue: CallQueue, options: Mapping[str, str], timeout: str
    ) -> None:
        self._call, self._queue, self._options = call, queue, options
        self._sound = Sound.RINGING if "r" in options else Sound.MUSIC
        began_s = self._now_s()
        priority = call.channel.get_variable("QUEUE_PRIO") or ""
        self._caller = Waiting(call, began_s, int(priority) if priority.lstrip("-").isdigit() else 0)
        self._caller.announced_at_s = began_s
        self._expires_s = began_s + int(timeout) if timeout.isdecimal() and int(timeout) else None

    def _now_s(self) -> int:
        return int(self._call.clock.now_s())

    async def run(self) -> int:
        call, queue, devices = self._call, self._queue, self._call.exchange.devices
        if queue.has_nobody("joinempty", devices, self._now_s()):
            return self._status("JOINEMPTY")
        most = queue.number("maxlen")
        if most and len(queue.waiting) >= most:
            return self._status("FULL")
        queue.join(self._caller)
        call.line.starts(self._sound, False)
        try:
            outcome = await self._wait()
        except _Gone:
            outcome = None
        call.line.stops(self._sound)
        position = self._caller.position
        queue.leave(self._caller)
        if not isinstance(outcome, _Answered):
            queue.abandoned += 1
            call.channel.set_variable("ABANDONED", "TRUE")
        call.channel.set_variable("QUEUEPOSITION", str(position))
        if isinstance(outcome, _Answered):
            return await self._talk(outcome)
        return -1 if outcome is None else self._status(outcome)

    def _status(self, text: str) -> int:
        self._call.channel.set_variable("QUEUESTATUS", text)
        return 0

    def _is_late(self) -> bool:
        return self._expires_s is not None and self._now_s() >= self._expires_s

    async def _wait(self) -> _Answered | str:
        """Wait for the caller's turn and for who answers; or say what QUEUESTATUS becomes."""
        queue, devices = self._queue, self._call.exchange.devices
        while True:
            while not queue.is_turn_of(self._caller, devices, self._now_s()):
                if (reason := await self._wait_once()) is not None:
                    return reason
            again = False
            while True:
                if self._is_late():
                    return "TIMEOUT"
                if again:
                    await self._say_position()
                again = True
                await self._say_periodic()
                if self._is_late():
                    return "TIMEOUT"
                answered = await self._ring()
                if answered is not None:
                    return answered
                if queue.has_nobody("leavewhenempty", devices, self._now_s()):
                    return "LEAVEEMPTY"
                if "n" in self._options or self._is_late():
                    return "TIMEOUT"
                await self._pass(queue.number("retry", RETRY_S) * 1000)
                if not queue.is_turn_of(self._caller, devices, self._now_s()):
                    break

    async def _wait_once(self) -> str | None:
        """One look of a caller whose turn has not come (wait_our_turn)."""
        if self._is_late():
            return "TIMEOUT"
        if self._queue.has_nobody("leavewhenempty", self._call.exchange.devices, self._now_s()):
            return "LEAVEEMPTY"
        await self._say_position()
        await self._say_periodic()
        if self._is_late():
            return "TIMEOUT"
        await self._pass(RECHECK_MS)
        return "TIMEOUT" if self._is_late() else None

    async def _pass(self, length_ms: int) -> None:
        if isinstance(await self._call.wait(self._call.clock.monotonic_ms() + length_ms), HungUp):
            raise _Gone

    async def _say(self, *prompts: str) -> None:
        self._call.line.stops(self._sound)
        for prompt in prompts:
            if isinstance(await self._call.play(prompt), HungUp):
                raise _Gone
        self._call.line.starts(self._sound, False)

    async def _say_position(self) -> None:
        """`announce-frequency`: the caller's place and how long it may take (say_position)."""
        queue, caller, now_s = self._queue, self._caller, self._now_s()
        often_s = queue.number("announce-frequency")
        since_s = now_s - caller.said_at_s
        moved = caller.said_position != caller.position
        if not often_s or since_s < queue.number("min-announce-frequency", ANNOUNCE_GAP_S):
            return
        if not moved and since_s < often_s:
            return
        place = self._place()
        # Who is next is not told how long it may take.
        hold = [] if place and caller.position == 1 else self._hold()
        thanked = bool(place or hold) or not (self._says_hold() and not self._says_place())
        caller.said_at_s, caller.said_position = now_s, caller.position
        await self._say(*place, *hold, *([queue.sound("queue-thankyou")] if thanked else []))

    def _place(self) -> list[str]:
        queue, position = self._queue, self._caller.position
        limit = queue.number("announce-position-limit", 10)
        how = queue.options.get("announce-position", "yes")
        if how == "limit" and position > limit:
            return []
        if not self._says_place():
            return []
        if position == 1:
            return [queue.sound("queue-youarenext")]
        if how == "more" and position > limit:
            return [queue.sound("queue-quantity1"), *say_number(limit), queue.sound("queue-quantity2")]
        return [queue.sound("queue-thereare"), *say_number(position), queue.sound("queue-callswaiting")]

    def _says_place(self) -> bool:
        queue = self._queue
        how = queue.options.get("announce-position", "yes")
        return how in ("limit", "more") or queue.says("announce-position", True)

    def _says_hold(self) -> bool:
        queue = self._queue
        return queue.options.get("announce-holdtime") == "once" or queue.says("announce-holdtime", True)

    def _hold(self) -> list[str]:
        queue, caller = self._queue, self._caller
        once = queue.options.get("announce-holdtime") == "once"
        minutes = abs(queue.hold_s + 30 - (self._now_s() - caller.began_s)) // 60
        if not minutes or not self._says_hold():
            return []
        if once and caller.said_at_s:
            return []
        unit = "queue-minute" if minutes == 1 else "queue-minutes"
        return [queue.sound("queue-holdtime"), *say_number(minutes), queue.sound(unit)]

    async def _say_periodic(self) -> None:
        """`periodic-announce`, one file after the other where there are several."""
        often_s, now_s = self._queue.number("periodic-announce-frequency"), self._now_s()
        if not often_s or now_s - self._caller.announced_at_s < often_s:
            return
        self._caller.announced_at_s = now_s
        await self._say(self._queue.sound("periodic-announce"))

    async def _ring(self) -> _Answered | None:
        """Ring members once, all or one after the other, until one answers or the time is over."""
        queue, call, devices = self._queue, self._call, self._call.exchange.devices
        ring_s = queue.number("timeout", RING_S)
        if self._expires_s is not None:
            left_s = self._expires_s - self._now_s()
            ring_s = min(ring_s, left_s) if ring_s else left_s
        ends_ms = call.clock.monotonic_ms() + ring_s * 1000 if ring_s else None
        tried: list[Member] = []
        answered = None
        for group in queue.in_order(self._caller, self._now_s()):
            now_s = self._now_s()
            free = [one for one in group if queue.can_ring(one, devices, now_s)]
            tried += group
            answered, over = await self._ring_at(free, ends_ms)
            if answered is not None or over or (free and queue.strategy is Strategy.RING_ALL):
                break
        queue.next_turn(self._caller, tried, self._now_s())
        return answered

    async def _ring_at(self, members: list[Member], ends_ms: int | None) -> tuple[_Answered | None, bool]:
        """Ring these together; who answered, and whether the time is over."""
        call, devices = self._call, self._call.exchange.devices
        began_ms = call.clock.monotonic_ms()
        ringing = [_Answered(one, self._leg(one)) for one in members]
        for one in ringing:
            devices.rings(one.member.interface)
        try:
            acting = [one for one in ringing if not one.leg.callee.waits]
            for one in sorted(acting, key=lambda one: one.leg.callee.after_ms or 0):
                acts_ms = began_ms + (one.leg.callee.after_ms or 0)
                if ends_ms is not None and acts_ms > ends_ms:
                    break
                if isinstance(await call.wait(acts_ms), HungUp):
                    raise _Gone
                if one.leg.callee.behaviour is Behaviour.ANSWER:
                    return one, False
            else:
                if len(acting) == len(ringing):
                    return None, False
            if isinstance(await call.wait(ends_ms), HungUp):
                raise _Gone
            return None, True
        finally:
            for one in ringing:
                devices.rings(one.member.interface, -1)

    def _leg(self, member: Member) -> DialledLeg:
        call = self._call
        leg = DialledLeg(
            target=member.interface,
            headers={},
            caller_id=call.channel.caller or "anonymous",
            callee=call.meet(len(call.legs), member.interface),
            at_ms=call.clock.monotonic_ms(),
            channel=f"{member.interface}-{len(call.legs) + 1:08x}",
            by_queue=True,
        )
        call.legs.append(leg)
        return leg

    async def _talk(self, answered: _Answered) -> int:
        """The talk with a member; -1 where it ends the call, as at its end without the option c."""
        call, queue, member = self._call, self._queue, answered.member
        held_s = self._now_s() - self._caller.began_s
        queue.waited(held_s)
        self._tell_who(member, held_s)
        call.answer()
        call.channel.responses[answered.leg.channel] = ANSWERED
        call.exchange.devices.talks(member.interface)
        call.line.starts(Sound.CALLEE, False)
        talk_ms = answered.leg.callee.talk_ms
        event = await call.wait(None if talk_ms is None else call.clock.monotonic_ms() + talk_ms)
        call.line.stops(Sound.CALLEE)
        call.exchange.devices.talks(member.interface, -1)
        queue.took(member, self._now_s())
        by_caller = isinstance(event, HungUp)
        call.channel.note_hangup_source(call.channel.name if by_caller else answered.leg.channel)
        call.channel.hangup_cause = NORMAL_CLEARING
        if by_caller or "c" not in self._options:
            return -1
        return self._status("CONTINUE")

    def _tell_who(self, member: Member, held_s: int) -> None:
        channel, queue = self._call.channel, self._queue
        if queue.says("setinterfacevar"):
            channel.set_variable("MEMBERINTERFACE", member.interface)
            channel.set_variable("MEMBERNAME", member.name)
            channel.set_variable("MEMBERCALLS", str(member.calls))
            channel.set_variable("MEMBERPENALTY", str(member.penalty))
        if queue.says("setqueueentryvar"):
            channel.set_variable("QEHOLDTIME", str(held_s))
            channel.set_variable("QEORIGINALPOS", str(self._caller.first_position))


async def run_add_member(call: IncomingCall, data: str) -> int:
    """`AddQueueMember(queue,interface,penalty,options,name)`; AQMSTATUS says what became of it."""
    name, interface, penalty, _, shown = [*split_arguments(data), "", "", "", "", ""][:5]
    interface = interface or _own_interface(call)
    queue = call.exchange.queues.get(name)
    status = "NOSUCHQUEUE" if queue is None else "MEMBERALREADY"
    if queue is not None and queue.find(interface) is None:
        weight = int(penalty) if penalty.isdecimal() else 0
        queue.members.append(Member(interface, shown or interface, weight))
        status = "ADDED"
    call.channel.set_variable("AQMSTATUS", status)
    return 0


async def run_remove_member(call: IncomingCall, data: str) -> int:
    """`RemoveQueueMember(queue,interface)`; RQMSTATUS. Members of queues.conf stay."""
    name, interface = [*split_arguments(data), "", ""][:2]
    queue = call.exchange.queues.get(name)
    member = queue.find(interface or _own_interface(call)) if queue is not None else None
    if queue is None:
        status = "NOSUCHQUEUE"
    elif member is None:
        status = "NOTINQUEUE"
    elif not member.dynamic:
        status = "NOTDYNAMIC"
    else:
        queue.members.remove(member)
        status = "REMOVED"
    call.channel.set_variable("RQMSTATUS", status)
    return 0


async def run_pause_member(call: IncomingCall, data: str) -> int:
    """`PauseQueueMember(queue,interface)`: no calls until it is unpaused; no queue: in all. PQMSTATUS."""
    call.channel.set_variable("PQMSTATUS", "PAUSED" if _set_paused(call, data, True) else "NOTFOUND")
    return 0


async def run_unpause_member(call: IncomingCall, data: str) -> int:
    """`UnpauseQueueMember(queue,interface)`. UPQMSTATUS."""
    call.channel.set_variable("UPQMSTATUS", "UNPAUSED" if _set_paused(call, data, False) else "NOTFOUND")
    return 0


def _set_paused(call: IncomingCall, data: str, paused: bool) -> bool:
    name, interface = [*split_arguments(data), "", ""][:2]
    queues = [queue for key, queue in call.exchange.queues.items() if name in ("", key)]
    members = [member for queue in queues if (member := queue.find(interface)) is not None]
    for member in members:
        member.paused = paused
    return bool(members)


def _own_interface(call: IncomingCall) -> str:
    return call.channel.name.rpartition("-")[0]
