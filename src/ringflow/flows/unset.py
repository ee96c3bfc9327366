"""Variables that may be unset where a slot uses them: what is certain to be set on every way to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from ringflow.errors import Problem
from ringflow.flows.graph import JUMP, Edge, Graph, Node
from ringflow.flows.slot import NOT_SAID, Slot
from ringflow.flows.surroundings import Surroundings
from ringflow.flows.template import Template
from ringflow.wording import did_you_mean, known_words

MAX_SHOWN_STEPS = 6


_WayBack: TypeAlias = dict[Node, "tuple[Node, Edge] | None"]


@dataclass(frozen=True, slots=True)
class _Use:
    """One `${name}` without a default."""

    node: Node
    slot: Slot
    field: str
    template: Template
    name: str


def unset_problems(graph: Graph, starts: set[Node], surroundings: Surroundings) -> Iterator[Problem]:
    """A problem for each `${name}` not set on some way from `starts`.

    Slots that are never reached have none, but for names that nothing sets anywhere.
    """
    certain = _certain(graph, starts, surroundings.always_set)
    without: dict[str, _WayBack] = {}
    known = surroundings.always_set | surroundings.sometimes_set
    known |= {name for edges in graph.edges.values() for edge in edges for name in edge.sets}
    is_whole = NOT_SAID not in known and all(
        draft.usable(index) for draft in graph.drafts.values() for index in range(len(draft.slots))
    )
    known -= {NOT_SAID}
    for use in _uses(graph):
        is_unknown = use.name not in known and is_whole
        if use.name in certain.get(use.node, () if is_unknown else {use.name}):
            continue
        if is_unknown:
            near = did_you_mean(use.name, known)
            what, mend = f"unknown variable `{use.name}`", f"{near} known: {known_words(known)}".strip()
        elif use.name in surroundings.sometimes_set:
            what = f"`${{{use.name}}}` may be unset: not every call has it"
            mend = f"write ${{{use.name}|default}}"
        else:
            if use.name not in without:
                without[use.name] = _ways_without(graph, use.name, starts)
            why = _explain(graph, use, _way_to(use.node, without[use.name]))
            what = f"`${{{use.name}}}` may be unset: {why}"
            mend = f"write ${{{use.name}|default}}, or set it first"
        app, index = use.node
        draft = graph.drafts[app]
        yield draft.document.problem(draft.find(index, use.field, use.template.text), what, mend)


def _uses(graph: Graph) -> Iterator[_Use]:
    for node in graph.edges:
        slot = graph.drafts[node[0]].usable(node[1])
        if slot is None:
            continue
        for field, template in slot.templates():
            for name in sorted(template.required):
                yield _Use(node, slot, field, template, name)


def _certain(graph: Graph, starts: set[Node], given: frozenset[str]) -> dict[Node, frozenset[str]]:
    """For every slot that calls can reach, the variables set on all ways to it: the greatest fixed point."""
    certain = dict.fromkeys(starts, given)
    waiting = deque(starts)
    while waiting:
        node = waiting.popleft()
        for edge in graph.edges[node]:
            if edge.target is None:
                continue
            after = certain[node] | edge.sets
            before = certain.get(edge.target)
            met = after if before is None else before & after
            if met != before:
                certain[edge.target] = met
                waiting.append(edge.target)
    return certain


def _ways_without(graph: Graph, name: str, starts: set[Node]) -> _WayBack:
    """The shortest ways from `starts` on which the variable is not set: for each slot, the step before."""
    back: _WayBack = dict.fromkeys(sorted(starts))
    waiting = deque(back)
    while waiting:
        node = waiting.popleft()
        for edge in graph.edges[node]:
            if edge.target is not None and edge.target not in back and name not in edge.sets:
                back[edge.target] = (node, edge)
                waiting.append(edge.target)
    return back


def _way_to(end: Node, back: _WayBack) -> list[tuple[Node, Edge]]:
    way: list[tuple[Node, Edge]] = []
    while (step := back[end]) is not None:
        way.append(step)
        end = step[0]
    return way[::-1]


def _explain(graph: Graph, use: _Use, way: list[tuple[Node, Edge]]) -> str:
    app = use.node[0]
    for node, taken in reversed(way):
        setting = [edge.exit for edge in graph.edges[node] if use.name in edge.sets]
        if setting:
            how = "jumps" if taken.exit == JUMP else f"ends by `{taken.exit}`"
            return f"{graph.label(node, app)} {how}, and only `{'`, `'.join(setting)}` sets it"
    steps = [graph.label(node, app) for node, _ in way] + [graph.label(use.node, app)]
    if len(steps) == 1:
        return "nothing sets it before this slot"
    if len(steps) > MAX_SHOWN_STEPS:
        steps = [*steps[: MAX_SHOWN_STEPS - 2], "...", steps[-1]]
    return f"nothing sets it on the way {' -> '.join(steps)}"
