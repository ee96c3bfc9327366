"""`ringflow lab call`: a real call through the running lab, and what the wire showed of it."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from ringflow.app import Application, running
from ringflow.calls.call_record import CallRecord
from ringflow.calls.event_stream import Observer
from ringflow.cli.call import (
    CalleeOption,
    DidArgument,
    LeaveOption,
    RingOption,
    checked_keys,
    parse_length,
    print_record,
    read_callees,
)
from ringflow.cli.lab_options import Json, Release, open_lab
from ringflow.cli.output import print_json
from ringflow.config import LogConfig, load_config
from ringflow.errors import Conflict, Refused
from ringflow.forms.json_value import json_object
from ringflow.forms.made_call import made_call_form
from ringflow.lab import LabCaller, LabCallResult
from ringflow.lab.one_call import make_call, plan_call, wire_form, wire_lines
from ringflow.logs import set_up_logs
from ringflow.simulated_call import simulate_call
from ringflow.simulator.call_request import CalleeWord, caller_steps
from ringflow.simulator.virtual_call import Arrival

KEY_EVERY_MS = 250

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
    meet = read_callees(callee, rings, talk)
    if any(word.endswith(CalleeWord.UNAVAILABLE) for word in callee or ()):
        raise typer.BadParameter("a callee of the lab is there; `ringflow call` simulates one that is not")
    set_up_logs(LogConfig(format="text", level="error"), config.zone)
    # Keys come when a simulated call says that the prompts are over.
    steps = caller_steps(keys or [], 0, KEY_EVERY_MS, hangs_up_after)
    foretold = asyncio.run(simulate_call(config, Arrival(did, caller), steps, meet))
    plan = plan_call(foretold, did, caller, meet)

    def serve(port: int, observer: Observer) -> AbstractAsyncContextManager[Application]:
        fastagi = config.fastagi.model_copy(update={"host": "127.0.0.1", "port": port})
        return running(config.model_copy(update={"fastagi": fastagi, "http": None}), (observer,))

    try:
        wire, record = asyncio.run(make_call(lab, plan, serve))
    except TimeoutError:
        raise Refused(
            "lab.call_unended",
            f"nobody had ended the call after {plan.limit_s:.0f} s; `ringflow lab logs` may say why",
            limit_s=round(plan.limit_s),
        ) from None
    _report(wire, record, as_json)
    if config.records is not None and not as_json:
        typer.echo(f"  on record: {record_command(record, plan.caller)}")


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
