"""Keeps a server's folder of scripts and the database in step: writes publications, keeps what was there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from ringflow.documents import MAX_DOCUMENT_BYTES
from ringflow.errors import DocumentError, Refused, RingflowError, StartError
from ringflow.flows import script_texts
from ringflow.flows.flow_file import FlowFile
from ringflow.flows.revisions import text_revision
from ringflow.flows.script_library import name_of, remember
from ringflow.flows.script_texts import NEWEST_ID, ScriptText
from ringflow.scripts.folder import ENDINGS, ScriptFolder
from ringflow.store import Store

log = structlog.get_logger("ringflow.scripts")

LOOK_S = 0.5
"""How often a server looks for publications; it has two seconds to take one over."""


@dataclass(frozen=True, slots=True)
class _ChangedText:
    """A usable script whose file looks otherwise than at the last look. `look`: its time in ns, and size."""

    name: str
    path: Path
    look: tuple[int, int]
    text: bytes


class ScriptUpkeep:
    """For one server. A file that was changed by hand stays, and the log says that it differs."""

    def __init__(self, store: Store, folder: ScriptFolder, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._folder = folder
        self._now_ms = now_ms
        self._newest_id: int | None = None
        self._seen: dict[str, tuple[int, int]] = {}
        self._told: set[str] = set()
        self._failed = False

    async def run(self) -> None:
        """Look until cancelled; what goes wrong is logged."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Take over what was published, keep what was changed on disk. What goes wrong is logged, once."""
        try:
            await self._take_over()
            await self._keep()
        except RingflowError as error:
            if not self._failed:
                log.warning("scripts not compared with the database", detail=str(error))
            self._failed = True
        except Exception:  # A fault in here must not take the server with it.
            log.exception("looking for scripts failed")
        else:
            self._failed = False

    async def _take_over(self) -> None:
        ((newest_id,),) = await self._store.look_up(NEWEST_ID)
        if newest_id == self._newest_id:
            return
        async with self._store.reading() as connection:
            published = await script_texts.newest_of_each(connection)
        whole = True
        for one in published:
            try:
                whole &= await self._follow(one)
            except (DocumentError, StartError, Refused) as error:
                whole = False
                self._tell(one, str(error))
        if whole:
            self._newest_id = newest_id

    async def _follow(self, newest: ScriptText) -> bool:
        """Write a publication where the file here does not have it; False: not in this look."""
        if not self._folder.is_name(name_of(newest.file)) or not newest.file.endswith(ENDINGS):
            return True
        file = FlowFile(self._folder.folder, newest.file)
        if newest.key == await asyncio.to_thread(file.published_key):
            # What was done to the file since then was done by hand, and is what was wanted.
            return True
        here = await asyncio.to_thread(file.text)
        on_disk = None if here is None else text_revision(here)
        if on_disk != newest.revision:
            if on_disk is not None:
                async with self._store.reading() as connection:
                    known = await script_texts.published_texts(connection, newest.file)
                if on_disk not in known:
                    self._tell(newest, f"the file was changed by hand here: it has {on_disk}")
                    return False
            await asyncio.to_thread(self._write, file, newest, on_disk)
        await asyncio.to_thread(file.note_published, newest.key)
        log.info("script taken over", script=name_of(newest.file), revision=newest.revision)
        return True

    def _write(self, file: FlowFile, newest: ScriptText, on_disk: str | None) -> None:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        with file.staged(newest.text.encode()) as staged:
            if not staged.put(on_disk):
                raise StartError(f"{file.shown} was changed while a publication was written")

    def _tell(self, newest: ScriptText, why: str) -> None:
        text = f"{newest.operator} published {newest.revision} of {newest.file}: {why}"
        if text not in self._told:
            self._told.add(text)
            name = name_of(newest.file)
            mend = (
                f"`ringflow script rollback {name} {newest.revision}` takes what is published; afterwards "
                f"`ringflow script rollback {name} REVISION` publishes what was here: see `ringflow script "
                f"history {name}`"
            )
            log.warning("script not taken over", script=name, detail=why, mend=mend)

    async def _keep(self) -> None:
        """Keep the texts of files that look otherwise than at the last look, once they can be used."""
        changed = await asyncio.to_thread(self._changed_texts)
        if not changed:
            return
        async with self._store.writing() as connection:
            for one in changed:
                await remember(connection, one.path.name, one.text, self._now_ms())
        self._seen |= {one.name: one.look for one in changed}

    def _changed_texts(self) -> list[_ChangedText]:
        changed = []
        for name, path in self._folder.files():
            try:
                found = path.stat()
                look = (found.st_mtime_ns, found.st_size)
                if self._seen.get(name) == look or found.st_size > MAX_DOCUMENT_BYTES:
                    continue
                self._folder.read(name)
                changed.append(_ChangedText(name, path, look, path.read_bytes()))
            except (OSError, DocumentError):
                continue
        return changed
