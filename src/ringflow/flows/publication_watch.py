"""Writes what is published to a server's own folder of flows, whoever published it and wherever.

The files stay the truth: what a server runs is what stands in its folder, so `ringflow check`, a server that
starts anew and a look into the folder all agree. A published text replaces only a text that the publications
know; a file that was changed by hand stays, and that it differs is reported.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from ringflow.errors import DocumentError, Problem, Refused, StartError
from ringflow.flows.conflict import shown_revision
from ringflow.flows.flow_file import FlowFile, is_flow_file_name
from ringflow.flows.publication import (
    NEWEST_ID,
    Publication,
    newest_of_each,
    publications_of,
    published_texts,
)
from ringflow.flows.revisions import find_revision, text_revision
from ringflow.store import Store

log = structlog.get_logger("ringflow.flows")


class PublicationWatch:
    """Looks for new publications, and keeps the files of a folder at what is published.

    `problems` says of which files that cannot be done. `file_of` returns the file that an app is in here.
    """

    def __init__(self, store: Store, folder: Path, file_of: Callable[[str], str | None]) -> None:
        self._store = store
        self._folder = folder
        self._file_of = file_of
        self._newest_id: int | None = None
        self.problems: Mapping[str, Problem] = {}

    async def look(self, *, again: bool = False) -> bool:
        """Write what was published since the last look; return whether a file was written.

        `again`: look at all files though nothing was published; what kept one from being written may be gone.
        Raises `StoreGone`.
        """
        ((newest_id,),) = await self._store.look_up(NEWEST_ID)
        if newest_id == self._newest_id and not again:
            return False
        async with self._store.reading() as connection:
            publications = await newest_of_each(connection)
        problems: dict[str, Problem] = {}
        written = False
        for one in publications:
            found = await self.follow(one)
            if isinstance(found, Problem):
                problems[one.file] = found
            written = written or found is True
        for file, problem in problems.items():
            if self.problems.get(file) != problem:
                log.warning("publication not taken over", problem=str(problem))
        self.problems = problems
        self._newest_id = newest_id
        return written

    async def follow(self, newest: Publication) -> Problem | bool:
        """Write a publication, if its file does not have it; return whether it was written, or why not."""
        if not is_flow_file_name(newest.file):
            return Problem(newest.file, 0, 0, "was published, and is no name of a flow file")
        file = FlowFile(self._folder, newest.file)
        try:
            text = await asyncio.to_thread(file.text)
            on_disk = None if text is None else text_revision(text)
            if newest.key == await asyncio.to_thread(file.published_key):
                # What was done to the file since then was done by hand, and is what was wanted.
                return False
            if on_disk == newest.revision:
                await asyncio.to_thread(file.note_published, newest.key)
                return False
            if problem := await self._reason_to_stay(newest, file, on_disk):
                return problem
            return await self._write(newest, file, on_disk)
        except DocumentError as error:
            return error.problems[0]
        except (StartError, Refused) as error:
            return Problem(file.shown, 0, 0, f"{newest.operator} published another text: {error}")

    async def _reason_to_stay(
        self, newest: Publication, file: FlowFile, on_disk: str | None
    ) -> Problem | None:
        published = f"{newest.operator} published {shown_revision(newest.revision)} of it"
        other = self._file_of(newest.app)
        if on_disk is None and other is not None and other != newest.file:
            what = f"{published}, and the app `{newest.app}` is in {other} here"
            return Problem(file.shown, 0, 0, what, f"rename {other} to {newest.file}")
        async with self._store.reading() as connection:
            history = await publications_of(connection, newest.file)
        if on_disk is None:
            if file.published_key() is None:
                return None
            what = f"{published}, and the file was deleted here"
        elif on_disk in published_texts(history):
            return None
        else:
            what = f"{published}, and the file was changed by hand here: it has {shown_revision(on_disk)}"
        mend = (
            f"`ringflow flow diff {newest.app} published file` shows the difference; here, `ringflow flow "
            f"rollback {newest.app} {newest.revision}` takes what is published, and `ringflow flow publish "
            f"--file {newest.app} --over {newest.revision}` publishes what is here"
        )
        return Problem(file.shown, 0, 0, what, mend)

    async def _write(self, newest: Publication, file: FlowFile, on_disk: str | None) -> bool:
        async with self._store.reading() as connection:
            kept = await find_revision(connection, newest.file, newest.revision)

        def write() -> bool:
            with file.staged(kept.text) as staged:
                return staged.put(on_disk)

        # Changed in this very moment: the next look sees by what.
        if not await asyncio.to_thread(write):
            raise DocumentError([Problem(file.shown, 0, 0, "was changed while a publication was written")])
        await asyncio.to_thread(file.note_published, newest.key)
        log.info("publication taken over", app=newest.app, revision=newest.revision, operator=newest.operator)
        return True
