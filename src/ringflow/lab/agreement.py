"""Where a simulated call, the same call on a real Asterisk, and what passed the wire do not agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

from ringflow.accounts.headers import SECURITY_HEADER
from ringflow.accounts.security_key import SecurityKeys
from ringflow.calls.call_record import CallRecord
from ringflow.calls.dial_attempt import is_sip_uri
from ringflow.calls.json_value import JsonValue
from ringflow.calls.outcome import Leg, LegStatus
from ringflow.calls.recorded_sound import SHOWN, recording_named
from ringflow.calls.rejection import nearest_code
from ringflow.calls.transcript import TranscriptLine
from ringflow.config import Config
from ringflow.errors import Refused
from ringflow.lab.call_values import CalleeRecord, LabCallResult
from ringflow.lab.sip_trace import sip_user
from ringflow.simulator.differences import Difference
from ringflow.simulator.durations import show_duration
from ringflow.simulator.run import SimulatedCall, dialled_legs

WIRE_TOLERANCE_S = 0.1
"""How far the talk time of a record may be from the callee's answer and BYE on the wire."""

WORLD_TOLERANCE_MS = 400
"""How far talk may be from what was simulated: two processes play caller and callee, each in its own time."""

_OF_THE_CALL = frozenset({"call.id", "did"})
OK, CANCELLED = 200, 487


def disagreements(simulated: SimulatedCall, real: CallRecord) -> Iterator[Difference]:
    """Where the two records differ, times and identifiers apart. Expected is what was simulated."""
    one = simulated.record
    yield from _rejects(one, real)
    for what in ("outcome", "reason", "released_by", "release_cause", "app", "customer", "cli"):
        yield from _compare(what, getattr(one, what), getattr(real, what))
    yield from _compare("variables", _own(one.variables), _own(real.variables))
    before, after = list(map(line, one.transcript)), list(map(line, real.transcript))
    for number, (wanted, came) in enumerate(zip_longest(before, after), start=1):
        if wanted != came:
            yield Difference(f"transcript line {number}", wanted or "its end", came or "its end")
            break
    for number, (mine, theirs) in enumerate(zip_longest(one.legs, real.legs), start=1):
        if mine is None or theirs is None:
            yield Difference("legs", str(len(one.legs)), str(len(real.legs)))
            break
        yield from _legs(f"leg {number}", mine, theirs)


def wire_disagreements(
    simulated: SimulatedCall,
    real: CallRecord,
    wire: LabCallResult,
    callees: Sequence[CalleeRecord | None],
    config: Config,
    keys: SecurityKeys,
    ahead_s: float = 0.0,
) -> Iterator[Difference]:
    """Where the real call's record says one thing, and SIP another. `callees`: of the planned legs.

    `ahead_s`: how far the call's clock was ahead of the wire's.
    """
    status = _expected_status(simulated, real)
    yield from _compare("SIP status of the caller's INVITE", status, wire.status)
    # What the virtual Asterisk would have sent; legs that differ in number are told of elsewhere.
    for leg, sent, callee in zip(dialled_legs(real), simulated.legs, callees, strict=False):
        if callee is None:
            if leg.status is not LegStatus.UNAVAILABLE:
                yield Difference(f"INVITE through {leg.trunk}", leg.dialled, "none")
            continue
        yield from _leg_on_the_wire(leg, callee, sent.caller_id)
        yield from _security_key(real, leg, callee, config, keys, ahead_s)


def side_by_side(simulated: CallRecord, real: CallRecord) -> Iterator[str]:
    """Both transcripts, line by line; `!` where they differ. Seconds count from the call's arrival."""
    rows = list(zip_longest(simulated.transcript, real.transcript))
    width = max((len(_timed(mine)) for mine, _ in rows), default=0)
    yield f"  {'simulated':<{width}} | real"
    for mine, theirs in rows:
        same = mine is not None and theirs is not None and line(mine) == line(theirs)
        yield f"{' ' if same else '!'} {_timed(mine):<{width}} | {_timed(theirs)}".rstrip()


