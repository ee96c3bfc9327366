"""`ringflow dial`: a telephone in the terminal, in real time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from ringflow.calls.call_record import CallRecord
from ringflow.cli.call import (
    CALLEE_WORDS,
    DidArgument,
    FromOption,
    RingOption,
    TalkOption,
)
from ringflow.cli.keyboard import END_OF_INPUT, is_terminal, keys_from
from ringflow.cli.project import require_database
from ringflow.config import Config, LogConfig, load_config
from ringflow.documents import read_document
from ringflow.errors import DocumentError
from ringflow.logs import set_up_logs
from ringflow.simulated_call import TelephoneCall, call_by_telephone
from ringflow.simulator.call_request import CalleeWord, callees
from ringflow.simulator.callee import Behaviour, Callee, callees_in_turn
from ringflow.simulator.line import Sound
from ringflow.simulator.paced_clock import PacedClock
from ringflow.simulator.report import summary_lines
from ringflow.simulator.telephone import TAP_MS, Telephone
from ringflow.simulator.virtual_call import Arrival
from ringflow.speaking import languages

TELEPHONE_KEYS = frozenset("0123456789*#")
CALLEE_KEYS = {
    "a": Behaviour.ANSWER,
    "b": Behaviour.BUSY,
    "n": Behaviour.NO_ANSWER,
    "c": Behaviour.CONGESTION,
}
CALLEE_HANGS_UP = "e"
HOLD = "!"
"""Typed before a key: it is held down."""

HELD_MS = 2000
CALLER_HANGS_UP = frozenset({"h", END_OF_INPUT})
TEXTS_FILE = "prompts.yaml"


def dial(
    did: DidArgument,
    caller: FromOption = None,
    callee: Annotated[
        list[CalleeWord] | None,
        typer.Option(
            "--callee",
            metavar=CALLEE_WORDS,
            help="How an attempt is met; several times: one attempt after the other.",
            show_default="you say it while it rings",
        ),
    ] = None,
    rings: RingOption = 2000,
    talk: TalkOption = 60_000,
) -> None:
    """Call a DID from this terminal.

    The call is refused and priced as a real one, and changes nothing.
    What is heard is written, what you key is sent; h hangs up.
    Where the keys come from a pipe they are sent as soon as keys are taken; h in it hangs up then.
    """
    config = load_config()
    require_database(config)
    set_up_logs(LogConfig(format="text", level="error"), config.zone)
    arrival = Arrival(did, caller)
    asks = not callee and is_terminal()
    met = (Callee(after_ms=None, talk_ms=None),) if asks else callees(callee, rings, talk)
    screen = Screen(Console(highlight=False), prompt_texts(config.path(config.sounds.folder)), asks)
    screen.say(f"Calling {did}" + (f" from {caller}" if caller else ""), "bold")
    screen.say("Keys: 0-9 * #   ! before a key: hold it for 2 s   h, Ctrl-C or Ctrl-D: hang up", "dim")
    record = asyncio.run(_carry(config, arrival, screen, met))
    first, *rest = summary_lines(record)
    screen.say(first, "bold")
    for line in rest:
        screen.say(line)


async def _carry(config: Config, arrival: Arrival, screen: Screen, met: tuple[Callee, ...]) -> CallRecord:
    clock = PacedClock(time.time())
    telephone = Telephone(clock, screen, patient=not is_terminal())
    with keys_from(Keyboard(telephone).type, telephone.hang_up):
        call = TelephoneCall(arrival, telephone, clock, callees_in_turn(met))
        return (await call_by_telephone(config, call)).record


class Keyboard:
    """Turns typed characters into what the caller or the callee does."""

    def __init__(self, telephone: Telephone) -> None:
        self._telephone = telephone
        self._holds = False

    def type(self, key: str) -> None:
        """What one character means at this moment."""
        telephone, holds = self._telephone, self._holds
        self._holds = key == HOLD
        if key in TELEPHONE_KEYS:
            telephone.press(key, HELD_MS if holds else TAP_MS)
        elif key in CALLER_HANGS_UP and is_terminal():
            telephone.hang_up()
        elif key == "h":
            telephone.hang_up_after_keys()
        elif telephone.hears == Sound.RINGING and key in CALLEE_KEYS:
            telephone.callee_acts(CALLEE_KEYS[key])
        elif telephone.hears == Sound.CALLEE and key == CALLEE_HANGS_UP:
            telephone.callee_acts(Behaviour.NO_ANSWER)


class Screen:
    """Writes what is heard, a line for each sound, and the keys between them."""

    def __init__(self, console: Console, texts: Mapping[str, str], asks: bool) -> None:
        self._console = console
        self._texts = texts
        self._asks = asks
        self._in_keys = False

    def say(self, text: str, style: str = "") -> None:
        """Write a line."""
        self._end_keys()
        self._console.print(escape(text), style=style or None, soft_wrap=True)

    def pressed(self, key: str) -> None:
        """A key is pressed."""
        if not self._in_keys:
            self._console.print("  keys ", end="", style="cyan")
            self._in_keys = True
        self._console.print(key, end="", style="bold cyan")

    def answered(self) -> None:
        """The call was answered."""
        self.say("  answered", "green")

    def heard(self, sound: str, takes_keys: bool) -> None:
        """A sound begins."""
        if sound == Sound.RINGING:
            hint = "   (callee: a answers, b busy, n no answer, c congestion)" if self._asks else ""
            self.say(f"  ringing{hint}", "yellow")
        elif sound == Sound.CALLEE:
            hint = "   (e: the callee hangs up)" if self._asks else ""
            self.say(f"  connected{hint}", "green")
        else:
            text = self._texts.get(sound)
            self.say(f"  {sound}" + (f": {text}" if text else ""))

    def over(self, sound: str) -> None:
        """A sound ends; only the end of talk is worth a line."""
        if sound == Sound.CALLEE:
            self.say("  disconnected", "yellow")

    def waits(self, until_ms: int | None) -> None:
        """Nothing is to be seen of that."""

    def _end_keys(self) -> None:
        if self._in_keys:
            self._console.print()
            self._in_keys = False


def prompt_texts(folder: Path) -> dict[str, str]:
    """What the prompts say, as far as `prompts.yaml` beside them tells, and those in languages' folders."""
    found = _texts_in(folder, "")
    for code in languages():
        found |= _texts_in(folder / code, f"{code}/")
    return found


def _texts_in(folder: Path, prefix: str) -> dict[str, str]:
    try:
        value = read_document(folder / TEXTS_FILE).whole().value
    except DocumentError:
        return {}
    entries = value.items() if isinstance(value, dict) else ()
    written = {name: entry.get("text") for name, entry in entries if isinstance(entry, dict)}
    return {f"{prefix}{name}": text for name, text in written.items() if isinstance(text, str)}
