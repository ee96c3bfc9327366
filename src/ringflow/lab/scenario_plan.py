"""Turns a simulated call into a real one: what the caller does when, and who stands behind which trunk."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.calls.dial_attempt import is_sip_uri
from ringflow.calls.outcome import NEVER_DIALLED, URI_TRUNK, Leg, LegStatus
from ringflow.calls.outgoing_legs import NO_URI
from ringflow.errors import Refused
from ringflow.lab import sipp_scenarios
from ringflow.lab.call_values import HangUp, LabCaller, Moment, TimedKeys, TimedSpeech
from ringflow.lab.sipp_scenarios import LabCallee
from ringflow.simulator.callee import Behaviour, Callee, DialledLeg
from ringflow.simulator.run import SimulatedCall, dialled_legs
from ringflow.simulator.scenario import ScenarioCall
from ringflow.simulator.virtual_call import ANONYMOUS

_BEHAVIOURS = {
    Behaviour.ANSWER: sipp_scenarios.Behaviour.ANSWER,
    Behaviour.BUSY: sipp_scenarios.Behaviour.BUSY,
    Behaviour.NO_ANSWER: sipp_scenarios.Behaviour.NO_ANSWER,
    Behaviour.CONGESTION: sipp_scenarios.Behaviour.CONGESTION,
    Behaviour.REFUSE: sipp_scenarios.Behaviour.REFUSE,
    Behaviour.TRYING: sipp_scenarios.Behaviour.TRYING,
    Behaviour.SILENT: sipp_scenarios.Behaviour.SILENT,
}


@dataclass(frozen=True, slots=True, eq=False)
class PlannedLeg:
    """An attempt through `trunk`, dialled at `at_ms` of the scenario's clock.

    It belongs to the call's `turn`th time (from 0) of dialling through the trunks; None for a SIP URI.
    `callee` is None where nobody is there.
    """

    turn: int | None
    trunk: str
    callee: LabCallee | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class RealPlan:
    """A real call as the simulator foretold it.

    `cli` is empty where no number arrives. `legs` are the attempts for which an INVITE is sent or tried, in
    order. `asserted`: the network tells the number of a caller who withholds it. `headers` are further ones.
    """

    cli: str
    anonymous: bool
    asserted: bool
    keys: tuple[TimedKeys, ...]
    speech: tuple[TimedSpeech, ...]
    hang_up: HangUp | None
    legs: tuple[PlannedLeg, ...]
    headers: tuple[str, ...] = ()

    def caller(self, did: str) -> LabCaller:
        """The caller, who dials this number."""
        asserted = (f"P-Asserted-Identity: <sip:{self.cli}@127.0.0.1>",) if self.asserted else ()
        headers = (*asserted, *self.headers)
        return LabCaller(
            did, self.cli, self.keys, self.hang_up, self.anonymous, headers=headers, speech=self.speech
        )


def plan_call(script: ScenarioCall, call: SimulatedCall) -> RealPlan:
    """How to make the call on a real Asterisk. Raises `Refused` for what only the simulator can play."""
    cli = script.call.caller
    if call.endless and script.expect.endless is None:
        raise Refused(
            "scenario.not_for_the_lab",
            "nobody ends this call; say after how long the caller may: `expect: {endless: 10s}`",
        )
    withheld = script.call.presentation == "restricted"
    if cli is None and withheld:
        raise Refused(
            "scenario.not_for_the_lab",
            "a caller without a number has none to withhold; give `from`, or leave out `presentation`",
        )
    return RealPlan(
        cli=cli or "",
        anonymous=withheld or cli == ANONYMOUS,
        asserted=withheld and cli != ANONYMOUS,
        keys=timed_keys(call),
        speech=tuple(TimedSpeech(one.at_ms, one.length_ms) for one in call.timeline.speech),
        hang_up=timed_hang_up(call),
        legs=_legs(call),
        headers=tuple(f"{name}: {value}" for name, value in script.call.headers.items()),
    )


def timed_keys(call: SimulatedCall) -> tuple[TimedKeys, ...]:
    """The caller's keys, each at its time after the answer."""
    return tuple(TimedKeys(key.at_ms, key.key, key.length_ms, 0) for key in call.timeline.keys)


def _legs(call: SimulatedCall) -> tuple[PlannedLeg, ...]:
    legs: list[PlannedLeg] = []
    dialled = iter(call.legs)
    turn, tried, is_over = -1, set[str](), True
    for leg in call.record.legs:
        to_uri = leg.trunk == URI_TRUNK or (not leg.trunk and _is_to_uri(leg))
        # Trunks are tried in one order each time: the first one again is the next time. A number that no
        # trunk can take is a time of its own, and a SIP URI is none, but comes between two.
        if not to_uri and (is_over or not leg.trunk or leg.trunk in tried):
            turn, tried = turn + 1, set()
        is_over = to_uri or not leg.trunk
        tried.add(leg.trunk)
        if leg.trunk and leg.status not in NEVER_DIALLED:
            seen = next(dialled)
            legs.append(PlannedLeg(None if to_uri else turn, leg.trunk, _met(seen), seen.at_ms))
    return tuple(legs)


def _is_to_uri(leg: Leg) -> bool:
    """Whether a leg that was not dialled was to go to a SIP URI."""
    return is_sip_uri(leg.dialled) or leg.reason == NO_URI


def _met(seen: DialledLeg) -> LabCallee | None:
    if "/" not in seen.target or "@" not in seen.target:
        raise Refused("scenario.not_for_the_lab", f"the lab has no callee behind {seen.target}")
    return lab_callee(seen.callee) if seen.callee.behaviour in _BEHAVIOURS else None


def lab_callee(callee: Callee) -> LabCallee:
    """The same callee as SIPp plays it."""
    return LabCallee(
        _BEHAVIOURS[callee.behaviour],
        callee.after_ms or 0,
        callee.talk_ms,
        callee.code,
        rings_first=callee.rings_first,
        early_media=callee.early_media,
        keys=callee.keys,
        keys_after_ms=callee.keys_after_ms,
    )


def timed_hang_up(call: SimulatedCall) -> HangUp | None:
    """When the caller hangs up, counted from the last thing before it that is seen on the wire."""
    at_ms = call.timeline.hung_up_at_ms
    if at_ms is None:
        return None
    events = call.record.transcript
    dialled_ms = [event.at_ms for event in events if event.event == "dial"]
    arrived_ms = at_ms + (_answered_ms(call, dialled_ms) if call.timeline.answered else 0)
    last = dialled_legs(call.record)[-1:]
    if last and last[0].status is LegStatus.CANCELLED:
        return HangUp(Moment.RINGING, arrived_ms - dialled_ms[0])
    talk_began_ms = dialled_ms[-1] + (call.legs[-1].callee.after_ms or 0) if dialled_ms else 0
    if last and last[0].status is LegStatus.ANSWERED and arrived_ms <= talk_began_ms + last[0].talked_ms:
        return HangUp(Moment.TALKING, arrived_ms - talk_began_ms)
    return HangUp(Moment.ANSWERED if call.timeline.answered else Moment.DIALLED, at_ms)


def _answered_ms(call: SimulatedCall, dialled_ms: list[int]) -> int:
    """When the caller was answered, counted from the call's arrival: by us, or by the first callee."""
    for event in call.record.transcript:
        if event.event == "answered":
            return event.at_ms
    legs = zip(dialled_ms, call.legs, dialled_legs(call.record), strict=False)
    return next(
        (at + (seen.callee.after_ms or 0) for at, seen, leg in legs if leg.status is LegStatus.ANSWERED), 0
    )
