"""The flows of an installation on one page: what leads to each of them, and what is wrong with it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass

from ringflow.accounts import dids
from ringflow.accounts.dids import DidFilter
from ringflow.documents import Document
from ringflow.errors import Problem, Unknown
from ringflow.flows.library import FlowState
from ringflow.flows.publisher import FlowPublisher
from ringflow.flows.uses import callers_by_app
from ringflow.store.pages import PageRequest

MAX_DIDS = 20
"""How many of an app's DIDs are named."""


@dataclass(frozen=True, slots=True)
class FlowOverview:
    """One flow. `dids` are the first DIDs that lead to it, `has_more_dids` whether there are others.

    `used_by` are the apps that lead to it; `problems` are of its file as it stands in the folder here.
    """

    state: FlowState
    title: str
    dids: tuple[str, ...]
    has_more_dids: bool
    used_by: tuple[str, ...]
    problems: tuple[Problem, ...]


async def flow_overviews(publisher: FlowPublisher, silent_s: float) -> list[FlowOverview]:
    """Return all flows, by app. Servers that have not said for `silent_s` that they live are left out."""
    library = publisher.library
    states = await library.states(silent_s)
    drafts, _ = await asyncio.to_thread(library.folder.drafts)
    by_file = {path.rpartition("/")[2]: draft for path, draft in drafts.items()}
    callers = callers_by_app([*drafts.values()])
    wrong: dict[str, list[Problem]] = defaultdict(list)
    for problem in await publisher.problems():
        wrong[problem.path.rpartition("/")[2]].append(problem)
    found = []
    async with library.store.reading() as connection:
        for one in states:
            page = await dids.page(connection, DidFilter(app=one.app), PageRequest(MAX_DIDS))
            draft = by_file.get(one.file)
            found.append(
                FlowOverview(
                    state=one,
                    title="" if draft is None else _title(draft.document),
                    dids=tuple(did.number for did in page.items),
                    has_more_dids=page.next is not None,
                    used_by=callers.get(one.app, ()),
                    problems=tuple(wrong[one.file]),
                )
            )
    return found


async def flow_overview(publisher: FlowPublisher, name: str, silent_s: float) -> FlowOverview:
    """Return one flow, by its app or its file. Raises `Refused` where there is none."""
    file = await publisher.library.file_of(name)
    for one in await flow_overviews(publisher, silent_s):
        if one.state.file == file:
            return one
    raise Unknown("flow.unknown", f"there is no flow {name} any more", flow=name)


def _title(document: Document) -> str:
    found = document.at(("title",))
    return found if isinstance(found, str) else ""
