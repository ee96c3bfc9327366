"""Secrets: from a variable of the environment or a file, never from `config.yaml`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ringflow.errors import StartError

MIN_SECRET_BYTES = 16


def read_secret(
    env: str, file: Path | None, purpose: str, made_by: str, environ: Mapping[str, str] | None = None
) -> str:
    """A secret from the environment or a file.

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
    if len(text.encode()) < MIN_SECRET_BYTES:
        raise StartError(f"{purpose}: the secret is shorter than {MIN_SECRET_BYTES} bytes")
    return text
