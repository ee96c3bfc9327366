"""Which events are wanted of Asterisk at this moment, counted by those who want them."""

from __future__ import annotations

from collections import Counter

ALL = "all"
"""Every class that the manager user may read."""


class WantedEvents:
    """Classes of events such as `call` and `dtmf`, each wanted by any number of parts at once."""

    def __init__(self) -> None:
        self._wanted: Counter[str] = Counter()

    def add(self, event_class: str) -> None:
        """One more wants this class."""
        self._wanted[event_class] += 1

    def drop(self, event_class: str) -> None:
        """One that wanted it does so no more."""
        self._wanted[event_class] -= 1

    @property
    def mask(self) -> str:
        """The `EventMask` that asks for them and no others: `on`, `off`, or classes with commas between."""
        classes = sorted(name for name, count in self._wanted.items() if count > 0)
        return "on" if ALL in classes else ",".join(classes) or "off"
