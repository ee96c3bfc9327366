"""The key ring under which PINs and voucher codes are digested: peppers, kept outside the database.

The ring is text, one `version:secret` on a line, the newest last; a single line without a colon is version
`v1`. What is new is digested under the newest pepper. What is old is compared under its own, so a version
stays in the ring until nothing in the database names it.

    digest  = 64 lower-case hexadecimal digits: HMAC-SHA256 (RFC 2104, FIPS 180-4) of the message
    message = purpose LF text, or purpose LF card-id LF text     (ASCII)
"""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ringflow.config import Config
from ringflow.errors import StartError
from ringflow.secret import MIN_SECRET_BYTES, SecretFile, read_secret

FIRST_VERSION = "v1"
PURPOSE = "the pepper of PINs and voucher codes"
MADE_BY = "ringflow card pepper new"
_LINE = re.compile(r"(?:([A-Za-z0-9_.-]{1,32}):)?([!-~]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pepper:
    """One key: its name, which is kept beside every digest made with it, and its secret bytes."""

    version: str
    secret: bytes = field(repr=False)

    def digest(self, message: str) -> str:
        """HMAC-SHA256 of a message in hexadecimal."""
        return hmac.digest(self.secret, message.encode("ascii"), "sha256").hex()


class Peppers:
    """The ring, oldest first."""

    def __init__(self, peppers: Sequence[Pepper]) -> None:
        self.all = tuple(peppers)
        self.newest = self.all[-1]
        self._by_version = {pepper.version: pepper for pepper in self.all}

    def version(self, version: str) -> Pepper | None:
        """The pepper of this version, or None where it was taken out of the ring."""
        return self._by_version.get(version)

    def digests(self, message: str) -> list[str]:
        """The message's digest under every pepper, oldest first."""
        return [pepper.digest(message) for pepper in self.all]


def read_peppers(env: str, file: Path | None, environ: Mapping[str, str] | None = None) -> Peppers:
    """The ring from the environment's `env`, or from `file`. Raises `StartError`: none, or malformed."""
    return parse_peppers(read_secret(env, file, PURPOSE, MADE_BY, environ), PURPOSE)


def configured_peppers(config: Config) -> Peppers:
    """The ring that the configuration names. Raises `StartError` when there is none."""
    file = config.cards.pepper_file
    return read_peppers(config.cards.pepper_env, config.path(file) if file else None)


class PepperRing:
    """The ring of a running server: from the environment, or from `file`, whose changes it takes over.

    Raises `StartError` when what is there at the start is malformed.
    """

    def __init__(self, env: str, file: Path | None) -> None:
        self._file = SecretFile(env, file, PURPOSE, MADE_BY)
        given = os.environ.get(env, "").strip() or (file is not None and file.exists())
        self._peppers = read_peppers(env, file) if given else None

    def current(self) -> Peppers | None:
        """The peppers as they are now; None where there are none, for a server without cards needs none."""
        exchanged = self._file.exchanged(lambda text: parse_peppers(text, PURPOSE))
        if exchanged is not None:
            self._peppers = exchanged
        return self._peppers


def parse_peppers(text: str, purpose: str) -> Peppers:
    """The ring that a text holds. Raises `StartError`, which names the wrong line and never quotes it."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    found: dict[str, Pepper] = {}
    for number, line in lines:
        match = _LINE.fullmatch(line)
        if match is None or (match[1] is None and len(lines) > 1):
            raise StartError(f"{purpose}: line {number} is not version:secret")
        version = match[1] or FIRST_VERSION
        if version in found:
            raise StartError(f"{purpose}: line {number} gives version {version} a second time")
        if len(match[2]) < MIN_SECRET_BYTES:
            raise StartError(f"{purpose}: line {number}: the secret is shorter than {MIN_SECRET_BYTES} bytes")
        found[version] = Pepper(version, match[2].encode("ascii"))
    return Peppers(list(found.values()))
