"""The scripts of an installation as operators see them: files, old texts, who uses them, publications.

What runs is what stands in a server's folder. A publication is written there, and to the folders of all other
servers of the database (`script_upkeep.py`); each text is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor, Principal, acting
from ringflow.audit import Verb, note
from ringflow.errors import Conflict, DocumentError, Problem, Unknown
from ringflow.flows import script_texts
from ringflow.flows.draft import Draft
from ringflow.flows.flow_file import FlowFile
from ringflow.flows.publication import check_note
from ringflow.flows.revisions import text_revision
from ringflow.flows.script_texts import ScriptText, TextKind
from ringflow.flows.text_difference import LabelledText, TextDifference, text_difference
from ringflow.flows.uses import SlotPlace, places
from ringflow.plain_text import plain
from ringflow.scripts.folder import ENDINGS, ScriptFolder
from ringflow.scripts.service import Scripts
from ringflow.store import Store
from ringflow.store.pages import Page, PageRequest
from ringflow.store.tables import dids, trunks
from ringflow.wording import did_you_mean

MAX_NOTE = 200
FILE, PUBLISHED = "file", "published"
"""Words for texts of a script: that of the file here, and the one that was published last."""


@dataclass(frozen=True, slots=True)
class ScriptUses:
    """Who runs a script: DIDs before their app and after calls, trunks, and slots."""

    dids: tuple[str, ...]
    hangup_dids: tuple[str, ...]
    trunks: tuple[str, ...]
    slots: tuple[SlotPlace, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nobody does."""
        return not (self.dids or self.hangup_dids or self.trunks or self.slots)


@dataclass(frozen=True, slots=True)
class ScriptState:
    """A script: its file here, what is published, who uses it, and what keeps it from being run."""

    name: str
    file: str
    revision: str | None
    published: ScriptText | None
    uses: ScriptUses
    problems: tuple[Problem, ...]


