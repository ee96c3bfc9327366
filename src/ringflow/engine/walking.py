"""From slot to slot: each one names an exit, the flow says where it leads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ringflow.calls.call import Call
from ringflow.calls.outcome import Outcome
from ringflow.errors import RingflowError
from ringflow.flows.flow import End, Flow, ToApp
from ringflow.flows.slot import Jump

MAX_SLOTS_IN_A_CALL = 1000
"""`check` refuses loops that cannot end; this ends those that a caller keeps going."""


@dataclass(slots=True)
class Ended:
    """How the flow ended, and why if not simply at its end."""

    outcome: str
    reason: str


class FlowFault(RingflowError):
    """A flow that cannot go on: an app that is gone, or far too many slots."""


async def walk(
    call: Call, flow: Flow, flows: Mapping[str, Flow], slot_left: Callable[[str, str, str], None]
) -> Ended:
    """Run the flow's slots, and those of the apps it leads to, until there is no next one."""
    index = 0
    for _ in range(MAX_SLOTS_IN_A_CALL):
        slot = flow.slots[index]
        call.transcript.enter(flow.app, flow.label(index), slot.slot)
        result = await slot.run(call)
        if isinstance(result, Jump):
            slot_left(flow.app, slot.slot, "jump")
            call.transcript.leave(f"app:{result.app}")
            flow, index = _enter(call, result.app, flows), 0
            continue
        slot_left(flow.app, slot.slot, result)
        call.left_by_exit(slot.sip_code(result))
        call.transcript.leave(result)
        step = flow.step(index, result)
        if isinstance(step, int):
            index = step
        elif isinstance(step, ToApp):
            flow, index = _enter(call, step.app, flows), 0
        elif step is End.UNMAPPED:
            return Ended(result, f"{flow.app}/{flow.label(index)} ended by {result}, which leads nowhere")
        else:
            return Ended(Outcome.COMPLETED, "")
    raise FlowFault(f"the call went through {MAX_SLOTS_IN_A_CALL} slots")


def _enter(call: Call, app: str, flows: Mapping[str, Flow]) -> Flow:
    flow = flows.get(app)
    if flow is None:
        raise FlowFault(f"the app {app} is gone")
    call.enter_app(app)
    return flow
