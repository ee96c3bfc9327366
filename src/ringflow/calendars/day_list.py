"""Lists of days with their titles, a line each: `2026-12-25,Christmas Day`, `12-26` (every year)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby

from ringflow.calendars.day_set import DaySet, read_dates
from ringflow.calendars.entry import MAX_ENTRIES, Entry, of_days
from ringflow.errors import DocumentError, Problem
from ringflow.wording import quoted

MAX_BYTES = 2 * 1024 * 1024
MAX_LINES = 20_000


def read_day_list(raw: bytes, name: str, first: date, last: date) -> list[Entry]:
    """Return the entries of a list of days between two days, by their beginnings.

    The first column is a day, a day of every year, or `DAY to DAY`; the second its title. A first line of
    other words is a heading, `#` begins a comment. Raises `DocumentError` with every line that is wrong.
    """
    problems: list[Problem] = []
    found: set[Entry] = set()
    for number, cells in _rows(raw, name):
        try:
            days = read_dates(cells[0])
        except ValueError as error:
            what, _, mend = str(error).partition(" || ")
            problems.append(Problem(name, number, 1, what, mend))
            continue
        title = cells[1] if len(cells) > 1 else ""
        found.update(entries_of(days, title, first, last))
    if problems:
        raise DocumentError(problems)
    if len(found) > MAX_ENTRIES:
        raise DocumentError(
            [Problem(name, 0, 0, f"has more than {MAX_ENTRIES} entries", "divide it into several calendars")]
        )
    return sorted(found, key=lambda one: (one.begins_ms, one.ends_ms, one.title))


def entries_of(days: DaySet, title: str, first: date, last: date) -> Iterator[Entry]:
    """Yield an entry for each run of days of a set between two days."""
    for begin, end in days.spans(first.year - 1, last.year):
        known = [begin + timedelta(days=more) for more in range((end - begin).days + 1)]
        for fits, run in groupby(known, lambda day: first <= day <= last and day in days):
            if fits:
                of_run = list(run)
                yield of_days(of_run[0], of_run[-1], title)


def _rows(raw: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    if len(raw) > MAX_BYTES:
        raise DocumentError([Problem(name, 0, 0, f"has more than {MAX_BYTES} bytes", "shorten it")])
    try:
        lines = raw.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        wrong = raw.count(b"\n", 0, error.start) + 1
        raise DocumentError([Problem(name, wrong, 1, "is not UTF-8", "save it as UTF-8")]) from None
    if b"\0" in raw:
        raise DocumentError([Problem(name, 0, 0, "has a zero byte in it", "save it as text, in UTF-8")])
    if len(lines) > MAX_LINES:
        raise DocumentError([Problem(name, 0, 0, f"has more than {MAX_LINES} lines", "shorten it")])
    if lines and lines[0].lstrip().upper().startswith("BEGIN:VCALENDAR"):
        what = f"{quoted(lines[0])} begins an iCalendar file"
        raise DocumentError([Problem(name, 1, 1, what, "give it a name that ends in .ics")])
    delimiter = max(",;\t", key=lambda sign: sum(sign in line for line in lines))
    is_first = True
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        cells = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]
        is_heading = is_first and not any(sign.isdigit() for sign in cells[0])
        is_first = False
        if not is_heading:
            yield number, cells
