"""What is wrong with calendars that flows name, for whoever checks the flows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ringflow.calendars.calendar import every, trouble
from ringflow.calendars.calendar_files import CalendarFiles
from ringflow.config import Config
from ringflow.moments import system_now_ms
from ringflow.store.reading_once import read_once
from ringflow.wording import did_you_mean, known_words


@dataclass(frozen=True, slots=True)
class KnownCalendars:
    """`troubles`: what is wrong with each operators' calendar, None: it cannot be told which there are.

    `of_files`: the same of files.
    """

    troubles: Mapping[str, str] | None
    of_files: Mapping[str, str]

    def trouble(self, calendar: str | None, file: str | None) -> tuple[str, str]:
        """What is wrong with one, and what to do; two empty texts where nothing is, or it is not known."""
        if file is not None:
            what = self.of_files.get(file, "")
            return what, "put it in the folder of `calendars.folder`, or mend it" if what else ""
        if calendar is None or self.troubles is None:
            return "", ""
        if calendar not in self.troubles:
            mend = did_you_mean(calendar, self.troubles, "add it first")
            there = f"; there are: {known_words(self.troubles)}" if self.troubles else ""
            return f"there is no calendar `{calendar}`{there}", mend
        what = self.troubles[calendar]
        return (f"calendar `{calendar}`: {what}", "look at its URL, and fetch it again") if what else ("", "")


async def known_calendars(config: Config, files: Iterable[str], *, in_database: bool) -> KnownCalendars:
    """Read what there is. A database that is not there, or of another version, is not reported here."""
    now_ms = system_now_ms()
    folder = CalendarFiles(config.path(config.calendars.folder), logs=False)
    of_files = {name: await folder.problem(name, now_ms) for name in files}
    found = await read_once(config.database_url, every) if in_database else None
    if found is None:
        return KnownCalendars(None, of_files)
    stale_ms = config.calendars.stale_s * 1000
    return KnownCalendars({one.name: trouble(one, now_ms, stale_ms) for one in found}, of_files)
