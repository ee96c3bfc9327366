"""A call in words for people: the same from the simulator and from the lab."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ringflow.calls.call_record import CallRecord
from ringflow.calls.outcome import LegStatus
from ringflow.simulator.differences import Difference
from ringflow.simulator.durations import show_duration
from ringflow.simulator.run import SimulatedCall


def transcript_lines(record: CallRecord) -> Iterator[str]:
    """The transcript, one line for each event: seconds from the arrival, slot, event, detail."""
    width = max((len(event.slot) for event in record.transcript), default=0)
    for event in record.transcript:
        yield f"{event.at_ms / 1000:9.3f}s  {event.slot:<{width}}  {event.event} {event.detail}".rstrip()


def summary_lines(record: CallRecord) -> Iterator[str]:
    """How the call ended, and each outgoing attempt with its headers."""
    customer = f", customer {record.customer}" if record.customer is not None else ""
    app = f", app {record.app}" if record.app is not None else ""
    yield f"{record.outcome}{app}{customer}"
    if record.reject is not None:
        yield f"  SIP {record.reject.sip} {record.reject.reason}"
    elif record.reason:
        yield f"  {record.reason}"
    for leg in record.legs:
        answered = leg.status is LegStatus.ANSWERED
        why = f" ({leg.reason})" if leg.reason else ""
        talked = f", talked {show_duration(leg.talked_ms)}" if answered else ""
        shown_as = f", as {leg.caller_id}" if leg.caller_id else ""
        yield f"  {leg.dialled} via {leg.trunk or 'no trunk'}{shown_as}: {leg.status}{why}{talked}"
        yield from (f"    {name}: {value}" for name, value in leg.headers.items())


def failure_text(call: SimulatedCall, found: Sequence[Difference]) -> str:
    """What differed, what may explain it, and the transcript."""
    lines = [*map(str, found), *remarks(call)]
    lines += [f"the call ended so: {call.record.reason}"] if call.record.reason else []
    lines += ["transcript:", *transcript_lines(call.record)]
    return "\n".join(lines)


def remarks(call: SimulatedCall) -> Iterator[str]:
    """What of the script did not come about, and what Asterisk would lack."""
    if call.waits_for:
        yield f"the caller still waited to hear {call.waits_for}"
    yield from (f"Asterisk would not find the prompt {name}" for name in call.carried.missing_prompts)
