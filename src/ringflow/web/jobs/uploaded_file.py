"""The file of a job's upload, for readers of sheets: with the name that its sender gave it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from ringflow.errors import DocumentError
from ringflow.web.jobs.kind import JobWork


@asynccontextmanager
async def uploaded_file(work: JobWork, name: str) -> AsyncIterator[Path]:
    """Write the upload into a folder that its owner alone can read, and delete it at the end of the block.

    Problems of the file that the block raises are told of the name, not of where it lay here.
    """
    with tempfile.TemporaryDirectory(prefix="ringflow-job-") as folder:
        file = Path(folder) / name
        file.write_bytes(await work.upload())
        try:
            yield file
        except DocumentError as error:
            raise DocumentError(replace(one, path=name) for one in error.problems) from None
