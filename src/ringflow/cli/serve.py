"""`ringflow serve`: take calls until told to stop."""

from __future__ import annotations

import asyncio
import gc
import os
import shlex
import signal
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from ringflow.accounts.access.password_links import SERVER, link_url, make_setup_link
from ringflow.actor import acting
from ringflow.agi.open_files import raise_open_file_limit
from ringflow.app import Application, open_application
from ringflow.config import DEFAULT_PATH, Config, load_config
from ringflow.logs import set_up_logs
from ringflow.moments import iso_in

FORCED_STOP = 130

GARBAGE_AFTER_OBJECTS = 20_000
"""How many objects more than were freed are made before Python looks for cycles; 700 if not told."""


def serve(
    first_steps: Annotated[
        bool, typer.Option("--first-steps", help="Say how to make a first call once the server is ready.")
    ] = False,
) -> None:
    """Take calls.

    SIGTERM or Ctrl-C: no new calls, those in progress finish; a second one ends them now.
    A terminal that closes (SIGHUP) is the first of them, and never the second.
    """
    config = load_config()
    set_up_logs(config.log, config.zone)
    raise_open_file_limit()
    uvloop.run(run_server(config, first_steps))


async def run_server(config: Config, first_steps: bool = False) -> None:
    """Take calls in this event loop until a signal says to stop. Raises `SystemExit` when forced."""
    application = await open_application(config)
    stop = asyncio.Event()
    stopping: asyncio.Task[None] | None = None

    def asked() -> None:
        if stop.is_set() and stopping is not None:
            stopping.cancel()
        stop.set()

    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, asked)
    # A terminal that closes sends it, often twice; under nohup(1) it means nothing.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        loop.add_signal_handler(signal.SIGHUP, stop.set)
    try:
        await application.start()
        await offer_set_up(config, application)
        _look_for_garbage_less()
        if first_steps:
            _say_first_steps(config, application)
        await stop.wait()
    finally:
        stopping = asyncio.create_task(application.stop())
        try:
            await stopping
        except asyncio.CancelledError:
            raise SystemExit(FORCED_STOP) from None


async def offer_set_up(config: Config, application: Application) -> None:
    """Print a link by which the first operator is made, where nobody can sign in. It gets into no log."""
    if config.http is None or not config.http.serves_api:
        return
    core = application.core
    async with acting(core.store, SERVER, config.country, core.charging.ledger.now_ms()) as actor:
        made = await make_setup_link(actor)
    if made is not None:
        link, text = made
        until = iso_in(link.expires_ms, config.zone, "seconds")
        typer.echo(f"To make the first operator, open this link (good once, until {until}):")
        typer.echo(f"  {link_url(config, text, application.http_port)}")


def _look_for_garbage_less() -> None:
    """Keep what was loaded out of the search for cycles, and search less often.

    A call makes hundreds of objects and next to no cycles, so with Python's own settings about a
    twentieth of a busy server's processor time goes into finding nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER_OBJECTS)


def _say_first_steps(config: Config, application: Application) -> None:
    did = config.dids[0].number if config.dids else "DID"
    declared = (cli for customer in config.customers for cli in customer.clis)
    cli = next((one for one in declared if isinstance(one, str) and not one.startswith("^")), "CLI")
    named = os.environ.get("RINGFLOW_CONFIG", "")
    # Commands find the one of the current folder by themselves.
    elsewhere = bool(named) and Path(named).resolve() != DEFAULT_PATH.resolve()
    ringflow = f".venv/bin/ringflow --config {shlex.quote(named)}" if elsewhere else ".venv/bin/ringflow"
    keys = "--keys 441234567890#"
    fastagi = f"{config.fastagi.host}:{application.fastagi.port}"
    lines = [
        f"\n[bold]Ringflow takes calls[/] on FastAGI {fastagi}. Try it:",
        f"  a telephone in the terminal  {ringflow} dial {did} --from {cli}",
        f"  a simulated call             {ringflow} call {did} --from {cli} {keys}",
        f"  a real Asterisk, no root     {ringflow} lab up && {ringflow} lab call {did} --from {cli} {keys}",
        f"  your own Asterisk            {ringflow} asterisk config --out DIR",
    ]
    if config.http is not None:
        web = f"http://{config.http.host}:{application.http_port}"
        lines.insert(1, f"  a telephone in the browser   {web}/")
        lines.append(f"Health: {web}/readyz, metrics: {web}/metrics")
    Console(stderr=True, highlight=False).print("\n".join(lines), soft_wrap=True)