class ScriptLibrary:
    """Scripts by their names. Raises `Refused` for names and revisions that there are none of."""

    def __init__(
        self,
        store: Store,
        folder: ScriptFolder,
        country: str,
        now_ms: Callable[[], int],
        scripts: Scripts,
    ) -> None:
        self.folder = folder
        self._store = store
        self._country = country
        self._now_ms = now_ms
        self._scripts = scripts

    async def states(self, drafts: Sequence[Draft]) -> list[ScriptState]:
        """Every script that is in the folder, was published, or is named by somebody."""
        async with self._store.reading() as connection:
            published = {name_of(one.file): one for one in await script_texts.newest_of_each(connection)}
            named = await _names_used(connection)
        in_flows = {name for draft in drafts for name in _names_in(draft)}
        names = sorted({*self.folder.names(), *published, *named, *in_flows})
        return [await self.state(name, drafts) for name in names]

    async def state(self, name: str, drafts: Sequence[Draft]) -> ScriptState:
        """One script. Raises `Unknown` where nobody knows it."""
        file = self._file(name)
        async with self._store.reading() as connection:
            published = await script_texts.newest_of(connection, file.name)
            uses = await uses_of(connection, drafts, name)
        here = await asyncio.to_thread(file.text)
        if here is None and published is None and uses.is_empty:
            raise self._unknown(name)
        problems = await self.check(name)
        return ScriptState(
            name, file.name, None if here is None else text_revision(here), published, uses, tuple(problems)
        )

    async def text(self, name: str, version: str = FILE) -> tuple[str, bytes]:
        """A text of a script, and its revision: `file`, `published`, or the beginning of a revision."""
        file = self._file(name)
        if version == FILE:
            here = await asyncio.to_thread(file.text)
            if here is None:
                raise self._unknown(name)
            return text_revision(here), here
        async with self._store.reading() as connection:
            if version != PUBLISHED:
                kept = await script_texts.find_text(connection, file.name, version)
                return kept.revision, kept.text.encode()
            newest = await script_texts.newest_of(connection, file.name)
        if newest is None:
            what = f"no text of script {plain(name)} was published"
            raise Unknown("script.not_published", what, script=name)
        return newest.revision, newest.text.encode()

    async def difference(self, name: str, old: str, new: str) -> TextDifference:
        """How two texts of a script differ."""
        old_revision, old_text = await self.text(name, old)
        new_revision, new_text = await self.text(name, new)
        return text_difference(
            LabelledText(f"{name} {old_revision}", old_revision, old_text),
            LabelledText(f"{name} {new_revision}", new_revision, new_text),
        )

    async def history(self, name: str, asked: PageRequest) -> Page[ScriptText]:
        """The texts that a script had, the newest first."""
        async with self._store.reading() as connection:
            return await script_texts.page(connection, self._file(name).name, asked)

    async def check(self, name: str, text: bytes | None = None) -> list[Problem]:
        """All that is wrong with a script, or with a text that it could have. Nothing of it is run.

        A field of `data` that is not there is told of, and keeps no text from being published.
        """
        try:
            return await self._scripts.findings(name, _decoded(name, text))
        except DocumentError as error:
            return list(error.problems)

    async def publish(
        self, principal: Principal, name: str, text: bytes | None, seen: str | None, why: str = ""
    ) -> ScriptText:
        """Have all servers run a text in place of `seen`, which the writer saw in the file here (None: none).

        `text` None: what is in the file. Raises `DocumentError` for one with problems, `Conflict` where
        another text is there by now.
        """
        file = self._file(name)
        if text is None:
            text = await asyncio.to_thread(file.text)
            if text is None:
                raise self._unknown(name)
            seen = text_revision(text)
        return await self._publish(principal, name, text, seen, TextKind.PUBLISHED, why)

    async def roll_back(
        self, principal: Principal, name: str, revision: str | None = None, why: str = ""
    ) -> ScriptText:
        """Publish an old text again; None: the one before that in the file."""
        file = self._file(name)
        here = await asyncio.to_thread(file.revision)
        async with self._store.reading() as connection:
            if revision is not None:
                wanted = await script_texts.find_text(connection, file.name, revision)
            else:
                kept = (await script_texts.page(connection, file.name, PageRequest(200))).items
                before = [one for one in kept if one.revision != here]
                if not before:
                    what = f"script {plain(name)} has no text before this one"
                    raise Unknown("script.nothing_before", what, script=name)
                wanted = before[0]
        return await self._publish(principal, name, wanted.text.encode(), here, TextKind.ROLLED_BACK, why)

    async def _publish(
        self, principal: Principal, name: str, text: bytes, seen: str | None, kind: TextKind, why: str
    ) -> ScriptText:
        check_note(why, MAX_NOTE)
        if problems := await self._scripts.problems(name, _decoded(name, text)):
            raise DocumentError(problems)
        file, revision = self._file(name), text_revision(text)
        file.path.parent.mkdir(parents=True, exist_ok=True)
        with file.staged(text) as staged:
            async with acting(self._store, principal, self._country, self._now_ms()) as actor:
                made = await self._enter(actor, name, file, text, seen, kind, why)
            if file.revision() != revision and not staged.put(seen):
                raise self._changed(name, seen, file.revision())
        file.note_published(made.key)
        return made

    async def _enter(
        self, actor: Actor, name: str, file: FlowFile, text: bytes, seen: str | None, kind: TextKind, why: str
    ) -> ScriptText:
        connection, revision = actor.connection, text_revision(text)
        here = file.text()
        on_disk = None if here is None else text_revision(here)
        newest = await script_texts.newest_of(connection, file.name)
        if on_disk != seen:
            raise self._changed(name, seen, on_disk)
        is_behind = newest is not None and file.published_key() != newest.key
        if newest is not None and is_behind and newest.revision not in (on_disk, revision):
            # A publication of elsewhere is on its way here.
            raise self._changed(name, seen, newest.revision)
        if newest is not None and newest.revision == revision == on_disk:
            what = f"script {plain(name)} has this text, {revision}, and it is published"
            raise Conflict("script.published_already", what, script=name, revision=revision)
        if here is not None:
            await remember(connection, file.name, here, actor.now_ms)
        made = await script_texts.insert(
            connection,
            file=file.name,
            follows=newest.id if newest is not None else 0,
            revision=revision,
            text=text.decode(),
            replaced=on_disk,
            kind=kind.value,
            operator=actor.principal.name,
            note=why,
            at_ms=actor.now_ms,
        )
        if made is None:
            raise self._changed(name, seen, None)
        verb = Verb.ROLL_BACK if kind is TextKind.ROLLED_BACK else Verb.PUBLISH
        before = None if on_disk is None else {"revision": on_disk}
        await note(actor, verb, f"script {name}", before, {"revision": revision, "note": why})
        return made

    def _changed(self, name: str, seen: str | None, found: str | None) -> Conflict:
        what = f"script {plain(name)} was changed meanwhile: it has {found or 'another text'}, not {seen}"
        return Conflict("script.changed_meanwhile", what, script=name, seen=seen, found=found)

    def _file(self, name: str) -> FlowFile:
        """The file of a script, which need not be there. Raises `Unknown` for what is no name."""
        if not self.folder.is_name(name):
            raise self._unknown(name)
        for ending in ENDINGS:
            if (self.folder.folder / f"{name}{ending}").exists():
                return FlowFile(self.folder.folder, f"{name}{ending}")
        return FlowFile(self.folder.folder, f"{name}{ENDINGS[0]}")

    def _unknown(self, name: str) -> Unknown:
        near = did_you_mean(name, self.folder.names())
        what = f"there is no script {plain(name)}" + (f" ({near})" if near else "")
        return Unknown("script.unknown", what, script=name)


