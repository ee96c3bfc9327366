"""Calendars as calls ask them: which entry a moment lies in."""

from __future__ import annotations

from sqlalchemy import BigInteger, Text, and_, bindparam, or_, select

from ringflow.calendars.calendar import unknown
from ringflow.calendars.calendar_files import CalendarFiles
from ringflow.calendars.entry import title_at
from ringflow.calendars.local_time import LocalTime
from ringflow.store.calendar_tables import calendar_entries, calendars
from ringflow.store.database import LookUp
from ringflow.store.store import Store

_entry = calendar_entries.c
_at_ms, _wall_ms = (bindparam(name, type_=BigInteger) for name in ("at_ms", "wall_ms"))
_covering = or_(
    and_(_entry.absolute.is_(True), _entry.ends_ms > _at_ms, _entry.begins_ms <= _at_ms),
    and_(_entry.absolute.is_(False), _entry.ends_ms > _wall_ms, _entry.begins_ms <= _wall_ms),
)
# At least one row, if the calendar is there: the titles by the beginnings of their entries, or NULL.
_LOOK_UP = LookUp(
    select(calendars.c.name, _entry.title)
    .select_from(calendars.outerjoin(calendar_entries, and_(_entry.calendar == calendars.c.name, _covering)))
    .where(calendars.c.name == bindparam("name", type_=Text))
    .order_by(_entry.begins_ms, _entry.title),
    ["name", "at_ms", "wall_ms"],
)


async def kept_title_at(store: Store, name: str, now: LocalTime) -> str | None:
    """Return what `Calendars.title_at` does."""
    rows = await store.look_up(_LOOK_UP, name, now.at_ms, now.wall_ms)
    if not rows:
        raise unknown(name)
    return None if rows[0][1] is None else str(rows[0][1])


class Calendars:
    """Those in the database, `store`, and those in files."""

    def __init__(self, store: Store, files: CalendarFiles) -> None:
        self.store = store
        self._files = files

    async def title_at(self, name: str, now: LocalTime) -> str | None:
        """Return the title of the entry of an operators' calendar in which the moment lies.

        None where it lies in none. Raises `Unknown` for a calendar that is not there, `StoreGone`.
        """
        return await kept_title_at(self.store, name, now)

    async def title_in_file(self, file: str, now: LocalTime) -> str | None:
        """Return the same of a file. Raises `Refused` where it cannot be read and never could."""
        return title_at(await self._files.entries(file, now.at_ms), now)
