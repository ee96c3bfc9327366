"""Parts of calendars as the configuration describes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ringflow.config import Config
from ringflow.http_client.allowed_hosts import AllowedHosts
from ringflow.store.store import Store

if TYPE_CHECKING:
    from ringflow.calendars.calendar_upkeep import CalendarUpkeep


def allowed_hosts(config: Config) -> AllowedHosts:
    """From where calendars may be fetched."""
    return AllowedHosts(config.calendars.allowed_hosts, config.calendars.networks)


def calendar_upkeep(store: Store, config: Config, now_ms: Callable[[], int]) -> CalendarUpkeep:
    """What keeps them fresh."""
    # aiohttp takes a quarter of a second to load, which most commands need not wait for.
    from ringflow.calendars.calendar_fetch import CalendarFetch
    from ringflow.calendars.calendar_upkeep import CalendarUpkeep

    settings = config.calendars
    return CalendarUpkeep(
        store,
        CalendarFetch(allowed_hosts(config)),
        now_ms,
        refresh_ms=settings.refresh_s * 1000,
        stale_ms=settings.stale_s * 1000,
    )
