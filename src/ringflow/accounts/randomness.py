"""Many random numbers at once from the system's randomness, each as likely as any other."""

from __future__ import annotations

import os
from array import array

WORD_BYTES = 8
_WORDS = 1 << (8 * WORD_BYTES)


def draw_numbers(count: int, below: int) -> list[int]:
    """`count` numbers from 0 to `below` - 1, which is at most 2^64; to be used where `secrets` would be.

    The system is asked once for all of them: asking for each takes longer than all else that is done with it.
    """
    # Words beyond the last whole multiple of `below` would make small numbers likelier: they are dropped.
    usable = _WORDS - _WORDS % below
    numbers: list[int] = []
    while len(numbers) < count:
        words = array("Q", os.urandom(WORD_BYTES * (count - len(numbers))))
        numbers += [word % below for word in words if word < usable]
    return numbers
