"""Secrets: from a variable of the environment or a file, never from `config.yaml`."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TypeVar

import structlog

from ringflow.errors import StartError
from ringflow.private_folder import make_private_folder

MIN_SECRET_BYTES = 16
SECRET_BYTES = 32
"""How many random bytes a secret has that Ringflow makes."""

log = structlog.get_logger("ringflow.secret")

Parsed = TypeVar("Parsed")


def read_secret(
    env: str,
    file: Path | None,
    purpose: str,
    made_by: str,
    environ: Mapping[str, str] | None = None,
    *,
    least_bytes: int = MIN_SECRET_BYTES,
) -> str:
    """A secret from the environment or a file. `least_bytes`: of others' secrets, as they are.

    Raises `StartError` when there is none: it names both places, and `made_by`, the command that makes one.
    """
    environ = os.environ if environ is None else environ
    text = environ.get(env, "").strip()
    if not text and file is not None:
        try:
            text = file.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            text = ""
        except (OSError, UnicodeDecodeError) as error:
            raise StartError(f"{purpose}: {file} cannot be read: {error}") from error
    if not text:
        places = f"set {env}" + (f" or write it to {file}" if file is not None else "")
        raise StartError(f"{purpose}: no secret is given; {places} (`{made_by}` makes one)")
    if len(text.encode()) < least_bytes:
        raise StartError(f"{purpose}: the secret is shorter than {least_bytes} bytes")
    return text


class SecretFile:
    """The file of a secret, looked at again whenever a running server needs the secret.

    A secret from the environment stays as it was when the process started: `exchanged` never returns one.
    """

    def __init__(self, env: str, file: Path | None, purpose: str, made_by: str) -> None:
        self._file = None if os.environ.get(env, "").strip() else file
        self._env, self._purpose, self._made_by = env, purpose, made_by
        self._mark = self._look()

    def exchanged(self, parse: Callable[[str], Parsed]) -> Parsed | None:
        """What the file holds now, if it has changed since this was last asked; otherwise None.

        A file that is gone or cannot be used is logged, once, and is no reason to drop the secret in use.
        """
        mark = self._look()
        if mark == self._mark:
            return None
        self._mark = mark
        try:
            found = parse(read_secret(self._env, self._file, self._purpose, self._made_by))
        except StartError as error:
            log.error("secret not taken over, the one before stays in use", detail=str(error))
            return None
        log.info("secret taken over", secret=self._purpose, file=str(self._file))
        return found

    def _look(self) -> tuple[int, int, int] | None:
        if self._file is None:
            return None
        try:
            state = self._file.stat()
        except OSError:
            return None
        # A file that was replaced by another of the same length and time still has another inode.
        return state.st_mtime_ns, state.st_size, state.st_ino


def make_secret(path: Path) -> bool:
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


def replace_secret(path: Path, text: str) -> None:
    """Write a secret's file, mode 0600; it replaces the one before as a whole. Raises `OSError`."""
    make_private_folder(path.parent)
    # Only its owner can read a named temporary file (Python, tempfile.mkstemp).
    with NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}-", delete=False
    ) as stream:
        try:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
            os.replace(stream.name, path)
        except BaseException:
            os.unlink(stream.name)
            raise
