"""Many things that must each be over within a time, watched with one timer for each length of time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Deadlines(Generic[Item]):
    """Calls `expire` with each item that is not discarded within `delay_s` seconds of being added.

    All have the same delay, so they fall due in the order in which they were added. A timer for each would
    cost more than reading the headers of a call, and nearly all are discarded in time.
    """

    def __init__(self, delay_s: float, expire: Callable[[Item], None]) -> None:
        self._delay_s = delay_s
        self._expire = expire
        self._due_at_s: dict[Item, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, item: Item, loop: asyncio.AbstractEventLoop) -> None:
        """Watch an item, anew if it was watched."""
        self._due_at_s.pop(item, None)
        self._due_at_s[item] = loop.time() + self._delay_s
        if self._timer is None:
            self._timer = loop.call_later(self._delay_s, self._look, loop)

    def discard(self, item: Item) -> None:
        """Watch an item no more; one that is not watched is no error."""
        self._due_at_s.pop(item, None)

    def stop(self) -> None:
        """Watch nothing more."""
        self._due_at_s.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now_s = loop.time()
        while self._due_at_s:
            item, due_at_s = next(iter(self._due_at_s.items()))
            if due_at_s > now_s:
                self._timer = loop.call_at(due_at_s, self._look, loop)
                return
            del self._due_at_s[item]
            self._expire(item)


class DeadlinesByDelay(Generic[Item]):
    """The same for items of different delays: `Deadlines` for each delay, which should be few."""

    def __init__(self, expire: Callable[[Item], None]) -> None:
        self._expire = expire
        self._by_delay: dict[float, Deadlines[Item]] = {}

    def add(self, item: Item, delay_s: float, loop: asyncio.AbstractEventLoop) -> None:
        """Watch an item, anew if it was watched."""
        self.discard(item)
        deadlines = self._by_delay.get(delay_s)
        if deadlines is None:
            deadlines = self._by_delay[delay_s] = Deadlines(delay_s, self._expire)
        deadlines.add(item, loop)

    def discard(self, item: Item) -> None:
        """Watch an item no more; one that is not watched is no error."""
        for deadlines in self._by_delay.values():
            deadlines.discard(item)

    def stop(self) -> None:
        """Watch nothing more."""
        for deadlines in self._by_delay.values():
            deadlines.stop()
