"""Sheets as bodies of requests: CSV and workbooks, with the name of the file that they are."""

from __future__ import annotations

import asyncio

from pydantic import Field

from ringflow.errors import Refused
from ringflow.web.rest.raw_body import RawBody, Upload
from ringflow.web.rest.request_input import Input

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHEET = Upload((CSV, XLSX), 50_000_000)
"""A carrier's sheet of 260,000 rates has 20 MB."""
NDJSON = "application/x-ndjson"
TABLE = Upload((*SHEET.types, NDJSON), SHEET.most_bytes)
"""A sheet whose first line names the columns, or an object on each line, as lists are exported."""


class SheetQuery(Input):
    """Of which file the body is, and whether it is only looked at."""

    file: str = Field("upload", max_length=100, pattern=r"^[^/\\\x00-\x1f\x7f]+$")
    """The file's name, for the audit log and for what is said of its lines."""
    dry_run: bool = False
    """Check it, and change nothing."""


async def sheet_of(body: RawBody, file: str) -> bytes:
    """Return the body. Raises `Refused` for one that is empty, or a file that can have no such name."""
    if file in (".", ".."):
        raise Refused("field.malformed_text", "a file has a name", ("file",), field="file", most=100)
    if not body.size:
        raise Refused("import.empty", "the body is empty: send the file as it is")
    return await asyncio.to_thread(body.read)