def line(event: TranscriptLine) -> str:
    """An event as a line, without its time."""
    return f"{event.slot}: {event.event} {event.detail}".rstrip()


def _timed(event: TranscriptLine | None) -> str:
    return "" if event is None else f"{event.at_ms / 1000:7.3f}s {line(event)}"


def _own(variables: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The variables but for what is another in every call: its own, and which recording they hold."""
    return {
        name: SHOWN if isinstance(value, str) and recording_named(value) is not None else value
        for name, value in variables.items()
        if name not in _OF_THE_CALL
    }


def _rejects(simulated: CallRecord, real: CallRecord) -> Iterator[Difference]:
    """An Asterisk without `PJSIPHangup` refuses with the nearest code that it can send."""
    mine, theirs = simulated.reject, real.reject
    if mine is None or theirs is None or theirs.sip != nearest_code(mine.sip):
        yield from _compare("reject", mine, theirs)
    else:
        yield from _compare("reason of the reject", mine.reason, theirs.reason)


def _legs(where: str, mine: Leg, theirs: Leg) -> Iterator[Difference]:
    for what in (
        *("dialled", "keyed", "sent", "trunk", "status", "sip_code", "hangup_cause", "released_by"),
        "caller_id",
    ):
        yield from _compare(f"{where} {what}", getattr(mine, what), getattr(theirs, what))
    yield from _compare(f"{where} headers", _unsigned(mine.headers), _unsigned(theirs.headers))
    if abs(mine.talked_ms - theirs.talked_ms) > WORLD_TOLERANCE_MS:
        wanted, came = show_duration(mine.talked_ms), show_duration(theirs.talked_ms)
        yield Difference(f"{where} talked", wanted, came)


def _unsigned(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """The headers in order, without the value that holds the time of the call."""
    return [(name, "" if name == SECURITY_HEADER else value) for name, value in headers.items()]


def _leg_on_the_wire(leg: Leg, callee: CalleeRecord, shown_as: str | None) -> Iterator[Difference]:
    where = f"on the wire of {leg.trunk}"
    sent = sip_user(leg.sent) if is_sip_uri(leg.sent) else leg.sent
    yield from _compare(f"dialled {where}", sent, callee.dialled)
    for name, value in leg.headers.items():
        yield from _compare(f"header {name} {where}", value, callee.header(name))
    yield from _compare(f"From {where}", shown_as, callee.from_user)
    answered = callee.answered_at is not None
    yield from _compare(f"answer {where}", leg.status is LegStatus.ANSWERED, answered)
    if abs(leg.talked_ms / 1000 - callee.talked_s) > WIRE_TOLERANCE_S:
        came = f"{callee.talked_s:.3f}s from answer to BYE"
        yield Difference(f"talked {where}", show_duration(leg.talked_ms), came)


def _security_key(
    real: CallRecord, leg: Leg, callee: CalleeRecord, config: Config, keys: SecurityKeys, ahead_s: float
) -> Iterator[Difference]:
    server = next((trunk.server for trunk in config.trunks if trunk.name == leg.trunk), "") or leg.trunk
    if is_sip_uri(leg.sent):
        server = leg.sent.rpartition("@")[2]
    invited_at = round(callee.invited_at + ahead_s)
    try:
        keys.verify(callee.header(SECURITY_HEADER) or "", real.customer or 0, server, invited_at)
    except Refused as refused:
        yield Difference(f"{SECURITY_HEADER} on the wire of {leg.trunk}", "a genuine key", str(refused))


def _expected_status(simulated: SimulatedCall, real: CallRecord) -> int:
    """What the caller's side must see: the code on record, which is checked against the simulated one."""
    if simulated.timeline.answered:
        return OK
    if simulated.carried.sip_code is not None:
        return real.reject.sip if real.reject is not None else simulated.carried.sip_code
    return CANCELLED


def _compare(what: str, expected: object, came: object) -> Iterator[Difference]:
    if expected != came:
        yield Difference(what, str(expected), str(came))
