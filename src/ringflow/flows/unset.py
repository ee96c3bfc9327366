"""Variables that may be unset where a slot uses them: what is certain to be set on every way to it."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import TypeAlias

from ringflow.errors import Problem, ProblemCode
from ringflow.flows.graph import FAILURE, JUMP, Edge, Graph, Node
from ringflow.flows.slot import NOT_SAID, Slot
from ringflow.flows.surroundings import Surroundings
from ringflow.flows.template import Template
from ringflow.wording import did_you_mean, known_words

MAX_SHOWN_STEPS = 6


_WayBack: TypeAlias = dict[Node, "tuple[Node, Edge] | None"]


@dataclass(frozen=True, slots=True)
class _Use:
    """One `${name}` without a default. `variable` is the variable of which `name` may be a part."""

    node: Node
    slot: Slot
    field: str
    template: Template
    name: str
    variable: str


def unset_problems(graph: Graph, starts: set[Node], surroundings: Surroundings) -> Iterator[Problem]:
    """A problem for each `${name}` not set on some way from `starts`.

    Slots that are never reached have none, but for names that nothing sets anywhere.
    """
    certainty = _Certainty(graph, starts, surroundings.always_set)
    without: dict[str, _WayBack] = {}
    known = surroundings.always_set | surroundings.sometimes_set
    namespaces = {name.partition(".")[0] for name in known if "." in name}
    known |= {name for edges in graph.edges.values() for edge in edges for name in edge.sets}
    known |= {name for call in graph.calls.values() for name in (*call.arguments, *call.results)}
    is_whole = NOT_SAID not in known and all(
        draft.usable(index) for draft in graph.drafts.values() for index in range(len(draft.slots))
    )
    known -= {NOT_SAID}
    known |= {name for app in graph.drafts for name in graph.initial((app, 0))}
    if is_whole:
        yield from _unknown(graph, namespaces, known, surroundings)
    for use in _uses(graph, namespaces):
        is_unknown = use.variable not in known and is_whole
        if use.variable in certainty.before.get(use.node, () if is_unknown else {use.variable}):
            continue
        if is_unknown:
            what, mend = _unknown_words(use.variable, _known_in(use.node[0], graph, surroundings))
        elif use.variable in surroundings.sometimes_set:
            what = f"`${{{use.name}}}` may be unset: not every call has it"
            mend = f"write ${{{use.name}|default}}"
        else:
            if use.variable not in without:
                without[use.variable] = certainty.ways_without(use.variable)
            way = _way_to(use.node, without[use.variable])
            what = f"`${{{use.name}}}` may be unset: {_explain(graph, certainty, use, way)}"
            mend = f"write ${{{use.name}|default}}, or set it first"
        app, index = use.node
        draft = graph.drafts[app]
        yield draft.document.problem(
            draft.find(index, use.field, use.template.text), what, mend, code=ProblemCode.VARIABLE_UNSET
        )


def _unknown(
    graph: Graph, namespaces: set[str], known: frozenset[str], surroundings: Surroundings
) -> Iterator[Problem]:
    """A problem for each variable that a slot asks for, whether it is set or not, and that nothing sets."""
    for node in graph.edges:
        draft = graph.drafts[node[0]]
        slot = draft.usable(node[1])
        for field, text, name in slot.tested() if slot is not None else ():
            first = name.partition(".")[0]
            variable = name if first in namespaces else first
            if variable not in known:
                place = draft.find(node[1], field, text)
                own = _known_in(node[0], graph, surroundings)
                yield draft.document.problem(
                    place, *_unknown_words(variable, own), code=ProblemCode.VARIABLE_UNSET
                )


def _known_in(app: str, graph: Graph, surroundings: Surroundings) -> frozenset[str]:
    """Return the variables that may be set in an app: by calls, by itself, and by apps that lead to it."""
    leading: dict[str, set[str]] = defaultdict(set)
    for node, edges in graph.edges.items():
        for edge in (*edges, *graph.failing(node)):
            if edge.target is not None:
                leading[edge.target[0]].add(node[0])
    apps, waiting = {app}, [app]
    while waiting:
        new = leading[waiting.pop()] - apps
        apps |= new
        waiting += new
    nodes = [node for node in graph.edges if node[0] in apps]
    known = set(surroundings.always_set | surroundings.sometimes_set)
    known |= {name for node in nodes for edge in graph.edges[node] for name in edge.sets}
    for node, called in graph.calls.items():
        if node[0] in apps:
            known |= called.results.keys()
        if called.app in apps:
            known |= set(called.arguments)
    known |= {name for one in apps if one in graph.drafts for name in graph.initial((one, 0))}
    return frozenset(known - {NOT_SAID})


def _unknown_words(variable: str, known: frozenset[str]) -> tuple[str, str]:
    near = did_you_mean(variable, known)
    return f"unknown variable `{variable}`", f"{near} known: {known_words(known)}".strip()


def _uses(graph: Graph, namespaces: set[str]) -> Iterator[_Use]:
    """Every use. `namespaces` are what stands before the dot in names that are given."""
    for node in graph.edges:
        slot = graph.drafts[node[0]].usable(node[1])
        if slot is None:
            continue
        for field, template in slot.templates():
            for name in sorted(template.required):
                first = name.partition(".")[0]
                yield _Use(node, slot, field, template, name, name if first in namespaces else first)


class _Certainty:
    """The variables set on all ways to each slot: the greatest fixed point.

    Slots are looked at in the order in which calls come to them, so that most are looked at once. An app that
    is called begins with its arguments alone. Of its variables those are set afterwards that are
    results, and are set on all ways to the exit by which it returns.
    """

    def __init__(self, graph: Graph, starts: set[Node], given: frozenset[str]) -> None:
        self.before: dict[Node, frozenset[str]] = {node: given | graph.initial(node) for node in starts}
        self._graph = graph
        self._starts = starts
        self._given = given
        self._callers: dict[str, list[Node]] = defaultdict(list)
        for node, called in graph.calls.items():
            self._callers[called.app].append(node)
        self._frames: dict[Node, list[str]] = defaultdict(list)
        """For slots of apps that are called: these apps."""
        for app in self._callers:
            for node in graph.body(app):
                self._frames[node].append(app)
        self._returned: dict[tuple[str, str], frozenset[str]] = {}
        """What is certain to be set where an app returns by an exit."""
        self._order = {node: place for place, node in enumerate(graph.in_order(sorted(starts)))}
        self._nodes = list(self._order)
        self._waiting = [self._order[node] for node in starts]
        heapify(self._waiting)
        while self._waiting:
            place = heappop(self._waiting)
            if not self._waiting or self._waiting[0] != place:
                self._go_on_from(self._nodes[place])

    def sets(self, node: Node, edge: Edge) -> frozenset[str] | None:
        """What a way out of a slot sets for certain; None where no way to it has been found."""
        called = self._graph.calls.get(node)
        if called is None:
            return edge.sets | edge.ensures if edge.ensures else edge.sets
        if self._graph.returns(called.app) is None:
            # An app with problems may set what it is asked for.
            return edge.sets | called.results.keys()
        returned = self._returned.get((called.app, edge.exit))
        if returned is None:
            return None
        return edge.sets | {here for here, there in called.results.items() if there in returned}

    def is_start(self, node: Node) -> bool:
        """Whether calls begin at a slot."""
        return node in self._starts

    def begun_without(self, app: str, name: str) -> Node | None:
        """The first slot that calls an app without this argument."""
        return next(
            (
                node
                for node in self._callers.get(app, ())
                if node in self.before and name not in self._graph.calls[node].arguments
            ),
            None,
        )

    def ways_without(self, name: str) -> _WayBack:
        """The shortest ways on which the variable is not set: for each slot, the step before."""
        called = {(app, 0) for app in self._callers if self.begun_without(app, name) is not None}
        begun = (*sorted(self._starts), *sorted(called))
        back: _WayBack = dict.fromkeys(one for one in begun if name not in self._graph.initial(one))
        waiting = deque(back)
        while waiting:
            node = waiting.popleft()
            for edge in (*self._graph.edges[node], *self._graph.failing(node)):
                sets = edge.sets if edge.exit == FAILURE else self.sets(node, edge)
                if (
                    edge.target is not None
                    and edge.target not in back
                    and sets is not None
                    and name not in sets | self._graph.initial(edge.target)
                ):
                    back[edge.target] = (node, edge)
                    waiting.append(edge.target)
        return back

    def _go_on_from(self, node: Node) -> None:
        called = self._graph.calls.get(node)
        if called is not None:
            self._meet((called.app, 0), self._given | called.arguments)
        for failed in self._graph.failing(node):
            if failed.target is not None:
                self._meet(failed.target, self.before[node])
        for edge in self._graph.edges[node]:
            sets = self.sets(node, edge)
            if sets is None:
                continue
            after = self.before[node] | sets
            if edge.target is not None:
                self._meet(edge.target, after)
            if edge.returns is not None:
                for app in self._frames.get(node, ()):
                    self._meet_return(app, edge.returns, after)

    def _meet(self, node: Node, certain: frozenset[str]) -> None:
        certain |= self._graph.initial(node)
        before = self.before.get(node)
        met = certain if before is None else before & certain
        if met != before:
            self.before[node] = met
            heappush(self._waiting, self._order[node])

    def _meet_return(self, app: str, exit_name: str, certain: frozenset[str]) -> None:
        before = self._returned.get((app, exit_name))
        met = certain if before is None else before & certain
        if met != before:
            self._returned[app, exit_name] = met
            for node in self._callers[app]:
                if node in self.before:
                    heappush(self._waiting, self._order[node])


def _way_to(end: Node, back: _WayBack) -> list[tuple[Node, Edge]]:
    way: list[tuple[Node, Edge]] = []
    while (step := back[end]) is not None:
        way.append(step)
        end = step[0]
    return way[::-1]


def _explain(graph: Graph, certainty: _Certainty, use: _Use, way: list[tuple[Node, Edge]]) -> str:
    app = use.node[0]
    for node, taken in reversed(way):
        setting = [
            edge.exit for edge in graph.edges[node] if use.variable in (certainty.sets(node, edge) or ())
        ]
        if setting:
            how = {JUMP: "jumps", FAILURE: "may fail"}.get(taken.exit, f"ends by `{taken.exit}`")
            return f"{graph.label(node, app)} {how}, and only `{'`, `'.join(setting)}` sets it"
    first = way[0][0] if way else use.node
    caller = certainty.begun_without(first[0], use.variable) if first[1] == 0 else None
    if caller is not None and not certainty.is_start(first):
        return f"{graph.label(caller, app)} calls {first[0]} without it among the `arguments`"
    steps = [graph.label(node, app) for node, _ in way] + [graph.label(use.node, app)]
    if len(steps) == 1:
        return "nothing sets it before this slot"
    if len(steps) > MAX_SHOWN_STEPS:
        steps = [*steps[: MAX_SHOWN_STEPS - 2], "...", steps[-1]]
    return f"nothing sets it on the way {' -> '.join(steps)}"
