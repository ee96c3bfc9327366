"""The file with the secrets that sign X-CX-Sec and verify it: secrets added to it, used, and dropped.

A running server takes over what changes in it.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from ringflow.accounts.security_key import MADE_BY, PURPOSE, KeyRing, parse_ring
from ringflow.config import Config
from ringflow.errors import Conflict, Refused, StartError, Unknown
from ringflow.plain_text import plain
from ringflow.secret import SECRET_BYTES, read_secret, replace_secret

DEFAULT_FILE = Path(".ringflow/security.key")


class KeyRingFile:
    """The file that the configuration names. Methods raise `StartError` where it cannot be read or written.

    Raises `Refused` where the environment has the secrets: they cannot be changed there.
    """

    def __init__(self, config: Config) -> None:
        named = config.impersonation
        if os.environ.get(named.key_env, "").strip():
            raise Refused(
                "secret.in_environment",
                f"the secrets come from {named.key_env}; docs/security-key.md says how to write several "
                "there, and servers need a restart: an environment is read at the start alone",
                variable=named.key_env,
            )
        self.path = config.path(named.key_file or DEFAULT_FILE)
        self._env = named.key_env

    def read(self) -> KeyRing:
        """The secrets in it."""
        return parse_ring(read_secret(self._env, self.path, PURPOSE, MADE_BY))

    def add(self) -> str:
        """Add a secret, which verifies and does not sign yet; returns its version."""
        ring = self.read()
        number = len(ring.secrets) + 1
        while f"v{number}" in ring.secrets:
            number += 1
        version = f"v{number}"
        self._write(KeyRing({**ring.secrets, version: secrets.token_hex(SECRET_BYTES)}, ring.signs))
        return version

    def use(self, version: str) -> None:
        """Have a version sign. Raises `Refused` where there is none of it."""
        ring = self.read()
        _check_version(ring, version)
        self._write(KeyRing(ring.secrets, version))

    def drop(self, version: str) -> None:
        """Take a version out. Raises `Refused` where there is none of it, and for the one that signs."""
        ring = self.read()
        _check_version(ring, version)
        if version == ring.signs:
            raise Conflict("security_key.signs", f"{version} signs; let another do so first", version=version)
        left = {name: secret for name, secret in ring.secrets.items() if name != version}
        self._write(KeyRing(left, ring.signs))

    def _write(self, ring: KeyRing) -> None:
        text = ring.text()
        if parse_ring(text) != ring:
            raise Refused(
                "secret.malformed",
                f"a secret in {self.path} has spaces or is not ASCII, and cannot be one of several",
                path=str(self.path),
            )
        try:
            replace_secret(self.path, text)
        except OSError as error:
            raise StartError(f"the secret {self.path} cannot be written: {error.strerror}") from error


def _check_version(ring: KeyRing, version: str) -> None:
    if version not in ring.secrets:
        raise Unknown(
            "security_key.unknown_version", f"there is no version {plain(version)}", version=version
        )
