"""How long keys are held, as the virtual Asterisk's manager interface tells Ringflow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ringflow.calls.held_keys import EndKeys, KeyWatch


class VirtualKeys:
    """Hears the keys of one simulated caller. `heard` False: Ringflow has no manager connection."""

    def __init__(self, heard: bool = True) -> None:
        self._heard = heard
        self._watch: KeyWatch | None = None

    async def ready(self) -> bool:
        """Whether keys are heard."""
        return self._heard

    @contextmanager
    def watch(self, channel: str, end_keys: EndKeys) -> Iterator[KeyWatch]:
        """While the block lasts, `ends_leg` goes by these keys."""
        self._watch = KeyWatch(end_keys)
        try:
            yield self._watch
        finally:
            self._watch = None

    def ends_leg(self, key: str, length_ms: int) -> bool:
        """A key was let go: whether Ringflow now hangs up the callee."""
        if self._watch is None or not self._watch.end_keys.ended_by(key, length_ms):
            return False
        self._watch.key = key
        return True
