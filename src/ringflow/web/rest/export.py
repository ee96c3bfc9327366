"""Whole lists as CSV or NDJSON: read page by page, each on a connection of its own, in constant memory.

So whoever reads slowly holds no connection and no snapshot of the database, and one who stops reading is cut
off. As with pages, what was there throughout is in it once.
"""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import tzinfo
from enum import StrEnum
from typing import Any

from aiohttp import web

from ringflow.forms.json_value import json_value
from ringflow.moments import Moment
from ringflow.object_lines import END
from ringflow.spreadsheets import Cell, CsvTable
from ringflow.store.pages import Page, PageRequest
from ringflow.web.rest.fields import Selection

ROWS_AT_ONCE = 250
"""As few as keep no call waiting while they are made text."""


class Format(StrEnum):
    """How a list is sent."""

    JSON = "json"
    """A page."""
    NDJSON = "ndjson"
    """All of it: an object on each line, and at the end one that says how many these were."""
    CSV = "csv"
    """All of it, for spreadsheets."""


MEDIA = {
    Format.JSON: "application/json",
    Format.NDJSON: "application/x-ndjson",
    Format.CSV: "text/csv",
}
EXPORTS = (MEDIA[Format.CSV], MEDIA[Format.NDJSON])


def format_of(request: web.Request) -> Format:
    """Return in which format a list is wanted: by `format`, or else by what `Accept` likes best."""
    asked = request.query.get("format")
    if asked in set(Format):
        return Format(asked)
    liked = dict(_accepted(request.headers.get("Accept", "*/*")))
    own = {
        one: liked.get(media, liked.get(f"{media.partition('/')[0]}/*", 0.0)) for one, media in MEDIA.items()
    }
    own[Format.JSON] = max(own[Format.JSON], liked.get("*/*", 0.0), liked.get("", 0.0))
    # Of several that are liked alike it is the first: a page.
    return max(own, key=lambda one: own[one])


def _accepted(header: str) -> Iterator[tuple[str, float]]:
    for one in header.split(","):
        media, *parameters = [part.strip().lower() for part in one.split(";")]
        quality = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        try:
            yield media, float(quality)
        except ValueError:
            yield media, 0.0


async def exported(
    read: Callable[[PageRequest], Awaitable[Page[Any]]],
    first: PageRequest,
    most: int | None,
    chosen: Selection,
    form: Format,
    zone: tzinfo,
) -> AsyncIterator[bytes]:
    """Yield a list as text, from the place on where `first` begins. `most` None: all of it.

    In CSV times are in the zone, each with its offset, and what is nested is JSON.
    """
    rows, head = 0, _csv([chosen.names]) if form is Format.CSV else b""
    after = first.after
    while True:
        limit = ROWS_AT_ONCE if most is None else min(ROWS_AT_ONCE, most - rows)
        # The first page before anything is sent: what is wrong with the request is found by it.
        page = await read(PageRequest(limit, after, first.sort, bounded=True))
        rows += len(page.items)
        if form is Format.CSV:
            yield head + _csv([[_cell(value, zone) for value in chosen.cells(one)] for one in page.items])
        else:
            yield "".join(f"{_line(chosen.of(one))}\n" for one in page.items).encode()
        head, after = b"", page.next
        if after is None or rows == most:
            break
    if form is Format.NDJSON:
        yield f"{_line({END: {'rows': rows, 'next': after}})}\n".encode()


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _csv(rows: Sequence[Sequence[Cell]]) -> bytes:
    file = io.StringIO()
    CsvTable(file).write(rows)
    return file.getvalue().encode()


def _cell(value: object, zone: tzinfo) -> Cell:
    if isinstance(value, Moment):
        return value.shown_in(zone)
    if value is None or (isinstance(value, str | int) and not isinstance(value, bool)):
        return value
    shown = json_value(value)
    return shown if isinstance(shown, str) else _line(shown)
