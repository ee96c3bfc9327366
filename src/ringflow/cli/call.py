"""`ringflow call`: one simulated call against the configured database and flows."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from ringflow.accounts.admission import DID_NOT_FOUND
from ringflow.calls.call_record import CallRecord
from ringflow.cli.app_trouble import app_trouble
from ringflow.cli.output import print_json
from ringflow.cli.project import require_database
from ringflow.config import LogConfig, load_config
from ringflow.engine.engine import APP_NOT_FOUND
from ringflow.errors import Refused
from ringflow.forms.made_call import made_call_form
from ringflow.logs import set_up_logs
from ringflow.simulated_call import simulate_call
from ringflow.simulator.call_request import CalleeWord, caller_steps, met_by
from ringflow.simulator.callee import MeetCallee
from ringflow.simulator.caller import MAX_CALL_MS
from ringflow.simulator.durations import parse_duration_ms, show_duration
from ringflow.simulator.report import remarks, summary_lines, transcript_lines
from ringflow.simulator.virtual_call import Arrival

REFUSED_AFTER_MS = 200
KEYS = frozenset("0123456789*#ABCD ")
OTHER_COMMANDS = {
    "list": "ringflow record list",
    "show": "ringflow record show CALL",
    "export": "ringflow record export FILE",
    "live": "ringflow live list",
    "watch": "ringflow live watch",
    "hangup": "ringflow live hangup CALL",
    "originate": "ringflow live originate NUMBER --customer ID --app NAME",
}
"""Words that are meant for calls on record or in progress, if no DID goes by them, and their command."""


def parse_length(text: str | int) -> int:
    """A length of time on the command line, in milliseconds: `60s` gives 60000."""
    if isinstance(text, int):
        # A default, which typer passes through here as well.
        return text
    try:
        return parse_duration_ms(text)
    except ValueError as error:
        what, _, mend = str(error).partition(" || ")
        raise typer.BadParameter(f"{what}: {mend}") from None


def checked_keys(values: list[str] | None) -> list[str]:
    """Refuse what no telephone has."""
    for value in values or []:
        if not value or not KEYS.issuperset(value):
            raise typer.BadParameter(f"{value!r}: keys are 0-9 * # A-D; a space is a pause of a second")
    return values or []


DidArgument = Annotated[str, typer.Argument(metavar="DID", help="The number that is called.")]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="CLI", help="The calling number; `anonymous` withholds it.")
]
CALLEE_WORDS = "|".join(CalleeWord)
CalleeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--callee",
        metavar=f"[NUMBER=]{CALLEE_WORDS}",
        help="How an attempt is met; several times: one attempt after the other, or each number.",
    ),
]
TalkOption = Annotated[
    int,
    typer.Option(
        "--talk", parser=parse_length, metavar="TIME", help="How long the callee talks.", show_default="60s"
    ),
]
RingOption = Annotated[
    int,
    typer.Option(
        "--answers-after",
        parser=parse_length,
        metavar="TIME",
        help="How long the callee's phone rings.",
        show_default="2s",
    ),
]
LeaveOption = Annotated[
    int | None,
    typer.Option(
        "--hangs-up-after",
        parser=parse_length,
        metavar="TIME",
        help="The caller hangs up this long after the last keys.",
    ),
]


def read_callees(words: list[str] | None, rings_ms: int, talk_ms: int) -> MeetCallee:
    """Who meets an attempt, by what --callee says."""
    try:
        return met_by(words, rings_ms, talk_ms)
    except ValueError as error:
        raise typer.BadParameter(f"--callee {error}") from None


def call(
    did: DidArgument,
    caller: FromOption = None,
    keys: Annotated[
        list[str] | None,
        typer.Option(
            "--keys",
            metavar="KEYS",
            callback=checked_keys,
            help="Keys for the first prompt that takes some; given again: for the next one.",
        ),
    ] = None,
    after: Annotated[
        int,
        typer.Option(
            "--after",
            parser=parse_length,
            metavar="TIME",
            help="From the prompt's end to its first key.",
            show_default="0s",
        ),
    ] = 0,
    every: Annotated[
        int,
        typer.Option(
            "--every", parser=parse_length, metavar="TIME", help="From key to key.", show_default="250ms"
        ),
    ] = 250,
    callee: CalleeOption = None,
    rings: RingOption = 2000,
    talk: TalkOption = 60_000,
    hangs_up_after: LeaveOption = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live", help="Let it count: charge it, use up its card or voucher, and keep its record."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Make one simulated call.

    It is refused, priced and cut off as a real one, and changes nothing.
    It takes milliseconds, however long the talk.
    """
    config = load_config()
    require_database(config)
    set_up_logs(LogConfig(format="text", level="error"), config.zone)
    steps = caller_steps(keys or [], after, every, hangs_up_after)
    simulated = asyncio.run(
        simulate_call(config, Arrival(did, caller), steps, read_callees(callee, rings, talk), live=live)
    )
    reject = simulated.record.reject
    if reject is not None and reject.reason == DID_NOT_FOUND.reason and did in OTHER_COMMANDS:
        raise Refused(
            "option.malformed",
            f"there is no DID `{did}`: this command makes a simulated call. You mean `{OTHER_COMMANDS[did]}`",
            option="DID",
        )
    if as_json:
        print_json(made_call_form(simulated.record))
    else:
        print_record(Console(highlight=False), simulated.record)
        if live:
            typer.echo(f"  on record: ringflow record show {simulated.record.call_id}")
    if reject is not None and reject.reason.startswith(APP_NOT_FOUND):
        for line in app_trouble(config, [reject.reason.removeprefix(APP_NOT_FOUND)]):
            typer.echo(line, err=True)
    if simulated.record.reject is None:
        for remark in remarks(simulated):
            typer.echo(remark, err=True)
    if simulated.endless:
        typer.echo(f"nobody had hung up after {show_duration(MAX_CALL_MS)}, so the caller did", err=True)


def print_record(console: Console, record: CallRecord) -> None:
    """The transcript, then how the call ended."""
    for line in transcript_lines(record):
        console.print(escape(line), style="dim", soft_wrap=True)
    first, *rest = summary_lines(record)
    console.print(f"[bold]{escape(first)}[/]", soft_wrap=True)
    for line in rest:
        console.print(escape(line), soft_wrap=True)
