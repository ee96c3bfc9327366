"""Operators' passwords: what they must be like, and their argon2id hashes.

Hashing takes 19 MiB and some hundredths of a second, by design (OWASP's parameters), so it runs in threads, a
few at a time: however many try to sign in, calls have the processor and the memory.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
MOST_WAITING = 50
"""How many may wait for their turn: some seconds' work."""
BUSY_S = 2

_NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdCBvZiBub2JvZHkncw$MrodcpZTHV0q0WfcmCEkU7BrqGRvyjVwAdgEnZ6sVXo"
"""A hash to compare with where there is no operator, so that the time does not tell who exists."""

_COMMON_WORDS = re.compile(
    "ringflow|asterisk|pass(?:word|wort|phrase|code)?|welcome|letmein|changeme|default|secret|geheim"
    "|administrator|admin|operator|telephone|login|iloveyou|monkey|dragon|football|baseball|sunshine|princess"
    "|whatever|trustno|superman|batman|master|summer|winter|spring|autumn|qwertz|qwerty|azerty|user|root|test"
)
_KEYBOARD = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop")
_AS_LETTERS = str.maketrans("013457@$!", "oieastasi")


class Passwords:
    """Hashes and compares passwords, at most `at_once` at a time within one process.

    Raises `Refused` where many wait already: an attack must not have everybody else wait for minutes.
    """

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._turn = asyncio.Semaphore(at_once)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """Return the hash to keep of a new password, with its salt and parameters."""
        async with self._taken():
            return await asyncio.to_thread(_hash, password)

    async def matches(self, password: str, kept: str | None) -> bool:
        """Whether a password is the one whose hash is kept. None, of nobody, takes as long and never is."""
        async with self._taken():
            return await asyncio.to_thread(_matches, password, kept)

    @asynccontextmanager
    async def _taken(self) -> AsyncIterator[None]:
        if self._waiting >= MOST_WAITING:
            text = f"too many passwords are being compared; try again in {BUSY_S} s"
            raise Refused("login.busy", text, retry_after_s=BUSY_S)
        self._waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turn.release()


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
    if operator.casefold() in password.casefold() or _hard_part(password) < MIN_DIFFERENT:
        raise Refused(
            "password.weak",
            "this password can be guessed: beside its name, common words and rows such as 1234 or "
            f"qwerty it needs at least {MIN_DIFFERENT} different characters",
        )
    return password


def _hard_part(password: str) -> int:
    """Return how many different characters a password has beside those that everybody would try.

    Common words count for nothing, written with digits for letters too; neither do rows of the alphabet, of
    digits and of the keyboard, forwards or backwards.
    """
    text = password.casefold()
    read = text.translate(_AS_LETTERS)
    easy = {at for found in _COMMON_WORDS.finditer(read) for at in range(*found.span())}
    for row in _KEYBOARD:
        for way in (row, row[::-1]):
            easy |= {
                at + step for at in range(len(text) - 2) if text[at : at + 3] in way for step in range(3)
            }
    return len({char for at, char in enumerate(text) if at not in easy})


def needs_new_hash(kept: str) -> bool:
    """Whether a hash was made with other parameters than those of this version."""
    return bool(_hasher().check_needs_rehash(kept))


def _hash(password: str) -> str:
    return str(_hasher().hash(password))


def _matches(password: str, kept: str | None) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return bool(_hasher().verify(kept or _NOBODYS, password)) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hasher() -> PasswordHasher:
    # Loaded here: most commands never compare a password.
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=1)
