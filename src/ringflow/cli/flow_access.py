"""How commands on flows open the folder and the database, name texts, and word what was changed meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from ringflow.cli.project import with_store
from ringflow.config import Config
from ringflow.flows.conflict import ConflictKind, FlowConflict
from ringflow.flows.publisher import FlowPublisher
from ringflow.moments import system_now_ms
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
        return await work(FlowPublisher.configured(config, store, system_now_ms), config)

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
