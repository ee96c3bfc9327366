"""Starts `icalendar_reader.py` for one text, and says what came of it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from datetime import date

from ringflow.calendars.entry import MAX_ENTRIES, Entry, short_title
from ringflow.calendars.icalendar_reader import CPU_S
from ringflow.errors import Refused

WAIT_S = 60.0
"""The reader's own limit is processor time; a busy machine may take longer."""


async def read_icalendar(raw: bytes, first: date, last: date, cpu_s: int = CPU_S) -> list[Entry]:
    """Return the entries of an iCalendar text between two days, by their beginnings.

    `cpu_s`: how many seconds of processor time that may take. Raises `Refused` for a text that is none, that
    is not whole, or that asks for too much.
    """
    process = await asyncio.create_subprocess_exec(
        # Isolated: neither the current folder nor the environment says what it loads.
        *(sys.executable, "-I", "-m", "ringflow.calendars.icalendar_reader"),
        *(first.isoformat(), last.isoformat(), str(MAX_ENTRIES), str(cpu_s)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"LC_ALL": "C.UTF-8"},
    )
    try:
        async with asyncio.timeout(WAIT_S):
            out, _ = await process.communicate(raw)
    except TimeoutError:
        raise malformed("it takes too long to read") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise malformed(f"it takes more than {cpu_s} s to read: its events repeat too often, or without end")
    answers = [json.loads(line) for line in out.decode("utf-8").splitlines() if line]
    if answers and isinstance(answers[0], dict):
        raise malformed(str(answers[0]["problem"]))
    if process.returncode != 0:
        raise malformed("it takes too much memory to read")
    return [Entry(bool(one[0]), int(one[1]), int(one[2]), short_title(str(one[3]))) for one in answers]


def malformed(what: str) -> Refused:
    """Return the error of a text that cannot be read."""
    return Refused("calendar.malformed", f"the calendar cannot be read: {short_title(what)}", reason=what)
