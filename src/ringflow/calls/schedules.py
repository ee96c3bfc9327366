"""Days and times in a call: what clocks show, which calendars have today, what operators say about it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from ringflow.accounts.admission import Admission
from ringflow.actor import CALLER, acting
from ringflow.calendars import overrides
from ringflow.calendars.local_time import LocalTime
from ringflow.calendars.override_end import read_end
from ringflow.calendars.overrides import Override
from ringflow.calls.event_stream import CallEvents
from ringflow.calls.world import CallWorld
from ringflow.errors import RingflowError


class Schedules:
    """What a call asks about days, and what a caller says about opening hours.

    A database that is away, and a calendar that is not there, are remarked in the call's record; the hours
    count then.
    """

    def __init__(self, world: CallWorld, admission: Admission, call_events: CallEvents) -> None:
        self._world = world
        self._caller = f"caller {admission.cli or 'without a number'}"
        self._events = call_events

    def now(self, zone: str | None) -> LocalTime:
        """The moment in a zone; None: the operator's."""
        return LocalTime.of(self._world.clock.now_s(), self._world.zone if zone is None else ZoneInfo(zone))

    async def holiday(
        self, now: LocalTime, *, calendar: str | None = None, file: str | None = None
    ) -> str | None:
        """The title of what a calendar, or a file, has at the moment; None: nothing, or it cannot be told."""
        calendars = self._world.calendars
        if calendars is None:
            return None
        try:
            if calendar is not None:
                return await calendars.title_at(calendar, now)
            return None if file is None else await calendars.title_in_file(file, now)
        except RingflowError as error:
            self._events.note("calendar_not_read", f"{calendar or file} {error.code}")
            return None

    async def override(self, name: str, now: LocalTime) -> Override | None:
        """What an operator has said that counts at the moment."""
        calendars = self._world.calendars
        if calendars is None:
            return None
        try:
            return await overrides.look_up(calendars.store, name, now.at_ms)
        except RingflowError as error:
            self._events.note("override_not_read", error.code)
            return None

    async def put_override(self, name: str, state: str | None, until: str, now: LocalTime) -> bool:
        """Have the caller say what schedules do, None: as their hours say. False where it was not kept.

        `until` is as `read_end` takes it.
        """
        calendars = self._world.calendars
        if calendars is None:
            return False
        try:
            async with acting(calendars.store, CALLER, self._world.country, now.at_ms) as actor:
                if state is not None:
                    await overrides.put(actor, name, state, read_end(until, now), operator=self._caller)
                elif await overrides.find(actor.connection, name, now.at_ms) is not None:
                    await overrides.clear(actor, name)
        except RingflowError as error:
            self._events.note("override_not_kept", error.code)
            return False
        return True
