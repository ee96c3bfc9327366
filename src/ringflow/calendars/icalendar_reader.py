"""Reads an iCalendar (RFC 5545) text in a process of its own, which may take only so much time and memory.

A text may ask for a billion events in one line. Whoever sends one gets this process killed, and nothing else:
`icalendar_process.py` starts it and says what came of it. It takes the text on standard input; its arguments
are two days, how many entries there may be, and how many seconds of processor time. What ends after the first
day and begins before the second is printed as JSON, a list for each entry (see `Entry`), or an object with
the `problem`.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

MAX_BYTES = 2 * 1024 * 1024
MAX_COMPONENTS = 20_000
MAX_DEPTH = 10
CPU_S = 5
MAX_TITLE = 400
MEMORY_BYTES = 768 * 1024 * 1024
TOO_OFTEN = frozenset({"SECONDLY", "MINUTELY"})
EPOCH = datetime(1970, 1, 1)


class Problem(Exception):
    """What is wrong with the text, in words."""


def entries(raw: bytes, first: date, last: date, most: int) -> list[tuple[bool, int, int, str]]:
    """Return all entries between the days, by their beginnings. Raises `Problem`."""
    text = _text(raw)
    _check_shape(text)
    # Once the text has the right shape: they take a tenth of a second to load.
    import icalendar
    import recurring_ical_events

    try:
        calendar = icalendar.Calendar.from_ical(text)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise Problem(f"it is no valid iCalendar: {_line(error)}") from None
    for event in calendar.walk("VEVENT"):
        _check_repetition(event)
    found = []
    try:
        for event in recurring_ical_events.of(calendar).between(first, last):
            if str(event.get("STATUS", "")).upper() != "CANCELLED" and (entry := _entry(event)) is not None:
                found.append(entry)
            if len(found) > most:
                raise Problem(f"it has more than {most} entries from {first} to {last}")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError) as error:
        raise Problem(f"its events cannot be told: {_line(error)}") from None
    return sorted(set(found), key=lambda one: (one[1], one[2], one[3], one[0]))


def _text(raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        raise Problem(f"it has more than {MAX_BYTES} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Problem(
            f"line {line} is not UTF-8, which iCalendar asks for: export it again as UTF-8"
        ) from None


def _check_shape(text: str) -> None:
    """Refuse what no calendar looks like, before a library sees it."""
    begun = text.lstrip()
    if begun[:15].upper() != "BEGIN:VCALENDAR":
        first = begun.partition("\n")[0].strip()[:40]
        raise Problem(f"it is no iCalendar file: it begins with `{first}` and not with BEGIN:VCALENDAR")
    if "\0" in text:
        raise Problem("it has a zero byte in it: it is no text")
    depth = count = 0
    for line in text.splitlines():
        word = line[:6].upper()
        if word == "BEGIN:":
            depth, count = depth + 1, count + 1
            if depth > MAX_DEPTH:
                raise Problem(f"more than {MAX_DEPTH} components stand one inside the other")
            if count > MAX_COMPONENTS:
                raise Problem(f"it has more than {MAX_COMPONENTS} components")
        elif word[:4] == "END:":
            depth -= 1
    if depth > 0:
        raise Problem("it is not whole: a component is not ended")


def _check_repetition(event: Any) -> None:
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        often = {str(one).upper() for one in rule.get("FREQ", [])}
        if often & TOO_OFTEN:
            title = " ".join(str(event.get("SUMMARY", "")).split())[:40]
            raise Problem(f"the event `{title}` repeats {min(often & TOO_OFTEN)}: no more often than hourly")


def _entry(event: Any) -> tuple[bool, int, int, str] | None:
    """Return an event as an entry; None for one that lasts no time."""
    begins, ends = event.start, event.end
    absolute = isinstance(begins, datetime) and begins.tzinfo is not None
    begins_ms, ends_ms = _ms(begins), _ms(ends)
    title = " ".join(str(event.get("SUMMARY", "")).split())
    return (absolute, begins_ms, ends_ms, title[:MAX_TITLE]) if ends_ms > begins_ms else None


def _ms(moment: date) -> int:
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    elif moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return (moment - EPOCH) // timedelta(milliseconds=1)


def _line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return (text or type(error).__name__)[:200]


def _limit(cpu_s: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answers(arguments: list[str]) -> Iterator[str]:
    first, last, most = date.fromisoformat(arguments[0]), date.fromisoformat(arguments[1]), int(arguments[2])
    try:
        for entry in entries(sys.stdin.buffer.read(MAX_BYTES + 1), first, last, most):
            yield json.dumps(entry)
    except Problem as problem:
        yield json.dumps({"problem": str(problem)})
    except (MemoryError, RecursionError):
        yield json.dumps({"problem": "it takes too much memory to read"})


if __name__ == "__main__":
    _limit(int(sys.argv[4]))
    print("\n".join(_answers(sys.argv[1:])))
