"""`Dial` as the virtual Asterisk runs it: apps/app_dial.c with Ringflow's own dialplan around it.

The options that Ringflow gives are followed: g, H, f(), r, m(), L(), b(ringflow-leg...),
b(ringflow-callee...),
b(ringflow-silent...), U(ringflow-answered...) and U(ringflow-charged...). What the subroutines do is in
docs/architecture.md, "The contract with the dialplan". L() without a warning is the absolute timeout of the
callee's channel, which can be set anew. B(ringflow-charged...) pushes a hangup handler, for calls whose
Ringflow is gone: here it never is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ringflow.calls.echo import ECHO, NO_ECHO
from ringflow.calls.released_by import NO_USER_RESPONSE, NORMAL_CLEARING
from ringflow.simulator.callee import ANSWERED, Behaviour, Callee, DialledLeg, Refusal, refusal_of
from ringflow.simulator.command_line import split_arguments, split_options
from ringflow.simulator.incoming_call import ANY_KEY, IncomingCall
from ringflow.simulator.line import CalleeActs, HungUp, KeyUp, LineEvent, Sound

LEG_SUBROUTINE = re.compile(
    r"ringflow-(?:leg|callee|silent)\^(?P<entry>two|more|s)\^1(?:\((?P<arguments>.*)\))?"
)
ANONYMOUS = "anonymous"
ECHO_KEY = "#"
"""The only key that `Echo` itself knows (app_echo.c)."""
UNCHARGED = "ringflow-answered^"
ANSWERED_SUBROUTINES = (UNCHARGED, "ringflow-charged^")


async def run_dial(call: IncomingCall, data: str) -> int:
    """`Dial(target,timeout,options)`: 0 to go on, -1 where the caller is gone or there is no option g."""
    target, timeout, option_text = [*split_arguments(data), "", "", ""][:3]
    options = split_options(option_text)
    channel = call.channel
    channel.set_variable("DIALSTATUS", "")
    channel.set_variable("RINGTIME_MS", "")
    if channel.hung_up or "/" not in target:
        channel.set_variable("DIALSTATUS", "CANCEL" if channel.hung_up else "CHANUNAVAIL")
        return -1 if channel.hung_up else 0
    if target == ECHO:
        return await _echo(call, options)
    if target == NO_ECHO:
        channel.set_variable("DIALSTATUS", "CHANUNAVAIL")
        return 0
    timeout_s = float(timeout) if timeout.isdecimal() else None
    legs = [_leg(call, one, options) for one in target.split("&")]
    winner = await _ring_all(call, legs, timeout_s, options)
    if winner is None:
        return -1 if channel.hung_up else 0
    await _talk(call, winner, options)
    return 0 if "g" in options and not channel.hung_up else -1


async def _echo(call: IncomingCall, options: Mapping[str, str]) -> int:
    """`Echo` at the other end, in the context `ringflow-echo`: `#` ends it, L() and the key of H do too."""
    channel = call.channel
    channel.set_variable("DIALSTATUS", "ANSWER")
    channel.hangup_cause = NORMAL_CLEARING
    channel.responses[ECHO] = ""
    call.line.starts(Sound.ECHO, False)
    ends_ms = call.clock.monotonic_ms() + int(options["L"])
    event = await call.wait(ends_ms, ECHO_KEY + (channel.disconnect_keys if "H" in options else ""))
    call.line.stops(Sound.ECHO)
    return -1 if isinstance(event, HungUp) else 0


def _leg(call: IncomingCall, target: str, options: dict[str, str]) -> DialledLeg:
    leg = DialledLeg(
        target=target,
        headers=_leg_headers(options.get("b", ""), call.channel.inherited()),
        caller_id=_shown_as(call, options),
        callee=call.meet(len(call.legs), target),
        at_ms=call.clock.monotonic_ms(),
        options=options,
        channel=f"{target}-{len(call.legs) + 1:08x}",
    )
    call.legs.append(leg)
    return leg


def _shown_as(call: IncomingCall, options: Mapping[str, str]) -> str:
    """The user of the INVITE's From: `anonymous` too where no number arrived (res_pjsip_session.c)."""
    if options.get("u") == "prohib":
        return ANONYMOUS
    return options.get("f") or call.channel.caller or ANONYMOUS


def _leg_headers(subroutine: str, inherited: Mapping[str, str]) -> dict[str, str]:
    """What `ringflow-leg` adds: arguments by its entries `two` and `more`, variables by `s` and `more`."""
    match = LEG_SUBROUTINE.fullmatch(subroutine)
    if match is None:
        return {}
    headers: dict[str, str] = {}
    if match["entry"] != "s":
        words = [*(match["arguments"] or "").split("^"), "", "", "", ""]
        headers |= {words[0]: words[1], words[2]: words[3]}
    if match["entry"] != "two":
        count = inherited.get("RINGFLOW_HEADERS", "")
        for number in range(1, (int(count) if count.isdecimal() else 0) + 1):
            name, _, value = inherited.get(f"RINGFLOW_HEADER_{number}", "").partition("=")
            headers[name] = value
    return headers