async def remember(connection: AsyncConnection, file: str, text: bytes, now_ms: int) -> None:
    """Keep a text that was found on disk, unless it is the last one that is kept."""
    revision = text_revision(text)
    if await script_texts.last_kept(connection, file) == revision:
        return
    await script_texts.insert(
        connection,
        file=file,
        follows=None,
        revision=revision,
        text=text.decode("utf-8", "replace"),
        replaced=None,
        kind=TextKind.ON_DISK.value,
        operator="",
        note="",
        at_ms=now_ms,
    )


async def uses_of(connection: AsyncConnection, drafts: Sequence[Draft], name: str) -> ScriptUses:
    """Return who runs a script."""

    async def numbers(column: str) -> tuple[str, ...]:
        query = select(dids.c.number).where(dids.c[column] == name).order_by(dids.c.number)
        return tuple((await connection.execute(query)).scalars())

    of_trunks = (
        select(trunks.c.name).where(trunks.c.script == name).order_by(trunks.c.position, trunks.c.name)
    )
    return ScriptUses(
        dids=await numbers("script"),
        hangup_dids=await numbers("hangup_script"),
        trunks=tuple((await connection.execute(of_trunks)).scalars()),
        slots=tuple(places(drafts, lambda slot: any(used == name for _, used in slot.scripts()))),
    )


def name_of(file: str) -> str:
    """The name of the script in a file."""
    return Path(file).stem


async def _names_used(connection: AsyncConnection) -> set[str]:
    of_dids = select(dids.c.script, dids.c.hangup_script).where(
        or_(dids.c.script.is_not(None), dids.c.hangup_script.is_not(None))
    )
    found = {name for row in await connection.execute(of_dids) for name in row}
    of_trunks = select(trunks.c.script).where(trunks.c.script.is_not(None))
    found |= set((await connection.execute(of_trunks)).scalars())
    return {name for name in found if name}


def _names_in(draft: Draft) -> set[str]:
    slots = [*draft.slots, *(draft.on_hangup.slots if draft.on_hangup is not None else ())]
    return {name for slot in slots if slot is not None for _, name in slot.scripts()}


def _decoded(name: str, text: bytes | None) -> str | None:
    if text is None:
        return None
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text[: error.start].count(b"\n") + 1
        raise DocumentError(
            [Problem(f"{name}.js", line, 1, "it is not UTF-8", "save it as UTF-8")]
        ) from error
