"""How commands on flows open the folder and the database, name texts, and word what was changed meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from ringflow.cli.project import with_store
from ringflow.config import Config
from ringflow.flows.conflict import ConflictKind, FlowConflict
from ringflow.flows.library import FlowLibrary, FlowText
from ringflow.flows.publisher import FlowPublisher
from ringflow.flows.registry import slot_types
from ringflow.flows.surroundings import configured_surroundings
from ringflow.moments import system_now_ms
from ringflow.sounds.library import PromptLibrary
from ringflow.store import Store

Result = TypeVar("Result")

Flow = Annotated[str, typer.Argument(metavar="APP", help="The flow's app, or its file.")]
Over = Annotated[
    list[str] | None,
    typer.Option(
        "--over",
        metavar="REVISION",
        help="Replace this text, though you did not begin from it; may be given repeatedly.",
    ),
]


def with_flows(work: Callable[[FlowPublisher, Config], Awaitable[Result]]) -> Result:
    """Run `work` on the flows of the configuration's folder and database."""

    async def run(store: Store, config: Config) -> Result:
        library = FlowLibrary(store, config.path(config.flows), slot_types(), config.country, system_now_ms)
        prompts = PromptLibrary(config.path(config.sounds.folder))
        return await work(FlowPublisher(library, configured_surroundings(config, prompts)), config)

    try:
        return with_store(run)
    except FlowConflict as conflict:
        raise conflict.reworded(f"{conflict}; {_hint(conflict)}") from conflict


def _hint(conflict: FlowConflict) -> str:
    app, seen, found = conflict.app, conflict.seen, conflict.found
    if conflict.kind is ConflictKind.DRAFT:
        if found is None:
            return "look with `ringflow flow draft list`"
        return f"`ringflow flow draft show {app}` prints it, --over {found} replaces it"
    newer = "file" if conflict.kind is ConflictKind.FILE else "published"
    look = f"`ringflow flow diff {app} {seen} {newer}` shows what changed" if seen and found else "look at it"
    if found is None:
        return f"{look}, and save the draft anew with `ringflow flow draft save`"
    onto = f"save it with `ringflow flow draft save {app} FILE --onto {found}`"
    return f"{look}. Take that into your text and {onto}, or replace it with --over {found}"


async def text_of(library: FlowLibrary, name: str, version: str) -> FlowText:
    """The text that `file`, `draft`, `published` or a revision stands for."""
    match version:
        case "file":
            return await library.text(name)
        case "draft":
            draft = await library.draft(name)
            return FlowText(draft.file, draft.app, draft.revision, draft.text)
        case "published":
            return await library.published_text(name)
        case _:
            return await library.old_text(name, version)
