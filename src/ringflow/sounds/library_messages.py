"""What the sound libraries write to standard error themselves, such as libmpg123 inside libsndfile."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile

STANDARD_ERROR = 2


@contextmanager
def library_messages() -> Iterator[list[str]]:
    """Keep the libraries' own lines from the terminal; the list has them when the block is over.

    The C libraries know nothing of `sys.stderr`, so the descriptor itself leads to a file meanwhile. What
    other threads write to standard error in that time is kept too: for commands, not for a server.
    """
    lines: list[str] = []
    sys.stderr.flush()
    try:
        terminal = os.dup(STANDARD_ERROR)
    except OSError:  # standard error is closed, and nobody sees anything
        yield lines
        return
    with TemporaryFile() as kept:
        os.dup2(kept.fileno(), STANDARD_ERROR)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield lines
        finally:
            os.dup2(terminal, STANDARD_ERROR)
            os.close(terminal)
            kept.seek(0)
            lines += kept.read().decode(errors="replace").splitlines()
