"""The command line: one file for each noun, put together here."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ringflow import __version__
from ringflow.errors import DocumentError, RingflowError, StartError

EXIT_PROBLEM = 1
EXIT_SURROUNDINGS = 2


def build() -> typer.Typer:
    """The whole command line."""
    from ringflow.cli import (
        asterisk,
        bench,
        call,
        check,
        cli_numbers,
        customer,
        dial,
        did,
        key,
        lab,
        schema,
        serve,
        sounds,
        test,
        trunk,
    )

    app = typer.Typer(
        name="ringflow",
        help="Call flows and calling cards on Asterisk.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.callback()(_options)
    app.command("serve")(serve.serve)
    app.command("check")(check.check)
    app.command("schema")(schema.schema)
    app.command("test")(test.test)
    app.command("call")(call.call)
    app.command("dial")(dial.dial)
    app.add_typer(did.app, name="did", help="The numbers that callers dial.")
    app.add_typer(customer.app, name="customer", help="The accounts that pay.")
    app.add_typer(cli_numbers.app, name="cli", help="The calling numbers that identify customers.")
    app.add_typer(trunk.app, name="trunk", help="The ways out.")
    app.add_typer(key.app, name="key", help="The key that signs X-CX-Sec.")
    app.add_typer(sounds.app, name="sounds", help="The prompt library.")
    app.add_typer(asterisk.app, name="asterisk", help="Configuration for your Asterisk.")
    app.add_typer(lab.app, name="lab", help="A real Asterisk without root, for trying and testing.")
    app.add_typer(bench.app, name="bench", help="Measure.")
    return app


def main() -> None:
    """Run a command. Bad input exits 1, bad surroundings 2; neither shows a traceback."""
    try:
        build()(standalone_mode=True)
    except StartError as error:
        _stop(error, EXIT_SURROUNDINGS)
    except RingflowError as error:
        _stop(error, EXIT_PROBLEM)


def _options(
    config: Annotated[
        Path | None, typer.Option("--config", help="The configuration file [default: config.yaml]")
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Call flows and calling cards on Asterisk."""
    if version:
        typer.echo(f"ringflow {__version__}")
        raise typer.Exit
    if config is not None:
        os.environ["RINGFLOW_CONFIG"] = str(config)


def _stop(error: RingflowError, code: int) -> None:
    lines = error.problems if isinstance(error, DocumentError) else (error,)
    for line in lines:
        print(f"ringflow: {line}" if line is error else str(line), file=sys.stderr)
    sys.exit(code)