async def _ring_all(
    call: IncomingCall, legs: list[DialledLeg], timeout_s: float | None, options: Mapping[str, str]
) -> DialledLeg | None:
    """Ring at one or several places; the one that answers first, None where none does."""
    if len(legs) == 1:
        return legs[0] if await _ring(call, legs[0], timeout_s, options) else None
    channel, began_ms = call.channel, call.clock.monotonic_ms()
    gives_up_ms = None if timeout_s is None else began_ms + round(timeout_s * 1000)
    heard = _heard([leg.callee for leg in legs], options)
    if heard is not None:
        call.line.starts(heard, False)
    if any(leg.callee.rings for leg in legs):
        channel.set_variable("RINGTIME_MS", "0")
    call.talks.dialled(silent=False)
    statuses: list[str] = []
    # Those who say nothing final until the time for ringing is over are not waited for one by one.
    speaking = [leg for leg in legs if not leg.callee.waits]
    event: LineEvent | CalleeHungUp | None = None
    winner: DialledLeg | None = None
    for leg in sorted(speaking, key=lambda leg: leg.callee.after_ms or 0):
        acts_ms = began_ms + (leg.callee.after_ms or 0)
        if gives_up_ms is not None and gives_up_ms < acts_ms:
            break
        event = await _wait(call, options, acts_ms)
        if event is None and leg.callee.behaviour is Behaviour.ANSWER:
            channel.responses[leg.channel] = ANSWERED
            winner = leg
        if event is not None or winner is not None:
            break
        refusal = refusal_of(leg.callee)
        statuses.append(refusal.status)
        if refusal.response:
            channel.responses[leg.channel] = refusal.response
        if refusal.cause is not None:
            channel.hangup_cause = refusal.cause
    if event is None and winner is None and len(statuses) < len(legs):
        event = await _wait(call, options, gives_up_ms)
    if heard is not None:
        call.line.stops(heard)
    if winner is None:
        channel.set_variable("DIALSTATUS", _status_of_all(statuses, len(legs)) if event is None else "CANCEL")
    return winner


def _heard(callees: Sequence[Callee], options: Mapping[str, str]) -> Sound | None:
    """What the caller hears until the answer: by option, else of a callee that is heard, or rings."""
    if "m" in options:
        return Sound.MUSIC
    if "r" in options:
        return Sound.RINGING
    if len(callees) == 1 and callees[0].early_media:
        return Sound.EARLY_MEDIA
    return Sound.RINGING if any(callee.rings for callee in callees) else None


def _status_of_all(statuses: list[str], count: int) -> str:
    """DIALSTATUS where several were rung and none answered (wait_for_answer in app_dial.c)."""
    if len(statuses) < count or "NOANSWER" in statuses:
        return "NOANSWER"
    return next((one for one in ("BUSY", "CONGESTION", "CHANUNAVAIL") if one in statuses), "NOANSWER")


async def _ring(
    call: IncomingCall, leg: DialledLeg, timeout_s: float | None, options: Mapping[str, str]
) -> bool:
    """Wait for the callee's answer; False with DIALSTATUS and HANGUPCAUSE set where there is none."""
    callee, channel = leg.callee, call.channel
    gives_up_ms = None if timeout_s is None else leg.at_ms + round(timeout_s * 1000)
    asked = callee.after_ms is None
    acts_ms = None if callee.waits else leg.at_ms + (callee.after_ms or 0)
    too_late = asked or acts_ms is None or (gives_up_ms is not None and gives_up_ms < acts_ms)
    heard = _heard([callee], options)
    if heard is not None:
        call.line.starts(heard, False)
    if callee.progress:
        channel.responses[leg.channel] = callee.progress
    if callee.rings:
        channel.set_variable("RINGTIME_MS", "0")
    call.talks.dialled(silent=callee.behaviour is Behaviour.SILENT)
    if callee.behaviour is Behaviour.SILENT:
        if (refusal := await _keep_silent(call, leg, options, gives_up_ms)) is not None:
            channel.set_variable("DIALSTATUS", refusal.status)
            if refusal.cause is not None:
                channel.hangup_cause = refusal.cause
            return False
        event = None
    else:
        event = await _wait(call, options, gives_up_ms if too_late else acts_ms)
    if heard is not None:
        call.line.stops(heard)
    if isinstance(event, HungUp | KeyUp):
        channel.set_variable("DIALSTATUS", "CANCEL")
        return False
    if isinstance(event, CalleeHungUp):
        # A callee's channel that ends without an answer counts as none (wait_for_answer in app_dial.c).
        channel.set_variable("DIALSTATUS", "NOANSWER")
        channel.hangup_cause = NORMAL_CLEARING
        return False
    if isinstance(event, CalleeActs):
        callee = replace(callee, behaviour=event.behaviour)
    elif too_late and not callee.waits:
        callee = replace(callee, behaviour=Behaviour.NO_ANSWER)
    if callee.behaviour is Behaviour.ANSWER:
        channel.responses[leg.channel] = ANSWERED
        return True
    refusal = refusal_of(callee)
    if refusal.response and not (callee.waits and callee.early_media):
        channel.responses[leg.channel] = refusal.response
    channel.set_variable("DIALSTATUS", refusal.status)
    if refusal.cause is not None:
        channel.hangup_cause = refusal.cause
    return False


