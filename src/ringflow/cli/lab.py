"""`ringflow lab`: a real Asterisk from packages, without root, to try and test with."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from ringflow.asterisk.config_files import SECRET_FILE
from ringflow.cli import lab_call
from ringflow.cli.lab_options import Json, Release, open_lab
from ringflow.cli.output import print_json
from ringflow.config import load_config
from ringflow.errors import Conflict
from ringflow.lab.asterisk import CARRIER
from ringflow.private_folder import make_private_folder

app = typer.Typer(help="A real Asterisk without root, for trying and testing.", no_args_is_help=True)


@app.command("up")
def up(release: Release = None, as_json: Json = False) -> None:
    """Start Asterisk; its calls go to this project's FastAGI port.

    At first its packages are fetched.
    """
    lab, config = open_lab(release), load_config()
    # The lab may be the first to make the folder of secrets. If it cannot be made, `up` says so.
    with suppress(OSError):
        make_private_folder(config.path(config.state))
    state = lab.up(config.fastagi.port)
    if as_json:
        print_json(lab.status())
        return
    typer.echo(f"Asterisk of {lab.release} takes SIP on 127.0.0.1:{state.sip_port} (UDP).")
    typer.echo(
        f"Its calls go to FastAGI on 127.0.0.1:{state.fastagi_port}; AMI is on 127.0.0.1:{state.ami_port}."
    )
    secret = lab.asterisk().config / SECRET_FILE
    typer.echo(
        "To connect a server to its manager interface, start it with: "
        f"RINGFLOW_AMI__PORT={state.ami_port} RINGFLOW_AMI__SECRET_FILE={secret} ringflow serve"
    )
    first, *_, last = sorted(name for name in state.trunks if name != CARRIER)
    typer.echo(f"Trunks to callees: PJSIP/{{number}}@{CARRIER}, and @{first} to @{last}.")


@app.command("down")
def down(release: Release = None, as_json: Json = False) -> None:
    """Stop it."""
    lab = open_lab(release)
    stopped = lab.down()
    if as_json:
        print_json({"release": lab.release, "stopped": stopped})
    else:
        typer.echo("Stopped." if stopped else f"The lab of {lab.release} was not running.")


@app.command("status")
def status(release: Release = None, as_json: Json = False) -> None:
    """Say whether it runs, and where. Exit code 1 when it does not."""
    found = open_lab(release).status()
    if as_json:
        print_json(found)
    elif found.state is not None:
        typer.echo(f"{found.version} of {found.release}, process {found.state.pid}, in {found.folder}")
        typer.echo(f"SIP 127.0.0.1:{found.state.sip_port}, AMI 127.0.0.1:{found.state.ami_port}")
        typer.echo(f"channels: {found.live_channels}")
    if found.state is None:
        if as_json:
            raise typer.Exit(1)
        raise Conflict(
            "lab.down",
            f"the lab of {found.release} is not running: `ringflow lab up` starts it",
            release=str(found.release),
        )


@app.command("logs")
def logs(
    release: Release = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many, from the end.")] = 100,
    as_json: Json = False,
) -> None:
    """Show the end of Asterisk's log."""
    found = open_lab(release).logs(lines)
    if as_json:
        print_json(found)
        return
    for line in found:
        typer.echo(line)


app.command("call")(lab_call.call)
