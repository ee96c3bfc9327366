"""Which new revisions of flow files may go into service, so that those there are always a consistent set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ringflow.errors import Problem
from ringflow.flows.draft import Draft

Check: TypeAlias = Callable[[Sequence[Draft]], list[Problem]]
Fault: TypeAlias = tuple[str, int, int, str]


@dataclass(frozen=True, slots=True)
class Accepted:
    """`good` are the drafts in service, by file; `problems` all that is wrong with the files as they are."""

    good: Mapping[str, Draft]
    problems: tuple[Problem, ...]


def accept(good: Mapping[str, Draft], newest: Mapping[str, Draft], check: Check) -> Accepted:
    """Take from `newest` what does no harm to what stays from `good`; files that are gone are taken out.

    A revision in service stays when a change elsewhere makes it faulty; the change waits instead. Only a file
    that was deleted cannot be kept.
    """
    check = _once(check)
    staying = {path: draft for path, draft in good.items() if path in newest}
    as_written = check(list(newest.values()))
    changed = {path for path, draft in newest.items() if staying.get(path) is not draft}
    faulty = _paths(as_written)
    taken, held_back = _without_faulty(staying, newest, changed - faulty, check)
    tolerated = faults(check(list(staying.values()))) if staying else frozenset()
    if not _harmless(_merged(staying, newest, taken), tolerated, check):
        taken = _one_by_one(staying, newest, taken, tolerated, check)
    return Accepted(_merged(staying, newest, taken), tuple(sorted({*as_written, *held_back})))


def _once(check: Check) -> Check:
    """The same, done once for the same drafts: where all is well, what is taken is what is written."""
    found: dict[frozenset[int], list[Problem]] = {}

    def checked(drafts: Sequence[Draft]) -> list[Problem]:
        which = frozenset(map(id, drafts))
        if which not in found:
            found[which] = check(drafts)
        return found[which]

    return checked


def _without_faulty(
    staying: Mapping[str, Draft], newest: Mapping[str, Draft], changed: set[str], check: Check
) -> tuple[set[str], set[Problem]]:
    """Leave out changed files that have problems because others were left out, until none is left."""
    held_back: set[Problem] = set()
    while True:
        found = check(list(_merged(staying, newest, changed).values()))
        faulty = _paths(found) & changed
        if not faulty:
            return changed, held_back
        held_back.update(problem for problem in found if problem.path in faulty)
        changed = changed - faulty


def _one_by_one(
    staying: Mapping[str, Draft],
    newest: Mapping[str, Draft],
    changed: Iterable[str],
    tolerated: frozenset[Fault],
    check: Check,
) -> set[str]:
    taken: set[str] = set()
    for path in sorted(changed):
        if _harmless(_merged(staying, newest, {*taken, path}), tolerated, check):
            taken.add(path)
    return taken


def _harmless(drafts: Mapping[str, Draft], tolerated: frozenset[Fault], check: Check) -> bool:
    return tolerated.issuperset(faults(check(list(drafts.values()))))


def _merged(
    staying: Mapping[str, Draft], newest: Mapping[str, Draft], changed: Iterable[str]
) -> dict[str, Draft]:
    return {**staying, **{path: newest[path] for path in changed}}


def faults(problems: Iterable[Problem]) -> frozenset[Fault]:
    """The problems without what they say of other files, to be compared with those of other times."""
    # Without the mend: it lists what else there is, and so changes with other files.
    return frozenset((one.path, one.line, one.column, one.what) for one in problems)


def _paths(problems: Iterable[Problem]) -> set[str]:
    return {problem.path for problem in problems}
