"""`ringflow lab call`: a real call through the running lab, and what the wire showed of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from ringflow.app import running
from ringflow.calls.call_record import CallRecord
from ringflow.cli.call import (
    CalleeOption,
    CalleeWord,
    DidArgument,
    LeaveOption,
    RingOption,
    caller_steps,
    carry,
    checked_keys,
    met_by,
    parse_length,
    print_record,
)
from ringflow.cli.lab_opening import Json, Release, open_lab
from ringflow.cli.printing import print_json
from ringflow.config import Config, LogConfig, load_config
from ringflow.errors import Conflict, Refused
from ringflow.forms.json_value import json_object
from ringflow.forms.made_call import made_call_form
from ringflow.lab import CalleeRecord, Lab, LabCallee, LabCaller, LabCallResult
from ringflow.lab.asterisk import CARRIER
from ringflow.lab.scenario_plan import lab_callee, timed_hang_up, timed_keys
from ringflow.lab.scenario_server import KeptRecords
from ringflow.logs import set_up_logs
from ringflow.simulator.carrying import ANONYMOUS, Arrival

KEY_EVERY_MS = 250

GRACE_S = 40.0
"""How much longer than foretold the real call may take before it is given up."""


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


KeysOption = Annotated[
    list[str] | None,
    typer.Option(
        "--keys",
        metavar="KEYS",
        callback=checked_keys,
        help="Keys after the first prompt that takes some; given again: after the next one.",
    ),
]
CallerOption = Annotated[
    str, typer.Option("--from", metavar="CLI", help="The calling number; `anonymous` withholds it.")
]
TalkOption = Annotated[
    int,
    typer.Option(
        "--talk",
        parser=parse_length,
        metavar="TIME",
        help="How long the callee talks, in real time.",
        show_default="3s",
    ),
]


def call(
    did: DidArgument,
    caller: CallerOption,
    keys: KeysOption = None,
    callee: CalleeOption = None,
    rings: RingOption = 1000,
    talk: TalkOption = 3000,
    hangs_up_after: LeaveOption = None,
    release: Release = None,
    as_json: Json = False,
) -> None:
    """Make a real call. The server on the lab's FastAGI port takes it, else one is started for the call."""
    lab, config = open_lab(release), load_config()
    if not lab.asterisk().is_running():
        raise Conflict(
            "lab.down",
            f"the lab of {lab.release} is not running: `ringflow lab up` starts it",
            release=str(lab.release),
        )
    meet = met_by(callee, rings, talk)
    if any(word.endswith(CalleeWord.UNAVAILABLE) for word in callee or ()):
        raise typer.BadParameter("a callee of the lab is there; `ringflow call` simulates one that is not")
    set_up_logs(LogConfig(format="text", level="error"), config.zone)
    # Keys come when a simulated call says that the prompts are over.
    steps = caller_steps(keys or [], 0, KEY_EVERY_MS, hangs_up_after)
    foretold = asyncio.run(carry(config, Arrival(did, caller), steps, meet))
    plan = LabCaller(did, caller, timed_keys(foretold), timed_hang_up(foretold), caller == ANONYMOUS)
    # Beyond those that are foretold there is one more, so that nobody waits for a callee who is not there.
    met = [leg.callee for leg in foretold.legs if leg.target.endswith(f"@{CARRIER}")]
    standing = [lab_callee(one) for one in (*met, met[-1] if met else meet(0, ""))]
    limit_s = foretold.record.duration_ms / 1000 + GRACE_S
    try:
        wire, record = asyncio.run(_make(lab, config, plan, standing, limit_s))
    except TimeoutError:
        raise Refused(
            "lab.call_unended",
            f"nobody had ended the call after {limit_s:.0f} s; `ringflow lab logs` may say why",
            limit_s=round(limit_s),
        ) from None
    _report(wire, record, as_json)
    if config.records is not None and not as_json:
        typer.echo(f"  on record: {record_command(record, plan)}")


def _report(wire: LabCallResult, record: CallRecord | None, as_json: bool) -> None:
    if as_json:
        known = {} if record is None else json_object(made_call_form(record))
        print_json({**known, "wire": wire_form(wire)})
        return
    console = Console(highlight=False)
    if record is not None:
        print_record(console, record)
    for line in wire_lines(wire):
        console.print(escape(line), soft_wrap=True)


def record_command(record: CallRecord | None, caller: LabCaller) -> str:
    """The command that shows the call's record, and in it why the call was refused."""
    if record is not None:
        return f"ringflow record show {record.call_id}"
    # The running server took it, and only its database knows the call's ID.
    whose = "" if caller.anonymous else f" --cli {caller.cli}"
    return f"ringflow record list --did {caller.did}{whose} --limit 1"


async def _make(
    lab: Lab, config: Config, caller: LabCaller, callees: Sequence[LabCallee], limit_s: float
) -> tuple[LabCallResult, CallRecord | None]:
    """The call on the wire, and its record where the server is our own."""
    port = lab.asterisk().state.fastagi_port
    if await _listens(port):
        return await lab.call(caller, {CARRIER: callees}, limit_s), None
    kept = KeptRecords()
    fastagi = config.fastagi.model_copy(update={"host": "127.0.0.1", "port": port})
    async with running(config.model_copy(update={"fastagi": fastagi, "http": None}), (kept,)):
        wire = await lab.call(caller, {CARRIER: callees}, limit_s)
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