async def _keep_silent(
    call: IncomingCall, leg: DialledLeg, options: Mapping[str, str], gives_up_ms: int | None
) -> Refusal | None:
    """Wait for what ends an attempt of which nothing comes; None: the time for ringing is over."""
    match = LEG_SUBROUTINE.fullmatch(options.get("b", ""))
    watched = match is not None and options["b"].startswith("ringflow-silent^")
    seconds = match["arguments"].split("^")[-1] if match is not None and watched else ""
    cut_ms = leg.at_ms + int(seconds) * 1000 if seconds.isdecimal() else None
    while True:
        ends = [at for at in (gives_up_ms, cut_ms, call.talks.next_ms) if at is not None]
        event = await _wait(call, options, min(ends, default=None))
        now_ms = call.clock.monotonic_ms()
        if event is not None:
            return Refusal("CANCEL", None)
        if call.talks.gave_up:
            return Refusal("CHANUNAVAIL", NO_USER_RESPONSE)
        if cut_ms is not None and now_ms >= cut_ms:
            return Refusal("CHANUNAVAIL", 0)
        if gives_up_ms is not None and now_ms >= gives_up_ms:
            return None


async def _talk(call: IncomingCall, leg: DialledLeg, options: dict[str, str]) -> None:
    channel = call.channel
    call.answer()
    channel.set_variable("DIALSTATUS", "ANSWER")
    if options.get("U", "").startswith(ANSWERED_SUBROUTINES):
        now = channel.substitute("${STRFTIME(,,%s%3q)}")
        channel.set_variable("RINGFLOW_ANSWERED_MS", now)
        if channel.inherited().get("RINGFLOW_CHANNEL") == channel.name:
            channel.shared["RINGFLOW_ANSWERED_MS"] = now
            if options["U"].startswith(UNCHARGED):
                channel.shared["RINGFLOW_TALK"] = options["U"].removeprefix(UNCHARGED)
    await _stay(call, leg, options)
    if "RINGFLOW_ANSWERED_MS" in channel.shared:
        channel.shared["RINGFLOW_ENDED_MS"] = channel.substitute("${STRFTIME(,,%s%3q)}")
    channel.hangup_cause = NORMAL_CLEARING


async def _stay(call: IncomingCall, leg: DialledLeg, options: dict[str, str]) -> None:
    """The talk itself, to the first of its ends; that of L() may be moved meanwhile."""
    talks, now_ms = call.talks, call.clock.monotonic_ms()
    limit, _, warning = options.get("L", "").partition(":")
    limit_ms = int(limit) if limit.isdecimal() else None
    talks.answered(options.get("U", "").partition("^")[2], None if warning else limit_ms)
    lengths = (leg.callee.talk_ms, limit_ms if warning else None)
    fixed = [now_ms + length for length in lengths if length is not None]
    call.line.starts(Sound.CALLEE, False)
    event: LineEvent | CalleeHungUp | None = None
    ends_ms: int | None = now_ms - 1
    while event is None and ends_ms not in (*fixed, talks.ends_ms):
        ends_ms = min((at for at in (*fixed, talks.ends_ms) if at is not None), default=None)
        event = await _wait(call, options, ends_ms)
    call.line.stops(Sound.CALLEE)
    talks.hung_up()
    callee_done = leg.callee.talk_ms is not None and ends_ms == now_ms + leg.callee.talk_ms
    if isinstance(event, HungUp):
        call.channel.note_hangup_source(call.channel.name)
    elif isinstance(event, CalleeActs) or (event is None and callee_done):
        call.channel.note_hangup_source(leg.channel)


@dataclass(frozen=True, slots=True)
class CalleeHungUp:
    """Ringflow hung up the callee's channel through the manager interface."""


async def _wait(
    call: IncomingCall, options: Mapping[str, str], deadline_ms: int | None
) -> LineEvent | CalleeHungUp | None:
    """Wait for what ends ringing or talk: a key that does, a hang-up, the callee's deed, the deadline."""
    disconnect = call.channel.disconnect_keys if "H" in options else ""
    names_callee = options.get("b", "").startswith("ringflow-callee^")
    while True:
        event = await call.wait(deadline_ms, ANY_KEY)
        if not isinstance(event, KeyUp):
            return event
        # Sequences of more than one key are never keyed by a caller of ours.
        if event.key == disconnect:
            return event
        if names_callee and call.keys.ends_leg(event.key, event.length_ms):
            return CalleeHungUp()
