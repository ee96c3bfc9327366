"""Carries one simulated call through Ringflow's own FastAGI server, session and engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from ringflow.agi.server import FastAgiServer
from ringflow.agi.session import AgiSession
from ringflow.calls import events
from ringflow.calls.call_record import CallRecord
from ringflow.calls.clock import Clock
from ringflow.calls.digits import DIALPLAN_TIMERS
from ringflow.calls.event_stream import Observer
from ringflow.calls.history import CallHistory
from ringflow.calls.manager import Manager
from ringflow.calls.released_by import CONGESTION, NORMAL_CLEARING
from ringflow.engine.dialplan import DIALPLAN_VERSION
from ringflow.engine.engine import Engine
from ringflow.errors import Refused
from ringflow.plain_text import plain
from ringflow.simulator.applications import run_hangup
from ringflow.simulator.asterisk import (
    PRESENTATION_ALLOWED,
    PRESENTATION_RESTRICTED,
    Greeting,
    VirtualAsterisk,
)
from ringflow.simulator.callee import DialledLeg, MeetCallee
from ringflow.simulator.channel import FIRST_CHANNEL, ChannelState, VirtualChannel
from ringflow.simulator.clock import DEFAULT_START_S
from ringflow.simulator.exchange import Exchange
from ringflow.simulator.held_keys import VirtualKeys
from ringflow.simulator.incoming_call import IncomingCall, PromptDuration
from ringflow.simulator.line import Line
from ringflow.simulator.presented_number import ONE_LINE, is_presented
from ringflow.simulator.talks import VirtualTalks, Work

MakeEngine: TypeAlias = Callable[[Sequence[Observer], Manager], Engine]
ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Arrival:
    """An incoming call as the network presents it. `caller` None: no number; `anonymous`: withheld.

    `dialplan` is the version that its dialplan says, and `timers` the timeouts that it has set; empty: none.
    `number` counts the calls of one Asterisk, from 1. `headers`: further ones of the INVITE. `half`: the name
    of the channel where it is half of a Local channel. `is_up`: somebody has answered it already. Raises
    `Refused` for a number that no network presents.
    """

    did: str
    caller: str | None
    restricted: bool = False
    dialplan: str = str(DIALPLAN_VERSION)
    timers: str = DIALPLAN_TIMERS
    number: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    half: str = ""
    is_up: bool = False

    def __post_init__(self) -> None:
        for text in (self.did, self.caller or ""):
            if not is_presented(text):
                raise Refused("number.malformed", f"number `{plain(text)}`: {ONE_LINE}", number=text)
        if not self.did:
            raise Refused("field.empty", "the number that is called is empty: give a DID", field="number")

    @property
    def channel(self) -> str:
        """The name of the caller's channel; that of a callee comes between two of them."""
        return self.half or f"{FIRST_CHANNEL[:-8]}{2 * self.number - 1:08x}"

    def greeting(self) -> Greeting:
        """The headers that Asterisk would send."""
        restricted = self.restricted or self.caller == ANONYMOUS
        return Greeting(
            did=self.did,
            caller=self.caller,
            caller_name="Anonymous" if self.caller == ANONYMOUS else None,
            presentation=PRESENTATION_RESTRICTED if restricted else PRESENTATION_ALLOWED,
            dialplan=self.dialplan,
            timers=self.timers,
            channel=self.channel,
            unique_id=f"{int(DEFAULT_START_S)}.{self.number}",
            channel_type="Local" if self.half else "PJSIP",
        )


AFTER_CALL_S = 15.0
"""How long what runs after a call may take."""


@dataclass(frozen=True, slots=True)
class SlotExit:
    """A slot was left by one of its exits, or by a `jump` into another app."""

    app: str
    slot_type: str
    exit_name: str


@dataclass(frozen=True, slots=True)
class CarriedCall:
    """What came of a call, on Ringflow's side (`record`) and on Asterisk's (the rest).

    `legs` are those that Ringflow had dialled, `members_rung` those by which a queue rang its members.
    """

    record: CallRecord
    exits: tuple[SlotExit, ...]
    legs: tuple[DialledLeg, ...]
    members_rung: tuple[DialledLeg, ...]
    prompts: tuple[str, ...]
    asked_prompts: frozenset[str]
    missing_prompts: tuple[str, ...]
    sip_code: int | None
    wire: tuple[str, ...]


