"""What the operations of the API work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ringflow.actor import Opener, Principal, acting
from ringflow.config import Config
from ringflow.store import Store


@dataclass(frozen=True, slots=True)
class Services:
    """The database and the configuration that a server runs with; `now_ms` is since 1970."""

    store: Store
    config: Config
    now_ms: Callable[[], int]

    def opener(self, principal: Principal) -> Opener:
        """Return what begins a transaction in which the principal acts."""
        return lambda: acting(self.store, principal, self.config.country, self.now_ms())
