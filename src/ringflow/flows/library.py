"""The flows of an installation as operators see and edit them: files, drafts, old texts, what servers run."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor, Principal, acting
from ringflow.audit import Verb, note
from ringflow.documents import MAX_DOCUMENT_BYTES, decode_document
from ringflow.errors import DocumentError, Refused, Unknown
from ringflow.flows.conflict import ConflictKind, FlowConflict, shown_revision
from ringflow.flows.draft import Draft
from ringflow.flows.flow_file import FlowFile, is_flow_file_name
from ringflow.flows.folder import FlowFolder
from ringflow.flows.history import HistoryEntry, read_history
from ringflow.flows.operator_drafts import OperatorDraft, delete_draft, every_draft, find_draft, write_draft
from ringflow.flows.publication import Publication, newest_of, newest_of_each, publications_of
from ringflow.flows.publication_watch import PublicationWatch
from ringflow.flows.revisions import Revision, file_of_app, find_revision, text_revision
from ringflow.flows.service_register import ServerFlow, flows_of_servers, not_served
from ringflow.flows.slot import Slot
from ringflow.flows.text_difference import LabelledText, TextDifference, text_difference
from ringflow.plain_text import plain
from ringflow.store import Store
from ringflow.store.pages import Page, PageRequest
from ringflow.wording import did_you_mean, known_words

LOOKS = 20
PAUSE_S = 0.25
"""A server takes a publication over within two seconds; one that is slow is waited for a little longer."""


@dataclass(frozen=True, slots=True)
class FlowState:
    """One flow file: its text on disk here, what is published, its draft, and what servers run."""

    file: str
    app: str
    revision: str | None
    published: Publication | None
    draft: OperatorDraft | None
    servers: tuple[ServerFlow, ...]


@dataclass(frozen=True, slots=True)
class FlowText:
    """One text of a flow file."""

    file: str
    app: str
    revision: str
    text: bytes


class FlowLibrary:
    """The flow files of a folder, and all that the database knows of them.

    A flow is named by its app, or by its file. Methods raise `Refused` for names and revisions that there are
    none of, `DocumentError` for files that cannot be read, and `StoreGone`. Those that change something do so
    in a transaction, with its entry in the audit log.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        types: Mapping[str, type[Slot]],
        country: str,
        now_ms: Callable[[], int],
    ) -> None:
        self.store = store
        self.folder = FlowFolder(folder, types)
        self.country = country
        self.now_ms = now_ms

    def acting(self, principal: Principal) -> AbstractAsyncContextManager[Actor]:
        """Begin a transaction in which somebody changes flows."""
        return acting(self.store, principal, self.country, self.now_ms())

    def file(self, name: str) -> FlowFile:
        """The file of this name."""
        return FlowFile(self.folder.path, name)

    async def states(self, silent_s: float) -> list[FlowState]:
        """Every flow, by app. Servers that have not said for `silent_s` that they live are left out."""
        on_disk = await asyncio.to_thread(self._on_disk)
        async with self.store.reading() as connection:
            published = {one.file: one for one in await newest_of_each(connection)}
            drafts = {one.file: one for one in await every_draft(connection)}
            serving = await flows_of_servers(connection, self.now_ms() - round(silent_s * 1000))
        servers: dict[str, list[ServerFlow]] = defaultdict(list)
        for one in serving:
            servers[one.file].append(one)
        found = []
        for file in on_disk.keys() | published.keys() | drafts.keys() | servers.keys():
            named = (on_disk.get(file), drafts.get(file), published.get(file), *servers[file])
            app = next(one.app for one in named if one is not None)
            here = on_disk[file].revision if file in on_disk else None
            found.append(
                FlowState(file, app, here, published.get(file), drafts.get(file), tuple(servers[file]))
            )
        return sorted(found, key=lambda one: (one.app, one.file))

    async def file_of(self, name: str, *, new: bool = False) -> str:
        """The file of a flow. `new`: there may be none yet, and then it is called as its app."""
        if name.endswith(".yaml"):
            if not is_flow_file_name(name):
                raise Refused(
                    "flow.malformed_file",
                    f"{plain(name)} is no flow file: those end in .yaml, and not in .test.yaml",
                    file=name,
                )
            return name
        on_disk = await asyncio.to_thread(self._on_disk)
        async with self.store.reading() as connection:
            known = {one.app: one.file for one in await newest_of_each(connection)}
            known |= {one.app: one.file for one in await every_draft(connection)}
            known |= {one.app: file for file, one in on_disk.items()}
            if name not in known:
                # What was taken out of the folder is still in the records of its calls.
                file = await file_of_app(connection, name)
                known |= {name: file} if file is not None else {}
        if name in known:
            return known[name]
        if new and is_flow_file_name(f"{name}.yaml"):
            return f"{name}.yaml"
        mend = did_you_mean(name, known, f"flows: {known_words(known)}" if known else "there are no flows")
        raise Unknown("flow.unknown", f"there is no flow {plain(name)} ({mend})", flow=name)

    async def text(self, name: str) -> FlowText:
        """The text of a flow's file here."""
        file = self.file(await self.file_of(name))
        text = await asyncio.to_thread(file.text)
        if text is None:
            raise Unknown("file.missing", f"{file.shown} is not there", path=file.shown)
        return FlowText(file.name, app_in(text, file.name), text_revision(text), text)

    async def published_text(self, name: str) -> FlowText:
        """The newest published text of a flow."""
        file = await self.file_of(name)
        async with self.store.reading() as connection:
            newest = await newest_of(connection, file)
            if newest is None:
                raise Unknown("flow.unpublished", f"{plain(name)} was never published", flow=name)
            return await _kept(connection, file, newest.revision)

    async def old_text(self, name: str, revision: str) -> FlowText:
        """A text that was once in service or published, by the beginning of its revision."""
        async with self.store.reading() as connection:
            return await _kept(connection, name, revision)

    async def version(self, name: str, version: str) -> FlowText:
        """The text that `file`, `draft`, `published` or a revision stands for."""
        match version:
            case "file":
                return await self.text(name)
            case "draft":
                draft = await self.draft(name)
                return FlowText(draft.file, draft.app, draft.revision, draft.text)
            case "published":
                return await self.published_text(name)
            case _:
                return await self.old_text(name, version)

    async def difference(self, name: str, old: str, new: str) -> TextDifference:
        """How two texts of a flow differ, each named as in `version`."""
        before, after = await self.version(name, old), await self.version(name, new)
        return text_difference(
            LabelledText(f"{before.file} {old}", before.revision, before.text),
            LabelledText(f"{after.file} {new}", after.revision, after.text),
        )

    async def lagging(self, publication: Publication, silent_s: float) -> list[ServerFlow]:
        """The servers that live and have another text in service than this one, and what they have."""
        seen_ms = self.now_ms() - round(silent_s * 1000)
        file, app, revision = publication.file, publication.app, publication.revision
        async with self.store.reading() as connection:
            return await not_served(connection, seen_ms, file, app, revision)

    async def wait_for_servers(
        self, publications: Sequence[Publication], silent_s: float
    ) -> list[tuple[Publication, ServerFlow]]:
        """Wait until the servers that live run these texts; return which do not even after some time."""
        late: list[tuple[Publication, ServerFlow]] = []
        for look in range(LOOKS):
            if look:
                await asyncio.sleep(PAUSE_S)
            late = [(one, server) for one in publications for server in await self.lagging(one, silent_s)]
            if not late:
                break
        return late

    async def history(self, name: str, asked: PageRequest) -> Page[HistoryEntry]:
        """A page of what became of a flow, the newest first. Raises `WrongCursor` too."""
        file = await self.file_of(name)
        async with self.store.reading() as connection:
            return await read_history(connection, file, asked)

    async def drafts(self) -> list[OperatorDraft]:
        """All drafts, by file."""
        async with self.store.reading() as connection:
            return await every_draft(connection)

    async def draft(self, name: str) -> OperatorDraft:
        """The draft of a flow."""
        file = await self.file_of(name)
        async with self.store.reading() as connection:
            return await self._draft(connection, file)

    async def found_draft(self, name: str) -> OperatorDraft | None:
        """The draft of a flow, or of one that there is not yet; None where there is none."""
        file = await self.file_of(name, new=True)
        async with self.store.reading() as connection:
            return await find_draft(connection, file)

    async def read(self, text: FlowText) -> Draft:
        """What a text says."""
        revision = Revision(text.file, text.app, text.revision, text.text)
        _, draft = await asyncio.to_thread(self.folder.draft_of, revision)
        return draft

    async def save_draft(
        self, principal: Principal, name: str, text: bytes, over: str | None = None, onto: str | None = None
    ) -> OperatorDraft:
        """Make a draft of a flow, or of a new one, or replace it. The text need not be a flow yet.

        `over`: the revision of the draft that is replaced; None: there is none. A draft begins from the
        file's text as it is; `onto` has one that is there begin again from the file's text, of this revision.
        Raises `FlowConflict` where another draft, or another text in the file, is there.
        """
        file = self.file(await self.file_of(name, new=True))
        check_text(text, file.shown)
        await self.take_over(file.name)
        on_disk = await asyncio.to_thread(file.revision)
        if onto is not None and onto != on_disk:
            what = f"{file.shown} has {shown_revision(on_disk)}, not {plain(onto)}"
            raise FlowConflict(ConflictKind.FILE, app_in(text, file.name), onto, on_disk, what)
        async with self.acting(principal) as actor:
            connection = actor.connection
            before = await find_draft(connection, file.name)
            draft = OperatorDraft(
                file=file.name,
                app=app_in(text, file.name),
                revision=text_revision(text),
                began_from=on_disk,
                follows=await known_publication(connection, file, on_disk),
                operator=principal.name,
                created_ms=actor.now_ms,
                updated_ms=actor.now_ms,
                text=text,
            )
            if before is not None and onto is None:
                draft = replace(
                    draft,
                    began_from=before.began_from,
                    follows=before.follows,
                    created_ms=before.created_ms,
                )
            if not await write_draft(connection, draft, over):
                raise _draft_conflict(draft.app, over, await find_draft(connection, file.name))
            old = None if before is None else {"revision": before.revision}
            await note(actor, Verb.SAVE, _subject(draft), old, {"revision": draft.revision})
        return draft

    async def take_over(self, file: str) -> None:
        """Have a file as it is published, if that can be done, as a server of this folder would."""
        async with self.store.reading() as connection:
            newest = await newest_of(connection, file)
        if newest is not None:
            apps = {one.app: name for name, one in (await asyncio.to_thread(self._on_disk)).items()}
            await PublicationWatch(self.store, self.folder.path, apps.get).follow(newest)

    async def discard_draft(self, principal: Principal, name: str, over: str | None = None) -> OperatorDraft:
        """Throw a draft away. `over`: only while its text is of this revision."""
        file = await self.file_of(name)
        async with self.acting(principal) as actor:
            draft = await self._draft(actor.connection, file)
            if over is not None and over != draft.revision:
                raise _draft_conflict(draft.app, over, draft)
            await delete_draft(actor.connection, file, draft.revision)
            await note(actor, Verb.DISCARD, _subject(draft), {"revision": draft.revision}, None)
        return draft

    async def _draft(self, connection: AsyncConnection, file: str) -> OperatorDraft:
        draft = await find_draft(connection, file)
        if draft is None:
            raise Unknown("flow.no_draft", f"there is no draft of {plain(file)}", file=file)
        return draft

    def _on_disk(self) -> dict[str, FlowText]:
        """The texts of the folder's files; of one that cannot be read an empty one."""
        drafts, _ = self.folder.drafts()
        found = {}
        for draft in drafts.values():
            file = draft.path.rpartition("/")[2]
            found[file] = FlowText(file, draft.app or _stem(file), text_revision(draft.raw), draft.raw)
        return found


