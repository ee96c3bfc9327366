"""iCalendar texts for tests."""

from __future__ import annotations

from collections.abc import Iterator


def event(*lines: str, uid: str = "1") -> str:
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", *lines, "END:VEVENT"])


def calendar(*events: str) -> bytes:
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN"]
    return "\r\n".join([*head, *events, "END:VCALENDAR", ""]).encode()


CHRISTMAS = calendar(event("DTSTART;VALUE=DATE:20201225", "RRULE:FREQ=YEARLY", "SUMMARY:Christmas Day"))


def hostile() -> Iterator[tuple[str, bytes, str]]:
    """Texts that ask for more than they may have: their names, the texts, what is said about them."""
    start = "DTSTART:19700101T000000Z"
    yield (
        "an event of every second",
        calendar(event(start, "RRULE:FREQ=SECONDLY", "SUMMARY:tick")),
        "the event `tick` repeats SECONDLY",
    )
    # Each hour since 1970, and none of them in a month of 30 days that has 31.
    yield (
        "a rule that fits no hour",
        calendar(event(start, "RRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30")),
        "more than 1 s to read",
    )
    yield (
        "five thousand rules of an hour",
        calendar(*(event(start, "RRULE:FREQ=HOURLY", uid=str(number)) for number in range(5000))),
        "more than 1 s to read|more than 5000 entries|too much memory",
    )
    yield (
        "twenty thousand events",
        calendar(*(event("DTSTART;VALUE=DATE:20261225", uid=str(number)) for number in range(20_001))),
        "more than 20000 components",
    )
    days = [f"DTSTART:2026120{number}T000000Z" for number in range(1, 6)]
    yield (
        "five thousand days",
        calendar(*(event(day, "DURATION:PT1H", "RRULE:FREQ=DAILY", uid=day) for day in days)),
        "more than 5000 entries",
    )
    yield (
        "a component in a component in a component",
        b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\n" * 15_000 + b"END:VEVENT\r\n" * 15_000,
        "more than 10 components stand one inside the other",
    )
    yield "a hundred megabytes", b"BEGIN:VCALENDAR\r\n" + b"X" * 100_000_000, "more than 2097152 bytes"
    yield (
        "another encoding",
        calendar(event("DTSTART;VALUE=DATE:20261225", "SUMMARY:Noël")).decode().encode("latin-1"),
        "line 7 is not UTF-8",
    )
    yield "two bytes for each character", CHRISTMAS.decode().encode("utf-16"), "line 1 is not UTF-8"
    yield "a page of HTML", b"<!DOCTYPE html><title>Log in</title>", "it begins with `<!DOCTYPE html>"
    yield "half of a calendar", CHRISTMAS[:80], "not whole"
    yield "a zero byte", CHRISTMAS.replace(b"Christmas", b"Chr\0stmas"), "zero byte"
    yield (
        "a date that is none",
        CHRISTMAS.replace(b"20201225", b"20201399"),
        "no valid iCalendar|cannot be told",
    )
    yield "nothing", b"", "it is no iCalendar file"
