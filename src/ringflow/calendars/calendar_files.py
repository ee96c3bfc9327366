"""Calendars in files of the operator's own folder: `england.ics`, or a list of days such as `shutdown.csv`.

A file is read again when it was changed. Where the new one cannot be read, the old one counts.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import structlog

from ringflow.calendars.entry import Entry
from ringflow.calendars.icalendar_reader import MAX_BYTES
from ringflow.calendars.source import READ_AGAIN_MS, failure_text, form_of, read_source
from ringflow.errors import DocumentError, Refused
from ringflow.plain_text import plain

log = structlog.get_logger("ringflow.calendars")


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of a file. `stamp`: whether it is still the same; `entries` None: it never was good."""

    stamp: tuple[int, int]
    read_ms: int
    entries: tuple[Entry, ...] | None
    problem: str = ""


class CalendarFiles:
    """Those of one folder, by their names in it, which are as `FILE_PATTERN` says.

    With `logs`, the log says when one cannot be read.
    """

    def __init__(self, folder: Path, *, logs: bool = True) -> None:
        self._folder = folder
        self._logs = logs
        self._read: dict[str, _Read] = {}
        self._reading = asyncio.Lock()

    async def entries(self, name: str, now_ms: int) -> tuple[Entry, ...]:
        """Return the entries of a file around now. Raises `Refused` where none can be told."""
        if not self._is_known(name, now_ms):
            async with self._reading:
                if not self._is_known(name, now_ms):
                    self._read[name] = await self._read_anew(name, now_ms)
        known = self._read[name]
        if known.entries is None:
            raise _unreadable(name, known.problem)
        return known.entries

    async def problem(self, name: str, now_ms: int) -> str:
        """What is wrong with a file; empty where nothing is."""
        try:
            await self.entries(name, now_ms)
        except Refused as error:
            return str(error)
        return self._read[name].problem

    def _is_known(self, name: str, now_ms: int) -> bool:
        known = self._read.get(name)
        if known is None or known.stamp != self._stamp(name):
            return False
        return 0 <= now_ms - known.read_ms < READ_AGAIN_MS

    async def _read_anew(self, name: str, now_ms: int) -> _Read:
        stamp = self._stamp(name)
        try:
            raw = await asyncio.to_thread(self._bytes, name)
            entries = await read_source(raw, form_of(name), name, now_ms)
        except (Refused, DocumentError, OSError) as error:
            problem = error.strerror or "" if isinstance(error, OSError) else failure_text(error)
            if self._logs:
                log.warning("calendar file not read", file=name, detail=problem)
            known = self._read.get(name)
            return _Read(stamp, now_ms, None if known is None else known.entries, problem)
        return _Read(stamp, now_ms, tuple(entries))

    def _bytes(self, name: str) -> bytes:
        path = self._folder / name
        if not path.resolve().is_relative_to(self._folder.resolve()):
            raise _unreadable(name, "it leads out of the folder of calendars")
        if path.exists() and not path.is_file():
            raise _unreadable(name, "it is not a file")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)

    def _stamp(self, name: str) -> tuple[int, int]:
        try:
            status = (self._folder / name).stat()
        except OSError:
            return (0, -1)
        return (status.st_mtime_ns, status.st_size)


def _unreadable(name: str, why: str) -> Refused:
    return Refused("calendar.unreadable_file", f"calendar file {plain(name)}: {why}", file=name, reason=why)
