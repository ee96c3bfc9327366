"""Flows as one graph: which slot follows which, by which exit, across all apps.

A slot that calls an app is followed by the slots to which its exits lead, and these exits are those by which
the app returns: `Graph.returns`. The slots of the app itself are reached through `Graph.calls`, by a frame of
its own.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from ringflow.flows.draft import Draft
from ringflow.flows.slot import APP_PREFIX, DONE, NOT_SAID, RETURN_PREFIX, AppCall, Slot

FAILURE = "failure"
"""Stands for an exit where a slot fails and the app says by `on_error` where the call goes on."""

Node: TypeAlias = tuple[str, int]
"""An app and the index of one of its slots."""

JUMP = "jump"
"""Stands for an exit where `run` itself leads to another app."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One way out of a slot. `target` is None where the app ends, or where it is not known how it goes on.

    `returns` is the exit by which the app returns there if another one called it; None: the call ends. `sets`
    are the variables that are certain to be set when it is taken, apart from results of an app that is
    called; `ensures` are those that the exit shows to have been set before.
    """

    exit: str
    target: Node | None
    sets: frozenset[str]
    returns: str | None = None
    ensures: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Body:
    """What a frame that begins in an app may pass through: slots in it, and exits by which it returns.

    `is_known`: none of the slots has problems, so that it has no further exits.
    """

    slots: set[Node] = field(default_factory=set)
    exits: set[str] = field(default_factory=set)
    is_known: bool = True


_Incoming: TypeAlias = dict[Node, list[Node]]
_NOWHERE = Edge(DONE, None, frozenset())


class Graph:
    """The slots of all flows. Slots that are not usable, and targets that do not exist, end the call.

    So do ways into other apps from a slot that has problems: these are not to be told of other files. And so
    do ways on which a variable is set whose name is not told.
    """

    def __init__(self, drafts: Mapping[str, Draft]) -> None:
        self.drafts = drafts
        self.calls: dict[Node, AppCall] = {}
        """The slots that call an app which is among `drafts`."""
        self.edges: dict[Node, tuple[Edge, ...]] = {}
        self.failures: dict[str, Node] = {
            app: target for app, draft in drafts.items() if (target := self._on_error(app, draft)) is not None
        }
        """For each app that says so, where the call goes on when one of its slots fails."""
        self._bodies: dict[str, _Body] = {}
        for app, draft in drafts.items():
            for index in range(len(draft.slots)):
                called = self._called(draft, index)
                if called is not None:
                    self.calls[app, index] = called
                self.edges[app, index] = (
                    () if called is not None else tuple(self._edges_of(app, draft, index))
                )
        self._follow_calls()

    def body(self, app: str) -> frozenset[Node]:
        """The slots that a frame may pass through which begins in an app that is called."""
        return frozenset(self._bodies[app].slots)

    def returns(self, app: str) -> frozenset[str] | None:
        """The exits by which an app that is called returns; None where its problems leave that open."""
        body = self._bodies[app]
        return frozenset(body.exits) if body.is_known else None

    def failing(self, node: Node) -> Iterator[Edge]:
        """The way out of a slot that fails, where its app has one. It is none that a loop can count on."""
        target = self.failures.get(node[0])
        if target is not None:
            yield Edge(FAILURE, target, frozenset())

    def initial(self, node: Node) -> frozenset[str]:
        """The variables that an app sets itself before its first slot; none for any other slot."""
        app, index = node
        settings = self.drafts[app].settings if index == 0 else None
        return frozenset(settings.variables) if settings is not None else frozenset()

    def begins(self, node: Node) -> Node | None:
        """The first slot of the app that a slot calls; None where it calls none that is there."""
        called = self.calls.get(node)
        return (called.app, 0) if called is not None else None

    def _called(self, draft: Draft, index: int) -> AppCall | None:
        slot = draft.usable(index)
        called = slot.app_call() if slot is not None else None
        is_there = (
            called is not None and draft.slots[index] is not None and self._start(called.app) is not None
        )
        return called if is_there else None

    def _follow_calls(self) -> None:
        """Find by which exits the apps that are called return, and so where the slots that call them lead.

        The least such exits: an app that returns only after it has called itself never returns.
        """
        callers: dict[str, set[Node]] = defaultdict(set)
        for node, called in self.calls.items():
            callers[called.app].add(node)
        waiting = deque(callers)
        while waiting:
            app = waiting.popleft()
            before, body = self._bodies.get(app), self._walk_frame(app)
            self._bodies[app] = body
            if before is not None and (before.exits, before.is_known) == (body.exits, body.is_known):
                continue
            for node in callers[app]:
                self.edges[node] = tuple(self._edges_after_call(node))
            waiting += [one for one, other in self._bodies.items() if other.slots & callers[app]]

    def _walk_frame(self, app: str) -> _Body:
        body = _Body({(app, 0)})
        waiting = deque(body.slots)
        while waiting:
            node = waiting.popleft()
            body.is_known &= self._is_known(node)
            for edge in self.edges[node]:
                if edge.returns is not None:
                    body.exits.add(edge.returns)
            for target in self._led_to(node):
                if target not in body.slots:
                    body.slots.add(target)
                    waiting.append(target)
        return body

    def _led_to(self, node: Node) -> Iterator[Node]:
        """The slots that follow in the same frame, after a failure too."""
        for edge in (*self.edges[node], *self.failing(node)):
            if edge.target is not None:
                yield edge.target

    def _is_known(self, node: Node) -> bool:
        """Whether it is known where a slot leads: it has no problems, and its targets are there."""
        app, index = node
        draft = self.drafts[app]
        slot, called = draft.slots[index], self.calls.get(node)
        if slot is None or (called is not None and not self._bodies.get(called.app, _Body()).is_known):
            return False
        targets = (target for target in slot.targets.values() if target not in ("next", "hangup"))
        led = {self._node(app, draft, index, one) for one in targets if not one.startswith(RETURN_PREFIX)}
        jumps = {self._start(one) for one in slot.named_apps()}
        return None not in led | jumps

    def _edges_after_call(self, node: Node) -> Iterator[Edge]:
        app, index = node
        draft = self.drafts[app]
        slot, body = draft.slots[index], self._bodies[self.calls[node].app]
        assert slot is not None, "a slot with problems calls nothing"
        # What has problems may return by any exit that is asked for.
        exits = body.exits if body.is_known else body.exits.union(slot.exits)
        for exit_name in sorted(exits):
            yield self._way_out(app, draft, index, slot, exit_name)

    def _edges_of(self, app: str, draft: Draft, index: int) -> Iterator[Edge]:
        slot = draft.usable(index)
        if slot is None or slot.ends_call:
            yield _NOWHERE
            return
        for edge in self._ways_out(app, draft, index, slot):
            leaves = edge.target is not None and edge.target[0] != app
            ends = (leaves and draft.slots[index] is None) or NOT_SAID in edge.sets
            yield replace(edge, target=None, returns=None) if ends else edge

    def _ways_out(self, app: str, draft: Draft, index: int, slot: Slot) -> Iterator[Edge]:
        called = slot.app_call()
        # An app that is not there is taken to set every result.
        results = frozenset(called.results) if called is not None else frozenset()
        for exit_name in slot.exits:
            edge = self._way_out(app, draft, index, slot, exit_name)
            yield replace(edge, sets=edge.sets | results) if results else edge
        for jump in sorted(slot.jumps()):
            yield Edge(JUMP, self._start(jump), frozenset())

    def _way_out(self, app: str, draft: Draft, index: int, slot: Slot, exit_name: str) -> Edge:
        """Where an exit leads: as `Flow.step` has it."""
        edge = self._target_of(app, draft, index, slot, exit_name)
        ensured = slot.ensures().get(exit_name)
        return replace(edge, ensures=ensured) if ensured else edge

    def _target_of(self, app: str, draft: Draft, index: int, slot: Slot, exit_name: str) -> Edge:
        sets = slot.sets().get(exit_name, frozenset())
        target = slot.targets.get(exit_name)
        if target is None and exit_name != slot.main_exit:
            return Edge(exit_name, None, sets, returns=exit_name)
        if target is None or target == "next":
            if index + 1 < len(draft.slots):
                return Edge(exit_name, (app, index + 1), sets)
            return Edge(exit_name, None, sets, returns=DONE)
        if target.startswith(RETURN_PREFIX):
            return Edge(exit_name, None, sets, returns=target.removeprefix(RETURN_PREFIX))
        return Edge(exit_name, self._node(app, draft, index, target), sets)

    def _on_error(self, app: str, draft: Draft) -> Node | None:
        target = draft.settings.on_error if draft.settings is not None else None
        return None if target is None else self._node(app, draft, 0, target)

    def _node(self, app: str, draft: Draft, index: int, target: str) -> Node | None:
        if target.startswith(APP_PREFIX):
            return self._start(target.removeprefix(APP_PREFIX))
        # Of two slots with one id it is not known which was meant.
        return (app, draft.ids.index(target)) if draft.ids.count(target) == 1 else None

    def _start(self, app: str) -> Node | None:
        return (app, 0) if app in self.drafts and self.drafts[app].slots else None

    def following(self, node: Node) -> Iterator[Node]:
        """The slots that a call may come to next: those that the exits lead to, and an app that is called."""
        yield from (edge.target for edge in self.edges[node] if edge.target is not None)
        begun = self.begins(node)
        if begun is not None:
            yield begun

    def coming_after(self, node: Node) -> Iterator[Node]:
        """The same, and where the call goes on if the slot fails."""
        yield from self.following(node)
        yield from (edge.target for edge in self.failing(node) if edge.target is not None)

    def label(self, node: Node, seen_from: str) -> str:
        """A slot's name in a problem of the app `seen_from`."""
        app, index = node
        label = self.drafts[app].label(index)
        return label if app == seen_from else f"{APP_PREFIX}{app}/{label}"

    def reached(self, starts: Iterable[Node]) -> set[Node]:
        """Every slot that calls which begin at `starts` may come to."""
        return _spread(starts, self.coming_after)

    def reached_within(self, app: str) -> set[Node]:
        """The slots of an app that calls which begin in it may come to.

        Other apps lead to its first slot only, so nothing is gained by going through them.
        """
        return _spread([(app, 0)], lambda node: (one for one in self._led_to(node) if one[0] == app))

    def in_order(self, starts: Iterable[Node]) -> list[Node]:
        """The slots that calls which begin at `starts` may come to, each before those that follow it.

        Where slots lead to each other, one of them has to be first.
        """
        left: list[Node] = []
        found: set[Node] = set()
        for start in starts:
            if start in found:
                continue
            found.add(start)
            way = [(start, self.coming_after(start))]
            while way:
                node, after = way[-1]
                following = next((one for one in after if one not in found), None)
                if following is None:
                    left.append(node)
                    way.pop()
                else:
                    found.add(following)
                    way.append((following, self.coming_after(following)))
        return left[::-1]

    def _incoming(self) -> _Incoming:
        """For each slot, the slots that it may follow, once for each exit."""
        found: _Incoming = {node: [] for node in self.edges}
        for node in self.edges:
            for after in self.following(node):
                found[after].append(node)
        return found

    def endless_loops(self) -> list[tuple[Node, ...]]:
        """One loop for each set of slots that lead to each other and never to the end of the call or the app.

        Where every slot can lead to an end, every loop has a way out; so the slots that cannot are all there
        is to look at. A loop begins with its first slot, in the order of `drafts`. Apps that call each other
        and never return are a loop too.
        """
        incoming = self._incoming()
        trapped = self._trapped(incoming)
        loops: list[tuple[Node, ...]] = []
        told: set[Node] = set()
        for node in self.edges:
            if node in trapped and node not in told and (loop := self._shortest_loop(node)):
                # Slots that it leads to and that lead back belong to the same trap.
                told |= _leading_to([node], incoming) & _spread([node], self.following)
                loops.append(loop)
        return loops

    def _trapped(self, incoming: _Incoming) -> set[Node]:
        """Slots that cannot lead to an end, less those that only lead into the ones that loop."""
        trapped = self.edges.keys() - self._ending(incoming)
        ways_in = {node: sum(before in trapped for before in incoming[node]) for node in trapped}
        waiting = deque(node for node, count in ways_in.items() if not count)
        while waiting:
            node = waiting.popleft()
            trapped.remove(node)
            for after in self.following(node):
                if after in ways_in:
                    ways_in[after] -= 1
                    if not ways_in[after]:
                        waiting.append(after)
        return trapped

    def _ending(self, incoming: _Incoming) -> set[Node]:
        """Slots from which the call may end, or the app return: itself, not only an app that it calls."""
        ends = [
            node
            for node, edges in self.edges.items()
            if any(edge.target is None and edge.returns is None for edge in edges)
        ]
        # The call may also end in an app that is called; but where that returns, the call goes on.
        hanging_up = _leading_to(ends, incoming)
        returning = [
            node for node, edges in self.edges.items() if any(edge.returns is not None for edge in edges)
        ]
        within = incoming
        if self.calls:
            within = {node: [] for node in self.edges}
            for node, edges in self.edges.items():
                for edge in edges:
                    if edge.target is not None:
                        within[edge.target].append(node)
        return _leading_to([*hanging_up, *returning], within)

    def _shortest_loop(self, start: Node) -> tuple[Node, ...]:
        came_from: dict[Node, Node] = {}
        waiting = deque([start])
        while waiting:
            node = waiting.popleft()
            for after in self.following(node):
                if after == start:
                    return _path_back(came_from, start, node)
                if after not in came_from:
                    came_from[after] = node
                    waiting.append(after)
        return ()


def _spread(starts: Iterable[Node], follow: Callable[[Node], Iterable[Node]]) -> set[Node]:
    found = set(starts)
    waiting = deque(found)
    while waiting:
        for node in follow(waiting.popleft()):
            if node not in found:
                found.add(node)
                waiting.append(node)
    return found


def _leading_to(ends: Iterable[Node], incoming: _Incoming) -> set[Node]:
    found = set(ends)
    waiting = deque(found)
    while waiting:
        for before in incoming[waiting.popleft()]:
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
    led_to = {after for node in graph.edges for after, _ in graph.coming_after(node) if after != node[0]}
    led_to |= set(mentioned)
    apps: Sequence[str] = sorted(app for app, draft in graph.drafts.items() if draft.slots)
    starts = {(app, 0) for app in apps if app in entries or app not in led_to}
    reached = graph.reached(starts)
    for app in apps:
        if (app, 0) not in reached and app not in mentioned:
            starts.add((app, 0))
            reached = graph.reached(starts)
    return starts
