"""Single keys from the terminal without Enter, or characters from a pipe; the terminal is always restored."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

END_OF_INPUT = "\x04"
"""Ctrl-D, and what the end of a pipe is reported as."""

_CHUNK = 1024


def is_terminal() -> bool:
    """Whether a person can press keys."""
    return sys.stdin.isatty()


@contextmanager
def keys_from(on_key: Callable[[str], None], on_interrupt: Callable[[], None]) -> Iterator[None]:
    """Call `on_key` in the running event loop for each character typed, until the block is left.

    Ctrl-C calls `on_interrupt` instead of ending the program; so do SIGTERM and SIGHUP, so that the terminal
    is restored then too.
    """
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for name in signals:
        loop.add_signal_handler(name, on_interrupt)
    try:
        with _typed(loop, on_key) if is_terminal() else _piped(loop, on_key):
            yield
    finally:
        for name in signals:
            loop.remove_signal_handler(name)


@contextmanager
def _typed(loop: asyncio.AbstractEventLoop, on_key: Callable[[str], None]) -> Iterator[None]:
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def read() -> None:
        text = os.read(descriptor, _CHUNK).decode("utf-8", "replace")
        for character in text or END_OF_INPUT:
            on_key(character)
        if not text:
            # The terminal is gone; without this the loop would call again at once, for ever.
            loop.remove_reader(descriptor)

    # cbreak and not raw: Ctrl-C stays a signal, and output keeps its line ends.
    tty.setcbreak(descriptor, termios.TCSANOW)
    loop.add_reader(descriptor, read)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSANOW, before)


@contextmanager
def _piped(loop: asyncio.AbstractEventLoop, on_key: Callable[[str], None]) -> Iterator[None]:
    open_for_keys = True

    def deliver(text: str) -> None:
        if open_for_keys:
            for character in text:
                on_key(character)

    def read() -> None:
        # A file cannot be watched by the loop, a pipe can: a thread reads both.
        while data := os.read(sys.stdin.fileno(), _CHUNK):
            loop.call_soon_threadsafe(deliver, data.decode("utf-8", "replace"))

    def read_all() -> None:
        try:
            read()
            loop.call_soon_threadsafe(deliver, END_OF_INPUT)
        except (OSError, RuntimeError):
            # Standard input was closed, or the loop was, because the call is over.
            return

    threading.Thread(target=read_all, name="keys", daemon=True).start()
    try:
        yield
    finally:
        open_for_keys = False
