"""Flows as one graph: which slot follows which, by which exit, across all apps."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from ringflow.flows.draft import Draft
from ringflow.flows.slot import APP_PREFIX, NOT_SAID, Slot

Node: TypeAlias = tuple[str, int]
"""An app and the index of one of its slots."""

JUMP = "jump"
"""Stands for an exit where `run` itself leads to another app."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One way out of a slot. `target` is None where the call ends, or where it is not known to go on.

    `sets` are the variables that are certain to be set when it is taken.
    """

    exit: str
    target: Node | None
    sets: frozenset[str]


_Incoming: TypeAlias = dict[Node, list[tuple[Node, Edge]]]


class Graph:
    """The slots of all flows. Slots that are not usable, and targets that do not exist, end the call.

    So do ways into other apps from a slot that has problems: these are not to be told of other files. And so
    do ways on which a variable is set whose name is not told.
    """

    def __init__(self, drafts: Mapping[str, Draft]) -> None:
        self.drafts = drafts
        self.edges: dict[Node, tuple[Edge, ...]] = {
            (app, index): tuple(self._edges_of(app, draft, index))
            for app, draft in drafts.items()
            for index in range(len(draft.slots))
        }

    def _edges_of(self, app: str, draft: Draft, index: int) -> Iterator[Edge]:
        slot = draft.usable(index)
        if slot is None or slot.ends_call:
            yield Edge("done", None, frozenset())
            return
        for edge in self._ways_out(app, draft, index, slot):
            leaves = edge.target is not None and edge.target[0] != app
            ends = (leaves and draft.slots[index] is None) or NOT_SAID in edge.sets
            yield replace(edge, target=None) if ends else edge

    def _ways_out(self, app: str, draft: Draft, index: int, slot: Slot) -> Iterator[Edge]:
        sets = slot.sets()
        for exit_name in slot.exits:
            # An exit that is not the main one ends the call unless it is mapped (`Flow.step`).
            target = slot.on.get(exit_name, "next" if exit_name == slot.main_exit else "hangup")
            yield Edge(exit_name, self._node(app, draft, index, target), sets.get(exit_name, frozenset()))
        for jump in sorted(slot.jumps()):
            yield Edge(JUMP, self._start(jump), frozenset())

    def _node(self, app: str, draft: Draft, index: int, target: str) -> Node | None:
        if target == "next":
            return (app, index + 1) if index + 1 < len(draft.slots) else None
        if target.startswith(APP_PREFIX):
            return self._start(target.removeprefix(APP_PREFIX))
        # Of two slots with one id it is not known which was meant.
        return (app, draft.ids.index(target)) if draft.ids.count(target) == 1 else None

    def _start(self, app: str) -> Node | None:
        return (app, 0) if app in self.drafts and self.drafts[app].slots else None

    def label(self, node: Node, seen_from: str) -> str:
        """A slot's name in a problem of the app `seen_from`."""
        app, index = node
        label = self.drafts[app].label(index)
        return label if app == seen_from else f"{APP_PREFIX}{app}/{label}"

    def reached(self, starts: Iterable[Node]) -> set[Node]:
        """Every slot that calls which begin at `starts` may come to."""
        found = set(starts)
        waiting = deque(found)
        while waiting:
            for edge in self.edges[waiting.popleft()]:
                if edge.target is not None and edge.target not in found:
                    found.add(edge.target)
                    waiting.append(edge.target)
        return found

    def incoming(self) -> _Incoming:
        """For each slot, the slots and exits that lead to it."""
        found: _Incoming = {node: [] for node in self.edges}
        for node, edges in self.edges.items():
            for edge in edges:
                if edge.target is not None:
                    found[edge.target].append((node, edge))
        return found

    def endless_loops(self) -> list[tuple[Node, ...]]:
        """One loop for each set of slots that lead to each other and never to the call's end.

        Where every slot can lead to an end, every loop has a way out; so the slots that cannot are all there
        is to look at. A loop begins with its first slot, in the order of `drafts`.
        """
        incoming = self.incoming()
        trapped = self._trapped(incoming)
        loops: list[tuple[Node, ...]] = []
        told: set[Node] = set()
        for node in self.edges:
            if node in trapped and node not in told and (loop := self._shortest_loop(node)):
                # Slots that it leads to and that lead back belong to the same trap.
                told |= self.reached([node]) & _leading_to([node], incoming)
                loops.append(loop)
        return loops

    def _trapped(self, incoming: _Incoming) -> set[Node]:
        """Slots that cannot lead to an end, less those that only lead into the ones that loop."""
        ends = [node for node, edges in self.edges.items() if any(edge.target is None for edge in edges)]
        trapped = self.edges.keys() - _leading_to(ends, incoming)
        ways_in = {node: sum(before in trapped for before, _ in incoming[node]) for node in trapped}
        waiting = deque(node for node, count in ways_in.items() if not count)
        while waiting:
            node = waiting.popleft()
            trapped.remove(node)
            for edge in self.edges[node]:
                if edge.target is not None:
                    ways_in[edge.target] -= 1
                    if not ways_in[edge.target]:
                        waiting.append(edge.target)
        return trapped

    def _shortest_loop(self, start: Node) -> tuple[Node, ...]:
        came_from: dict[Node, Node] = {}
        waiting = deque([start])
        while waiting:
            node = waiting.popleft()
            for edge in self.edges[node]:
                if edge.target == start:
                    return _path_back(came_from, start, node)
                if edge.target is not None and edge.target not in came_from:
                    came_from[edge.target] = node
                    waiting.append(edge.target)
        return ()


def _leading_to(ends: Iterable[Node], incoming: _Incoming) -> set[Node]:
    found = set(ends)
    waiting = deque(found)
    while waiting:
        for before, _ in incoming[waiting.popleft()]:
            if before not in found:
                found.add(before)
                waiting.append(before)
    return found


def _path_back(came_from: Mapping[Node, Node], start: Node, end: Node) -> tuple[Node, ...]:
    path = [end]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return tuple(reversed(path))


def entry_nodes(graph: Graph, entries: frozenset[str], mentioned: Iterable[str]) -> set[Node]:
    """Where calls begin: apps in `entries`, and those that no other app leads to.

    `mentioned` are apps that flows with unusable slots may lead to. Apps that lead only to each other are
    entered at the first of them.
    """
    led_to = {
        edge.target[0]
        for (app, _), edges in graph.edges.items()
        for edge in edges
        if edge.target is not None and edge.target[0] != app
    } | set(mentioned)
    apps: Sequence[str] = sorted(app for app, draft in graph.drafts.items() if draft.slots)
    starts = {(app, 0) for app in apps if app in entries or app not in led_to}
    reached = graph.reached(starts)
    for app in apps:
        if (app, 0) not in reached and app not in mentioned:
            starts.add((app, 0))
            reached = graph.reached(starts)
    return starts
