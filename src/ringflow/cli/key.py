"""`ringflow key`: the secret that signs X-CX-Sec, and the keys made with it."""

from __future__ import annotations

import json
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

import typer

from ringflow.accounts.security_key import DEFAULT_MAX_AGE_S, configured_keys
from ringflow.cli.ids import id_option
from ringflow.cli.printing import Json
from ringflow.config import load_config
from ringflow.errors import Refused, StartError

SECRET_BYTES = 32
DEFAULT_FILE = Path(".ringflow/security.key")

app = typer.Typer(help="The key that signs X-CX-Sec.", no_args_is_help=True)

Customer = Annotated[int, id_option("--customer", "The customer's id.")]
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
    made = generate_secret(path)
    if as_json:
        typer.echo(json.dumps({"file": str(path), "made": made}))
    else:
        typer.echo(f"a new secret is in {path}" if made else f"{path} holds a secret already; it stays")


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
    typer.echo(json.dumps({"key": key, "at_s": at_s}) if as_json else key)


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
        typer.echo(json.dumps({"genuine": False, "reason": str(error)}))
        raise typer.Exit(1) from error
    typer.echo(json.dumps({"genuine": True, "reason": None}) if as_json else "genuine")


def generate_secret(path: Path) -> bool:
    """Write a new secret to `path`, mode 0600; False when something is there already. Raises `StartError`."""
    if path.exists():
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Only its owner can read a named temporary file (Python, tempfile.mkstemp).
        with NamedTemporaryFile("w", encoding="ascii", dir=path.parent, prefix=f".{path.name}-") as stream:
            stream.write(secrets.token_hex(SECRET_BYTES) + "\n")
            stream.flush()
            # A link appears whole or not at all, and never in the place of something else.
            with suppress(FileExistsError):
                os.link(stream.name, path)
                return True
    except OSError as error:
        raise StartError(f"the secret {path} cannot be written: {error.strerror}") from error
    return False
