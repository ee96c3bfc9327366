"""Seals what nobody may read in the database: AES-256-GCM under a key that is made of a pepper.

The peppers of PINs and codes are kept outside the database (`accounts/peppers.py`). Whoever has one of them
and the database finds PINs by trying them all, so that what is sealed under it is no easier to read than what
is digested under it.

    sealed  = base64 of nonce (12 random bytes) and what AES-GCM makes of the text (NIST SP 800-38D)
    key     = HKDF-SHA256 (RFC 5869) of the pepper, without salt, `info` being the purpose
    context = authenticated with it: a piece that was moved to another place does not open
"""

from __future__ import annotations

import base64
import secrets
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ringflow.accounts.peppers import Pepper

KEY_BYTES = 32
NONCE_BYTES = 12


class Purpose(StrEnum):
    """What is sealed: of each kind the key is another one."""

    JOB_FILE = "ringflow job file v1"
    SECOND_FACTOR = "ringflow second factor v1"


class Tampered(ValueError):
    """What was sealed is not what is there, or was sealed for another place."""


def seal(pepper: Pepper, purpose: Purpose, data: bytes, context: str) -> str:
    """Return the data sealed, as text."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    made = _cipher(pepper, purpose).encrypt(nonce, data, context.encode())
    return base64.b64encode(nonce + made).decode("ascii")


def unseal(pepper: Pepper, purpose: Purpose, sealed: str, context: str) -> bytes:
    """Return the data that was sealed in this context. Raises `Tampered`."""
    raw = base64.b64decode(sealed)
    try:
        return _cipher(pepper, purpose).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context.encode())
    except InvalidTag as error:
        raise Tampered(context) from error


def _cipher(pepper: Pepper, purpose: Purpose) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose.encode()).derive(pepper.secret))
