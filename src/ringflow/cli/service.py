"""`ringflow service`: the systemd unit that starts the server at boot."""

from __future__ import annotations

import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from ringflow.config import load_config
from ringflow.deployment.service import UNIT, UNIT_FOLDER, unit_text
from ringflow.errors import Conflict, Refused, StartError, Unknown

app = typer.Typer(help="Start the server at boot, with systemd.", no_args_is_help=True)


@app.command("install")
def install_command(
    user: Annotated[
        str, typer.Option("--user", help="Who the server runs as; needs the folder to be its own.")
    ] = "ringflow",
    only_print: Annotated[bool, typer.Option("--print", help="Show the unit and change nothing.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Also where another unit is there.")] = False,
) -> None:
    """Write the unit, and start the server now and at boot. As root."""
    config = load_config()
    program = Path(shutil.which(sys.argv[0]) or sys.argv[0]).absolute()
    text = unit_text(config, program, user)
    if only_print:
        typer.echo(text, nl=False)
        return
    folder = config.file.parent
    try:
        owner = pwd.getpwnam(user).pw_uid
    except KeyError:
        raise Unknown(
            "service.unknown_user",
            f"there is no user {user}: `useradd --system --home-dir {folder} {user}`, then "
            f"`chown -R {user}: {folder}`; or name one with --user",
            user=user,
        ) from None
    if folder.stat().st_uid != owner:
        raise Refused(
            "service.foreign_folder",
            f"{folder} is not {user}'s, who could not write there: `chown -R {user}: {folder}`",
            folder=str(folder),
            user=user,
        )
    unit = UNIT_FOLDER / UNIT
    if unit.exists() and unit.read_text("utf-8") != text and not replace:
        own = f"lines of your own belong into a drop-in: `systemctl edit {UNIT}`"
        raise Conflict(
            "service.unit_differs",
            f"{unit} is there and differs; --replace writes it anew; {own}",
            path=str(unit),
        )
    try:
        unit.write_text(text, "utf-8")
    except OSError as error:
        raise StartError(f"{unit} cannot be written: {error.strerror}; run this as root") from error
    _systemctl("daemon-reload")
    _systemctl("enable", "--now", UNIT)
    typer.echo(f"{unit} is written, and the server runs. Its log: journalctl -u {UNIT}")


@app.command("uninstall")
def uninstall_command() -> None:
    """Stop the server, calls first, and take the unit away. As root.

    Configuration and database stay.
    """
    unit = UNIT_FOLDER / UNIT
    if not unit.exists():
        raise Unknown("service.no_unit", f"there is no {unit}", path=str(unit))
    _systemctl("disable", "--now", UNIT)
    try:
        unit.unlink()
    except OSError as error:
        raise StartError(f"{unit} cannot be removed: {error.strerror}; run this as root") from error
    _systemctl("daemon-reload")
    typer.echo(f"{unit} is gone")


def _systemctl(*words: str) -> None:
    """Run systemctl. Raises `StartError` with what it says."""
    try:
        done = subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False)
    except OSError as error:
        raise StartError("there is no systemctl here; `--print` shows the unit") from error
    if done.returncode != 0:
        raise StartError(f"systemctl {' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
