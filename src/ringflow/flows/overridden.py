"""Which schedules operators can override, by the names that flows give them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ringflow.errors import Problem, ProblemCode
from ringflow.flows.draft import Draft
from ringflow.flows.slot import Slot
from ringflow.wording import did_you_mean, known_words


@dataclass(slots=True)
class Overridden:
    """The schedules of one name: all exits that they have, and their time zones, None: the operator's."""

    exits: set[str] = field(default_factory=set)
    zones: set[str | None] = field(default_factory=set)


def overridden(slots: Iterable[Slot]) -> dict[str, Overridden]:
    """Return what can be overridden, by name."""
    found: dict[str, Overridden] = {}
    for slot in slots:
        if (named := slot.overridden_as()) is not None:
            name, zone = named
            one = found.setdefault(name, Overridden())
            one.exits |= set(slot.exits)
            one.zones.add(zone)
    return found


def override_problems(drafts: Sequence[Draft]) -> Iterator[Problem]:
    """What is wrong with slots that override schedules: no schedule has the name, or none has the exit."""
    is_whole = all(draft.is_complete for draft in drafts)
    usable = [(draft, index, slot) for draft in drafts for index, slot in _usable(draft)]
    known = overridden(slot for _, _, slot in usable)
    for draft, index, slot in usable:
        said = slot.overrides()
        if said is None:
            continue
        name, state = said
        if name not in known:
            if is_whole:
                what = f"no schedule has `override: {name}`"
                mend = did_you_mean(name, known, _names(known))
                yield draft.document.problem(
                    draft.at(index, "name"), what, mend, code=ProblemCode.OVERRIDE_UNKNOWN
                )
        elif state is not None and state not in known[name].exits:
            what = f"no schedule with `override: {name}` has the exit `{state}`"
            mend = did_you_mean(state, known[name].exits, f"exits: {known_words(known[name].exits)}")
            yield draft.document.problem(
                draft.at(index, "state"), what, mend, code=ProblemCode.OVERRIDE_UNKNOWN
            )


def _names(known: Mapping[str, Overridden]) -> str:
    return f"names: {known_words(known)}" if known else "give a slot `schedule` a name with `override`"


def _usable(draft: Draft) -> Iterator[tuple[int, Slot]]:
    for index in range(len(draft.slots)):
        slot = draft.usable(index)
        if slot is not None:
            yield index, slot
