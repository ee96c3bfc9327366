"""Keeps a server's flows, its folder and the database in step: takes over publications, keeps what ran."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from ringflow.errors import Problem, RingflowError
from ringflow.flows.book import RECHECK_S, FlowBook
from ringflow.flows.publication_watch import PublicationWatch
from ringflow.flows.revisions import keep
from ringflow.flows.service_register import FlowInService, register, unregister
from ringflow.store import Store

log = structlog.get_logger("ringflow.flows")

LOOK_S = 0.5
"""How often a server looks for publications; it has two seconds to take one over."""


class FlowUpkeep:
    """For one run of a server, known as `run`. `monotonic_s`: seconds of a clock that nobody sets."""

    def __init__(
        self,
        store: Store,
        book: FlowBook,
        folder: Path,
        run: str,
        now_ms: Callable[[], int],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._book = book
        self._publications = PublicationWatch(store, folder, book.file_of)
        self._run = run
        self._now_ms = now_ms
        self._registered: list[FlowInService] | None = None
        self._monotonic_s = monotonic_s
        self._looked_again_at_s = monotonic_s()
        self._failed = False

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the files, and which publications they could not take over."""
        return tuple(sorted({*self._book.problems, *self._publications.problems.values()}))

    async def run(self) -> None:
        """Look until cancelled; what goes wrong is logged."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look()

    async def look(self) -> None:
        """Take over what was published, and note what is in service. What goes wrong is logged, once."""
        try:
            await self._look()
        except RingflowError as error:
            if not self._failed:
                log.warning("flows not compared with the database", detail=str(error))
            self._failed = True
        except Exception:  # A fault in here must not take the server with it.
            log.exception("looking for publications failed")
        else:
            self._failed = False

    async def leave(self) -> None:
        """Note that this run serves nothing any more."""
        async with self._store.writing() as connection:
            await unregister(connection, self._run)

    async def _look(self) -> None:
        now_s = self._monotonic_s()
        again = bool(self._publications.problems) and now_s - self._looked_again_at_s >= RECHECK_S
        if again:
            self._looked_again_at_s = now_s
        if await self._publications.look(again=again):
            await asyncio.to_thread(self._book.reload)
        await self._note()

    async def _note(self) -> None:
        """Keep the texts that went into service, and say which ones are. Raises `StoreGone`."""
        new = self._book.new_texts()
        serving = self._serving()
        if not new and serving == self._registered:
            return
        async with self._store.writing() as connection:
            now_ms = self._now_ms()
            # What went out of service again is older than what serves.
            await keep(connection, new, now_ms - 1)
            await keep(connection, self._book.revisions(), now_ms)
            await register(connection, self._run, serving, now_ms)
        self._book.texts_kept(new)
        self._registered = serving

    def _serving(self) -> list[FlowInService]:
        problems = {Path(one.path).name: str(one) for one in reversed(self._book.problems)}
        problems |= {file: str(one) for file, one in self._publications.problems.items()}
        served = {one.file: one for one in self._book.revisions()}
        found = [
            FlowInService(one.file, one.app, one.revision, problems.get(one.file, ""))
            for one in served.values()
        ]
        found += [
            FlowInService(file, file.removesuffix(".yaml"), None, problem)
            for file, problem in problems.items()
            if file not in served and file.endswith(".yaml")
        ]
        return sorted(found, key=lambda one: one.file)
