"""A flow as a picture needs it: its slots in order, each with its exits, where they lead and stand.

It is made of what a text says, also of one with problems: a slot that cannot be read has no exits, and an
exit that leads nowhere says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ringflow.documents import Value
from ringflow.flows.draft import Draft
from ringflow.flows.graph import JUMP
from ringflow.flows.slot import APP_PREFIX, NOT_SAID, RETURN_PREFIX, Slot


class Way(StrEnum):
    """What an exit leads to."""

    SLOT = "slot"
    APP = "app"
    """The first slot of another app, for good."""
    RETURN = "return"
    """Back to the slot that called this app."""
    HANGUP = "hangup"
    END = "end"
    """The app ends, by the main exit of its last slot or because the exit leads nowhere."""
    MISSING = "missing"
    """A slot that is not there."""


@dataclass(frozen=True, slots=True)
class PictureExit:
    """One exit of a slot. `target` is as written, None: nothing is written and what is usual holds.

    `position` is that of the slot that it leads to, `app` the app, `returns` the exit by which the app
    returns. `line` and `column` are those of the target, or of the slot where none is written.
    """

    exit: str
    target: str | None
    way: Way
    position: int | None
    app: str | None
    returns: str | None
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class PictureSlot:
    """One slot. `label` is its name in transcripts, `type` None: it has none that is known.

    `fields` are its fields as they are written. `calls` is the app that it calls and that returns to it,
    `is_whole` whether nothing is wrong with the slot by itself. A position counts from 1.
    """

    position: int
    label: str
    type: str | None
    id: str | None
    line: int
    column: int
    is_whole: bool
    fields: Mapping[str, Value]
    calls: str | None
    prompts: tuple[str, ...]
    exits: tuple[PictureExit, ...]


@dataclass(frozen=True, slots=True)
class FlowPicture:
    """A flow. `settings` is what it says of the app as a whole, as it is written; `on_hangup` its last slots.

    `on_error` is the position of the slot, or the app, to which a slot leads that fails.
    """

    app: str | None
    title: str
    settings: Mapping[str, Value]
    slots: tuple[PictureSlot, ...]
    on_hangup: tuple[PictureSlot, ...]


def picture_of(draft: Draft) -> FlowPicture:
    """Return the picture of what a text says."""
    written = draft.document.at(draft.location)
    said = written if isinstance(written, dict) else {}
    title = said.get("title")
    return FlowPicture(
        app=draft.app,
        title=title if isinstance(title, str) else "",
        settings={key: value for key, value in said.items() if key not in ("slots", "on_hangup")},
        slots=tuple(_slots(draft)),
        on_hangup=tuple(_slots(draft.on_hangup)) if draft.on_hangup is not None else (),
    )


def _slots(draft: Draft) -> Iterator[PictureSlot]:
    for index, written in enumerate(draft.raw_slots()[: len(draft.slots)]):
        slot = draft.usable(index)
        fields = written if isinstance(written, dict) else {}
        kind = fields.get("slot")
        called = slot.app_call() if slot is not None else None
        line, column = draft.document.place(draft.at(index))
        yield PictureSlot(
            position=index + 1,
            label=draft.label(index),
            type=kind if isinstance(kind, str) else None,
            id=draft.ids[index],
            line=line,
            column=column,
            is_whole=draft.slots[index] is not None,
            fields=fields,
            calls=called.app if called is not None and called.app != NOT_SAID else None,
            prompts=tuple(dict.fromkeys(prompt for _, prompt in slot.prompts())) if slot is not None else (),
            exits=tuple(_exits(draft, index, slot)) if slot is not None else (),
        )


def _exits(draft: Draft, index: int, slot: Slot) -> Iterator[PictureExit]:
    at = draft.document.place(draft.at(index))
    for jumped in sorted(slot.jumps() - {NOT_SAID}):
        yield PictureExit(JUMP, None, Way.APP, None, jumped, None, *at)
    # An exit that the slot does not have, but leads somewhere, is drawn too: the check says what is wrong.
    for name in dict.fromkeys((*slot.exits, *slot.targets)):
        target = slot.targets.get(name)
        if NOT_SAID in (name, target):
            continue
        place = draft.at(index) if target is None else draft.at(index, *slot.written_at(name))
        way, position, app, returns = _way(draft, index, slot, name, target)
        yield PictureExit(name, target, way, position, app, returns, *draft.document.place(place))


def _way(
    draft: Draft, index: int, slot: Slot, name: str, target: str | None
) -> tuple[Way, int | None, str | None, str | None]:
    if target is None:
        # What `Flow.step` does where nothing is written.
        if name != slot.main_exit or slot.ends_call:
            return (Way.HANGUP if slot.ends_call else Way.END), None, None, None
        target = "next"
    if target == "hangup":
        return Way.HANGUP, None, None, None
    if target == "next":
        is_last = index + 1 >= len(draft.slots)
        return (Way.END, None, None, None) if is_last else (Way.SLOT, index + 2, None, None)
    if target.startswith(APP_PREFIX):
        return Way.APP, None, target.removeprefix(APP_PREFIX), None
    if target.startswith(RETURN_PREFIX):
        return Way.RETURN, None, None, target.removeprefix(RETURN_PREFIX)
    if target in draft.ids:
        return Way.SLOT, draft.ids.index(target) + 1, None, None
    return Way.MISSING, None, None, None
