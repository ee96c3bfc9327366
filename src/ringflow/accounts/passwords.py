"""Operators' passwords: what they must be like, and their argon2id hashes.

Hashing takes 19 MiB and some hundredths of a second, by design (OWASP's parameters), so it runs in threads, a
few at a time: however many try to log in, calls have the processor and the memory.
"""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING

from ringflow.errors import Refused

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MIN_PASSWORD = 12
MAX_PASSWORD = 200
MIN_DIFFERENT = 6
MEMORY_KIB = 19 * 1024
TIME_COST = 2
AT_ONCE = 2


class Passwords:
    """Hashes and compares passwords, at most `AT_ONCE` at a time within one process."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def hash(self, password: str) -> str:
        """Return the hash to keep of a new password, with its salt and parameters."""
        async with self._turn:
            return await asyncio.to_thread(_hash, password)

    async def matches(self, password: str, kept: str | None) -> bool:
        """Whether a password is the one whose hash is kept. None, of nobody, takes as long and never is."""
        async with self._turn:
            return await asyncio.to_thread(_matches, password, kept)


def check_password(password: str, operator: str) -> str:
    """Return a new password. Raises `Refused`, whose text never has it, where it could be guessed."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Refused(
            "password.malformed",
            f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters; this one has {len(password)}",
            low=MIN_PASSWORD,
            high=MAX_PASSWORD,
        )
    if not password.isprintable():
        raise Refused(
            "password.malformed",
            "a password is one line of characters that can be typed",
            low=MIN_PASSWORD,
            high=MAX_PASSWORD,
        )
    if len(set(password)) < MIN_DIFFERENT or operator.casefold() in password.casefold():
        raise Refused(
            "password.weak",
            f"this password can be guessed: use at least {MIN_DIFFERENT} different characters, and not the "
            "operator's name",
        )
    return password


def needs_new_hash(kept: str) -> bool:
    """Whether a hash was made with other parameters than those of this version."""
    return bool(_hasher().check_needs_rehash(kept))


def _hash(password: str) -> str:
    return str(_hasher().hash(password))


def _matches(password: str, kept: str | None) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return bool(_hasher().verify(kept or _nobodys(), password)) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hasher() -> PasswordHasher:
    # Loaded here: most commands never compare a password.
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=1)


@cache
def _nobodys() -> str:
    """A hash to compare with where there is no operator, so that the time does not tell who exists."""
    return _hash("no operator has this password")
