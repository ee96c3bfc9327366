"""What a flow uses, and what uses it: found in the texts of all flows of the folder, and among the DIDs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ringflow.flows.draft import Draft
from ringflow.flows.slot import Slot


@dataclass(frozen=True, slots=True)
class SlotPlace:
    """A slot of an app, by its name in transcripts, and the line on which it stands."""

    app: str
    slot: str
    line: int


@dataclass(frozen=True, slots=True)
class FlowUses:
    """What a flow leads to and needs. `used_by` are the slots of other flows that lead to it."""

    used_by: tuple[SlotPlace, ...]
    apps: tuple[str, ...]
    prompts: tuple[str, ...]
    lists: tuple[str, ...]
    calendars: tuple[str, ...]


def uses_of(app: str, drafts: Iterable[Draft]) -> FlowUses:
    """Return what the app of this name uses, and which other apps lead to it."""
    drafts = tuple(drafts)
    own = [slot for draft in drafts if draft.app == app for _, _, slot in _slots(draft)]
    others = [draft for draft in drafts if draft.app != app]
    return FlowUses(
        used_by=tuple(places(others, lambda slot: app in slot.apps())),
        apps=_sorted(one for slot in own for one in slot.apps()),
        prompts=_sorted(prompt for slot in own for _, prompt in slot.prompts()),
        lists=_sorted(name for slot in own for _, name in slot.lists()),
        calendars=_sorted(name or file or "" for slot in own for _, name, file in slot.holiday_calendars()),
    )


def places(drafts: Iterable[Draft], wanted: Callable[[Slot], bool]) -> Iterator[SlotPlace]:
    """Return the slots that are wanted, in the order of their files."""
    for draft in drafts:
        for within, index, slot in _slots(draft):
            if wanted(slot):
                line, _ = within.document.place(within.at(index))
                yield SlotPlace(draft.app or "", within.label(index), line)


def callers_by_app(drafts: Sequence[Draft]) -> Mapping[str, tuple[str, ...]]:
    """Return for each app the other apps that lead to it."""
    found: dict[str, set[str]] = {}
    for draft in drafts:
        for _, _, slot in _slots(draft):
            for app in slot.apps():
                if app != draft.app and draft.app is not None:
                    found.setdefault(app, set()).add(draft.app)
    return {app: tuple(sorted(callers)) for app, callers in found.items()}


def _slots(draft: Draft) -> Iterator[tuple[Draft, int, Slot]]:
    """Every slot of which it is known what it would do, also those after the caller is gone."""
    for within in (draft, draft.on_hangup):
        for index in range(len(within.slots)) if within is not None else ():
            slot = within.usable(index) if within is not None else None
            if within is not None and slot is not None:
                yield within, index, slot


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({one for one in names if one}))
