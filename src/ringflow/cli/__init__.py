"""The command line: one file for each noun, put together here."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from ringflow import __version__
from ringflow.errors import RingflowError, StartError

EXIT_PROBLEM = 1
EXIT_SURROUNDINGS = 2
COMPLETE_VARIABLE = "_RINGFLOW_COMPLETE"
"""Set by a shell that asks how a command goes on: `ringflow completion`."""

COMMANDS = {
    "init": "Make a folder of your own: configuration, flows, prompts, keys and database.",
    "serve": "Take calls.",
    "backup": "Write an archive of everything, while the server goes on.",
    "restore": "Make a database, or a whole folder, of an archive.",
    "check": "Check the configuration, the flows and the scenario files.",
    "schema": "Print the JSON Schema of flow files, or of scenario files.",
    "test": "Play scenarios on the simulator.",
    "call": "Make one simulated call.",
    "dial": "Call a DID from this terminal.",
    "completion": "Print a script for a shell, which completes commands and options.",
}
"""Commands without a noun: each a function of its own name, in a file of its own name, and what it does."""

NOUNS = {
    "flow": ("flow", "Call flows: their texts, drafts, publications and history."),
    "did": ("did", "The numbers that callers dial."),
    "script": ("script", "The programs that DIDs run before their apps."),
    "customer": ("customer", "The accounts that pay."),
    "cli": ("cli_numbers", "The calling numbers that identify customers."),
    "speed-dial": ("speed_dial", "The numbers that customers keep under short keys."),
    "trunk": ("trunk", "The ways out."),
    "calendar": ("calendar", "Days on which schedules are on holiday."),
    "override": ("override", "Closed today, open until six, whatever the hours say."),
    "card": ("card", "Calling cards, made in bulk."),
    "voucher": ("voucher", "Codes that give credit once."),
    "ledger": ("ledger", "Customers' credit, and proof that the books are right."),
    "rate": ("rate", "What calls cost."),
    "value-list": ("value_list", "Lists of numbers or texts that flows look values up in."),
    "record": ("record", "What became of calls."),
    "recording": ("recording", "What callers said: list, take out, delete."),
    "live": ("live", "Calls in progress: watch them, hang up, redirect, play a prompt."),
    "report": ("report", "What calls came to, by customer, trunk, day or destination."),
    "operator": ("operator", "Who may act by the REST API and the console."),
    "role": ("role", "Bundles of rights for operators and tokens."),
    "token": ("token", "The keys by which programs act on the REST API."),
    "audit": ("audit", "Who changed what, with before and after."),
    "key": ("key", "The key that signs X-CX-Sec."),
    "sounds": ("sounds", "The prompt library."),
    "asterisk": ("asterisk", "Connect your Asterisk, and check it."),
    "service": ("service", "Start the server at boot, with systemd."),
    "lab": ("lab", "A real Asterisk without root, for trying and testing."),
    "bench": ("bench", "Measure."),
}
"""Nouns: the file whose `app` has their commands, and what they are."""


def build(only: str | None = None) -> typer.Typer:
    """The command line; with `only`, just that command or noun, so that no other's libraries are loaded."""
    app = _bare()
    for name in COMMANDS:
        if only in (None, name):
            app.command(name)(getattr(import_module(f"ringflow.cli.{name}"), name))
    for name, (module, meaning) in NOUNS.items():
        if only in (None, name):
            app.add_typer(import_module(f"ringflow.cli.{module}").app, name=name, help=meaning)
    return app


def overview() -> typer.Typer:
    """All commands and what they do, for help and for mistakes; no command's libraries are loaded."""
    app = _bare()
    meanings = COMMANDS | {name: meaning for name, (_, meaning) in NOUNS.items()}
    for name, meaning in meanings.items():
        app.command(name, short_help=meaning)(_not_loaded)
    return app


def main() -> None:
    """Run a command. Bad input exits 1, bad surroundings 2; neither shows a traceback."""
    words = _words()
    try:
        command_line = _loaded(_named(words))
        # Named, so that a shell's question about `ringflow` is answered however this was started.
        command_line(prog_name="ringflow")
    except StartError as error:
        _stop(error, EXIT_SURROUNDINGS, words)
    except RingflowError as error:
        _stop(error, EXIT_PROBLEM, words)


def _loaded(named: str | None) -> typer.Typer:
    """Load the command or noun, or the overview.

    Modules that load create many objects, and nearly all of them stay. So the garbage collector waits until
    they are there, and never looks at them: this saves a fifth of the time of a short command.
    """
    gc.disable()
    try:
        return overview() if named is None else build(named)
    finally:
        gc.freeze()
        gc.enable()


def _words() -> Sequence[str]:
    """What was typed; where a shell asks how it goes on, all but the word that is not finished."""
    if COMPLETE_VARIABLE not in os.environ:
        return sys.argv[1:]
    from typer.completion import completion_init  # type: ignore[attr-defined]

    completion_init()
    line = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS", "")
    words = line.split()
    return words[1:] if line.endswith((" ", "\n")) else words[1:-1]


def _named(arguments: Sequence[str]) -> str | None:
    """The command or noun that is asked for; None where help or a mistake needs them all."""
    words = list(arguments)
    while words and words[0].startswith("--config"):
        words = words[1:] if "=" in words[0] else words[2:]
    words = words[words[:1] == ["--"] :]
    return words[0] if words and (words[0] in COMMANDS or words[0] in NOUNS) else None


def _bare() -> typer.Typer:
    app = typer.Typer(
        name="ringflow",
        help="Call flows and calling cards on Asterisk.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
        add_completion=False,
        # Plain help: rich takes `[...]` for its own markup, and gives switches a value, `--json <bool>`.
        rich_markup_mode=None,
    )
    app.callback()(_options)
    return app


def _not_loaded() -> None:
    """Stands for any command in the overview, which shows help and mistakes and runs none."""


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"ringflow {__version__}")
        raise typer.Exit


def _options(
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="The configuration file.", show_default="config.yaml"),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Call flows and calling cards on Asterisk."""
    if config is not None:
        os.environ["RINGFLOW_CONFIG"] = str(config)


def _stop(error: RingflowError, code: int, words: Sequence[str]) -> None:
    from ringflow.cli.failure import print_failure

    print_failure(error, "--json" in words)
    sys.exit(code)
