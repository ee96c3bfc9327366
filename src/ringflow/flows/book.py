"""The flows in service: the good revisions of a folder's files, reloaded while calls run."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

import structlog
from watchfiles import awatch

from ringflow.errors import DocumentError, Problem
from ringflow.flows.accept import Accepted, accept
from ringflow.flows.check import check_flows
from ringflow.flows.flow import Flow
from ringflow.flows.folder import FlowFolder
from ringflow.flows.registry import slot_types
from ringflow.flows.revisions import Revision
from ringflow.flows.slot import Slot
from ringflow.flows.surroundings import Prompts, Surroundings
from ringflow.sounds.voices import Voices

log = structlog.get_logger("ringflow.flows")

DEBOUNCE_MS = 400
STEP_MS = 200
"""How often the watch asks for changes: each time costs 50 us of processor time, call or no call."""
TICK_MS = 1000
RECHECK_S = 5.0
"""How often files with problems are looked at again: what they lack may be a prompt, made elsewhere."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a reload did; `problems` are all there are now."""

    loaded: tuple[Flow, ...]
    removed: tuple[str, ...]
    problems: tuple[Problem, ...]


class FlowBook:
    """Gives each app's flow. Flows never change: a call keeps the one it began with.

    A file with problems, or one that would make another flow faulty, leaves its last good revision in
    service. What is there and `problems` change together, between two looks at them.
    """

    def __init__(
        self, folder: Path | None, types: Mapping[str, type[Slot]], surroundings: Surroundings
    ) -> None:
        self._folder = FlowFolder(folder, types) if folder is not None else None
        self._surroundings = surroundings
        self._accepted = Accepted({}, ())
        self._apps: Mapping[str, Flow] = {}
        self._reloading = Lock()
        self._new_texts: dict[tuple[str, str], Revision] = {}

    @classmethod
    def load(
        cls,
        folder: Path,
        types: Mapping[str, type[Slot]] | None = None,
        prompts: Prompts | None = None,
        entries: frozenset[str] = frozenset(),
        uri_hosts: frozenset[str] | None = None,
        last_good: Iterable[Revision] = (),
        language: str = "en",
        voices: Voices | None = None,
    ) -> FlowBook:
        """The flows of a folder; `problems` says what is wrong with the files.

        A file with problems is served by its text in `last_good`; without one its flow is missing. `entries`
        are the apps that DIDs are known to lead to, `uri_hosts` those that SIP URIs may, None: any. Without
        `types`, those of `ringflow.slots`. `language` and `voices` are the configured ones.
        """
        surroundings = Surroundings(prompts=prompts, entries=entries, uri_hosts=uri_hosts, language=language)
        if voices is not None:
            surroundings = replace(surroundings, voices=voices)
        book = cls(folder, slot_types() if types is None else types, surroundings)
        book._begin_with(last_good)
        book.reload()
        return book

    @classmethod
    def of(cls, flows: Iterable[Flow]) -> FlowBook:
        """A book of these flows, without a folder behind it."""
        book = cls(None, {}, Surroundings())
        book._apps = {flow.app: flow for flow in flows}
        return book

    def with_flows(self, flows: Iterable[Flow]) -> FlowBook:
        """Another book without a folder, with what is in service here and these flows instead or besides."""
        return FlowBook.of([*self._apps.values(), *flows])

    def revisions(self) -> list[Revision]:
        """The texts of the files in service."""
        return list(_revisions(self._accepted))

    def new_texts(self) -> list[Revision]:
        """The texts that went into service since the start, in that order, but for those in `texts_kept`."""
        with self._reloading:
            return list(self._new_texts.values())

    def texts_kept(self, revisions: Iterable[Revision]) -> None:
        """Leave these out of `new_texts` from now on."""
        with self._reloading:
            for one in revisions:
                self._new_texts.pop((one.file, one.revision), None)

    def _begin_with(self, last_good: Iterable[Revision]) -> None:
        """Take these texts for those in service before the first look at the folder."""
        if self._folder is not None:
            earlier = dict(map(self._folder.draft_of, last_good))
            good = {name: draft for name, draft in earlier.items() if draft.flow is not None}
            self._accepted = Accepted(good, ())

    def get(self, app: str) -> Flow | None:
        """The flow in service for an app."""
        return self._apps.get(app)

    def file_of(self, app: str) -> str | None:
        """The file that an app in service is in, by its name in the folder."""
        flow = self._apps.get(app)
        return None if flow is None else Path(flow.path).name

    def current(self) -> Mapping[str, Flow]:
        """All flows in service, as they are now: a reload makes another mapping and leaves this one alone."""
        return self._apps

    def apps(self) -> tuple[str, ...]:
        """The apps in service, sorted."""
        return tuple(sorted(self._apps))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the files as they are now, sorted."""
        return self._accepted.problems

    def reload(self) -> Changes:
        """Look at the folder again, take what is good; log what changed. Blocks, so call it in a thread."""
        with self._reloading:
            before, problems_before = self._apps, frozenset(self.problems)
            earlier = set(_revisions(self._accepted))
            self._accepted = accepted = self._look()
            new = [one for one in _revisions(accepted) if one not in earlier]
            self._new_texts |= {(one.file, one.revision): one for one in new}
            after = {draft.flow.app: draft.flow for draft in accepted.good.values() if draft.flow}
            self._apps = after if self._folder is not None else before
        changes = Changes(
            tuple(flow for app, flow in sorted(self._apps.items()) if before.get(app) is not flow),
            tuple(sorted(before.keys() - self._apps.keys())),
            accepted.problems,
        )
        _log(changes, problems_before)
        return changes

    def _look(self) -> Accepted:
        if self._folder is None:
            return self._accepted
        try:
            newest, unread = self._folder.drafts()
        except DocumentError as error:
            # A folder that is being replaced is gone for a moment; its flows are not deleted by that.
            return Accepted(self._accepted.good, error.problems)
        accepted = accept(self._accepted.good, newest, lambda drafts: check_flows(drafts, self._surroundings))
        return Accepted(accepted.good, tuple(sorted({*accepted.problems, *unread})))

    async def watch(self, stop: asyncio.Event) -> None:
        """Reload on every change of the folder until `stop` is set; what goes wrong is logged, not raised."""
        while self._folder is not None and not stop.is_set():
            try:
                await self._watch_folder(self._folder.path, stop)
            except OSError:
                # Not there, or no inotify watch to be had: look now and then instead; `reload` says why.
                await asyncio.to_thread(self.reload)
            except Exception:  # A fault in here must not take the calls with it.
                log.exception("watching flows failed", folder=str(self._folder.path))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_MS / 1000):
                    await stop.wait()

    async def _watch_folder(self, folder: Path, stop: asyncio.Event) -> None:
        watched = _identity(folder)
        looked_at: float | None = None
        # No filter by name: folders that are symbolic links change without a *.yaml being touched.
        changes = awatch(
            folder,
            stop_event=stop,
            recursive=False,
            watch_filter=None,
            debounce=DEBOUNCE_MS,
            step=STEP_MS,
            rust_timeout=TICK_MS,
            yield_on_timeout=True,
        )
        async with contextlib.aclosing(changes):
            async for changed in changes:
                now = time.monotonic()
                # The first time also finds what changed before the watch stood.
                overdue = looked_at is None or (self.problems and now - looked_at >= RECHECK_S)
                replaced = _identity(folder) != watched
                if changed or overdue or replaced:
                    looked_at = now
                    await asyncio.to_thread(self.reload)
                if replaced:
                    return


def _revisions(accepted: Accepted) -> Iterator[Revision]:
    for path, draft in accepted.good.items():
        if draft.flow is not None and draft.raw:
            yield Revision(Path(path).name, draft.flow.app, draft.flow.revision, draft.raw)


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _log(changes: Changes, problems_before: frozenset[Problem]) -> None:
    for problem in changes.problems:
        if problem not in problems_before:
            log.warning("flow problem", problem=str(problem))
    for flow in changes.loaded:
        log.info("flow loaded", app=flow.app, revision=flow.revision, file=flow.path)
    for app in changes.removed:
        log.info("flow removed", app=app)
