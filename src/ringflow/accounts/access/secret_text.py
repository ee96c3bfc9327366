"""Random texts that open something, and what is kept of them."""

from __future__ import annotations

import hashlib
import re
import secrets
import string

SECRET_BYTES = 32
_OF_PREFIXES = string.ascii_lowercase + string.digits
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def new_secret() -> str:
    """Return a new text of 256 random bits, of letters, digits, `_` and `-`."""
    return secrets.token_urlsafe(SECRET_BYTES)


def new_prefix(length: int) -> str:
    """Return random lower-case letters and digits, by which a token's row is found and lists name it."""
    return "".join(secrets.choice(_OF_PREFIXES) for _ in range(length))


def is_secret(text: str) -> bool:
    """Return whether a text has the form of those that `new_secret` makes."""
    return _SECRET.fullmatch(text) is not None


def digest_of(text: str) -> str:
    """Return what is kept of a text that nobody can guess: its SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
