"""`ringflow key`: the secret that signs X-CX-Sec, and the keys made with it."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

import typer

from ringflow.accounts.security_key import (
    DEFAULT_MAX_AGE_S,
    MADE_BY,
    PURPOSE,
    KeyRing,
    configured_keys,
    parse_ring,
)
from ringflow.cli.ids import id_option
from ringflow.cli.printing import Json, print_deleted, print_json, print_many
from ringflow.config import load_config
from ringflow.errors import Refused, StartError
from ringflow.moments import Second
from ringflow.plain_text import plain
from ringflow.private_folder import make_private_folder
from ringflow.secret import read_secret, replace_secret

SECRET_BYTES = 32
DEFAULT_FILE = Path(".ringflow/security.key")

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
    made = generate_secret(path)
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
    path, ring = _ring()
    number = len(ring.secrets) + 1
    while f"v{number}" in ring.secrets:
        number += 1
    version = f"v{number}"
    _write(path, KeyRing({**ring.secrets, version: secrets.token_hex(SECRET_BYTES)}, ring.signs))
    if as_json:
        print_json({"version": version, "file": path})
    else:
        typer.echo(f"{version} is in {path}, and {ring.signs} still signs")
        typer.echo(f"give {version} to those who verify, then `ringflow key use {version}`")


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """List the versions in the file, and which one signs."""
    ring = _ring()[1]
    print_many([VersionRow(name, name == ring.signs) for name in ring.secrets], VersionRow, as_json)


@app.command("use")
def use_command(version: Version, as_json: Json = False) -> None:
    """Let a version sign from the next call on.

    The others go on verifying.
    """
    path, ring = _ring()
    _check_version(ring, version)
    _write(path, KeyRing(ring.secrets, version))
    if as_json:
        print_json({"version": version, "signs": True})
    else:
        typer.echo(f"{version} signs from now on, on servers that read {path}")


@app.command("drop")
def drop_command(version: Version, as_json: Json = False) -> None:
    """Take a version out of the file.

    Keys that it signed are taken for forged from now on.
    """
    path, ring = _ring()
    _check_version(ring, version)
    if version == ring.signs:
        raise Refused(f"{version} signs; let another do so first: `ringflow key use VERSION`")
    left = {name: secret for name, secret in ring.secrets.items() if name != version}
    _write(path, KeyRing(left, ring.signs))
    print_deleted("version", version, as_json)


def _ring() -> tuple[Path, KeyRing]:
    config = load_config()
    named = config.impersonation
    if os.environ.get(named.key_env, "").strip():
        what = f"the secrets come from {named.key_env}; docs/security-key.md says how to write several there"
        raise Refused(f"{what}, and servers need a restart: an environment is read at the start alone")
    path = config.path(named.key_file or DEFAULT_FILE)
    return path, parse_ring(read_secret(named.key_env, path, PURPOSE, MADE_BY))


def _check_version(ring: KeyRing, version: str) -> None:
    if version not in ring.secrets:
        raise Refused(f"there is no version {plain(version)}; `ringflow key list` shows those that are there")


def _write(path: Path, ring: KeyRing) -> None:
    text = ring.text()
    if parse_ring(text) != ring:
        raise Refused(f"a secret in {path} has spaces or is not ASCII, and cannot be one of several")
    try:
        replace_secret(path, text)
    except OSError as error:
        raise StartError(f"the secret {path} cannot be written: {error.strerror}") from error


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


def generate_secret(path: Path) -> bool:
    """Write a new secret to `path`, mode 0600; False when something is there already. Raises `StartError`."""
    if path.exists():
        return False
    try:
        make_private_folder(path.parent)
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
