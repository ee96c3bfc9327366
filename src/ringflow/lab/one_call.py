"""One real call through the running lab: planned by a simulated one, and what the wire showed of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from ringflow.calls.call_record import CallRecord
from ringflow.calls.event_stream import Observer
from ringflow.lab import CalleeRecord, Lab, LabCallee, LabCaller, LabCallResult
from ringflow.lab.asterisk import CARRIER
from ringflow.lab.scenario_plan import lab_callee, timed_hang_up, timed_keys
from ringflow.lab.scenario_server import KeptRecords
from ringflow.simulator.callee import MeetCallee
from ringflow.simulator.run import SimulatedCall
from ringflow.simulator.virtual_call import ANONYMOUS

GRACE_S = 40.0
"""How much longer than foretold the real call may take before it is given up."""

Serve = Callable[[int, Observer], AbstractAsyncContextManager[object]]
"""Starts a server on a FastAGI port, whose calls an observer sees."""


@dataclass(frozen=True, slots=True)
class CalleeForm:
    """What a callee saw. `talked_s`: from its answer to the BYE, null where it did not answer."""

    dialled: str
    from_user: str
    headers: Mapping[str, str]
    talked_s: float | None
    ended_by: str


@dataclass(frozen=True, slots=True)
class WireForm:
    """What the caller's side saw: the final reply to its INVITE, and who ended the call.

    `callees` are all who got an INVITE, in order.
    """

    sip_code: int
    reason: str
    ended_by: str
    callees: tuple[CalleeForm, ...]


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What a real call is to be. It is given up after `limit_s`."""

    caller: LabCaller
    callees: Sequence[LabCallee]
    limit_s: float


def plan_call(foretold: SimulatedCall, did: str, caller: str, meet: MeetCallee) -> CallPlan:
    """Plan a call to go as the simulated one did."""
    # Beyond those that are foretold there is one more, so that nobody waits for a callee who is not there.
    met = [leg.callee for leg in foretold.legs if leg.target.endswith(f"@{CARRIER}")]
    return CallPlan(
        LabCaller(did, caller, timed_keys(foretold), timed_hang_up(foretold), caller == ANONYMOUS),
        [lab_callee(one) for one in (*met, met[-1] if met else meet(0, ""))],
        foretold.record.duration_ms / 1000 + GRACE_S,
    )


async def make_call(lab: Lab, plan: CallPlan, serve: Serve) -> tuple[LabCallResult, CallRecord | None]:
    """Make the call; return what the wire showed, and its record where no server ran and `serve` started one.

    Raises `TimeoutError` where nobody ends it.
    """
    port = lab.asterisk().state.fastagi_port
    if await _listens(port):
        return await lab.call(plan.caller, {CARRIER: plan.callees}, plan.limit_s), None
    kept = KeptRecords()
    async with serve(port, kept):
        wire = await lab.call(plan.caller, {CARRIER: plan.callees}, plan.limit_s)
        return wire, next(iter(await kept.records()), None)


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def wire_form(wire: LabCallResult) -> WireForm:
    """What the wire showed, as programs get it."""
    return WireForm(
        sip_code=wire.status,
        reason=wire.reason,
        ended_by=wire.ended_by,
        callees=tuple(_callee_form(one) for one in wire.in_turn.get(CARRIER, ())),
    )


def _callee_form(callee: CalleeRecord) -> CalleeForm:
    return CalleeForm(
        dialled=callee.dialled,
        from_user=callee.from_user,
        headers=dict(callee.headers),
        talked_s=round(callee.talked_s, 3) if callee.answered_at is not None else None,
        ended_by=callee.ended_by,
    )


def wire_lines(wire: LabCallResult) -> Iterator[str]:
    """What the wire showed, for people; of the INVITE's headers those that begin with X-."""
    ended = f", ended by the {wire.ended_by}" if wire.ended_by == "caller" else ""
    yield f"on the wire: the caller got {wire.status} {wire.reason}{ended}"
    seen = wire.in_turn.get(CARRIER, ())
    if not seen:
        yield f"  no INVITE came through {CARRIER}"
    for callee in seen:
        talked = f"talked {callee.talked_s:.3f}s" if callee.answered_at is not None else "did not answer"
        yield f"  the callee got an INVITE for {callee.dialled} from {callee.from_user}, and {talked}"
        yield from (f"    {name}: {value}" for name, value in callee.headers if name.lower().startswith("x-"))
