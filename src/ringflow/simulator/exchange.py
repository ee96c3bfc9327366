"""What the calls of one virtual Asterisk share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ringflow.simulator.call_queue import CallQueue, Devices, DeviceState, Member
from ringflow.simulator.command_line import split_arguments
from ringflow.simulator.originate import OriginatedCalls

if TYPE_CHECKING:
    from ringflow.simulator.conference import Conference


@dataclass(slots=True, eq=False)
class Exchange:
    """Its conferences and queues by their names, which devices are in use, and the calls that it made."""

    conferences: dict[str, Conference] = field(default_factory=dict)
    queues: dict[str, CallQueue] = field(default_factory=dict)
    devices: Devices = field(default_factory=Devices)
    originated: OriginatedCalls = field(default_factory=OriginatedCalls)

    def room_figure(self, what: str, name: str) -> str:
        """What `CONFBRIDGE_INFO` says of a room: 0 of one that nobody is in."""
        room = self.conferences.get(name)
        return "0" if room is None else str(room.figure(what))

    def queue_figure(self, function: str, arguments: str, now_s: int) -> str:
        """What `QUEUE_EXISTS`, `QUEUE_WAITING_COUNT` or `QUEUE_MEMBER` says of a queue."""
        name, what = [*split_arguments(arguments), "", ""][:2]
        queue = self.queues.get(name)
        if function == "QUEUE_EXISTS":
            return str(int(queue is not None))
        if queue is None:
            return "0"
        if function == "QUEUE_WAITING_COUNT":
            return str(len(queue.waiting))
        return str(sum(self._counts(queue, one, what, now_s) for one in queue.members))

    def _counts(self, queue: CallQueue, member: Member, what: str, now_s: int) -> bool:
        state = self.devices.state(member.interface)
        free = state is DeviceState.NOT_IN_USE and not member.paused
        return {
            "count": True,
            "logged": state is not DeviceState.INVALID,
            "free": free,
            "ready": free and queue.can_ring(member, self.devices, now_s),
        }.get(what, False)
