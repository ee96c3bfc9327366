"""How commands read a password: typed twice without being shown, from standard input, or from a file.

Never from an argument, which a list of processes shows, nor from the environment.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ringflow.errors import Refused, StartError

_MOST_BYTES = 4096

PasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        metavar="FILE",
        help="Read the password from a file's first line.",
        show_default="ask for it; from a pipe: its first line",
    ),
]


def read_password(file: Path | None) -> str:
    """Return a new password. Raises `Refused` where two were typed that differ, and for none."""
    if file is not None:
        try:
            with file.open("rb") as stream:
                text = _line(stream.readline(_MOST_BYTES))
        except OSError as error:
            raise StartError(f"the password file {file} cannot be read: {error.strerror}") from error
        return _some(text, f"the first line of {file} is empty")
    if not sys.stdin.isatty():
        return _some(sys.stdin.readline(_MOST_BYTES).rstrip("\r\n"), "standard input has no password")
    typed = str(typer.prompt("password", hide_input=True, err=True))
    if typer.prompt("the same again", hide_input=True, err=True) != typed:
        raise Refused("password.mistyped", "the two passwords differ; nothing is changed")
    return typed


def _line(raw: bytes) -> str:
    try:
        return raw.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise Refused("password.missing", "the password is not UTF-8 text") from error


def _some(text: str, what: str) -> str:
    if not text:
        raise Refused("password.missing", f"{what}; no operator has an empty password")
    return text
