"""The slots that an app wants run after the caller is gone, once for each call, however it ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable

import structlog

from ringflow.agi.session import AgiSession
from ringflow.calls import events
from ringflow.calls.call import Call
from ringflow.errors import RingflowError
from ringflow.flows.flow import Flow
from ringflow.plain_text import plain

log = structlog.get_logger("ringflow.engine")

LONGEST_S = 10.0
"""How long the slots after one call may take in all; those that are left then are not run."""

AT_STOP_S = 3.0
"""The same where the server stops: a service manager waits for its end 15 s longer than for the calls."""

MAX_SLOTS = 200
"""How many slots are run after one call: exits may lead back."""

FAILED = "failed"
"""The exit, in events, of a slot that failed, and after which no further one of its app is run."""


async def run_after_hangup(
    call: Call, session: AgiSession, flows: Iterable[tuple[Flow, int]], longest_s: float | None = None
) -> None:
    """Run the flows, each with the variables of its frame. The caller is hung up first, if still there.

    `longest_s`: how long they may take in all; None: `LONGEST_S`.

    Raises nothing but `CancelledError`: what fails is logged, and stands in the record.
    """
    flows = list(flows)
    longest_s = LONGEST_S if longest_s is None else longest_s
    if not flows:
        return
    with contextlib.suppress(RingflowError):
        await session.hangup()
    call.events.leave_flow()
    try:
        async with asyncio.timeout(longest_s):
            for flow, depth in flows:
                with call.variables.at_frame(depth):
                    await _run(call, flow)
    except TimeoutError:
        call.note("after_hangup_cut", f"the slots took longer than {longest_s:g} s")
        log.error("slots after the hang-up took too long", longest_s=longest_s)


async def _run(call: Call, flow: Flow) -> None:
    index: int | None = 0
    for _ in range(MAX_SLOTS):
        if index is None:
            return
        slot = flow.slots[index]
        call.events.enter_slot(flow.app, flow.revision, flow.label(index), slot.slot)
        try:
            result = await slot.run(call)
        except Exception as error:
            call.note("after_hangup_failed", f"{type(error).__name__}: {plain(str(error))}")
            log.error("slot after the hang-up failed", slot=flow.label(index), exc_info=error)
            call.events.emit(events.SlotLeft, slot.slot, FAILED, None)
            return
        exit_name = result if isinstance(result, str) else FAILED
        call.events.emit(events.SlotLeft, slot.slot, exit_name, None)
        step = flow.step(index, exit_name)
        index = step if isinstance(step, int) else None