class _RecordKeeper:
    """An observer that keeps what it is told of the one call that it sees."""

    observed = (events.SlotLeft, events.CallEnded)

    def __init__(self) -> None:
        self.record: CallRecord | None = None
        self.exits: list[SlotExit] = []

    def observe(self, event: events.CallEvent, history: CallHistory) -> None:
        """Keep it."""
        if isinstance(event, events.SlotLeft):
            self.exits.append(SlotExit(event.place.app or "", event.slot_type, event.exit))
        else:
            self.record = history.record()


async def carry_call(
    arrival: Arrival,
    make_engine: MakeEngine,
    line: Line,
    clock: Clock,
    meet: MeetCallee,
    duration_of: PromptDuration,
    sounds_prefix: str = "",
    missing_applications: frozenset[str] = frozenset(),
    manager: bool = True,
    in_talk: Sequence[tuple[int, Work]] = (),
    observers: Sequence[Observer] = (),
    exchange: Exchange | None = None,
    recordings: Path | None = None,
) -> CarriedCall:
    """Carry a call from arrival to its end, and tell what came of it.

    Without `manager` Ringflow has no connection to the manager interface. `in_talk`: what is done so many
    milliseconds after the answer of the first callee who answers. `observers` are told of the call too.
    `exchange`: what the calls of its Asterisk share; `recordings`: where it writes recordings.
    """
    keeper = _RecordKeeper()
    keys = VirtualKeys(heard=manager)
    talks = VirtualTalks(clock, reachable=manager, in_talk=in_talk)
    engine = make_engine((keeper, *observers), Manager(keys, talks))

    async def serve(session: AgiSession) -> None:
        await engine.run(session)

    server = FastAgiServer(serve)
    call = IncomingCall(
        channel=VirtualChannel(
            clock,
            arrival.did,
            arrival.caller,
            ChannelState.UP if arrival.is_up else ChannelState.RING,
            name=arrival.channel,
            received={name.lower(): value for name, value in arrival.headers.items()},
            exchange=exchange or Exchange(),
        ),
        line=line,
        clock=clock,
        talks=talks,
        meet=meet,
        duration_of=duration_of,
        sounds_prefix=sounds_prefix,
        missing_applications=missing_applications,
        keys=keys,
        recordings_folder=recordings,
    )
    # The dialplan's own lines before AGI(), in [ringflow-incoming].
    call.channel.set_variable("__RINGFLOW_CHANNEL", call.channel.name)
    if arrival.timers:
        first_digit_s, inter_digit_s = arrival.timers.split("/")
        call.channel.set_variable("TIMEOUT(response)", first_digit_s)
        call.channel.set_variable("TIMEOUT(digit)", inter_digit_s)
    asterisk = VirtualAsterisk(arrival.greeting(), call)
    if arrival.is_up:
        line.answered()
    try:
        await asterisk.carry(server.protocol())
    finally:
        await server.close()
    await _end_in_dialplan(call)
    await engine.after_calls.finish(AFTER_CALL_S)
    assert keeper.record is not None, "the engine ends every call with a record"
    return CarriedCall(
        record=keeper.record,
        exits=tuple(keeper.exits),
        legs=tuple(one for one in call.legs if not one.by_queue),
        members_rung=tuple(one for one in call.legs if one.by_queue),
        prompts=tuple(call.prompts),
        asked_prompts=frozenset(call.asked_prompts),
        missing_prompts=tuple(dict.fromkeys(call.missing_prompts)),
        sip_code=call.sip_code,
        wire=tuple(asterisk.wire),
    )


async def _end_in_dialplan(call: IncomingCall) -> None:
    """End a call that Ringflow has let go of, as the dialplan does after AGI(), in [ringflow-after]."""
    channel = call.channel
    if channel.hung_up or call.sip_code is not None:
        return
    cause = NORMAL_CLEARING
    if channel.state is not ChannelState.UP:
        cause = {"BUSY": 17, "NOANSWER": 19}.get(channel.get_variable("DIALSTATUS") or "", CONGESTION)
    await run_hangup(call, str(cause))
