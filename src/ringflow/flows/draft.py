"""One flow as its file says it: with positions, and with holes where a slot cannot be used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ringflow.documents import Document, Location, Value
from ringflow.errors import Problem
from ringflow.flows.flow import Flow
from ringflow.flows.header import AppSettings
from ringflow.flows.slot import Slot


@dataclass(frozen=True, slots=True)
class Draft:
    """What could be read of a flow.

    `slots` has None where a slot has problems; `ids` are as written, also of those. `remains` are what such
    slots would be without what is wrong in them, by their indices, where they would be anything. `slots_at`
    is the location of the list of slots. `problems` are those of this flow alone; `flow` is None if there are
    any. `raw`: the file's bytes, where it comes from one. `settings`: what it says of the app as a whole,
    None where that has problems. `on_hangup`: the slots that run after the caller is gone, as a flow of their
    own.
    """

    document: Document = field(repr=False)
    location: Location
    slots_at: Location
    app: str | None
    slots: tuple[Slot | None, ...]
    ids: tuple[str | None, ...]
    problems: tuple[Problem, ...]
    flow: Flow | None
    remains: Mapping[int, Slot] = field(default_factory=dict)
    raw: bytes = field(default=b"", repr=False)
    settings: AppSettings | None = None
    on_hangup: Draft | None = None

    @property
    def path(self) -> str:
        """The file, as problems name it."""
        return self.document.path

    @property
    def is_complete(self) -> bool:
        """Whether every slot could be used."""
        return bool(self.slots) and None not in self.slots

    def usable(self, index: int) -> Slot | None:
        """A slot, or what remains of it; None where it cannot be told what it would do."""
        return self.slots[index] or self.remains.get(index)

    def label(self, index: int) -> str:
        """How a slot is named in problems: as `Flow.label` names it in logs."""
        slot = self.usable(index)
        return self.ids[index] or f"{slot.slot if slot else 'slot'}[{index + 1}]"

    def at(self, index: int, *steps: str | int) -> Location:
        """The location of a slot, or of something inside it."""
        return (*self.slots_at, index, *steps)

    def field_at(self, index: int, field_name: str) -> Location:
        """The location of a slot's field; that in the app's `defaults` where the slot has it from there."""
        place, default = self.at(index, field_name), (*self.location, "defaults", field_name)
        is_default = self.document.at(place) is None and self.document.at(default) is not None
        return default if is_default else place

    def find(self, index: int, field_name: str | None, text: str) -> Location:
        """Where a slot has `text` written, in one of its fields or in any; the slot itself if nowhere."""
        start = self.field_at(index, field_name) if field_name else self.at(index)
        found = (where for where, one in _texts(self.document.at(start), start) if one == text)
        return next(found, start)

    def raw_slots(self) -> list[Value]:
        """The list of slots as it is written; empty where there is no such list."""
        value = self.document.at(self.slots_at)
        return value if isinstance(value, list) else []

    def texts(self) -> Iterator[str]:
        """Every text in the slots as they are written."""
        for _, text in _texts(self.raw_slots(), ()):
            yield text


def _texts(value: Value, location: Location) -> Iterator[tuple[Location, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*location, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*location, index))
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield location, str(value)
