"""`ringflow call`: one simulated call against the configured database and flows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from enum import StrEnum
from itertools import count
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from ringflow.accounts.admission import DID_NOT_FOUND
from ringflow.calls.call_record import CallRecord
from ringflow.cli.opening import require_database
from ringflow.cli.printing import print_json
from ringflow.config import Config, LogConfig, load_config
from ringflow.core import LAST_RECORDS_S, open_core
from ringflow.errors import Refused
from ringflow.forms.made_call import made_call_form
from ringflow.logs import set_up_logs
from ringflow.records.recorder import Recorder
from ringflow.simulator.callee import Behaviour, Callee, MeetCallee, callees_in_turn
from ringflow.simulator.caller import MAX_CALL_MS, CallerStep, HangsUp, Hears, Keys, ScriptedCaller
from ringflow.simulator.carrying import Arrival, carry_call
from ringflow.simulator.clock import VirtualClock
from ringflow.simulator.durations import parse_duration_ms, show_duration
from ringflow.simulator.report import remarks, summary_lines, transcript_lines
from ringflow.simulator.run import SimulatedCall
from ringflow.simulator.stage import durations_of

REFUSED_AFTER_MS = 200
KEYS = frozenset("0123456789*#ABCD ")
OTHER_COMMANDS = {
    "list": "ringflow record list",
    "show": "ringflow record show CALL",
    "export": "ringflow record export FILE",
}
"""Words that are meant for the calls on record, where no DID goes by them, and the command that is meant."""


class CalleeWord(StrEnum):
    """How an outgoing attempt is met, in the command's words."""

    ANSWER = "answer"
    BUSY = "busy"
    NO_ANSWER = "noanswer"
    CONGESTION = "congestion"
    UNAVAILABLE = "unavailable"

    @property
    def behaviour(self) -> Behaviour:
        """The same in the simulator's words."""
        return Behaviour[self.name]


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


def callees(words: list[CalleeWord] | None, rings_ms: int, talk_ms: int) -> tuple[Callee, ...]:
    """Who is met, attempt by attempt."""
    return tuple(
        Callee(word.behaviour, rings_ms if word is CalleeWord.ANSWER else REFUSED_AFTER_MS, talk_ms)
        for word in words or [CalleeWord.ANSWER]
    )


def met_by(words: list[str] | None, rings_ms: int, talk_ms: int) -> MeetCallee:
    """Who meets an attempt: the callee of its number, else those without a number, one after the other.

    Raises `BadParameter` for what is neither `WORD` nor `NUMBER=WORD`.
    """
    in_turn: list[CalleeWord] = []
    numbered: dict[str, Callee] = {}
    for text in words or []:
        number, _, word = text.rpartition("=")
        digits = number.removeprefix("+")
        if word not in set(CalleeWord) or ("=" in text and not digits.isdecimal()):
            known = f"write one of {', '.join(CalleeWord)}, or the number before it: 441234567890=busy"
            raise typer.BadParameter(f"--callee {text!r}: {known}")
        if digits:
            (numbered[digits],) = callees([CalleeWord(word)], rings_ms, talk_ms)
        else:
            in_turn.append(CalleeWord(word))
    others = callees_in_turn(callees(in_turn, rings_ms, talk_ms))
    turn = count()

    def meet(index: int, target: str) -> Callee:
        dialled = target.rpartition("/")[2].partition("@")[0].removeprefix("+")
        return numbered[dialled] if dialled in numbered else others(next(turn), target)

    return meet


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
        carry(config, Arrival(did, caller), steps, met_by(callee, rings, talk), live=live)
    )
    reject = simulated.record.reject
    if reject is not None and reject.reason == DID_NOT_FOUND.reason and did in OTHER_COMMANDS:
        raise Refused(
            "option.malformed",
            f"there is no DID `{did}`: this command makes a simulated call. "
            f"The calls on record: {OTHER_COMMANDS[did]}",
            option="DID",
        )
    if as_json:
        print_json(made_call_form(simulated.record))
    else:
        print_record(Console(highlight=False), simulated.record)
        if live:
            typer.echo(f"  on record: ringflow record show {simulated.record.call_id}")
    if simulated.record.reject is None:
        for remark in remarks(simulated):
            typer.echo(remark, err=True)
    if simulated.endless:
        typer.echo(f"nobody had hung up after {show_duration(MAX_CALL_MS)}, so the caller did", err=True)


def caller_steps(
    keys: list[str], after_ms: int, every_ms: int, hangs_up_after_ms: int | None
) -> list[CallerStep]:
    """A caller who presses keys, one group at each prompt that takes some, and may hang up afterwards."""
    steps: list[CallerStep] = []
    for one in keys:
        tone_ms = min(100, every_ms // 2)
        steps += [Hears(None), Keys(one, every_ms=every_ms, tone_ms=tone_ms, after_ms=after_ms)]
    if hangs_up_after_ms is not None:
        steps.append(HangsUp(hangs_up_after_ms))
    return steps


def print_record(console: Console, record: CallRecord) -> None:
    """The transcript, then how the call ended."""
    for line in transcript_lines(record):
        console.print(escape(line), style="dim", soft_wrap=True)
    first, *rest = summary_lines(record)
    console.print(f"[bold]{escape(first)}[/]", soft_wrap=True)
    for line in rest:
        console.print(escape(line), soft_wrap=True)


async def carry(
    config: Config,
    arrival: Arrival,
    steps: Sequence[CallerStep],
    meet: MeetCallee,
    *,
    live: bool = False,
) -> SimulatedCall:
    """Simulate a call against the configured database and flows. Raises what `open_core` does.

    Unless it is `live` it changes nothing in the database, and meets there what a real call would.
    """
    clock = VirtualClock(time.time())
    caller = ScriptedCaller(clock, steps)
    core = await open_core(config, clock, dry_run=not live)
    recorder = Recorder(core.store, config.charging.server) if live and config.records is not None else None
    try:
        carried = await carry_call(
            arrival,
            core.engine,
            caller,
            clock,
            meet,
            durations_of(core.library),
            core.world.asterisk_sounds,
            manager=config.ami is not None,
            observers=(recorder,) if recorder is not None else (),
        )
    finally:
        if recorder is not None:
            await recorder.close(LAST_RECORDS_S)
        await core.close()
    return SimulatedCall(carried, caller.timeline, caller.endless, caller.waits_for)
