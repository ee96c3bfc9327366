"""What the operations of the API work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ringflow.actor import Opener, Principal, acting
from ringflow.asterisk.findings import Finding
from ringflow.config import Config
from ringflow.store import Store
from ringflow.web.readiness import Probe
from ringflow.web.rest.event_feed import OpenFeeds


@dataclass(frozen=True, slots=True)
class Services:
    """The database and the configuration that a server runs with; `now_ms` is since 1970.

    `probes` tell how its parts are. `findings` are of the last look at its Asterisk, None before the first.
    """

    store: Store
    config: Config
    now_ms: Callable[[], int]
    probes: Mapping[str, Probe]
    findings: Callable[[], Sequence[Finding] | None]
    feeds: OpenFeeds = field(default_factory=OpenFeeds)

    def opener(self, principal: Principal) -> Opener:
        """Return what begins a transaction in which the principal acts."""
        return lambda: acting(self.store, principal, self.config.country, self.now_ms())
