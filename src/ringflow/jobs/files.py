"""What a job was given and what it made, in pieces, each of them in a row: any server can read it.

A secret is sealed before it comes to the database, and is gone once it was fetched whole.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.peppers import Peppers
from ringflow.accounts.sealed_text import Purpose, Tampered, seal, unseal
from ringflow.errors import Conflict
from ringflow.store import Store
from ringflow.store.statement import Statement

PIECE_BYTES = 256 * 1024

_NEXT = Statement(
    "SELECT COALESCE(MAX(number) + 1, 0) FROM job_files WHERE job_id = :job_id AND part = :part",
    job_id="text",
    part="text",
)
_ADD = Statement(
    "INSERT INTO job_files (job_id, part, number, pepper, data) "
    "VALUES (:job_id, :part, :number, :pepper, :data)",
    job_id="text",
    part="text",
    number="bigint",
    pepper="text",
    data="text",
)
_READ = Statement(
    "SELECT pepper, data FROM job_files WHERE job_id = :job_id AND part = :part AND number = :number",
    job_id="text",
    part="text",
    number="bigint",
)
_DELETE = Statement(
    "DELETE FROM job_files WHERE job_id = :job_id AND part = :part", job_id="text", part="text"
)


class Part(StrEnum):
    """Which of a job's files."""

    INPUT = "input"
    OUTPUT = "output"


async def add_piece(
    connection: AsyncConnection, job_id: str, part: Part, data: bytes, peppers: Peppers | None = None
) -> None:
    """Add a piece to a file; with `peppers` sealed under the newest."""
    ((number,),) = await _NEXT.run(connection, job_id=job_id, part=part)
    if peppers is None:
        version, text = None, base64.b64encode(data).decode("ascii")
    else:
        version = peppers.newest.version
        text = seal(peppers.newest, Purpose.JOB_FILE, data, _context(job_id, part, number))
    await _ADD.run(connection, job_id=job_id, part=part, number=number, pepper=version, data=text)


async def add_file(connection: AsyncConnection, job_id: str, part: Part, data: bytes) -> None:
    """Add a file that is no secret."""
    for start in range(0, len(data), PIECE_BYTES):
        await add_piece(connection, job_id, part, data[start : start + PIECE_BYTES])


async def pieces(store: Store, job_id: str, part: Part, peppers: Peppers | None) -> AsyncIterator[bytes]:
    """Read a file piece by piece; between two of them no connection is held.

    Raises `Refused` where the file is deleted meanwhile, and where the pepper of a sealed piece is not in the
    ring any more.
    """
    async with store.reading() as connection:
        ((count,),) = await _NEXT.run(connection, job_id=job_id, part=part)
    for number in range(count):
        async with store.reading() as connection:
            rows = await _READ.run(connection, job_id=job_id, part=part, number=number)
        if not rows:
            raise Conflict(
                "job.file_fetched", f"the file of job {job_id} was fetched already, and is gone", job=job_id
            )
        version, data = tuple(rows[0])
        yield (
            base64.b64decode(data)
            if version is None
            else _opened(peppers, version, data, _context(job_id, part, number))
        )


async def delete_file(connection: AsyncConnection, job_id: str, part: Part) -> None:
    """Delete a file."""
    await _DELETE.run(connection, job_id=job_id, part=part)


def _opened(peppers: Peppers | None, version: str, data: str, context: str) -> bytes:
    pepper = peppers.version(version) if peppers is not None else None
    try:
        if pepper is not None:
            return unseal(pepper, Purpose.JOB_FILE, data, context)
    except Tampered:
        pepper = None
    raise Conflict(
        "job.file_unreadable",
        f"the file was sealed under pepper {version}, and this server has another or none of that name",
        pepper=version,
    )


def _context(job_id: str, part: Part, number: int) -> str:
    return f"{job_id}/{part.value}/{number}"
