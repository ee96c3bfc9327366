"""Publishing: a draft, the text on disk or an old text becomes what every server runs.

In this order: the text is checked together with the other flows of the folder; it is written beside its file,
so that a full disk is noticed now; the publication is committed; the file is replaced. A crash after the
commit leaves a publication that is not on disk, which every server then writes (`publication_watch.py`).

Two writers never replace each other's text unseen: what a writer saw in the file, and what was published at
that time, must still be there. A text that is replaced is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.value_lists import value_list
from ringflow.actor import Actor, Principal
from ringflow.audit import Verb, note
from ringflow.config import Config
from ringflow.errors import Conflict, DocumentError, Problem, Refused, Unknown
from ringflow.flows.accept import faults
from ringflow.flows.check import check_flows
from ringflow.flows.conflict import ConflictKind, FlowConflict, shown_revision
from ringflow.flows.draft import Draft
from ringflow.flows.flow import Flow
from ringflow.flows.flow_file import StagedText
from ringflow.flows.library import FlowLibrary, app_in, check_text, known_publication
from ringflow.flows.operator_drafts import delete_draft
from ringflow.flows.publication import Kind, Publication, check_note, insert, newest_of
from ringflow.flows.registry import slot_types
from ringflow.flows.revisions import (
    Revision,
    find_revision,
    is_kept,
    loaded_before,
    remember,
    text_revision,
)
from ringflow.flows.surroundings import Surroundings, configured_surroundings
from ringflow.plain_text import plain
from ringflow.scripts.folder import ScriptFolder
from ringflow.scripts.known_scripts import KnownScripts
from ringflow.scripts.service import script_folder
from ringflow.sounds.library import PromptLibrary
from ringflow.store import Store

MAX_NOTE = 1000


@dataclass(frozen=True, slots=True)
class Proposal:
    """A text to be published. `seen`: the revision in its file, and `follows`: the id of the file's newest
    publication, when its writer looked. `draft`: the revision of the draft that is published by it, if any.
    """

    file: str
    text: bytes = field(repr=False)
    seen: str | None
    follows: int
    draft: str | None = None


@dataclass(frozen=True, slots=True)
class CheckedText:
    """A text that was looked at: what it says, and what is wrong with it and because of it."""

    revision: str
    draft: Draft
    problems: tuple[Problem, ...]


class FlowPublisher:
    """Publishes texts of a library's flows. Methods raise as those of `FlowLibrary`; besides, `FlowConflict`,
    `DocumentError` for a text that is no flow or that harms another one, and `StartError` for a folder that
    cannot be written.
    """

    def __init__(
        self, library: FlowLibrary, surroundings: Surroundings, scripts: ScriptFolder | None = None
    ) -> None:
        self.library = library
        self._scripts = scripts
        self._store = library.store
        self._surroundings = surroundings

    @classmethod
    def configured(cls, config: Config, store: Store, now_ms: Callable[[], int]) -> FlowPublisher:
        """A publisher of the configuration's flows."""
        library = FlowLibrary(store, config.path(config.flows), slot_types(), config.country, now_ms)
        prompts = PromptLibrary(config.path(config.sounds.folder))
        return cls(library, configured_surroundings(config, prompts), script_folder(config))

    async def check_draft(self, name: str) -> list[Problem]:
        """What is wrong with a draft, and what it would make wrong in other flows."""
        draft = await self.library.draft(name)
        return await self._checked([_as_revision(draft.file, draft.text)])

    async def check_text(self, name: str, text: bytes) -> CheckedText:
        """What is wrong with a text of a flow, or of a new one, what it would make wrong in other flows, and
        what it says. Nothing is changed.
        """
        file = await self.library.file_of(name, new=True)
        check_text(text, file)
        new = _as_revision(file, text)
        _, draft = await asyncio.to_thread(self.library.folder.draft_of, new)
        return CheckedText(new.revision, draft, tuple(await self._checked([new])))

    async def flows_of(self, texts: Mapping[str, bytes]) -> Mapping[str, Flow]:
        """Return the flows that texts say, by their apps. Raises `DocumentError` for one with problems."""
        found = {}
        for name, text in texts.items():
            checked = await self.check_text(name, text)
            if checked.draft.flow is None:
                raise DocumentError(checked.problems)
            found[checked.draft.flow.app] = checked.draft.flow
        return found

    async def flow_among(self, flows: Mapping[str, Flow], app: str) -> Flow | None:
        """Return the flow of an app: one of these, or what its file here says; None where that is no flow."""
        if app in flows:
            return flows[app]
        return (await self.library.read(await self.library.text(app))).flow

    async def problems(self) -> Sequence[Problem]:
        """All that is wrong with the flows as they stand in the folder."""
        surroundings = await self._surroundings_now()
        drafts, misplaced = await asyncio.to_thread(self.library.folder.drafts)
        found = await asyncio.to_thread(check_flows, list(drafts.values()), surroundings)
        return [*found, *misplaced]

    async def publish_drafts(
        self,
        principal: Principal,
        names: Sequence[str],
        text: str = "",
        over: Collection[str] = (),
        revision: str | None = None,
    ) -> list[Publication]:
        """Publish the drafts of these flows, all of them or none; then they are gone.

        `text` is a note. `over`: revisions, in the files or published, that are replaced although the drafts
        did not begin from them. `revision`: only while this is the draft's text.
        """
        proposals = []
        for name in names:
            draft = await self.library.draft(name)
            if revision not in (None, draft.revision):
                what = (
                    f"{draft.operator} saved the draft of {plain(draft.app)} meanwhile, as {draft.revision}"
                )
                raise FlowConflict(ConflictKind.DRAFT, draft.app, revision, draft.revision, what)
            proposals.append(
                Proposal(draft.file, draft.text, draft.began_from, draft.follows, draft.revision)
            )
        return await self._publish(principal, proposals, "publish", text, over)

    async def publish_files(
        self, principal: Principal, names: Sequence[str], text: str = "", over: Collection[str] = ()
    ) -> list[Publication]:
        """Publish the texts of these flows' files as they stand in the folder here.

        `over`: published revisions that are replaced although they were never in this folder.
        """
        proposals = []
        for name in names:
            here = await self.library.text(name)
            async with self._store.reading() as connection:
                follows = await known_publication(connection, self.library.file(here.file), here.revision)
            proposals.append(Proposal(here.file, here.text, here.revision, follows))
        return await self._publish(principal, proposals, "publish", text, over)

    async def publish_text(
        self, principal: Principal, name: str, text: bytes, seen: str | None, why: str = ""
    ) -> Publication:
        """Publish a text of a flow, or of a new one.

        It replaces the text `seen` in the flow's file (None: there is no file). `why` is a note.
        """
        file = self.library.file(await self.library.file_of(name, new=True))
        await self.library.take_over(file.name)
        async with self._store.reading() as connection:
            follows = await known_publication(connection, file, seen)
        proposal = Proposal(file.name, text, seen, follows)
        (made,) = await self._publish(principal, [proposal], "publish", why, ())
        return made

    async def roll_back(
        self,
        principal: Principal,
        name: str,
        revision: str | None = None,
        text: str = "",
        over: Collection[str] = (),
    ) -> Publication:
        """Publish an old text of a flow. `revision` None: the one before the text that is in the file.

        A text in the file that was never in service is replaced only where `over` names it.
        """
        file = self.library.file(await self.library.file_of(name))
        await self.library.take_over(file.name)
        on_disk = await asyncio.to_thread(file.revision)
        async with self._store.reading() as connection:
            wanted = revision or await self._previous(connection, file.name, on_disk)
            kept = await find_revision(connection, file.name, wanted)
            known = on_disk is None or on_disk in over or await is_kept(connection, file.name, on_disk)
            follows = await known_publication(connection, file, on_disk)
        if not known:
            raise self._file_conflict(file.name, kept.app, None, on_disk)
        proposal = Proposal(file.name, kept.text, on_disk, follows)
        (made,) = await self._publish(principal, [proposal], "roll_back", text, over)
        return made

    async def _previous(self, connection: AsyncConnection, file: str, on_disk: str | None) -> str:
        newest = await newest_of(connection, file)
        if newest is None:
            found = await loaded_before(connection, file, on_disk or "")
        elif newest.revision != on_disk:
            found = newest.revision
        elif newest.kind == "roll_back":
            raise Conflict(
                "flow.rolled_back_last",
                f"{plain(file)} was rolled back last; name the revision that it is to have",
                file=file,
            )
        else:
            found = newest.replaced
        if found is None:
            raise Unknown("flow.nothing_before", f"{plain(file)} has no text before this one", file=file)
        return found

    async def _publish(
        self,
        principal: Principal,
        proposals: Sequence[Proposal],
        kind: Kind,
        text: str,
        over: Collection[str],
    ) -> list[Publication]:
        if len({one.file for one in proposals}) < len(proposals):
            raise Refused("flow.named_twice", "a flow is named twice")
        check_note(text, MAX_NOTE)
        for one in proposals:
            check_text(one.text, one.file)
        texts = [_as_revision(one.file, one.text) for one in proposals]
        if problems := await self._checked(texts):
            raise DocumentError(problems)
        with ExitStack() as stack:
            staged = [stack.enter_context(self.library.file(one.file).staged(one.text)) for one in proposals]
            async with self.library.acting(principal) as actor:
                made = [
                    await self._enter(actor, one, new, kind, text, over)
                    for one, new in zip(proposals, texts, strict=True)
                ]
            for publication, beside in zip(made, staged, strict=True):
                self._put(publication, beside)
        return made

    async def _enter(
        self, actor: Actor, proposal: Proposal, new: Revision, kind: Kind, text: str, over: Collection[str]
    ) -> Publication:
        """Enter one publication, if nothing has changed since its writer looked."""
        connection, file = actor.connection, proposal.file
        old = self.library.file(file).text()
        on_disk = None if old is None else text_revision(old)
        if on_disk != proposal.seen and on_disk not in over:
            raise self._file_conflict(file, new.app, proposal.seen, on_disk)
        newest = await newest_of(connection, file)
        # To publish the same text again, as for a folder that was changed by hand, replaces nothing.
        may_replace = {new.revision, *over}
        if newest is not None and newest.id != proposal.follows and newest.revision not in may_replace:
            raise _published_meanwhile(new.app, proposal.seen, newest)
        if on_disk == new.revision and newest is not None and newest.revision == new.revision:
            raise Conflict(
                "flow.published_already",
                f"{plain(new.app)} has this text, {new.revision}, and it is published",
                flow=new.app,
                revision=new.revision,
            )
        replaced = on_disk
        if on_disk == new.revision:
            # Changed by hand here; servers with folders of their own have what was there before.
            replaced = newest.revision if newest else await loaded_before(connection, file, new.revision)
        if old is not None:
            check_text(old, self.library.file(file).shown)
            await remember(connection, [_as_revision(file, old)])
        await remember(connection, [new])
        made = await insert(
            connection,
            new,
            follows=newest.id if newest is not None else 0,
            replaced=replaced,
            kind=kind,
            operator=actor.principal.name,
            note=text,
            at_ms=actor.now_ms,
        )
        if made is None:
            raise _published_meanwhile(new.app, proposal.seen, None)
        if proposal.draft is not None and not await delete_draft(connection, file, proposal.draft):
            what = f"the draft of {plain(new.app)} was changed meanwhile"
            raise FlowConflict(ConflictKind.DRAFT, new.app, proposal.draft, None, what)
        before = None if replaced is None else {"revision": replaced}
        after = {"revision": new.revision, "file": file, "note": text}
        verb = Verb.PUBLISH if kind == "publish" else Verb.ROLL_BACK
        await note(actor, verb, f"flow {new.app}", before, after)
        return made

    def _put(self, publication: Publication, staged: StagedText) -> None:
        """Replace the file. A server may have done so already, or somebody may have changed it just now."""
        file = staged.file
        on_disk = file.revision()
        if on_disk != publication.revision and not staged.put(publication.replaced):
            what = f"{file.shown} was changed on disk while it was published, and stays as it is"
            raise FlowConflict(
                ConflictKind.FILE, publication.app, publication.replaced, file.revision(), what
            )
        file.note_published(publication.key)

    async def _checked(self, texts: Sequence[Revision]) -> list[Problem]:
        surroundings = await self._surroundings_now()
        return await asyncio.to_thread(self._new_problems, texts, surroundings)

    async def _surroundings_now(self) -> Surroundings:
        """What flows are checked against, with what operators have made meanwhile."""
        async with self._store.reading() as connection:
            lists = await value_list.names(connection)
        scripts = KnownScripts(self._scripts) if self._scripts is not None else None
        return replace(self._surroundings, lists=lists, scripts=scripts)

    def _new_problems(self, texts: Sequence[Revision], surroundings: Surroundings) -> list[Problem]:
        """The problems of these texts, and those that they would bring about in other files of the folder."""
        drafts, _ = self.library.folder.drafts()
        proposed = dict(map(self.library.folder.draft_of, texts))
        found = check_flows(list({**drafts, **proposed}.values()), surroundings)
        if all(one.path in proposed for one in found):
            return found
        known = faults(check_flows(list(drafts.values()), surroundings))
        return [one for one in found if one.path in proposed or not faults([one]) <= known]

    def _file_conflict(self, file: str, app: str, seen: str | None, found: str | None) -> FlowConflict:
        what = (
            f"{self.library.file(file).shown} was changed on disk: it has {shown_revision(found)}, "
            f"not {shown_revision(seen)}"
        )
        return FlowConflict(ConflictKind.FILE, app, seen, found, what)


def _as_revision(file: str, text: bytes) -> Revision:
    return Revision(file, app_in(text, file), text_revision(text), text)


def _published_meanwhile(app: str, seen: str | None, newest: Publication | None) -> FlowConflict:
    if newest is None:
        what = f"another text of {plain(app)} was published meanwhile"
        return FlowConflict(ConflictKind.PUBLICATION, app, seen, None, what)
    what = f"{newest.operator} published {shown_revision(newest.revision)} of {plain(app)} meanwhile"
    return FlowConflict(ConflictKind.PUBLICATION, app, seen, newest.revision, what)
