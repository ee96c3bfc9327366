"""A calendar that is fetched from its URL at an operator's wish."""

from __future__ import annotations

from collections.abc import Callable

from ringflow.actor import Opener
from ringflow.calendars import calendar
from ringflow.calendars.calendar import Calendar
from ringflow.calendars.configured import calendar_upkeep
from ringflow.config import Config
from ringflow.store.store import Store


async def refresh_calendar(
    store: Store, config: Config, opener: Opener, name: str, now_ms: Callable[[], int]
) -> Calendar:
    """Fetch a calendar now; return it as it is then. The audit log has it, whatever comes of it.

    Raises `Refused`: unknown, no URL, or a fetch that fails.
    """
    async with opener() as actor:
        await calendar.note_refresh(actor, name)
    await calendar_upkeep(store, config, now_ms).refresh(name)
    async with store.reading() as connection:
        return await calendar.show(connection, name)
