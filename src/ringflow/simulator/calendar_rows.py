"""The calendars of a scenario, and what its operators have said about opening hours."""

from __future__ import annotations

from ringflow.actor import acting, shell_operator
from ringflow.calendars import calendar, overrides
from ringflow.calendars.day_list import entries_of
from ringflow.calendars.day_set import read_dates
from ringflow.calendars.source import window
from ringflow.calls.clock import Clock
from ringflow.http_client.allowed_hosts import AllowedHosts
from ringflow.simulator.scenario import Given
from ringflow.store import Store

OPERATOR = shell_operator("scenario")


async def insert_calendars(store: Store, given: Given, country: str, clock: Clock) -> None:
    """Put the calendars and overrides in the database, as of the scenario's time. Raises `Refused`."""
    if not given.calendars and not given.overrides:
        return
    now_ms = round(clock.now_s() * 1000)
    first, last = window(now_ms)
    async with acting(store, OPERATOR, country, now_ms) as actor:
        for name, days in given.calendars.items():
            await calendar.add(actor, name, None, "", AllowedHosts())
            entries = [
                entry
                for line in days
                for entry in entries_of(
                    read_dates(line.partition(",")[0]), line.partition(",")[2].strip(), first, last
                )
            ]
            await calendar.replace_entries(actor.connection, name, entries)
        for name, state in given.overrides.items():
            await overrides.put(actor, name, state, None)