async def known_publication(connection: AsyncConnection, file: FlowFile, on_disk: str | None) -> int:
    """The id of the file's newest publication that whoever looks at the file has seen; 0: none.

    It is the one that was last written to it, or of which it has the text.
    """
    key = file.published_key()
    publications = await publications_of(connection, file.name)
    seen = (one.id for one in publications if one.key == key or one.revision == on_disk)
    return next(seen, 0)


def check_text(text: bytes, shown: str) -> None:
    """Raise `Refused` for a text that cannot be kept."""
    if len(text) > MAX_DOCUMENT_BYTES:
        raise Refused(
            "flow.text_too_large",
            f"{shown}: the text is larger than {MAX_DOCUMENT_BYTES} bytes; split the flow",
            most=MAX_DOCUMENT_BYTES,
        )
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        raise Refused("flow.malformed_text", f"{shown}: the text is not UTF-8; save it as UTF-8") from error
    if "\0" in decoded:
        raise Refused("flow.malformed_text", f"{shown}: the text has a NUL character in it, so it is no YAML")


def app_in(text: bytes, file: str) -> str:
    """The app that a text names; where it names none, the file's name without its ending."""
    try:
        value = decode_document(text, file).value
    except DocumentError:
        value = None
    app = value.get("app") if isinstance(value, dict) else None
    return app if isinstance(app, str) and app else _stem(file)


def _stem(file: str) -> str:
    return file.removesuffix(".yaml")


async def _kept(connection: AsyncConnection, name: str, revision: str) -> FlowText:
    kept = await find_revision(connection, name, revision)
    return FlowText(kept.file, kept.app, kept.revision, kept.text)


def _subject(draft: OperatorDraft) -> str:
    return f"draft of {draft.file}"


def _draft_conflict(app: str, over: str | None, found: OperatorDraft | None) -> FlowConflict:
    if found is None:
        return FlowConflict(ConflictKind.DRAFT, app, over, None, f"the draft of {plain(app)} is gone")
    what = f"{found.operator} has a draft of {plain(app)}: {shown_revision(found.revision)}"
    return FlowConflict(ConflictKind.DRAFT, app, over, found.revision, what)
