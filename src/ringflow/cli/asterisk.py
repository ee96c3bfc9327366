"""`ringflow asterisk`: the configuration that connects an operator's Asterisk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringflow.asterisk import AsteriskConfigSettings, write_asterisk_config
from ringflow.config import load_config

DEFAULT = AsteriskConfigSettings()

app = typer.Typer(help="Configuration for your Asterisk.", no_args_is_help=True)


@app.callback()
def _asterisk() -> None:
    """Configuration for your Asterisk."""


@app.command("config")
def config(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to write the files into.")],
    host: Annotated[
        str | None,
        typer.Option("--host", help="Ringflow's address as Asterisk sees it.", show_default="fastagi.host"),
    ] = None,
    carrier: Annotated[
        str, typer.Option("--carrier", metavar="HOST", help="Your carrier's address, for the example trunk.")
    ] = DEFAULT.carrier_host,
) -> None:
    """Write what your Asterisk's own files include.

    Dialplan, an example of a trunk and a phone, and a manager user; a README says what goes where.
    """
    settings = load_config()
    fastagi_host = host or settings.fastagi.host
    if fastagi_host in ("0.0.0.0", "::"):  # noqa: S104 - it is what to replace
        fastagi_host = DEFAULT.fastagi_host
    written = write_asterisk_config(
        out,
        AsteriskConfigSettings(
            fastagi_host=fastagi_host,
            fastagi_port=settings.fastagi.port or DEFAULT.fastagi_port,
            ami_port=settings.ami.port if settings.ami else DEFAULT.ami_port,
            carrier_host=carrier,
        ),
    )
    for path in written:
        typer.echo(str(path))
    typer.echo(f"Next: {out / 'README.md'} says what to include where.", err=True)
