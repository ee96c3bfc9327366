"""`ringflow key`: the secret that signs X-CX-Sec, and the keys made with it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ringflow.accounts.key_ring_file import DEFAULT_FILE, KeyRingFile
from ringflow.accounts.security_key import DEFAULT_MAX_AGE_S, configured_keys
from ringflow.cli.ids import id_option
from ringflow.cli.output import Json, print_deleted, print_json, print_many
from ringflow.config import load_config
from ringflow.errors import Refused
from ringflow.moments import Second
from ringflow.secret import make_secret

app = typer.Typer(help="The key that signs X-CX-Sec.", no_args_is_help=True)

Customer = Annotated[int, id_option("--customer", "The customer's id.")]
Version = Annotated[str, typer.Argument(metavar="VERSION", help="As `key list` has it.")]
Server = Annotated[str, typer.Option("--server", help="The server it is for: a trunk's `server`.")]


@app.command("generate")
def generate_command(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="The file to write.", show_default="the one that config.yaml names"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a random secret that only its owner can read.

    One that is there already stays.
    """
    config = load_config()
    path = out or config.path(config.impersonation.key_file or DEFAULT_FILE)
    made = make_secret(path)
    if as_json:
        print_json({"file": path, "created": made})
    else:
        typer.echo(f"a new secret is in {path}" if made else f"{path} holds a secret already; it stays")


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A secret of the ring. All verify; one signs."""

    version: str
    signs: bool


@app.command("new")
def new_command(as_json: Json = False) -> None:
    """Add a secret to the file, which verifies and does not sign yet.

    Give it to those who verify, then `key use` has it sign, and `key drop` ends the old one.
    """
    file = _ring_file()
    version = file.add()
    if as_json:
        print_json({"version": version, "file": file.path})
    else:
        typer.echo(f"{version} is in {file.path}, and {file.read().signs} still signs")
        typer.echo(f"give {version} to those who verify, then `ringflow key use {version}`")


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """List the versions in the file, and which one signs."""
    ring = _ring_file().read()
    print_many([VersionRow(name, name == ring.signs) for name in ring.secrets], VersionRow, as_json)


@app.command("use")
def use_command(version: Version, as_json: Json = False) -> None:
    """Let a version sign from the next call on.

    The others go on verifying.
    """
    file = _ring_file()
    file.use(version)
    if as_json:
        print_json({"version": version, "signs": True})
    else:
        typer.echo(f"{version} signs from now on, on servers that read {file.path}")


@app.command("drop")
def drop_command(version: Version, as_json: Json = False) -> None:
    """Take a version out of the file.

    Keys that it signed are taken for forged from now on.
    """
    _ring_file().drop(version)
    print_deleted("version", version, as_json)


def _ring_file() -> KeyRingFile:
    return KeyRingFile(load_config())


@app.command("make")
def make_command(
    customer: Customer,
    server: Server,
    at_s: Annotated[
        int | None, typer.Option("--at", min=0, help="Seconds since 1970.", show_default="now")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make the key for a customer on a server."""
    at_s = int(time.time()) if at_s is None else at_s
    key = configured_keys(load_config(needed=False)).make(customer, server, at_s)
    if as_json:
        print_json({"key": key, "made_at": Second(at_s * 1000)})
    else:
        typer.echo(key)


@app.command("verify")
def verify_command(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The text of X-CX-Sec.")],
    customer: Customer,
    server: Server,
    max_age_s: Annotated[
        int, typer.Option("--max-age", min=0, help="Seconds that it is good for.")
    ] = DEFAULT_MAX_AGE_S,
    as_json: Json = False,
) -> None:
    """Say whether a key is genuine and in time; exit 1 when it is not."""
    try:
        configured_keys(load_config(needed=False)).verify(key, customer, server, int(time.time()), max_age_s)
    except Refused as error:
        if not as_json:
            raise
        print_json({"genuine": False, "reason": str(error)})
        raise typer.Exit(1) from error
    if as_json:
        print_json({"genuine": True, "reason": None})
    else:
        typer.echo("genuine")
